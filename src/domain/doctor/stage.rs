//! The stages of a test: those that failures have, each jump host by itself, and
//! what a test alone does.

use std::fmt;

use crate::domain::failure::{self, trouble::LinkTrouble};
use crate::domain::target::SshSettings;

/// A stage of a test, in the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stage {
    /// What the configuration and `ssh_config`(5) say.
    Config,
    /// Looking up the address.
    Resolve,
    /// The way to the host: TCP, a jump host's forwarding, or a proxy command.
    Connect,
    /// A jump host, from its address to its login; `user@host:port`.
    Jump(String),
    /// Banner and key exchange.
    KeyExchange,
    /// Whether the host is who it was.
    HostKey,
    /// Proving who we are.
    Authentication,
    /// Opening a channel.
    Channel,
    /// From the login shell to the runner.
    Shell,
    /// Entering the working directory.
    WorkingDirectory,
    /// Finding the command, and a place for its spool.
    Command,
    /// Having the agent tell its version.
    AgentVersion,
}

impl Stage {
    /// The stage that a failure here has, where it says nothing else.
    #[must_use]
    pub const fn of_failure(&self) -> failure::Stage {
        use failure::Stage as F;
        match self {
            Self::Config => F::Config,
            Self::Resolve => F::Resolve,
            // A jump host's own login is a part of the way to the host.
            Self::Connect | Self::Jump(_) => F::Connect,
            Self::KeyExchange => F::KeyExchange,
            Self::HostKey => F::HostKey,
            Self::Authentication => F::Authentication,
            Self::Channel => F::Channel,
            Self::Shell => F::Shell,
            Self::WorkingDirectory => F::WorkingDirectory,
            Self::Command | Self::AgentVersion => F::Command,
        }
    }

    /// Where a test shows what was refused before anybody was asked.
    #[must_use]
    pub const fn of_refusal(stage: failure::Stage) -> Self {
        match stage {
            failure::Stage::Resolve => Self::Resolve,
            _ => Self::Config,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump(hop) => write!(f, "jump {hop}"),
            Self::AgentVersion => f.write_str("agent version"),
            stage => stage.of_failure().fmt(f),
        }
    }
}

/// The stages of bringing up a link by these settings.
#[must_use]
pub fn of_link(settings: &SshSettings) -> Vec<Stage> {
    let by_proxy = settings.reach.proxy.is_some();
    if settings.system_ssh.is_some() {
        // The system's ssh goes through hops by a proxy command of its own, and
        // tells nothing of them.
        return of_way(&[], by_proxy || !settings.jumps.is_empty());
    }
    let hops: Vec<String> = settings.jumps.iter().map(SshSettings::address).collect();
    of_way(&hops, by_proxy)
}

/// The stages through these hops, or by a proxy command: where there is either,
/// the name is looked up elsewhere.
fn of_way(hops: &[String], by_proxy: bool) -> Vec<Stage> {
    let mut stages = Vec::new();
    stages.extend((hops.is_empty() && !by_proxy).then_some(Stage::Resolve));
    stages.extend(hops.iter().cloned().map(Stage::Jump));
    stages.extend([Stage::Connect, Stage::KeyExchange, Stage::HostKey, Stage::Authentication]);
    stages
}

/// The stages on a machine that was reached.
#[must_use]
pub fn of_machine(agent: bool) -> Vec<Stage> {
    let mut stages = vec![Stage::Channel, Stage::Shell, Stage::WorkingDirectory, Stage::Command];
    stages.extend(agent.then_some(Stage::AgentVersion));
    stages
}

/// The stage that `trouble` belongs to, which came while `pending` was under way.
#[must_use]
pub fn failed(trouble: &LinkTrouble, pending: Stage) -> Stage {
    match trouble {
        LinkTrouble::Jump { hop, .. } => Stage::Jump(hop.clone()),
        LinkTrouble::Forward { .. } | LinkTrouble::ForwardProhibited { .. } => Stage::Connect,
        LinkTrouble::HostKeyUnknown { .. }
        | LinkTrouble::HostKeyChanged { .. }
        | LinkTrouble::HostKeyRevoked { .. }
        | LinkTrouble::KnownHostsFile { .. } => Stage::HostKey,
        _ => pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(stages: &[Stage]) -> Vec<String> {
        stages.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_stages_follow_the_way() {
        let direct = ["resolve", "connect", "key exchange", "host key", "authentication"];
        assert_eq!(names(&of_way(&[], false)), direct);
        assert_eq!(names(&of_way(&[], true)), direct[1..]);
        let hops = ["me@edge:22", "me@inner:2222"].map(str::to_owned);
        let jumps = ["jump me@edge:22", "jump me@inner:2222"];
        assert_eq!(names(&of_way(&hops, false)), [&jumps, &direct[1..]].concat());
        assert_eq!(of_machine(false).last(), Some(&Stage::Command));
        assert_eq!(of_machine(true).last(), Some(&Stage::AgentVersion));
    }

    #[test]
    fn a_trouble_that_says_where_it_happened_is_believed() {
        let unknown = LinkTrouble::HostKeyUnknown {
            name: "box".to_owned(),
            fingerprint: "SHA256:x".to_owned(),
        };
        assert_eq!(failed(&unknown, Stage::KeyExchange), Stage::HostKey);
        let hop = "me@edge:22".to_owned();
        let jump = LinkTrouble::Jump { hop: hop.clone(), trouble: Box::new(unknown) };
        assert_eq!(failed(&jump, Stage::Connect), Stage::Jump(hop.clone()));
        let forward = LinkTrouble::ForwardProhibited { hop, to: "box:22".to_owned() };
        assert_eq!(failed(&forward, Stage::Connect), Stage::Connect);
        assert_eq!(failed(&LinkTrouble::Refused, Stage::Connect), Stage::Connect);
    }
}
