//! Where a session runs, and how that place is reached.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::RemoteName;
use super::secret::Secret;
use super::ssh_options::{Login, Offer, Reach};
use super::transport::{Chosen, TransportChoice};

/// A place that a session can run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// This machine.
    Local,
    /// A remote of the configuration.
    Remote(RemoteName),
    /// A destination that was named on the command line.
    AdHoc(Destination),
}

/// `[user@]host[:port]`, as given on the command line; the rest is
/// `~/.ssh/config`'s.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Destination {
    /// The user, where one was given.
    pub user: Option<String>,
    /// A name, an address, or a `Host` pattern's name.
    pub host: String,
    /// The port, where one was given.
    pub port: Option<u16>,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Remote(name) => name.fmt(f),
            Self::AdHoc(destination) => destination.fmt(f),
        }
    }
}

/// Everything that decides how one SSH destination is dialled: the outcome of
/// the remote's configuration laid over `ssh_config`(5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SshSettings {
    /// What to connect to: `HostName`, else the name as given.
    pub host_name: String,
    /// The name under which the host key is known: the destination as given,
    /// resolved through `HostName`, in lower case, without the port.
    pub host_key_name: String,
    /// `HostKeyAlias`: takes the place of `host_key_name` and of the port.
    pub host_key_alias: Option<String>,
    /// The port.
    pub port: u16,
    /// The user on the other side.
    pub user: String,
    /// Key files, in the order in which they are tried; `~` is expanded.
    pub identity_files: Vec<PathBuf>,
    /// Whether `identity_files` was set by somebody, or is OpenSSH's default
    /// list (where a missing file is no fault).
    pub identities_explicit: bool,
    /// `IdentitiesOnly`: the agent's keys are used only where
    /// `identity_files` names them.
    pub identities_only: bool,
    /// Hops, outermost first; each is reached through the one before it.
    pub jumps: Vec<SshSettings>,
    /// When a silent peer counts as gone.
    pub keep_alive: KeepAlive,
    /// The bound for each phase before the link is up.
    pub connect_timeout: Duration,
    /// What happens with a host that is in no known_hosts file.
    pub unknown_host: UnknownHost,
    /// What else decides about the host key.
    pub host_key_rules: HostKeyRules,
    /// Known-hosts files of the user, read in order; new keys go to the first.
    pub user_known_hosts: Vec<PathBuf>,
    /// Known-hosts files of the system.
    pub global_known_hosts: Vec<PathBuf>,
    /// The agent's socket, where there is an agent.
    pub agent_socket: Option<PathBuf>,
    /// `ForwardAgent`: the socket of the agent that sessions there may use.
    pub forward_agent: Option<PathBuf>,
    /// How the first byte gets there.
    pub reach: Reach,
    /// How we prove who we are, besides with which keys.
    pub login: Login,
    /// What is offered in the key exchange.
    pub offer: Offer,
    /// What the server is told of our environment, for each command.
    pub env: Vec<(String, Secret)>,
    /// What the link goes over, and why.
    pub transport: Chosen,
    /// What the system's `ssh` is told, where that is the transport.
    pub system_ssh: Option<SystemSsh>,
}

impl SshSettings {
    /// Who is logged in to: `user@host:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn address(&self) -> String {
        let Self { user, host_name, port, .. } = self;
        match host_name.contains(':') {
            true => format!("{user}@[{host_name}]:{port}"),
            false => format!("{user}@{host_name}:{port}"),
        }
    }

    /// The host that is connected to first, by TCP; `None` where a proxy command
    /// is the way to it, and nobody knows what that connects to.
    #[must_use]
    pub fn first_hop(&self) -> Option<&Self> {
        let first = self.jumps.first().unwrap_or(self);
        first.reach.proxy.is_none().then_some(first)
    }
}

/// What the system's `ssh` is told of a destination; the rest it reads itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SystemSsh {
    /// The destination as it was given.
    pub host: String,
    /// The port, where one was given.
    pub port: Option<u16>,
    /// The user, where one was given.
    pub user: Option<String>,
    /// A key file that is tried first.
    pub identity_file: Option<PathBuf>,
    /// Which `ssh_config` is read.
    pub ssh_config: SshConfigUse,
}

/// What is known of an SSH destination before `ssh_config`(5) is asked.
///
/// What is set here goes before what `ssh_config` says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SshRequest {
    /// The name, address or `Host` pattern's name.
    pub host: String,
    /// The port, where one was given.
    pub port: Option<u16>,
    /// The user, where one was given.
    pub user: Option<String>,
    /// A key file that is tried before those of `ssh_config`; `~` and the
    /// tokens of `IdentityFile` are expanded.
    pub identity_file: Option<PathBuf>,
    /// Which `ssh_config` is read.
    pub ssh_config: SshConfigUse,
    /// What the link is to go over.
    #[serde(default, skip_serializing_if = "TransportChoice::is_auto")]
    pub transport: TransportChoice,
}

/// Which `ssh_config`(5) files have a say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum SshConfigUse {
    /// The user's and the system's, as `ssh` reads them.
    #[default]
    On,
    /// None.
    Off,
    /// This one and no other, as with `ssh -F`.
    File(PathBuf),
}

/// Keep-alive: a peer that is silent for `interval × count` is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeepAlive {
    /// Time between probes; `None` sends none.
    pub interval: Option<Duration>,
    /// Unanswered probes after which the link is lost.
    pub count: u32,
}

impl Default for KeepAlive {
    /// 15 s × 3: a dead link is noticed within a minute, and a quiet one
    /// survives the usual NAT table.
    fn default() -> Self {
        Self { interval: Some(Duration::from_secs(15)), count: 3 }
    }
}

/// `StrictHostKeyChecking`: what happens with a host that is in no known_hosts
/// file, or shows another key than is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnknownHost {
    /// `accept-new`: trust a host's first key and remember it.
    #[default]
    AcceptNew,
    /// `ask`: a person decides about the first key.
    Ask,
    /// `yes`: refuse a host that is not known.
    Refuse,
    /// `no` or `off`: trust a first key, and go on when a known one has changed.
    /// A revoked key is refused all the same.
    AcceptAny,
}

/// `UpdateHostKeys`: whether what a known host tells of its keys is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Update {
    /// No.
    #[default]
    No,
    /// Yes.
    Yes,
    /// After a person's yes.
    Ask,
}

/// What decides about a host key besides `StrictHostKeyChecking` and the files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct HostKeyRules {
    /// `HashKnownHosts`: a name that is learned is written as its hash.
    pub hash_names: bool,
    /// `UpdateHostKeys`: further keys that a known host proves to have are
    /// learned, and those that it no longer has are forgotten.
    pub update: Update,
    /// `CheckHostIP`: the address of the host is looked up as well, and learned.
    pub check_ip: bool,
    /// `RevokedHostKeys`: files of keys that no host may show, as text.
    pub revoked: Vec<PathBuf>,
    /// `KnownHostsCommand`, with its tokens expanded, apart from those that
    /// only the key exchange knows (`%H`, `%I`, `%K`, `%t`, `%f`).
    pub command: Option<Vec<String>>,
}
