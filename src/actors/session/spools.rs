//! What is done to spools once their sessions are over.

use std::time::Duration;

use tokio::time::timeout;

use super::host::{Channel, Host, Want};
use crate::actors::nonce;
use crate::domain::ids::SessionId;
use crate::runner::control::{self, ControlError};

/// How long a channel may take: a host that is away is left for later.
const REACH_WITHIN: Duration = Duration::from_secs(10);

/// How a batch of removals went; a session that is not in it was not heard of.
pub type Cleared = Vec<(SessionId, Result<(), ControlError>)>;

impl Host {
    /// Whether something can be done there at once, without a link being
    /// brought up for it.
    #[must_use]
    pub fn is_at_hand(&self) -> bool {
        match self {
            Self::Local { .. } => true,
            Self::Remote(remote) => remote.report.borrow().links > 0,
        }
    }

    /// Removes the spools of ended sessions, all on one channel.
    ///
    /// # Errors
    ///
    /// There is no channel, or nobody knows what was done; it is safe to try
    /// again.
    pub async fn remove_spools(&self, ids: &[SessionId]) -> Result<Cleared, ControlError> {
        let channel = self.control().await?;
        let cleared = control::remove_all(channel.io, &nonce(), self.root(), ids).await;
        drop(channel.slot);
        cleared
    }

    /// Ends all processes of a session; one that is gone has none.
    ///
    /// # Errors
    ///
    /// It could not be done, or nobody knows; it is safe to try again.
    pub async fn stop_session(&self, id: &SessionId, grace: Duration) -> Result<(), ControlError> {
        let channel = self.control().await?;
        let stopped = control::stop(channel.io, &nonce(), self.root(), id, "TERM", grace).await;
        drop(channel.slot);
        match stopped {
            Err(ControlError::HasEnded | ControlError::NoSpool) => Ok(()),
            other => other,
        }
    }

    async fn control(&self) -> Result<Channel, ControlError> {
        match timeout(REACH_WITHIN, self.channel(Want::Control)).await {
            Ok(channel) => Ok(channel?),
            Err(_) => Err(ControlError::NoAnswer { within: REACH_WITHIN }),
        }
    }
}
