//! How many sessions may run at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::config::Config;
use crate::domain::ids::{AgentName, RemoteName};
use crate::domain::session::SessionRecord;
use crate::domain::target::Place;

/// The most that may run at once; what is not in here has no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub all: Option<u32>,
    /// On one remote.
    pub remotes: BTreeMap<RemoteName, u32>,
    /// Of one agent.
    pub agents: BTreeMap<AgentName, u32>,
}

impl Limits {
    /// Those of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let remotes = config.remotes.iter();
        let agents = config.agents.iter();
        Self {
            all: config.max_sessions,
            remotes: remotes
                .filter_map(|(name, remote)| Some((name.clone(), remote.max_sessions?)))
                .collect(),
            agents: agents
                .filter_map(|(name, agent)| Some((name.clone(), agent.max_sessions?)))
                .collect(),
        }
    }

    /// Those of the configuration that takes the place of the one that these are
    /// of. A remote that is not in it any more keeps its limit: what waits for it
    /// would else start there all at once.
    #[must_use]
    pub fn followed_by(&self, config: &Config) -> Self {
        let mut limits = Self::of(config);
        let gone = self.remotes.iter().filter(|(name, _)| !config.remotes.contains_key(*name));
        limits.remotes.extend(gone.map(|(name, most)| (name.clone(), *most)));
        limits
    }

    /// The most for one of them.
    #[must_use]
    pub(super) fn most(&self, counted: &Counted) -> Option<u32> {
        match counted {
            Counted::All => self.all,
            Counted::Remote(name) => self.remotes.get(name).copied(),
            Counted::Agent(name) => self.agents.get(name).copied(),
        }
    }
}

/// What a session counts against, besides all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The remote that it runs on; `None` here and at ad hoc places.
    pub remote: Option<RemoteName>,
    /// The agent that it runs.
    pub agent: Option<AgentName>,
}

impl Needs {
    /// Those of a session.
    #[must_use]
    pub fn of(record: &SessionRecord) -> Self {
        let remote = match &record.place {
            Place::Remote(name) => Some(name.clone()),
            Place::Local | Place::AdHoc(_) => None,
        };
        Self { remote, agent: record.agent.clone() }
    }

    /// What it is counted in, the narrowest first.
    pub(super) fn counted(&self) -> impl Iterator<Item = Counted> + use<> {
        let remote = self.remote.clone().map(Counted::Remote);
        let agent = self.agent.clone().map(Counted::Agent);
        remote.into_iter().chain(agent).chain([Counted::All])
    }
}

/// What sessions are counted in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counted {
    /// All of them.
    All,
    /// Those on one remote.
    Remote(RemoteName),
    /// Those of one agent.
    Agent(AgentName),
}

impl Counted {
    /// Why a session waits that finds this one full.
    pub(super) fn waits_for(self, most: u32) -> WaitsFor {
        match self {
            Self::All => WaitsFor::All { most },
            Self::Remote(remote) => WaitsFor::Remote { remote, most },
            Self::Agent(agent) => WaitsFor::Agent { agent, most },
        }
    }
}

/// Why a session's turn has not come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "limit", rename_all = "kebab-case")]
pub enum WaitsFor {
    /// As many run as may in all.
    All {
        /// How many that is.
        most: u32,
    },
    /// As many run on its remote as may.
    Remote {
        /// The remote.
        remote: RemoteName,
        /// How many that is.
        most: u32,
    },
    /// As many of its agent run as may.
    Agent {
        /// The agent.
        agent: AgentName,
        /// How many that is.
        most: u32,
    },
    /// There is room, kept for a session that was passed by too often.
    Older,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::Remote;

    fn config(remotes: &[(&str, Option<u32>)]) -> Config {
        let mut config = Config::default();
        for (name, max_sessions) in remotes {
            let remote = Remote { max_sessions: *max_sessions, ..Remote::new("h") };
            config.remotes.insert(name.parse().expect("a name"), remote);
        }
        config
    }

    #[test]
    fn a_remote_that_is_gone_keeps_its_limit_and_one_that_is_there_does_not() {
        let before = Limits::of(&config(&[("a", Some(1)), ("b", Some(2)), ("c", Some(3))]));
        let after = before.followed_by(&config(&[("b", None), ("c", Some(4))]));
        let most = |name: &str| after.remotes.get(name).copied();
        assert_eq!([most("a"), most("b"), most("c")], [Some(1), None, Some(4)]);
    }
}
