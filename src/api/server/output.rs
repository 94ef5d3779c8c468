//! `GET /v1/sessions/{id}/output`: a stream's bytes, from any offset.
//!
//! The reader pulls: the next chunk is read from the mirror's file when the
//! last one has gone out, so a slow reader costs one chunk of memory and nobody
//! waits for it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

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
use crate::api::backend::Backend;
use crate::api::types::{Pulse, Stream};

/// The most that is read and held for one reader at a time.
const CHUNK: u64 = 256 << 10;
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
    // What is here now is a known amount; only a live session has more to come.
    let known =
        (!query.follow || ended).then(|| query.limit.min(length.saturating_sub(query.offset)));
    let reader = Reader {
        path: output.dir.join(query.stream.file_name()),
        file: None,
        stream: query.stream,
        at: query.offset,
        left: known.unwrap_or(query.limit),
        pulse: output.pulse,
        stopping: context.stopping,
    };
    let mut headers = HeaderMap::new();
    headers.insert(OFFSET, HeaderValue::from(query.offset));
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
    path: PathBuf,
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
                return self.read(CHUNK.min(length - self.at).min(self.left)).await.map(Some);
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

    async fn read(&mut self, want: u64) -> io::Result<Bytes> {
        let (path, at, file) = (self.path.clone(), self.at, self.file.take());
        let (file, bytes) = tokio::task::spawn_blocking(move || -> io::Result<(File, Vec<u8>)> {
            let file = file.map_or_else(|| File::open(path), Ok)?;
            // At most CHUNK, which fits any usize.
            let mut bytes = vec![0; usize::try_from(want).unwrap_or(usize::MAX)];
            let got = file.read_at(&mut bytes, at)?;
            bytes.truncate(got);
            Ok((file, bytes))
        })
        .await
        .map_err(io::Error::other)??;
        if bytes.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the mirror is shorter than it was",
            ));
        }
        self.file = Some(file);
        self.at += bytes.len() as u64;
        self.left -= bytes.len() as u64;
        Ok(bytes.into())
    }
}
