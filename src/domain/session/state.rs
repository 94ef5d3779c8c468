//! Where in its life a session is, and how its command ended.

use serde::{Deserialize, Serialize};

/// Where in its life a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// Waits for its turn, for a link, or for a free channel on one.
    Waiting,
    /// The launch was sent; its answer is not here yet.
    Starting,
    /// The command runs, as far as is known.
    Running,
    /// It was told to stop, and has not been seen to.
    Stopping,
    /// The command ended by itself: see `exit`.
    Exited,
    /// The command was ended by a signal: see `exit`.
    Signalled,
    /// It ran past its limit and was stopped.
    TimedOut,
    /// Its processes are gone and left no exit record.
    Lost,
    /// It never started: see `failure`.
    Failed,
    /// It was taken back before it started.
    Cancelled,
}

impl SessionState {
    /// Whether nothing more will happen to the session.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Waiting | Self::Starting | Self::Running | Self::Stopping)
    }

    /// The name that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Exited => "exited",
            Self::Signalled => "signalled",
            Self::TimedOut => "timed-out",
            Self::Lost => "lost",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How a command ended, from its exit record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It ended by itself with this status.
    Code(u8),
    /// A signal ended it.
    Signal(u8),
}

impl Exit {
    /// The status as a shell shows it: 128 and the signal's number.
    #[must_use]
    pub fn shell_status(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }
}
