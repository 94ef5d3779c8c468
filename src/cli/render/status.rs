//! The daemon, its configuration, remotes and agents.

use std::fmt::Write;

use super::attention::question_line;
use super::sessions::ps;
use super::table::table;
use super::told::usage_words;
use super::words::{age, command, duration_ms, size, tame};
use super::{Look, failure_block};
use crate::api::types::{
    AgentView, ConfigView, FailedSessions, LinkView, RemoteView, StatusView, UsedView,
};
use crate::domain::failure::Failure;
use crate::domain::failure::catalogue::CONFIG_INVALID;
use crate::domain::ids::Tag;
use crate::domain::transport::{Chosen, TransportView};

/// Everything at a glance.
pub(in crate::cli) fn status(status: &StatusView, look: Look) -> String {
    let mut text = format!(
        "daemon  {}, pid {}, up {}, state in {}\n",
        status.version,
        status.pid,
        age(&status.started_at, look.now),
        status.state_dir.display()
    );
    for notice in &status.notices {
        let _ = writeln!(text, "notice  {}", notice.trim_end().replace('\n', "\n        "));
    }
    let kept = &status.kept;
    text.push_str(&format!("kept    {} here, {} in spools", size(kept.mirrors), size(kept.spools)));
    match kept.waiting {
        0 => text.push('\n'),
        waiting => text.push_str(&format!("; {waiting} to remove when their hosts are back\n")),
    }
    text.push_str(&config(&status.config, look));
    if let Some(failure) = &status.disk {
        text.push_str(&format!("\n{}\n", failure_block(failure)));
    }
    text.push('\n');
    text.push_str(&remotes(&status.remotes, look));
    text.push_str(&failed(&status.failed, look));
    text.push_str(&used(&status.used, look));
    text.push('\n');
    if status.sessions.is_empty() {
        text.push_str("no live sessions\n");
    } else {
        text.push_str(&ps(&status.sessions, look));
    }
    text
}

/// What failed lately, and where to read more of it; nothing where nothing did.
fn failed(failed: &[FailedSessions], look: Look) -> String {
    if failed.is_empty() {
        return String::new();
    }
    let rows = failed
        .iter()
        .map(|failed| {
            vec![
                failed.place.clone(),
                failed.sessions.to_string(),
                failed.session.to_string(),
                failed.ended_at.as_ref().map_or_else(|| "-".to_owned(), |at| age(at, look.now)),
                code_words(&failed.failure),
            ]
        })
        .collect();
    let header = ["REMOTE", "FAILED", "LAST", "AGE", "WHY"];
    format!("\n{}what to type: longhaul inspect LAST\n", table(&header, rows, look.width))
}

/// A failure on a line.
fn code_words(failure: &Failure) -> String {
    format!("{}: {}", failure.code, tame(&failure.message).replace('\n', " "))
}

/// What agents have taken, by agent and place; nothing where nothing is known.
fn used(used: &[UsedView], look: Look) -> String {
    if used.is_empty() {
        return String::new();
    }
    let rows = used
        .iter()
        .map(|used| {
            let agent = used.agent.as_ref().map(ToString::to_string);
            vec![
                agent.unwrap_or_else(|| "-".to_owned()),
                used.place.clone(),
                used.sessions.to_string(),
                usage_words(&used.usage),
            ]
        })
        .collect();
    format!("\n{}", table(&["AGENT", "REMOTE", "SESSIONS", "USED"], rows, look.width))
}

/// The configuration in force, and the edit that is not: the whole report,
/// until it is mended.
pub(in crate::cli) fn config(config: &ConfigView, look: Look) -> String {
    let path = config.path.display();
    let mut text = if config.exists {
        format!("config  {path}, read {} ago\n", age(&config.loaded_at, look.now))
    } else {
        format!("config  {path} is not there; the defaults are in force\n")
    };
    // Writing to a string cannot fail.
    if let Some(remote) = &config.default_remote {
        let _ = writeln!(text, "        default remote {remote}");
    }
    for warning in &config.warnings {
        let _ = writeln!(text, "        warning: {}", warning.replace('\n', "\n        "));
    }
    if let Some(report) = &config.rejected {
        text.push_str("        THE LAST EDIT IS NOT IN FORCE, the one before it is:\n");
        for line in report.lines() {
            let _ = writeln!(text, "{}", format!("        {line}").trim_end());
        }
        let _ = writeln!(text, "        more: longhaul explain {CONFIG_INVALID}");
    }
    text
}

/// The table of remotes.
pub(in crate::cli) fn remotes(remotes: &[RemoteView], look: Look) -> String {
    if remotes.is_empty() {
        return "no remotes\n".to_owned();
    }
    let header = ["REMOTE", "HOST", "LINK", "SINCE", "SESSIONS", "NEXT TRY", "FAILURE"];
    let rows = remotes.iter().map(|remote| remote_row(remote, look)).collect();
    let mut text = table(&header, rows, look.width);
    for (remote, transport) in remotes.iter().filter_map(unusual_transport) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}", remote.name, transport_words(transport));
    }
    text
}

/// The transport of a remote that does not simply go over the built-in one.
fn unusual_transport(remote: &RemoteView) -> Option<(&RemoteView, &TransportView)> {
    let transport = remote.link.transport.as_ref()?;
    let usual = TransportView::from(&Chosen::default());
    (*transport != usual).then_some((remote, transport))
}

/// `the system's ssh (Auto: GSSAPIAuthentication needs the system's ssh)`.
pub(super) fn transport_words(transport: &TransportView) -> String {
    format!("{} ({})", transport.kind.as_str(), tame(&transport.why))
}

fn remote_row(remote: &RemoteView, look: Look) -> Vec<String> {
    let mut name = remote.name.clone();
    if remote.default {
        name.push_str(" (default)");
    }
    let link = &remote.link;
    vec![
        name,
        remote.destination.clone().unwrap_or_else(|| remote.host.clone()),
        if remote.enabled { link.state.as_str().to_owned() } else { "disabled".to_owned() },
        age(&link.since, look.now),
        remote.sessions.to_string(),
        link.next_try_ms.map_or_else(|| "-".to_owned(), duration_ms),
        failure_words(link).unwrap_or_else(|| "-".to_owned()),
    ]
}

fn failure_words(link: &LinkView) -> Option<String> {
    if let Some(view) = &link.question {
        let kind = view.question.kind().as_str();
        return Some(format!("waits for you ({kind}): longhaul attention {}", view.remote));
    }
    let failure = link.failure.as_ref()?;
    let tries = match link.failures {
        0 | 1 => String::new(),
        more => format!(" ({more} times)"),
    };
    Some(format!("{}{tries}: {}", failure.code, tame(&failure.message).replace('\n', " ")))
}

/// All about one remote.
pub(in crate::cli) fn remote(remote: &RemoteView, look: Look) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12}{value}");
        }
    };
    let link = &remote.link;
    line("name", Some(remote.name.clone()));
    line("label", remote.label.clone());
    line("enabled", Some(if remote.enabled { "yes" } else { "no" }.to_owned()));
    line("default", Some(if remote.default { "yes" } else { "no" }.to_owned()));
    line("host", Some(remote.host.clone()));
    line("destination", remote.destination.clone());
    line("directory", remote.working_dir.clone());
    line("env", (!remote.env.is_empty()).then(|| remote.env.join(" ")));
    let tags: Vec<&str> = remote.tags.iter().map(Tag::as_str).collect();
    line("tags", (!tags.is_empty()).then(|| tags.join(" ")));
    let most = remote.max_sessions.map(|most| format!(" of at most {most}"));
    line("sessions", Some(format!("{}{}", remote.sessions, most.unwrap_or_default())));
    line("slots", remote.slots.map(|slots| slots.to_string()));
    line(
        "link",
        Some(format!(
            "{} for {}, {} up",
            link.state.as_str(),
            age(&link.since, look.now),
            remote.links
        )),
    );
    line("transport", link.transport.as_ref().map(transport_words));
    line("away", link.unreachable_since.as_ref().map(|since| format!("since {since}")));
    line("next try", link.next_try_ms.map(|ms| format!("in {}", duration_ms(ms))));
    if let Some(question) = &link.question {
        let _ = writeln!(text, "\n{}", question_line(question));
    }
    if let Some(failure) = &link.failure {
        let _ = writeln!(text, "\n{}", failure_block(failure));
    }
    text
}

/// The table of agents.
pub(in crate::cli) fn agents(agents: &[AgentView], look: Look) -> String {
    if agents.is_empty() {
        return "no agents\n".to_owned();
    }
    let header = ["AGENT", "PROFILE", "REMOTE", "RUNS ON", "FOUND THERE", "COMMAND"];
    let rows = agents
        .iter()
        .map(|agent| {
            let runs_on = match &agent.runs_on {
                Ok(place) => place.clone(),
                Err(why) => format!("nowhere: {}", tame(why)),
            };
            vec![
                agent.name.to_string(),
                agent.profile.clone(),
                agent.remote.clone(),
                runs_on,
                agent.found.as_ref().map_or_else(|| "-".to_owned(), |found| tame(&found.words())),
                command(&agent.command),
            ]
        })
        .collect();
    table(&header, rows, look.width)
}
