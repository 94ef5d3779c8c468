//! The connection to a remote.

use serde::{Deserialize, Serialize};

/// The states of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// Nobody needs a link.
    Idle,
    /// A link is being brought up.
    Connecting,
    /// At least one link is up.
    Connected,
    /// Waits before the next try.
    BackingOff,
    /// Waits for a person.
    NeedsAttention,
    /// The remote is disabled, removed or changed; what runs there finishes.
    Draining,
}

impl LinkState {
    /// The name that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::BackingOff => "backing-off",
            Self::NeedsAttention => "needs-attention",
            Self::Draining => "draining",
        }
    }
}
