//! Sends our standard input, or a file, to a session's.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::api::client::{Client, ClientError};
use crate::api::types::SessionView;
use crate::cli::error::CliError;
use crate::cli::values::Input;

/// The most that one request carries.
const CHUNK: usize = 256 << 10;
/// The pauses while the daemon holds as much as it wants to.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// How long a daemon that went away is waited for: whoever follows the session
/// starts it again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends all of `input` as it comes, and then its end if `eof`.
///
/// Ends early, and well, when the session has ended or closed its input: a
/// program may stop reading when it likes, as in `yes | head`.
pub(in crate::cli) async fn feed(
    client: &Client,
    id: &str,
    input: &Input,
    eof: bool,
) -> Result<(), CliError> {
    let mut source = Some(open(input)?);
    let mut accepted = accepted(client, id).await?;
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
        match send(client, id, Bytes::from(chunk), last, &mut accepted).await {
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
/// Also when the session takes no input: who sends a line wants to know.
pub(in crate::cli) async fn feed_bytes(
    client: &Client,
    view: &SessionView,
    mut bytes: Bytes,
    eof: bool,
) -> Result<(), CliError> {
    let mut accepted = view.stdin.accepted;
    while bytes.len() > CHUNK {
        let chunk = bytes.split_to(CHUNK);
        send(client, view.id.as_str(), chunk, false, &mut accepted).await?;
    }
    Ok(send(client, view.id.as_str(), bytes, eof, &mut accepted).await?)
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

/// How much the session has taken so far.
async fn accepted(client: &Client, id: &str) -> Result<u64, ClientError> {
    let mut pause = PAUSES.0;
    let until = Instant::now() + PATIENCE;
    loop {
        match client.session(id).await {
            Ok(view) => return Ok(view.stdin.accepted),
            Err(error) if !is_away(&error) || Instant::now() >= until => return Err(error),
            Err(_) => sleep(pause).await,
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Whether the daemon went away, and may be back soon.
fn is_away(error: &ClientError) -> bool {
    matches!(error, ClientError::Broken(_) | ClientError::NotRunning { .. })
}

/// Sends one chunk once, however often it has to be tried.
async fn send(
    client: &Client,
    id: &str,
    mut chunk: Bytes,
    eof: bool,
    accepted: &mut u64,
) -> Result<(), ClientError> {
    let mut pause = PAUSES.0;
    let mut until = Instant::now() + PATIENCE;
    loop {
        match client.input(id, chunk.clone(), eof).await {
            Ok(taken) => {
                *accepted = taken.accepted;
                return Ok(());
            }
            // Nothing of it was taken. There is no bound: a host may be away for
            // days.
            Err(error) if error.word() == Some("input-full") => until = Instant::now() + PATIENCE,
            Err(error) if is_away(&error) && Instant::now() < until => {
                // Whether it was taken before the connection broke is known to
                // the daemon alone.
                if let Ok(view) = client.session(id).await {
                    let taken = view.stdin.accepted.saturating_sub(*accepted);
                    let taken = usize::try_from(taken).unwrap_or(usize::MAX).min(chunk.len());
                    chunk = chunk.slice(taken..);
                    *accepted += taken as u64;
                    let all = if eof { !view.stdin.open } else { chunk.is_empty() };
                    if all {
                        return Ok(());
                    }
                }
            }
            Err(error) => return Err(error),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}
