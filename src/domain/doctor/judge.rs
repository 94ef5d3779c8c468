//! From facts to findings.

mod agents;
mod machine;
mod sessions;
#[cfg(test)]
mod tests;

use super::facts::{AgentFacts, Facts, LinkFacts, Strays};
use super::finding::{Finding, Status};
use crate::domain::failure::classify::session_failure;
use crate::domain::failure::trouble::SessionTrouble;
use crate::domain::failure::whereabouts::Whereabouts;

/// All that was gathered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// What the runner found out.
    pub facts: Facts,
    /// What the link told; `None` on this machine, which has none.
    pub link: Option<LinkFacts>,
    /// What nobody knows of; `None` if that could not be told.
    pub strays: Option<Strays>,
    /// The agents; `None` if they could not be looked for.
    pub agents: Option<Vec<AgentFacts>>,
}

/// What is found in what was gathered at `at`, each thing that was looked at
/// once and in the same order.
#[must_use]
pub fn judge(gathered: &Gathered, at: &Whereabouts) -> Vec<Finding> {
    let Gathered { facts, link, strays, agents } = gathered;
    let mut findings = vec![
        machine::noise(facts, at),
        machine::shell(facts),
        machine::path(facts, at),
        machine::setsid(facts, at),
        machine::tools(facts, at),
    ];
    if let Some(link) = link {
        findings.extend(link.channels.map(|channels| machine::channels(channels, at)));
        findings.extend(link.skew.map(|skew| machine::clock(skew, at)));
    }
    findings.extend(sessions::spool(facts, at));
    findings.extend(facts.disk.map(|disk| sessions::disk(disk, facts, at)));
    findings.extend(facts.inodes.map(|inodes| sessions::inodes(inodes, facts, at)));
    findings.extend(sessions::file_system(facts, at));
    findings.push(sessions::logout(facts, at));
    findings.extend(strays.as_ref().map(|strays| sessions::strays(strays, at)));
    for agent in agents.iter().flatten() {
        findings.push(agents::agent(agent, facts, at));
    }
    findings
}

/// The variables that the configuration sets for sessions there, and what keeps one
/// of them from having a value.
#[must_use]
pub fn environment(number: usize, trouble: Option<&SessionTrouble>, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.env";
    let Some(trouble) = trouble else {
        return Finding::ok(ID, format!("{number} of the configuration have their values"));
    };
    let failure = session_failure(trouble, at);
    let why = "No session starts there with a value missing: it would run as something else.";
    let finding = Finding::new(ID, Status::Fail, failure.message, why);
    match failure.remedy {
        Some(remedy) => finding.with(remedy),
        None => finding,
    }
}

/// What could not be gathered, with the words for it.
#[must_use]
pub fn ungathered(id: &str, detail: &str, at: &Whereabouts) -> Finding {
    let what = format!("it could not be found out: {detail}");
    let why = "The machine was reached, and this part of it gave no answer.";
    Finding::new(id, Status::Warn, what, why).with(format!("longhaul remote test {}", at.place))
}
