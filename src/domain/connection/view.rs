//! What people see of a connection.

use serde::{Deserialize, Serialize};

use super::state::LinkState;
use crate::domain::attention::QuestionView;
use crate::domain::failure::Failure;
use crate::domain::transport::TransportView;

/// How the connection to a remote is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkView {
    /// The state's name.
    pub state: LinkState,
    /// Tries in a row that failed.
    pub failures: u32,
    /// Milliseconds until the next try, as of now.
    pub next_try_ms: Option<u64>,
    /// When the next try comes; it comes earlier where the host is seen to be
    /// back before.
    #[serde(default)]
    pub next_try_at: Option<String>,
    /// Why it is not connected, where it should be; while it is tried again,
    /// what came of the last try.
    pub failure: Option<Failure>,
    /// What a person is asked, where one is needed.
    #[serde(default)]
    pub question: Option<QuestionView>,
    /// What it goes over, and why, as of the last dial.
    #[serde(default)]
    pub transport: Option<TransportView>,
    /// Since when it is in this state.
    pub since: String,
    /// Since when there is no link where there should be one; `None` while
    /// there is one, while the first is brought up, and where none is needed.
    #[serde(default)]
    pub unreachable_since: Option<String>,
}
