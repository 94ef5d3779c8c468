//! `GET /v1/sessions/{id}/output`: a stream's bytes, from any offset.
//!
//! The reader pulls: the next chunk is read from the mirror's file when the
//! last one has gone out, so a slow reader costs one chunk of memory and nobody
//! waits for it.
//!
//! What was dropped where the session ran is in no answer: one that comes to
//! such a gap ends there, and one that is asked for inside it begins behind it.
//! The header `longhaul-offset` says where an answer begins.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;

use super::error::ApiError;
use super::extract::{Asked, Named, switch};
use super::serve::{Context, Stopping};
use crate::api::backend::{Backend, RequestError};
use crate::api::types::{Pulse, Stream};
use crate::domain::gaps::Gaps;

/// The most that is read and held for one reader at a time: a thousand that do
/// not read on hold a thousand of them.
const CHUNK: u64 = 64 << 10;
/// The header that says where the body starts.
const OFFSET: HeaderName = HeaderName::from_static("longhaul-offset");

#[derive(Debug, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    stream: Stream,
    #[serde(default)]
    offset: u64,
    #[serde(default = "unlimited")]
    limit: u64,
    #[serde(default, deserialize_with = "switch")]
    follow: bool,
}

fn unlimited() -> u64 {
    u64::MAX
}

pub(super) async fn output<B: Backend>(
    State(context): State<Context<B>>,
    Named(id): Named,
    Asked(query): Asked<Query>,
) -> Result<Response, ApiError> {
    let output = context.backend.output(&id).await?;
    let (length, ended) = {
        let pulse = output.pulse.borrow();
        (pulse.length(query.stream), pulse.state.has_ended())
    };
    let list = output.dir.join(query.stream.gaps_file_name());
    let gaps = tokio::task::spawn_blocking(move || gaps_in(&list)).await;
    let gaps = gaps.map_err(io::Error::other).and_then(|gaps| gaps);
    let gaps = gaps.map_err(|error| RequestError::Store(error.to_string()))?;
    let stretch = gaps.stretch(query.offset, length);
    // What is here now is a known amount; only a live session has more to come.
    let known = (!query.follow || ended).then(|| query.limit.min(stretch.bytes()));
    let reader = Reader {
        dir: output.dir,
        file: None,
        stream: query.stream,
        at: stretch.start,
        left: known.unwrap_or(query.limit),
        pulse: output.pulse,
        stopping: context.stopping,
    };
    let mut headers = HeaderMap::new();
    headers.insert(OFFSET, HeaderValue::from(stretch.start));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if let Some(known) = known {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(known));
    }
    let chunks = stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(chunk) => chunk.map(|chunk| (Ok(chunk), Some(reader))),
            // The error breaks the connection, so that a stream that was cut
            // short does not look like one that has ended.
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// One reader's place in one stream.
#[derive(Debug)]
struct Reader {
    dir: PathBuf,
    file: Option<File>,
    stream: Stream,
    at: u64,
    /// How much more the reader wants.
    left: u64,
    pulse: watch::Receiver<Pulse>,
    stopping: Stopping,
}

impl Reader {
    /// The next bytes, or `None` when there will be no more.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while self.left > 0 {
            let (length, ended) = {
                let pulse = self.pulse.borrow_and_update();
                (pulse.length(self.stream), pulse.state.has_ended())
            };
            if self.at < length {
                return self.read(length).await;
            }
            if ended {
                break;
            }
            // Both arms are cancel safe, and neither's body awaits.
            tokio::select! {
                changed = self.pulse.changed() => {
                    changed.map_err(|_| io::Error::other("the session's actor is gone"))?;
                }
                () = self.stopping.stopped() => {
                    return Err(io::Error::other("the daemon is stopping"));
                }
            }
        }
        Ok(None)
    }

    /// Reads on, where `length` bytes are known; `None` where a gap begins.
    async fn read(&mut self, length: u64) -> io::Result<Option<Bytes>> {
        let (at, left, file) = (self.at, self.left, self.file.take());
        let path = self.dir.join(self.stream.file_name());
        let list = self.dir.join(self.stream.gaps_file_name());
        let read = move || -> io::Result<Option<(File, Vec<u8>)>> {
            // A gap is listed before the length tells of what is behind it.
            let stretch = gaps_in(&list)?.stretch(at, length);
            if stretch.start > at {
                return Ok(None);
            }
            let file = file.map_or_else(|| File::open(path), Ok)?;
            // At most CHUNK, which fits any usize.
            let want = CHUNK.min(stretch.bytes()).min(left);
            let mut bytes = vec![0; usize::try_from(want).unwrap_or(usize::MAX)];
            let got = file.read_at(&mut bytes, at)?;
            bytes.truncate(got);
            Ok(Some((file, bytes)))
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        let Some((file, bytes)) = read else { return Ok(None) };
        if bytes.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the mirror is shorter than it was",
            ));
        }
        self.file = Some(file);
        self.at += bytes.len() as u64;
        self.left -= bytes.len() as u64;
        Ok(Some(bytes.into()))
    }
}

/// The gaps that a list in a mirror tells of; few sessions have one.
fn gaps_in(list: &Path) -> io::Result<Gaps> {
    match std::fs::read(list) {
        Ok(bytes) => Ok(Gaps::parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Gaps::default()),
        Err(error) => Err(error),
    }
}
