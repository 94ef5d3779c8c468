//! The byte stream below SSH, with an ear and a knife.
//!
//! The ear keeps what a server says before its banner ("Exceeded MaxStartups",
//! "Not allowed at this time"), which russh throws away. The knife ends a
//! session that russh cannot end: a handshake that was given up goes on reading
//! for ever, and a session whose socket is full does not hear `disconnect`.
//!
//! Shutdown errors are swallowed: russh shuts its stream down before it tells
//! why the session ended, and when that fails (it does whenever the stream is a
//! dead jump host's channel) the reason is never told.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::domain::failure::greeting;

/// The most that is kept of what the server says, in bytes.
const HEARD: usize = 1024;
/// The most that is shown of it, in characters.
const SHOWN: usize = 200;

/// A stream to an SSH server.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    shared: Arc<Shared>,
}

/// The other end of the ear and the knife.
#[derive(Debug, Clone)]
pub(super) struct WireControl(Arc<Shared>);

/// Cuts the wire when it is dropped, unless it is disarmed.
#[derive(Debug)]
pub(super) struct CutOnDrop(Option<WireControl>);

#[derive(Debug, Default)]
struct Shared {
    cut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
    heard: Mutex<Heard>,
    /// Bytes that came.
    received: AtomicU64,
}

#[derive(Debug, Default)]
struct Heard {
    bytes: Vec<u8>,
    complete: bool,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S) -> (Self, WireControl) {
        let shared = Arc::<Shared>::default();
        (Self { stream, shared: shared.clone() }, WireControl(shared))
    }
}

impl WireControl {
    /// Ends the stream: all reads and writes fail from now on.
    pub(super) fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        self.0.reader.wake();
        self.0.writer.wake();
    }

    /// How many bytes have come so far.
    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// What the server said before or in place of its banner, made fit for a
    /// terminal.
    pub(super) fn said(&self) -> Option<String> {
        let heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&heard.bytes);
        let words: Vec<_> = text.lines().take_while(|line| !line.starts_with("SSH-")).collect();
        let clean: String = words
            .join(" / ")
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(SHOWN)
            .collect();
        let clean = clean.trim();
        (!clean.is_empty()).then(|| clean.to_owned())
    }

    /// The server's banner (`SSH-2.0-…`), once it has come.
    pub(super) fn banner(&self) -> Option<String> {
        let heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&heard.bytes);
        let banner = text.lines().find(|line| line.starts_with("SSH-"))?;
        Some(banner.chars().filter(|c| !c.is_control()).take(SHOWN).collect())
    }

    /// What there is to tell a missing greeting by.
    pub(super) fn heard(&self) -> greeting::Heard {
        greeting::Heard { said: self.said(), banner: self.banner() }
    }

    pub(super) fn cut_on_drop(&self) -> CutOnDrop {
        CutOnDrop(Some(self.clone()))
    }
}

impl CutOnDrop {
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        if let Some(control) = &self.0 {
            control.cut();
        }
    }
}

impl Shared {
    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    /// Whether all has been heard that there is to hear.
    fn has_banner(&self) -> bool {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).complete
    }

    fn listen(&self, bytes: &[u8]) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.complete {
            return;
        }
        let room = HEARD - heard.bytes.len();
        heard.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        heard.complete = heard.bytes.len() == HEARD || holds_banner(&heard.bytes);
    }
}

/// Whether a whole line that starts with `SSH-` is in.
fn holds_banner(bytes: &[u8]) -> bool {
    let start = if bytes.starts_with(b"SSH-") {
        Some(0)
    } else {
        bytes.windows(5).position(|window| window == b"\nSSH-").map(|at| at + 1)
    };
    start.is_some_and(|start| bytes[start..].contains(&b'\n'))
}

fn cut_error() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "closed here")
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Registered before the look at the flag, or a cut between the two
        // would wake nobody.
        self.shared.reader.register(cx.waker());
        if self.shared.is_cut() {
            return Poll::Ready(Err(cut_error()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            let came = &buf.filled()[before..];
            self.shared.received.fetch_add(came.len() as u64, Ordering::Relaxed);
            self.shared.listen(came);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.shared.writer.register(cx.waker());
        if self.shared.is_cut() {
            return Poll::Ready(Err(cut_error()));
        }
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            // A server that turns us away closes at once, and its words are
            // still there to be read. The read then finds the end.
            Poll::Ready(Err(_)) if !self.shared.has_banner() => Poll::Ready(Ok(buf.len())),
            polled => polled,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.writer.register(cx.waker());
        if self.shared.is_cut() {
            return Poll::Ready(Err(cut_error()));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.writer.register(cx.waker());
        if self.shared.is_cut() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx).map(|_| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_test::{assert_pending, assert_ready_err, io, task};

    use super::{Wire, WireControl};

    async fn hear(words: &[u8]) -> WireControl {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let (mut wire, control) = Wire::new(ours);
        theirs.write_all(words).await.unwrap();
        drop(theirs);
        wire.read_to_end(&mut Vec::new()).await.unwrap();
        control
    }

    #[tokio::test]
    async fn keeps_what_is_said_before_the_banner() {
        let cases: [(&[u8], Option<&str>, Option<&str>); 5] = [
            (b"Exceeded MaxStartups\r\n", Some("Exceeded MaxStartups"), None),
            (b"one\ntwo\nSSH-2.0-x\r\n\0\0", Some("one / two"), Some("SSH-2.0-x")),
            (b"SSH-2.0-x\r\nbinary", None, Some("SSH-2.0-x")),
            (b"", None, None),
            (b"a\x1b[31mred\n", Some("a [31mred"), None),
        ];
        for (bytes, said, banner) in cases {
            let control = hear(bytes).await;
            assert_eq!(control.said().as_deref(), said);
            assert_eq!(control.banner().as_deref(), banner);
        }
    }

    #[tokio::test]
    async fn a_banner_that_comes_in_pieces_is_heard() {
        let pieces = io::Builder::new().read(b"wait\r").read(b"\nSSH").read(b"-2.0-x\r\n").build();
        let (mut wire, control) = Wire::new(pieces);
        wire.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(control.said().as_deref(), Some("wait"));
        assert_eq!(control.banner().as_deref(), Some("SSH-2.0-x"));
    }

    #[tokio::test]
    async fn a_write_that_fails_is_an_error_only_after_the_banner() {
        let broken = || std::io::Error::from(ErrorKind::BrokenPipe);
        let server = io::Builder::new()
            .write_error(broken())
            .read(b"go away\n")
            .read(b"SSH-2.0-x\r\n")
            .write_error(broken())
            .build();
        let (mut wire, control) = Wire::new(server);
        wire.write_all(b"SSH-2.0-us\r\n").await.unwrap();
        wire.read_exact(&mut [0; 19]).await.unwrap();
        assert_eq!(control.said().as_deref(), Some("go away"));
        let error = wire.write_all(b"more").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_cut_wakes_a_read_and_a_write_that_wait() {
        let (ours, _theirs) = tokio::io::duplex(1);
        let (wire, control) = Wire::new(ours);
        let (mut reader, mut writer) = tokio::io::split(wire);
        let mut read = task::spawn(reader.read_u8());
        let mut write = task::spawn(writer.write_all(b"more than fits"));
        assert_pending!(read.poll());
        assert_pending!(write.poll());
        assert!(!read.is_woken());
        control.cut();
        assert!(read.is_woken() && write.is_woken());
        assert_eq!(assert_ready_err!(read.poll()).kind(), ErrorKind::ConnectionAborted);
        assert_eq!(assert_ready_err!(write.poll()).kind(), ErrorKind::ConnectionAborted);
    }

    #[test]
    fn a_handshake_that_is_given_up_ends_what_waits_for_it() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let (mut wire, control) = Wire::new(ours);
        let mut read = task::spawn(wire.read_u8());
        assert_pending!(read.poll());
        control.cut_on_drop().disarm();
        assert!(!read.is_woken());
        drop(control.cut_on_drop());
        assert!(read.is_woken());
        assert_ready_err!(read.poll());
    }
}
