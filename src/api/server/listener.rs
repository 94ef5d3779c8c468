//! Takes connections of our own user on the socket, and of anybody on a TCP
//! port, whose requests `guard` looks at.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::Instant;
use tracing::{error, warn};

/// How often it is told that others than the owner try to connect: whoever can
/// knock must not be able to fill the log.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// Where connections come from.
pub(super) trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection that may ask something. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = Self::Stream> + Send;
}

/// A listener that drops connections of other users.
///
/// The socket's mode keeps them out already; `SO_PEERCRED` (unix(7)) holds where
/// the mode does not, such as a directory that somebody opened up by mistake.
#[derive(Debug)]
pub(super) struct OwnerOnly {
    inner: UnixListener,
    own: u32,
    /// When somebody was last told of, and how many have been dropped since.
    warned: Option<Instant>,
    untold: u64,
}

impl OwnerOnly {
    pub(super) fn new(inner: UnixListener) -> Self {
        let own = rustix::process::geteuid().as_raw();
        Self { inner, own, warned: None, untold: 0 }
    }

    fn dropped(&mut self, peer: &dyn std::fmt::Debug) {
        self.untold += 1;
        if self.warned.is_none_or(|warned| warned.elapsed() >= BETWEEN_WARNINGS) {
            warn!(?peer, connections = self.untold, "dropped connections of another user");
            self.warned = Some(Instant::now());
            self.untold = 0;
        }
    }
}

/// Whether a peer may talk to a daemon of user `own`. Root could do all of it
/// without us.
fn may_talk(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

impl Listener for OwnerOnly {
    type Stream = UnixStream;

    async fn accept(&mut self) -> UnixStream {
        loop {
            let Some((stream, _)) = or_pause(self.inner.accept().await).await else { continue };
            match stream.peer_cred() {
                Ok(peer) if may_talk(peer.uid(), self.own) => return stream,
                Ok(peer) => self.dropped(&peer.uid()),
                Err(error) => self.dropped(&error),
            }
        }
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> TcpStream {
        loop {
            let Some((stream, _)) = or_pause(Self::accept(self).await).await else { continue };
            // Without it small pieces of an answer wait for each other; a
            // connection that is gone already is found to be so in a moment.
            let _ = stream.set_nodelay(true);
            return stream;
        }
    }
}

async fn or_pause<T>(accepted: io::Result<T>) -> Option<T> {
    match accepted {
        Ok(stream) => return Some(stream),
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
        // Out of file descriptors, most likely: accept(2) would fail again at
        // once, so wait for some to be closed.
        Err(error) => {
            error!(%error, "could not take a connection");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    None
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
