//! `GET /v1/watch`: how far all live sessions are, a line of JSON for each that
//! has come on.
//!
//! One reader costs what it knows of each session, a few numbers, however slow it
//! is: the next look is taken when the last lines have gone out.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::error::ApiError;
use super::serve::{Context, Stopping};
use crate::api::backend::Backend;
use crate::api::types::{Progress, SessionState};
use crate::domain::ids::SessionId;

/// Between two looks.
const PACE: Duration = Duration::from_millis(100);

pub(super) async fn watch_all<B: Backend>(
    State(context): State<Context<B>>,
) -> Result<Response, ApiError> {
    // A daemon that cannot answer says so with a status.
    context.backend.progress().await?;
    let watcher =
        Watcher { backend: context.backend, stopping: context.stopping, known: HashMap::new() };
    let chunks = stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(chunk) => chunk.map(|chunk| (Ok(chunk), Some(watcher))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let headers = [(header::CONTENT_TYPE, "application/jsonl")];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// What was last told of a session.
type Told = (SessionState, u64, u64);

struct Watcher<B> {
    backend: B,
    stopping: Stopping,
    known: HashMap<SessionId, Told>,
}

impl<B: Backend> Watcher<B> {
    /// The next lines; `None` when the server stops.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let lines = self.look().await?;
            if !lines.is_empty() {
                return Ok(Some(lines.into()));
            }
            tokio::select! {
                () = tokio::time::sleep(PACE) => {}
                () = self.stopping.stopped() => return Ok(None),
            }
        }
    }

    async fn look(&mut self) -> io::Result<Vec<u8>> {
        let live = self.backend.progress().await.map_err(io::Error::other)?;
        let mut lines = Vec::new();
        let mut gone = std::mem::take(&mut self.known);
        for progress in live {
            let told = (progress.state, progress.stdout, progress.stderr);
            if gone.remove(&progress.session) != Some(told) {
                add(&mut lines, &progress)?;
            }
            self.known.insert(progress.session, told);
        }
        for session in gone.into_keys() {
            // One that was removed has nothing more to tell.
            if let Ok(view) = self.backend.session(session.as_str()).await {
                add(&mut lines, &Progress::of(&view))?;
            }
        }
        Ok(lines)
    }
}

fn add(lines: &mut Vec<u8>, progress: &Progress) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, progress).map_err(io::Error::other)?;
    lines.push(b'\n');
    Ok(())
}
