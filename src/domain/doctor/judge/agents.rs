//! Agents: whether they are there, start, and are logged in.

use super::machine::base;
use crate::domain::agent::detect::{LoginSign, Presence, VersionTold};
use crate::domain::agent::profile_of_program;
use crate::domain::doctor::facts::{AgentFacts, Facts};
use crate::domain::doctor::{Finding, Status};
use crate::domain::failure::quote::shown_path;
use crate::domain::failure::whereabouts::Whereabouts;

pub(super) fn agent(agent: &AgentFacts, facts: &Facts, at: &Whereabouts) -> Finding {
    let program = &agent.found.program;
    let id = format!("doctor.agent.{}", base(program));
    match &agent.found.presence {
        Presence::Absent => absent(id, program, at),
        Presence::Denied { file } => Finding::new(
            id,
            Status::Warn,
            format!("{file} may not be executed"),
            "The file is there, and this user may not execute it.",
        )
        .with(at.there(&format!("chmod +x {}", shown_path(file)))),
        Presence::There { file, told: Some(VersionTold { status, line }) } if *status != 0 => {
            Finding::new(
                id,
                Status::Warn,
                format!("{file} ended with {status} when it was asked for its version: {line}"),
                "An agent that cannot tell its version most often cannot start at all.",
            )
            .with(format!(
                "longhaul remote test {} --agent {}",
                at.place,
                base(program)
            ))
        }
        Presence::There { file, told } => {
            let version = told.as_ref().map_or("", |told| told.line.trim());
            let what =
                if version.is_empty() { file.clone() } else { format!("{version} ({file})") };
            logged_in(id, what, agent, facts, at)
        }
    }
}

fn absent(id: String, program: &str, at: &Whereabouts) -> Finding {
    let install = profile_of_program(program).and_then(|kind| kind.cli().spec().install);
    let what = format!("{program} is not on the login shell's PATH");
    let finding = Finding::new(id, Status::Note, what, "It cannot be run there.");
    match install {
        Some(install) => finding.with(at.there(install)),
        None => finding,
    }
}

fn logged_in(
    id: String,
    what: String,
    agent: &AgentFacts,
    facts: &Facts,
    at: &Whereabouts,
) -> Finding {
    let Some(signs) = agent.search.login else { return Finding::ok(id, what) };
    let sign = match (&agent.configured, &agent.found.login) {
        (Some(name), _) => Some(format!("{name} of the configuration")),
        (None, Some(LoginSign::Variable(name))) => Some(format!("{name} is set there")),
        (None, Some(LoginSign::File(file))) => Some(file.clone()),
        (None, None) => None,
    };
    if let Some(sign) = sign {
        return Finding::ok(id, format!("{what}, logged in ({sign})"));
    }
    let command = match &at.destination {
        Some(to) => format!("{} -- {}", to.ssh("-t"), signs.command),
        None => signs.command.to_owned(),
    };
    // The keychain of macOS is locked for whoever comes by SSH.
    if facts.system == "Darwin" {
        let what = format!("{what}; whether it is logged in cannot be told");
        let why = "It may keep its login in the keychain, which an SSH login cannot open.";
        return Finding::new(id, Status::Note, what, why).with(command);
    }
    Finding::new(
        id,
        Status::Warn,
        format!("{what}, not logged in"),
        "No file and no variable there stands for a login; a session of it would end at once.",
    )
    .with(command)
}
