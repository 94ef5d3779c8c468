//! Failures: what can go wrong, by name.
//!
//! [`trouble`] is what the layers below report, typed by the phase in which it
//! happened, [`greeting`] what came in place of a server's greeting, and
//! [`local_trouble`] what this machine and its configuration can have. [`classify`] turns them into a [`Failure`] by the [`catalogue`], which
//! knows for every code its stage, its disposition and the command that mends
//! it; [`explain`] prints the catalogue. [`exit_text`] reads the last words of
//! a command that did not start. Text that a person reads is made here and
//! nowhere else.

pub mod catalogue;
pub mod classify;
pub mod exit_text;
pub mod explain;
pub mod greeting;
pub mod local_trouble;
pub mod quote;
pub mod template;
pub mod trouble;
pub mod whereabouts;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::catalogue::{Code, Session};

/// Where on the way from the configuration to the running command it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Reading the configuration.
    Config,
    /// Finding the place where the session runs, or the host's address.
    Resolve,
    /// Opening the TCP connection, to the host or to a jump host.
    Connect,
    /// Agreeing on algorithms and keys.
    KeyExchange,
    /// Checking who the host is.
    HostKey,
    /// Proving who we are.
    Authentication,
    /// Opening a channel on the link.
    Channel,
    /// Getting past the login shell and into the runner.
    Shell,
    /// Entering the working directory.
    WorkingDirectory,
    /// Starting the command.
    Command,
    /// While the command ran.
    Run,
    /// On this machine: the daemon, its state, its socket.
    Local,
}

/// What happens next without anybody doing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// It is tried again, for ever, with growing pauses.
    Retries,
    /// Nothing, until a person has done what the remedy says.
    WaitsForYou,
    /// It is over.
    Final,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::KeyExchange => "key exchange",
            Self::HostKey => "host key",
            Self::Authentication => "authentication",
            Self::Channel => "channel",
            Self::Shell => "shell",
            Self::WorkingDirectory => "working directory",
            Self::Command => "command",
            Self::Run => "run",
            Self::Local => "local",
        })
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retries => "retries",
            Self::WaitsForYou => "waits for you",
            Self::Final => "final",
        })
    }
}

/// A classified error, ready for people and scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code, such as `ssh.auth.denied`: `longhaul explain CODE`.
    pub code: String,
    /// Where on the way it happened.
    pub stage: Stage,
    /// What happens next.
    pub disposition: Disposition,
    /// The remote's name, or `local`.
    pub place: String,
    /// What happened, in a sentence, with the real host, user and file.
    pub message: String,
    /// What it was told by, in the words of the system, SSH or the shell.
    pub evidence: Option<String>,
    /// What to type, line by line, with the real host, user and file; a line
    /// that starts with `#` says something instead.
    pub remedy: Option<String>,
}

impl Failure {
    /// Whether it names processes that could not be ended.
    #[must_use]
    pub fn names_survivors(&self) -> bool {
        self.code == Code::Session(Session::Survivors).as_str()
    }
}
