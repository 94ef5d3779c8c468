//! What a configuration holds once it has been read and found right.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub use crate::domain::agent::{Arguments, Permissions, Profile};
use crate::domain::ids::{AgentName, RemoteName, Tag};
use crate::domain::max_output::MaxOutput;
use crate::domain::retention::Retention;
use crate::domain::secret::Secret;
pub use crate::domain::session::RestartPolicy;
pub use crate::domain::target::SshConfigUse;
pub use crate::domain::transport::TransportChoice;

/// The only version of the format so far.
pub const VERSION: u32 = 1;

/// A whole configuration: the main file and its fragments, merged and checked.
///
/// Names that it refers to exist, but they may be disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where sessions run that say nothing else; `None` is this machine.
    pub default_remote: Option<RemoteName>,
    /// How long a link without sessions is kept open.
    pub idle_link: Duration,
    /// How long a session may take to end between TERM and KILL.
    pub kill_grace: Duration,
    /// What is kept of sessions that have ended.
    pub retention: Retention,
    /// How many sessions may run at once; `None` for any number.
    pub max_sessions: Option<u32>,
    /// The remotes, by name.
    pub remotes: BTreeMap<RemoteName, Remote>,
    /// The agents, by name.
    pub agents: BTreeMap<AgentName, Agent>,
}

impl Config {
    /// Long enough that a person who runs one command after another never
    /// waits for a handshake.
    pub const DEFAULT_IDLE_LINK: Duration = Duration::from_secs(600);
    /// Long enough for an agent to save its conversation.
    pub const DEFAULT_KILL_GRACE: Duration = Duration::from_secs(10);
}

impl Default for Config {
    /// What an absent file means: no remotes, so everything runs here.
    fn default() -> Self {
        Self {
            default_remote: None,
            idle_link: Self::DEFAULT_IDLE_LINK,
            kill_grace: Self::DEFAULT_KILL_GRACE,
            retention: Retention::default(),
            max_sessions: None,
            remotes: BTreeMap::new(),
            agents: BTreeMap::new(),
        }
    }
}

/// A named SSH destination. What is `None` is `ssh_config`(5)'s to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The name for people.
    pub label: Option<String>,
    /// A name, an address, or what a `Host` pattern of `ssh_config`(5)
    /// matches; the remote's own name where the file leaves it out.
    pub host: String,
    /// The port, from 1.
    pub port: Option<u16>,
    /// The user on the other side.
    pub user: Option<String>,
    /// The private key's file: absolute, with `~` expanded.
    pub identity_file: Option<PathBuf>,
    /// The working directory there of sessions that name none; `~` is the
    /// home directory there.
    pub working_dir: Option<String>,
    /// Environment variables of every session there.
    pub env: BTreeMap<EnvName, EnvValue>,
    /// Whether sessions may run there.
    pub enabled: bool,
    /// Which `ssh_config`(5) is consulted.
    pub ssh_config: SshConfigUse,
    /// What its links go over.
    pub transport: TransportChoice,
    /// How long a session that cannot be started is tried; `None` for ever.
    pub start_within: Option<Duration>,
    /// How much of a session's output is kept there; `None` keeps all of it.
    pub max_output: Option<MaxOutput>,
    /// How many sessions may run there at once; `None` for any number.
    pub max_sessions: Option<u32>,
    /// What it can be found by.
    pub tags: BTreeSet<Tag>,
    /// How many sessions it has room for, when one of several is chosen;
    /// `None` is `max_sessions`.
    pub slots: Option<u32>,
}

impl Remote {
    /// An enabled remote with nothing set but its host.
    #[must_use]
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            label: None,
            host: host.into(),
            port: None,
            user: None,
            identity_file: None,
            working_dir: None,
            env: BTreeMap::new(),
            enabled: true,
            ssh_config: SshConfigUse::On,
            transport: TransportChoice::Auto,
            start_within: None,
            max_output: None,
            max_sessions: None,
            tags: BTreeSet::new(),
            slots: None,
        }
    }
}

/// A named way to start a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// How it takes a prompt and how its output reads.
    pub profile: Profile,
    /// The program, and what goes before the profile's own arguments; `None`
    /// is the profile's own program. Never empty, and always there for
    /// [`Profile::Generic`].
    pub command: Option<Vec<String>>,
    /// Further arguments.
    pub args: Vec<String>,
    /// The parts of the profile's command line that this agent has otherwise;
    /// an empty `run` or `version` is the profile's.
    pub arguments: Arguments<Vec<String>>,
    /// The model; `None` is the program's own choice.
    pub model: Option<String>,
    /// Which checks the program makes before it does something.
    pub permissions: Permissions,
    /// Directories over there that it may use besides its working directory.
    pub extra_dirs: Vec<String>,
    /// Environment variables, over those of the remote.
    pub env: BTreeMap<EnvName, EnvValue>,
    /// Where it runs.
    pub remote: AgentRemote,
    /// The working directory, over that of the remote.
    pub working_dir: Option<String>,
    /// How much of its output is kept where it runs, over that of the remote.
    pub max_output: Option<MaxOutput>,
    /// When a session of it that has ended is started anew.
    pub restart: RestartPolicy,
    /// How many sessions of it may run at once; `None` for any number.
    pub max_sessions: Option<u32>,
}

/// Where an agent runs when its session says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum AgentRemote {
    /// The global default where one is set, else this machine.
    #[default]
    Default,
    /// This machine.
    Local,
    /// That remote.
    On(RemoteName),
}

impl fmt::Display for AgentRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.pad("default"),
            Self::Local => f.pad("local"),
            Self::On(name) => name.fmt(f),
        }
    }
}

/// The name of an environment variable: letters, digits and `_`, and no digit
/// first, which is what every POSIX shell takes; and none that some shell keeps
/// for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvName(String);

/// A text that cannot name an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvNameError {
    /// Nothing was given.
    #[error("an environment variable needs a name")]
    Empty,
    /// A digit comes first.
    #[error("the name of an environment variable does not start with a digit")]
    DigitFirst,
    /// A character that no shell takes.
    #[error("the name of an environment variable has letters, digits and '_'; {0:?} is not one")]
    Character(char),
    /// A name that some shell keeps for itself.
    #[error("the environment variable {0} cannot be set: shells keep it for themselves")]
    Reserved(String),
}

/// Names that some `/bin/sh` has read-only, gives a meaning of its own, or takes
/// for an order: to assign `UID` in zsh is to change the user.
const RESERVED: [&str; 17] = [
    "_",
    "BASHOPTS",
    "BASH_VERSINFO",
    "EGID",
    "EUID",
    "GID",
    "GROUPS",
    "HISTCMD",
    "KSH_VERSION",
    "LINENO",
    "LONGHAUL_SESSION",
    "OPTIND",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "UID",
];

impl EnvName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvName {
    type Err = EnvNameError;

    fn from_str(text: &str) -> Result<Self, EnvNameError> {
        let first = text.chars().next().ok_or(EnvNameError::Empty)?;
        if first.is_ascii_digit() {
            return Err(EnvNameError::DigitFirst);
        }
        match text.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '_')) {
            Some(bad) => Err(EnvNameError::Character(bad)),
            None if RESERVED.contains(&text) => Err(EnvNameError::Reserved(text.to_owned())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl Borrow<str> for EnvName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where the value of an environment variable comes from.
///
/// All but the first are looked up on this machine, anew for every session.
#[derive(Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// This text.
    Plain(Secret),
    /// The daemon's own variable of this name.
    FromEnv(EnvName),
    /// What this file holds: absolute, with `~` expanded.
    FromFile(PathBuf),
    /// What this program prints; never empty.
    FromCommand(Vec<String>),
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::FromEnv(_) => "FromEnv(…)",
            Self::FromFile(_) => "FromFile(…)",
            // Its arguments may name what they unlock.
            Self::FromCommand(_) => "FromCommand(…)",
        })
    }
}

/// The environment of a session: the remote's, and over it the agent's.
#[must_use]
pub fn united_env(remote: Option<&Remote>, agent: Option<&Agent>) -> BTreeMap<EnvName, EnvValue> {
    let remote = remote.into_iter().flat_map(|remote| remote.env.clone());
    let agent = agent.into_iter().flat_map(|agent| agent.env.clone());
    remote.chain(agent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_env_name_is_what_a_shell_can_export() {
        for good in ["A", "_A", "a1", "RUST_LOG"] {
            assert_eq!(good.parse::<EnvName>().unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", EnvNameError::Empty),
            ("1A", EnvNameError::DigitFirst),
            ("A-B", EnvNameError::Character('-')),
            ("A=B", EnvNameError::Character('=')),
            ("É", EnvNameError::Character('É')),
            ("UID", EnvNameError::Reserved("UID".to_owned())),
        ] {
            assert_eq!(bad.parse::<EnvName>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn debug_output_of_a_remote_shows_no_env_value() {
        let mut remote = Remote::new("box");
        remote.env.insert("T".parse().unwrap(), EnvValue::Plain(Secret::new("hunter2")));
        assert!(!format!("{remote:?}").contains("hunter2"));
    }

    #[test]
    fn an_agents_variable_goes_over_the_remotes() {
        let value = |text: &str| EnvValue::Plain(Secret::new(text));
        let env = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, text)| (name.parse().unwrap(), value(text))).collect()
        };
        let remote = Remote { env: env(&[("A", "r"), ("B", "r")]), ..Remote::new("h") };
        let agent = Agent { env: env(&[("B", "a"), ("C", "a")]), ..Agent::default() };
        let both = united_env(Some(&remote), Some(&agent));
        assert_eq!(both, env(&[("A", "r"), ("B", "a"), ("C", "a")]));
    }
}
