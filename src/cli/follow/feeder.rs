//! Sends our standard input, or a file, to a session's.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::api::client::{Client, ClientError};
use crate::api::types::{InputOffer, SessionView};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::values::Input;

/// The most that one request carries.
const CHUNK: usize = 256 << 10;
/// How long one request waits for room: the daemon answers as soon as there is.
const WAIT_S: u64 = 30;
/// How long a person who sends a line waits for room.
const LINE_WAIT_S: u64 = 10;
/// The pauses while the daemon is away.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// How long a daemon that went away is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Who is sent to, and who starts the daemon again if it dies meanwhile.
#[derive(Debug, Clone)]
pub(in crate::cli) enum Recipient {
    /// Whoever follows the session does.
    Followed(Client),
    /// Nobody else does.
    Alone(Context),
}

impl Recipient {
    fn client(&self) -> &Client {
        match self {
            Self::Followed(client) => client,
            Self::Alone(context) => &context.client,
        }
    }

    async fn revive(&self) {
        if let Self::Alone(context) = self {
            // Whether it came to life, the next request finds out.
            let _ = context.call(Client::version).await;
        }
    }
}

/// Sends all of `input` as it comes, and then its end if `eof`. Where there is
/// no room for it, nothing more of it is read.
///
/// Ends early, and well, when the session has ended or closed its input: a
/// program may stop reading when it likes, as in `yes | head`.
pub(in crate::cli) async fn feed(
    to: &Recipient,
    view: &SessionView,
    input: &Input,
    eof: bool,
) -> Result<(), CliError> {
    let mut source = Some(open(input)?);
    let mut sender = Sender::new(to, view, Room::Awaited);
    while let Some(mut file) = source.take() {
        let read = tokio::task::spawn_blocking(move || -> io::Result<(File, Vec<u8>)> {
            let mut chunk = vec![0; CHUNK];
            let got = read_some(&mut file, &mut chunk)?;
            chunk.truncate(got);
            Ok((file, chunk))
        });
        let failed = |source| CliError::Read { path: input.path(), source };
        let (file, chunk) =
            read.await.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?;
        let last = chunk.is_empty();
        if last && !eof {
            return Ok(());
        }
        match sender.send(Bytes::from(chunk), last).await {
            Ok(()) => source = (!last).then_some(file),
            Err(error) if is_over(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Sends `bytes` to the session of `view`, and then its end if `eof`.
///
/// # Errors
///
/// Also when the session takes no input, or has had no room for it for some
/// seconds: who sends a line wants to know.
pub(in crate::cli) async fn feed_bytes(
    to: &Recipient,
    view: &SessionView,
    mut bytes: Bytes,
    eof: bool,
) -> Result<(), CliError> {
    let mut sender = Sender::new(to, view, Room::NotAwaitedForLong);
    while bytes.len() > CHUNK {
        sender.send(bytes.split_to(CHUNK), false).await?;
    }
    Ok(sender.send(bytes, eof).await?)
}

/// Whether the session wants no more.
fn is_over(error: &ClientError) -> bool {
    matches!(error.word(), Some("stdin-closed" | "has-ended"))
}

fn open(input: &Input) -> Result<File, CliError> {
    match input {
        Input::File(path) => File::open(path),
        // Without the buffer of `io::Stdin`: what has been read is sent.
        Input::Stdin => io::stdin().as_fd().try_clone_to_owned().map(File::from),
    }
    .map_err(|source| CliError::Read { path: input.path(), source })
}

fn read_some(file: &mut File, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A terminal that somebody else set to fail instead of to wait.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(10));
            }
            read => return read,
        }
    }
}

/// What becomes of a piece that there is no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// It waits. There is no bound: a host may be away for days.
    Awaited,
    /// It is given up after some seconds.
    NotAwaitedForLong,
}

/// One sender's pieces, one after the other, each of them once.
struct Sender<'a> {
    to: &'a Recipient,
    id: &'a str,
    room: Room,
    /// Where the session's input ends, as far as is known.
    offset: u64,
}

impl<'a> Sender<'a> {
    fn new(to: &'a Recipient, view: &'a SessionView, room: Room) -> Self {
        Self { to, id: view.id.as_str(), room, offset: view.stdin.accepted }
    }

    /// Sends one piece, however often it has to be tried.
    async fn send(&mut self, bytes: Bytes, eof: bool) -> Result<(), ClientError> {
        let wait_s = match self.room {
            Room::Awaited => WAIT_S,
            Room::NotAwaitedForLong => LINE_WAIT_S,
        };
        let mut again = false;
        let mut pause = PAUSES.0;
        let mut until = Instant::now() + PATIENCE;
        loop {
            let (bytes, offset) = (bytes.clone(), Some(self.offset));
            let offer = InputOffer { bytes, offset, again, eof, wait_s };
            let error = match self.to.client().input(self.id, offer).await {
                Ok(taken) => {
                    self.offset = taken.accepted;
                    return Ok(());
                }
                Err(error) => error,
            };
            match (error.word(), &error) {
                // Nothing of it was taken: another sender was faster.
                (Some("input-moved"), _) => {
                    self.offset = self.to.client().session(self.id).await?.stdin.accepted;
                    again = false;
                }
                (Some("input-full"), _) if self.room == Room::Awaited => {
                    until = Instant::now() + PATIENCE;
                    continue;
                }
                // Whether it was taken before the answer was lost is known to the
                // daemon, which has it where it was to begin.
                (Some("unavailable"), _)
                | (_, ClientError::Broken(_) | ClientError::NotRunning { .. })
                    if Instant::now() < until =>
                {
                    again = true;
                    self.to.revive().await;
                }
                _ => return Err(error),
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}
