//! What agents told and took.

use serde::{Deserialize, Serialize};

use super::{AgentEvent, Usage};
use crate::domain::ids::AgentName;

/// One thing that an agent told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldView {
    /// The byte of the session's standard output at which its line begins.
    pub offset: u64,
    /// What; long texts are cut, and whole in the output.
    #[serde(flatten)]
    pub told: AgentEvent,
}

/// What sessions of one agent have taken at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedView {
    /// The agent.
    pub agent: Option<AgentName>,
    /// Where.
    pub place: String,
    /// How many sessions.
    pub sessions: u32,
    /// How much.
    pub usage: Usage,
}
