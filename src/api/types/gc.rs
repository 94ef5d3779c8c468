//! What is removed, since it need not be kept.

use serde::{Deserialize, Serialize};

use super::Why;
use crate::domain::ids::{SessionId, SessionName};

/// `POST /v1/gc`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GcRequest {
    /// Remove nothing; only say what would be.
    pub dry_run: bool,
}

/// What `POST /v1/gc` did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcView {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// All that is to go.
    pub items: Vec<GcItem>,
}

/// One thing that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcItem {
    /// The session.
    pub session: SessionId,
    /// Its name; `None` also for one that is in the list no more.
    pub name: Option<SessionName>,
    /// Where it ran.
    pub place: String,
    /// What goes.
    pub what: GcWhat,
    /// Why.
    pub why: Why,
    /// Bytes that it takes, as far as is known.
    pub size: u64,
    /// What became of it.
    pub fate: GcFate,
    /// Why it is still there, where something went wrong.
    pub detail: Option<String>,
}

/// What can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GcWhat {
    /// A spool, on the machine where the session ran.
    Spool,
    /// A session with its mirror, here.
    Session,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GcFate {
    /// It would be removed.
    Due,
    /// It is gone.
    Removed,
    /// Its host cannot be reached now.
    Waits,
    /// It is still there; see `detail`.
    Stays,
}
