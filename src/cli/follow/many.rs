//! Follows all sessions at once: each line with the session's name before it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use super::dropped::{listed, tell};
use crate::api::client::{Client, ClientError};
use crate::api::types::{Gap, Progress, Stream};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{say, sink};
use crate::domain::ids::SessionId;

/// How much is read at a time.
const PIECE: u64 = 64 << 10;
/// A line that is longer is broken: what has come of it is held here.
const LONGEST: usize = 16 << 10;

/// How far a session's streams were written, by [`Stream`]'s order.
#[derive(Debug, Default)]
struct Place {
    at: [u64; 2],
    held: [Vec<u8>; 2],
}

/// Follows all sessions from now on, and those that come from their beginning,
/// until the daemon is stopped.
pub(in crate::cli) async fn follow_all(
    context: &Context,
    streams: &[Stream],
) -> Result<(), CliError> {
    let mut places: HashMap<SessionId, Place> = HashMap::new();
    for view in context.call(async |client| client.sessions(false).await).await? {
        let at = [view.stdout, view.stderr];
        places.insert(view.id, Place { at, ..Place::default() });
    }
    loop {
        let mut watched = context.call(Client::watch_all).await?;
        loop {
            match watched.next().await {
                Ok(Some(progress)) => take(&mut places, &progress, streams)?,
                Ok(None) => return Ok(()),
                // It died, and the next one goes on where this one was.
                Err(ClientError::Broken(_)) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Writes what has come of a session.
fn take(
    places: &mut HashMap<SessionId, Place>,
    progress: &Progress,
    streams: &[Stream],
) -> Result<(), CliError> {
    let ended = progress.state.has_ended();
    let place = places.entry(progress.session.clone()).or_default();
    for stream in streams {
        let (index, length) = match stream {
            Stream::Stdout => (0, progress.stdout),
            Stream::Stderr => (1, progress.stderr),
        };
        let (at, held) = (&mut place.at[index], &mut place.held[index]);
        copy(progress, *stream, at, length, held)?;
        if ended && !held.is_empty() {
            held.push(b'\n');
            write_lines(progress, *stream, held)?;
        }
    }
    if ended {
        places.remove(&progress.session);
    }
    Ok(())
}

fn copy(
    progress: &Progress,
    stream: Stream,
    at: &mut u64,
    length: u64,
    held: &mut Vec<u8>,
) -> Result<(), CliError> {
    while *at < length {
        let gaps = listed(&progress.mirror, stream).unwrap_or_default();
        let stretch = gaps.stretch(*at, length);
        if stretch.start > *at {
            tell(stream, Gap { from: *at, to: stretch.start }, None);
            *at = stretch.start;
        }
        let failed = |source| CliError::Copy { id: progress.session.to_string(), source };
        let want = usize::try_from(PIECE.min(stretch.bytes())).unwrap_or_default();
        if want == 0 {
            return Ok(());
        }
        let file = match File::open(progress.mirror.join(stream.file_name())) {
            Ok(file) => file,
            // It was removed meanwhile, or is another machine's.
            Err(error) => {
                say(&format!("{}: {error}", label(progress)));
                *at = length;
                return Ok(());
            }
        };
        let mut piece = vec![0; want];
        let got = file.read_at(&mut piece, *at).map_err(failed)?;
        if got == 0 {
            return Ok(());
        }
        *at += got as u64;
        held.extend_from_slice(&piece[..got]);
        write_lines(progress, stream, held)?;
    }
    Ok(())
}

/// Writes the whole lines of what is held, each with its session before it.
fn write_lines(progress: &Progress, stream: Stream, held: &mut Vec<u8>) -> Result<(), CliError> {
    if held.len() > LONGEST && !held.contains(&b'\n') {
        held.push(b'\n');
    }
    let Some(last) = held.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
    let rest = held.split_off(last + 1);
    let (label, mut text) = (label(progress), Vec::with_capacity(held.len() * 2));
    for line in held.split_inclusive(|byte| *byte == b'\n') {
        text.extend_from_slice(label.as_bytes());
        text.extend_from_slice(b" | ");
        text.extend_from_slice(line);
    }
    *held = rest;
    sink(stream)?.write_all(&text).map_err(CliError::Stdout)
}

fn label(progress: &Progress) -> &str {
    progress.name.as_ref().map_or(progress.session.as_str(), |name| name.as_str())
}
