//! What happened, for those who watch and those who ask later.

use serde::{Deserialize, Serialize};

use super::agent::AgentEvent;
use super::attention::{QuestionId, QuestionKind};
use super::connection::LinkState;
use super::ids::SessionId;
use super::session::{Exit, SessionState};
use super::timestamp::Timestamp;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Durable and growing; gaps are allowed.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// A session was taken in.
    SessionCreated {
        /// The session.
        session: SessionId,
        /// Where it is to run.
        place: String,
    },
    /// A session's state changed.
    SessionChanged {
        /// The session.
        session: SessionId,
        /// Where in its life it is now.
        state: SessionState,
        /// How it ended, where it did.
        exit: Option<Exit>,
        /// The failure's code, where there is one.
        failure: Option<String>,
    },
    /// A session's agent told something of its work.
    Agent {
        /// The session.
        session: SessionId,
        /// The byte of its standard output at which the line begins that tells
        /// it.
        offset: u64,
        /// What; long texts are cut, and whole in the output.
        told: AgentEvent,
    },
    /// A session and its files were removed.
    SessionRemoved {
        /// The session.
        session: SessionId,
    },
    /// A connection's state changed.
    LinkChanged {
        /// The remote.
        remote: String,
        /// How its connection is now.
        state: LinkState,
        /// The failure's code, where there is one.
        failure: Option<String>,
    },
    /// A person is needed for a remote's connection. What is asked is told by
    /// `GET /v1/attention`.
    AttentionAsked {
        /// The remote.
        remote: String,
        /// The question.
        question: QuestionId,
        /// What kind it is.
        kind: QuestionKind,
    },
    /// A question was answered, or is not needed any more.
    AttentionSettled {
        /// The remote.
        remote: String,
        /// The question.
        question: QuestionId,
        /// What kind it was.
        kind: QuestionKind,
        /// Whether a person answered it.
        answered: bool,
    },
    /// A new configuration is in force.
    ConfigReloaded {
        /// What changed, a line each.
        changes: Vec<String>,
    },
    /// An edit was refused; the earlier configuration stays in force.
    ConfigRejected {
        /// The report.
        report: String,
    },
}
