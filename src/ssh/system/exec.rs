//! A channel of a master: pipes whose other ends the master holds.

use std::borrow::Cow;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use openssh_mux_client::{
    Connection, EstablishedSession, NonZeroByteSlice, Session, SessionStatus,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};

use crate::domain::failure::trouble::{LinkTrouble, LostHow};
use crate::ssh::channel::ExecEvent;

/// The most that one event holds, in bytes.
const PIECE: usize = 64 * 1024;

/// Why a channel was not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// No pipe could be made.
    #[error("no pipe: {0}")]
    Pipe(#[from] io::Error),
    /// The server said no.
    #[error("{0}")]
    Refused(Box<str>),
    /// The master is gone, or does not answer as it should.
    #[error(transparent)]
    Mux(openssh_mux_client::Error),
    /// The command has a NUL byte in it.
    #[error("the command has a NUL byte")]
    Nul,
}

impl From<openssh_mux_client::Error> for OpenError {
    fn from(error: openssh_mux_client::Error) -> Self {
        use openssh_mux_client::Error as E;
        match error {
            E::RequestFailure(reason) | E::PermissionDenied(reason) => Self::Refused(reason),
            error => Self::Mux(error),
        }
    }
}

/// Whether the master answers at all.
pub(super) async fn is_alive(socket: &Path) -> bool {
    match Connection::connect(socket).await {
        Ok(mut connection) => connection.send_alive_check().await.is_ok(),
        Err(_) => false,
    }
}

/// A command that runs on the other side.
#[derive(Debug)]
pub(in crate::ssh) struct Channel {
    reader: Reader,
    writer: Writer,
}

/// The reading half.
#[derive(Debug)]
pub(in crate::ssh) struct Reader {
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    buffer: BytesMut,
    stage: Stage,
    closed: watch::Sender<bool>,
    received: Arc<AtomicU64>,
    /// The command's input stays open when the writer is dropped alone.
    _input: Held,
}

/// The writing end of the command's standard input, held by both halves.
type Held = Arc<Mutex<Option<PipeWriter>>>;

/// What is still to be told.
#[derive(Debug)]
enum Stage {
    /// Output, and then that it ended.
    Streams { over: oneshot::Sender<()>, exit: oneshot::Receiver<Option<u32>> },
    /// How the command ended.
    Exit(oneshot::Receiver<Option<u32>>),
    /// That the channel is closed.
    Close,
    /// Nothing.
    Over,
}

/// The writing half.
#[derive(Debug)]
pub(in crate::ssh) struct Writer {
    stdin: Option<pipe::Sender>,
    held: Held,
    closed: watch::Sender<bool>,
    forwards_agent: bool,
}

/// Opens a channel over the master's control socket; `forwards_agent` asks for
/// the agent there, which the master serves if its own settings say so.
pub(super) async fn open(
    socket: &Path,
    command: &str,
    received: Arc<AtomicU64>,
    forwards_agent: bool,
) -> Result<Channel, OpenError> {
    let command = NonZeroByteSlice::new(command.as_bytes()).ok_or(OpenError::Nul)?;
    let (their_stdin, stdin) = io::pipe()?;
    let (stdout, their_stdout) = io::pipe()?;
    let (stderr, their_stderr) = io::pipe()?;
    let connection = Connection::connect(socket).await?;
    let session = Session::builder().cmd(Cow::Borrowed(command)).agent(forwards_agent).build();
    let fds = [their_stdin.as_raw_fd(), their_stdout.as_raw_fd(), their_stderr.as_raw_fd()];
    let session = connection.open_new_session(&session, &fds).await?;
    // Held here, they would keep our own ends from seeing the end.
    drop((their_stdin, their_stdout, their_stderr));

    let held = Arc::new(Mutex::new(Some(stdin.try_clone()?)));
    let closed = watch::Sender::new(false);
    let (over, streams_over) = oneshot::channel();
    let exit = wait_for_exit(session, streams_over, closed.subscribe());
    let reader = Reader {
        stdout: Some(receiver(stdout)?),
        stderr: Some(receiver(stderr)?),
        buffer: BytesMut::new(),
        stage: Stage::Streams { over, exit },
        closed: closed.clone(),
        received,
        _input: held.clone(),
    };
    let writer = Writer { stdin: Some(sender(stdin)?), held, closed, forwards_agent };
    Ok(Channel { reader, writer })
}

fn receiver(end: PipeReader) -> io::Result<pipe::Receiver> {
    pipe::Receiver::from_owned_fd(OwnedFd::from(end))
}

fn sender(end: PipeWriter) -> io::Result<pipe::Sender> {
    pipe::Sender::from_owned_fd(OwnedFd::from(end))
}

/// Waits for the exit status, once `over` tells that both streams have ended;
/// `None` is a link that was lost. A channel that is closed here is let go of, and
/// with that the master closes it.
///
/// Not before the streams have ended: the status comes ahead of output that is
/// still on its way, and whoever has taken it has let go of the channel.
fn wait_for_exit(
    session: EstablishedSession,
    over: oneshot::Receiver<()>,
    mut closed: watch::Receiver<bool>,
) -> oneshot::Receiver<Option<u32>> {
    let (told, exit) = oneshot::channel();
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = over => ended.is_ok(),
            _ = closed.wait_for(|closed| *closed) => false,
        };
        if !ended {
            // The reader has gone; the writer may be there.
            let _ = closed.wait_for(|closed| *closed).await;
            return;
        }
        let status = match session.wait().await {
            Ok(SessionStatus::Exited { exit_value }) => exit_value,
            // No terminal was asked for.
            Ok(SessionStatus::TtyAllocFail(_)) | Err(_) => None,
        };
        let _ = told.send(status);
    });
    exit
}

impl Channel {
    /// The two halves.
    pub(in crate::ssh) fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }
}

impl Reader {
    /// The next event; as [`ExecReader::next`](crate::ssh::ExecReader::next).
    pub(in crate::ssh) async fn next(&mut self) -> Option<ExecEvent> {
        loop {
            let mut closed_here = self.closed.subscribe();
            match &mut self.stage {
                Stage::Streams { .. } if self.stdout.is_some() || self.stderr.is_some() => {
                    tokio::select! {
                        bytes = read(&mut self.stdout, &mut self.buffer) => {
                            match bytes {
                                Some(bytes) => {
                                    let more = bytes.len() as u64;
                                    self.received.fetch_add(more, Ordering::Relaxed);
                                    return Some(ExecEvent::Stdout(bytes));
                                }
                                None => self.stdout = None,
                            }
                        }
                        bytes = read_other(&mut self.stderr) => {
                            match bytes {
                                Some(bytes) => return Some(ExecEvent::Stderr(bytes)),
                                None => self.stderr = None,
                            }
                        }
                        _ = closed_here.wait_for(|closed| *closed) => {
                            self.stage = Stage::Over;
                            return Some(ExecEvent::Closed);
                        }
                    }
                }
                Stage::Streams { .. } => {
                    if let Stage::Streams { over, exit } =
                        std::mem::replace(&mut self.stage, Stage::Over)
                    {
                        // Without a waiter the exit is not told either.
                        let _ = over.send(());
                        self.stage = Stage::Exit(exit);
                    }
                    return Some(ExecEvent::Eof);
                }
                Stage::Exit(exit) => {
                    let status = exit.await.ok().flatten();
                    if *closed_here.borrow_and_update() {
                        self.stage = Stage::Over;
                        return Some(ExecEvent::Closed);
                    }
                    // Without a status the master went, and with it the link.
                    let Some(status) = status else {
                        self.stage = Stage::Over;
                        return None;
                    };
                    self.stage = Stage::Close;
                    return Some(ExecEvent::ExitStatus(status));
                }
                Stage::Close => {
                    self.stage = Stage::Over;
                    self.closed.send_replace(true);
                    return Some(ExecEvent::Closed);
                }
                Stage::Over => return None,
            }
        }
    }
}

/// What comes from the pipe; `None` at its end. Where there is no pipe nothing
/// ever comes.
async fn read(pipe: &mut Option<pipe::Receiver>, buffer: &mut BytesMut) -> Option<Bytes> {
    let Some(pipe) = pipe else { return std::future::pending().await };
    buffer.reserve(PIECE);
    match pipe.read_buf(buffer).await {
        Ok(1..) => Some(buffer.split().freeze()),
        Ok(0) | Err(_) => None,
    }
}

/// [`read`] with a buffer of its own: little comes this way.
async fn read_other(pipe: &mut Option<pipe::Receiver>) -> Option<Bytes> {
    let Some(pipe) = pipe else { return std::future::pending().await };
    // Nothing is allocated while nothing comes.
    pipe.readable().await.ok()?;
    let mut buffer = BytesMut::with_capacity(PIECE);
    match pipe.read_buf(&mut buffer).await {
        Ok(1..) => Some(buffer.freeze()),
        Ok(0) | Err(_) => None,
    }
}

impl Writer {
    /// Writes all of `bytes`. What a command does not take is dropped, as sshd drops
    /// it: the master closes its end of the pipe as soon as the command has ended, and
    /// what that has said before is for the reader, as is the end of a master.
    pub(in crate::ssh) async fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkTrouble> {
        let closed = || LinkTrouble::ChannelRefused { detail: "the channel is closed".to_owned() };
        let Some(stdin) = &mut self.stdin else { return Err(closed()) };
        let mut closed_here = self.closed.subscribe();
        tokio::select! {
            biased;
            _ = closed_here.wait_for(|closed| *closed) => Err(closed()),
            written = stdin.write_all(bytes) => match written {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(LinkTrouble::Lost { how: LostHow::Closed, detail: error.to_string() })
                }
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }

    /// Whether the agent was asked for.
    pub(in crate::ssh) fn forwards_agent(&self) -> bool {
        self.forwards_agent
    }

    /// Ends the command's standard input.
    pub(in crate::ssh) fn eof(&mut self) {
        self.stdin = None;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Closes the channel.
    pub(in crate::ssh) fn close(&mut self) {
        self.eof();
        self.closed.send_replace(true);
    }
}
