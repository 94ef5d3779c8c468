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
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use super::error::ApiError;
use super::serve::{Context, Stopping};
use crate::api::backend::Backend;
use crate::api::types::{EventKind, Progress, SessionState};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;

/// The most events that are asked for at once by a reader that lags.
const MISSED: usize = 10_000;
/// Between two looks.
const PACE: Duration = Duration::from_millis(100);

pub(super) async fn watch_all<B: Backend>(
    State(context): State<Context<B>>,
) -> Result<Response, ApiError> {
    // Before the first look, so that none comes in between unseen.
    let (seen, events) = context.backend.subscribe().await?;
    let (backend, stopping) = (context.backend, context.stopping);
    let watcher = Watcher { backend, stopping, known: HashMap::new(), seen, events };
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
    /// The newest event that was looked at.
    seen: u64,
    events: broadcast::Receiver<Event>,
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
        // Some are over before they are looked at.
        let created = self.created().await?;
        let live = self.backend.progress().await.map_err(io::Error::other)?;
        let mut lines = Vec::new();
        let mut gone: HashMap<SessionId, Option<Told>> =
            self.known.drain().map(|(session, told)| (session, Some(told))).collect();
        for session in created {
            gone.entry(session).or_default();
        }
        for progress in live {
            let told = (progress.state, progress.stdout, progress.stderr);
            if gone.remove(&progress.session).flatten() != Some(told) {
                add(&mut lines, &progress)?;
            }
            self.known.insert(progress.session, told);
        }
        let untold = |told: &Option<Told>| told.is_none_or(|(state, ..)| !state.has_ended());
        for (session, _) in gone.into_iter().filter(|(_, told)| untold(told)) {
            // One that was removed has nothing more to tell.
            let Ok(view) = self.backend.session(session.as_str()).await else { continue };
            add(&mut lines, &Progress::of(&view))?;
            if !view.state.has_ended() {
                // Its actor is about to be.
                self.known.insert(session, (view.state, view.stdout, view.stderr));
            }
        }
        Ok(lines)
    }

    /// The sessions that were taken in since the last look.
    async fn created(&mut self) -> io::Result<Vec<SessionId>> {
        let mut sessions = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(event) if event.seq > self.seen => {
                    self.seen = event.seq;
                    sessions.extend(created(event.kind));
                }
                Ok(_) => {}
                Err(TryRecvError::Lagged(_)) => {
                    let missed = self.backend.events(self.seen, MISSED).await;
                    for event in missed.map_err(io::Error::other)? {
                        self.seen = event.seq;
                        sessions.extend(created(event.kind));
                    }
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(sessions),
            }
        }
    }
}

fn created(kind: EventKind) -> Option<SessionId> {
    match kind {
        EventKind::SessionCreated { session, .. } => Some(session),
        _ => None,
    }
}

fn add(lines: &mut Vec<u8>, progress: &Progress) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, progress).map_err(io::Error::other)?;
    lines.push(b'\n');
    Ok(())
}
