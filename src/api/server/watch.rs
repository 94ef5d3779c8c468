//! `GET /v1/sessions/{id}/watch`: a session's pulse, a line of JSON each.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::ApiError;
use super::extract::Named;
use super::serve::{Context, Stopping};
use crate::api::backend::Backend;
use crate::api::types::Pulse;

/// The least time between two lines that differ in lengths only. A session that
/// writes without a pause would otherwise cost a line for each piece of output;
/// a change of state never waits.
const PACE: Duration = Duration::from_millis(4);

pub(super) async fn watch<B: Backend>(
    State(context): State<Context<B>>,
    Named(id): Named,
) -> Result<Response, ApiError> {
    let output = context.backend.output(&id).await?;
    let watcher = Watcher { pulse: output.pulse, stopping: context.stopping, last: None };
    let lines = stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(line) => line.map(|line| (Ok(line), Some(watcher))),
            // Breaks the connection: the session has not ended, and a client
            // should ask again.
            Err(error) => Some((Err(error), None)),
        }
    });
    let headers = [(header::CONTENT_TYPE, "application/jsonl")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

#[derive(Debug)]
struct Watcher {
    pulse: watch::Receiver<Pulse>,
    stopping: Stopping,
    last: Option<(Pulse, Instant)>,
}

impl Watcher {
    /// The next line; `None` after the last pulse, and when the server stops.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if let Some((last, at)) = &self.last {
            if last.state.has_ended() {
                return Ok(None);
            }
            let (last, next) = (last.clone(), *at + PACE);
            match self.until(|pulse| *pulse != last).await {
                Wait::Matched => {}
                Wait::Stopping => return Ok(None),
                Wait::Orphaned => return Err(io::Error::other("the session's actor is gone")),
            }
            // More than lengths: say so at once. Otherwise wait for the pace,
            // or for such a change.
            let more = |pulse: &Pulse| !same_but_for_lengths(pulse, &last);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                _ = self.until(more) => {}
            }
        }
        let pulse = self.pulse.borrow_and_update().clone();
        let mut line = serde_json::to_vec(&pulse).map_err(io::Error::other)?;
        line.push(b'\n');
        self.last = Some((pulse, Instant::now()));
        Ok(Some(line.into()))
    }

    /// Waits for a pulse that `matches`. Cancel safe.
    async fn until(&mut self, matches: impl FnMut(&Pulse) -> bool) -> Wait {
        tokio::select! {
            found = self.pulse.wait_for(matches) => match found {
                Ok(_) => Wait::Matched,
                Err(_) => Wait::Orphaned,
            },
            () = self.stopping.stopped() => Wait::Stopping,
        }
    }
}

/// What came of waiting for a pulse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// It is there.
    Matched,
    /// The server stops.
    Stopping,
    /// Nobody is left to send one.
    Orphaned,
}

fn same_but_for_lengths(a: &Pulse, b: &Pulse) -> bool {
    a.state == b.state && a.link == b.link && a.exit == b.exit && a.failure == b.failure
}
