//! One authenticated SSH session, on whichever transport.

pub(super) mod builtin;

use std::sync::Arc;
use std::time::Duration;

use super::channel::ExecChannel;
use super::system::Master;
use crate::domain::failure::trouble::LinkTrouble;

pub(super) use builtin::{BuiltIn, ForwardError, Parts};

/// An authenticated SSH session to one destination.
///
/// Cheap to clone; the session ends when the last clone and the last channel
/// are gone. A link holds the links of its jump hosts.
#[derive(Debug, Clone)]
pub struct Link(Transport);

#[derive(Debug, Clone)]
enum Transport {
    BuiltIn(BuiltIn),
    System(Arc<Master>),
}

/// Who is on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The server's banner, such as `SSH-2.0-OpenSSH_9.2p1`; empty if it could
    /// not be kept.
    pub version: String,
    /// The user that was logged in.
    pub user: String,
}

impl From<BuiltIn> for Link {
    fn from(link: BuiltIn) -> Self {
        Self(Transport::BuiltIn(link))
    }
}

impl From<Master> for Link {
    fn from(master: Master) -> Self {
        Self(Transport::System(Arc::new(master)))
    }
}

impl Link {
    /// Opens an exec channel and starts `command` on it, as the login shell's
    /// `-c` argument.
    ///
    /// A caller that is cancelled leaks nothing: a channel that nobody waits for
    /// any more is closed.
    ///
    /// # Errors
    ///
    /// [`LinkTrouble::ChannelRefused`] when the server opens no further channel
    /// or will not run the command, [`LinkTrouble::TimedOut`] after the
    /// destination's connect timeout, [`LinkTrouble::Lost`] when the link goes.
    pub async fn exec(&self, command: &str) -> Result<ExecChannel, LinkTrouble> {
        match &self.0 {
            Transport::BuiltIn(link) => link.exec(command).await,
            Transport::System(master) => master.exec(command).await.map(ExecChannel::from),
        }
    }

    /// Waits until the link is gone, and says why.
    ///
    /// A link that was closed on this side is gone as well, with
    /// [`LostHow::Closed`](crate::domain::failure::trouble::LostHow::Closed).
    pub async fn lost(&self) -> LinkTrouble {
        match &self.0 {
            Transport::BuiltIn(link) => link.lost().await,
            Transport::System(master) => master.lost().await,
        }
    }

    /// Whether the link is gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match &self.0 {
            Transport::BuiltIn(link) => link.is_lost(),
            Transport::System(master) => master.is_lost(),
        }
    }

    /// Waits for the peer's answer to a question; false once `bound` goes by in
    /// which, in its second half, nothing came at all.
    ///
    /// The system's `ssh` is asked for a channel, which the server opens or refuses.
    pub async fn answers(&self, bound: Duration) -> bool {
        match &self.0 {
            Transport::BuiltIn(link) => link.answers(bound).await,
            Transport::System(master) => master.answers(bound).await,
        }
    }

    /// Bytes that have come from the server, as far as is counted.
    #[must_use]
    pub fn received(&self) -> u64 {
        match &self.0 {
            Transport::BuiltIn(link) => link.received(),
            Transport::System(master) => master.received(),
        }
    }

    /// Ends the session, and those of the jump hosts it runs through. When this
    /// returns the link is gone.
    pub async fn close(&self) {
        match &self.0 {
            Transport::BuiltIn(link) => link.close().await,
            Transport::System(master) => master.close().await,
        }
    }

    /// Who is on the other side.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        match &self.0 {
            Transport::BuiltIn(link) => link.peer(),
            Transport::System(master) => master.peer(),
        }
    }
}
