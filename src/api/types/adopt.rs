//! Taking in the sessions that run on a host and are not known here.

use serde::{Deserialize, Serialize};

use super::Exit;
use crate::domain::ids::{AgentName, SessionId, SessionName};

/// `POST /v1/remotes/{name}/adopt`; the name `local` is this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdoptRequest {
    /// Take in what other control machines started, too.
    pub all: bool,
    /// Only tell what would be taken in.
    pub dry_run: bool,
}

/// What was found on a host, and what of it was taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdoptReport {
    /// The remote, `local`, or the destination as it was given.
    pub remote: String,
    /// Whether nothing was taken in, and it is only told what would be.
    pub dry_run: bool,
    /// Sessions there that are known here already.
    pub known: u64,
    /// The others.
    pub sessions: Vec<FoundSession>,
}

/// A session that was found on a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundSession {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: Option<SessionName>,
    /// Whether a live session here has that name, so that this one loses it.
    pub name_taken: bool,
    /// The agent it runs, if it runs one.
    pub agent: Option<AgentName>,
    /// The program and its arguments; empty where nothing tells.
    pub command: Vec<String>,
    /// The working directory that was asked for.
    pub cwd: Option<String>,
    /// When it was asked for.
    pub created_at: Option<String>,
    /// Who started it, as `user@hostname`; `None` where nothing tells.
    pub origin: Option<String>,
    /// How it was when it was found: `running`, `ended`, `lost`, …
    pub state: String,
    /// The status that its command ended with, where it did.
    pub exit: Option<Exit>,
    /// Bytes of standard output there.
    pub stdout: u64,
    /// Bytes of standard error there.
    pub stderr: u64,
    /// Whether it is taken in.
    pub taken: bool,
}
