//! Takes connections of our own user, and nobody else's.

use std::io;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tracing::{error, warn};

/// A listener that drops connections of other users.
///
/// The socket's mode keeps them out already; `SO_PEERCRED` (unix(7)) holds where
/// the mode does not, such as a directory that somebody opened up by mistake.
#[derive(Debug)]
pub(super) struct OwnerOnly {
    inner: UnixListener,
    own: u32,
}

impl OwnerOnly {
    pub(super) fn new(inner: UnixListener) -> Self {
        Self { inner, own: rustix::process::geteuid().as_raw() }
    }
}

/// Whether a peer may talk to a daemon of user `own`. Root could do all of it
/// without us.
fn may_talk(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

impl Listener for OwnerOnly {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        loop {
            match self.inner.accept().await {
                Ok((stream, address)) => match stream.peer_cred() {
                    Ok(peer) if may_talk(peer.uid(), self.own) => return (stream, address),
                    Ok(peer) => warn!(uid = peer.uid(), "dropped a connection of another user"),
                    Err(error) => warn!(%error, "dropped a connection of an unknown user"),
                },
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of file descriptors, most likely: accept(2) would fail
                // again at once, so wait for some to be closed.
                Err(error) => {
                    error!(%error, "could not take a connection");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::may_talk;

    #[test]
    fn only_the_owner_and_root_may_talk() {
        for (peer, own, answer) in [
            (1000, 1000, true),
            (0, 1000, true),
            (1001, 1000, false),
            (0, 0, true),
            (1000, 0, false),
            (u32::MAX, 1000, false),
        ] {
            assert_eq!(may_talk(peer, own), answer, "{peer} to {own}");
        }
    }
}
