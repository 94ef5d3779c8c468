//! `GET /v1/events`: what happened and happens, as server-sent events.
//!
//! Each event has its durable number as `id:`, so a client that comes back with
//! `Last-Event-ID` misses nothing. A number that is no longer kept is answered
//! with `stale` and a `snapshot` of the present: never with a silent gap.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tracing::error;

use super::error::ApiError;
use super::extract::{Asked, switch};
use super::serve::{Context, Stopping};
use crate::api::backend::{Backend, RequestError};
use crate::api::types::{EventView, StaleCursor};
use crate::domain::event::Event as Happened;

/// How many kept events are read at a time.
const PAGE: usize = 256;
/// How often an idle stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize)]
pub(super) struct Query {
    since: Option<u64>,
    #[serde(default, deserialize_with = "switch")]
    follow: bool,
}

pub(super) async fn events<B: Backend>(
    State(context): State<Context<B>>,
    Asked(query): Asked<Query>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    // A browser that reconnects repeats the query and adds the header, so the
    // header is the newer word.
    let resumed =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    // Subscribed before anything is read, so nothing falls in between.
    let (newest, live) = context.backend.subscribe().await?;
    let cursor = match (resumed.or(query.since), query.follow) {
        (Some(since), _) => Cursor::After(since),
        (None, true) => Cursor::After(newest),
        (None, false) => Cursor::Oldest,
    };
    let mut feed = Feed {
        backend: context.backend,
        stopping: context.stopping,
        sent: 0,
        newest,
        ready: VecDeque::new(),
        live: query.follow.then_some(live),
    };
    feed.begin(cursor).await?;
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok(event), feed))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

#[derive(Debug, Clone, Copy)]
enum Cursor {
    /// All that is kept.
    Oldest,
    /// All after this number.
    After(u64),
}

/// One reader's place among the events.
struct Feed<B> {
    backend: B,
    stopping: Stopping,
    /// The number of the last event that was handed out or left out.
    sent: u64,
    /// The newest number that is known to be in the registry.
    newest: u64,
    ready: VecDeque<Event>,
    live: Option<broadcast::Receiver<Happened>>,
}

impl<B: Backend> Feed<B> {
    async fn begin(&mut self, cursor: Cursor) -> Result<(), RequestError> {
        self.sent = match cursor {
            Cursor::Oldest => 0,
            Cursor::After(since) => since,
        };
        // A number that was never given out: the registry was lost, or the
        // cursor is another daemon's. Events would be left out until it is met.
        if self.sent > self.newest {
            return self.start_over(self.sent, self.newest).await;
        }
        match (self.read_page().await, cursor) {
            (Err(RequestError::StaleCursor { oldest, .. }), Cursor::Oldest) => {
                self.sent = oldest.saturating_sub(1);
                self.read_page().await
            }
            (Err(RequestError::StaleCursor { since, oldest }), Cursor::After(_)) => {
                self.start_over(since, oldest).await
            }
            (read, _) => read,
        }
    }

    /// Reads the next kept events. Where there are none left, `newest` is met.
    async fn read_page(&mut self) -> Result<(), RequestError> {
        if self.sent >= self.newest {
            return Ok(());
        }
        let page = self.backend.events(self.sent, PAGE).await?;
        if page.is_empty() {
            self.sent = self.newest;
        }
        for event in page {
            self.take(&event);
        }
        Ok(())
    }

    fn take(&mut self, event: &EventView) {
        if event.seq > self.sent {
            self.sent = event.seq;
            self.ready.push_back(encoded(None, Some(event.seq), event));
        }
    }

    /// Says that there is a gap, and what the world looks like behind it.
    async fn start_over(&mut self, since: u64, oldest: u64) -> Result<(), RequestError> {
        let status = self.backend.status().await?;
        self.ready.push_back(encoded(Some("stale"), None, &StaleCursor { since, oldest }));
        self.ready.push_back(encoded(Some("snapshot"), Some(self.newest), &status));
        self.sent = self.newest;
        Ok(())
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let step =
                if self.sent < self.newest { self.catch_up().await } else { self.receive().await };
            match step {
                Ok(true) => {}
                Ok(false) => return None,
                // The reader comes back with its last number, and is told then.
                Err(error) => {
                    error!(%error, "could not read events");
                    return None;
                }
            }
        }
    }

    async fn catch_up(&mut self) -> Result<bool, RequestError> {
        match self.read_page().await {
            Err(RequestError::StaleCursor { since, oldest }) => {
                self.start_over(since, oldest).await?;
            }
            read => read?,
        }
        Ok(true)
    }

    /// Waits for an event; false when there will be none.
    async fn receive(&mut self) -> Result<bool, RequestError> {
        let Some(live) = &mut self.live else { return Ok(false) };
        let received = tokio::select! {
            received = live.recv() => received,
            () = self.stopping.stopped() => return Ok(false),
        };
        match received {
            Ok(event) => {
                self.newest = self.newest.max(event.seq);
                self.take(&event.into());
            }
            // What was missed is in the registry. The new receiver starts
            // behind the newest number, so nothing falls in between.
            Err(RecvError::Lagged(_)) => {
                let (newest, live) = self.backend.subscribe().await?;
                self.newest = newest;
                self.live = Some(live);
            }
            Err(RecvError::Closed) => return Ok(false),
        }
        Ok(true)
    }
}

fn encoded(name: Option<&str>, id: Option<u64>, data: &impl Serialize) -> Event {
    let mut event = Event::default();
    if let Some(name) = name {
        event = event.event(name);
    }
    if let Some(id) = id {
        event = event.id(id.to_string());
    }
    // JSON has no line breaks of its own, which is all that `data` refuses; and
    // none of our types fails to be JSON.
    event.data(serde_json::to_string(data).unwrap_or_default())
}
