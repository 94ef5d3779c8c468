//! What changes while a session is watched.

use serde::{Deserialize, Serialize};

use super::state::{Exit, SessionState};
use crate::domain::connection::LinkView;
use crate::domain::failure::Failure;
use crate::domain::queue::WaitsFor;
use crate::domain::stream::Stream;

/// What changes while a session is watched: one line of `GET …/watch`.
///
/// A line is sent at once, then whenever something in it changed; lines in
/// between may be left out, the last one never is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    /// Where in its life it is.
    pub state: SessionState,
    /// How the link to it is; `None` for local and for ended sessions.
    pub link: Option<LinkView>,
    /// Bytes of standard output that are here.
    pub stdout: u64,
    /// Bytes of standard error that are here.
    pub stderr: u64,
    /// The status that the command ended with.
    pub exit: Option<Exit>,
    /// What went wrong, where something did.
    pub failure: Option<Failure>,
    /// What will go wrong if nobody does anything.
    #[serde(default)]
    pub warnings: Vec<Failure>,
    /// Why its output does not come here for now, though it could: this
    /// machine's disk. The session runs on, and what is missing is fetched.
    #[serde(default)]
    pub mirror_paused: Option<Failure>,
    /// Bytes that were there and not here when that was last looked up, while the
    /// mirror is paused; `None` if the host did not tell.
    #[serde(default)]
    pub mirror_behind: Option<u64>,
    /// Why its turn to start has not come; `None` once it has.
    #[serde(default)]
    pub waits_for: Option<WaitsFor>,
}

impl Pulse {
    /// Bytes of a stream that are here.
    #[must_use]
    pub fn length(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}
