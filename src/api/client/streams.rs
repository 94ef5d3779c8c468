//! Readers for the answers that do not end at once.

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;

use super::error::ClientError;
use super::http::decode;
use crate::api::types::{EventView, Progress, Pulse, StaleCursor, StatusView};

/// The longest line: a snapshot of a few thousand sessions.
const MAX_LINE: usize = 64 << 20;

/// A stream's bytes as they come.
#[derive(Debug)]
pub struct Bytes {
    body: Incoming,
    offset: Option<u64>,
}

impl Bytes {
    pub(super) fn new(response: Response<Incoming>) -> Self {
        let offset = response.headers().get("longhaul-offset");
        let offset = offset.and_then(|value| value.to_str().ok()?.parse().ok());
        Self { body: response.into_body(), offset }
    }

    /// Where in its stream it begins, if the daemon said so: behind what was
    /// asked for where that was dropped.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    ///
    /// When the connection breaks, which is also how the daemon says that there
    /// is more and it cannot send it.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// Lines, over however many chunks they come in.
#[derive(Debug)]
struct Lines {
    bytes: Bytes,
    held: BytesMut,
    /// How much of `held` has no line break in it.
    searched: usize,
    asked: String,
}

impl Lines {
    fn new(response: Response<Incoming>, asked: String) -> Self {
        Self { bytes: Bytes::new(response), held: BytesMut::new(), searched: 0, asked }
    }

    /// The next line without its end; `None` when there is no whole one. Cancel
    /// safe.
    async fn next(&mut self) -> Result<Option<BytesMut>, ClientError> {
        loop {
            if let Some(at) = self.held[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.held.split_to(self.searched + at);
                self.held.advance(1);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.held.len();
            if self.searched > MAX_LINE {
                return Err(ClientError::TooLong { asked: self.asked.clone() });
            }
            match self.bytes.next().await? {
                Some(more) => self.held.extend_from_slice(&more),
                None => return Ok(None),
            }
        }
    }
}

/// A session's pulse as it changes.
#[derive(Debug)]
pub struct Pulses(Lines);

impl Pulses {
    pub(super) fn new(response: Response<Incoming>, asked: String) -> Self {
        Self(Lines::new(response, asked))
    }

    /// The next pulse. `None` after the last one, and when the daemon was told
    /// to stop. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the connection breaks: the daemon died, or lost the session.
    pub async fn next(&mut self) -> Result<Option<Pulse>, ClientError> {
        match self.0.next().await? {
            Some(line) => decode(&line, &self.0.asked).map(Some),
            None => Ok(None),
        }
    }
}

/// How far all sessions are.
#[derive(Debug)]
pub struct AllProgress(Lines);

impl AllProgress {
    pub(super) fn new(response: Response<Incoming>, asked: String) -> Self {
        Self(Lines::new(response, asked))
    }

    /// How far a session has come since it was last told. `None` when the daemon
    /// was told to stop. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Progress>, ClientError> {
        match self.0.next().await? {
            Some(line) => decode(&line, &self.0.asked).map(Some),
            None => Ok(None),
        }
    }
}

/// One thing that `GET /v1/events` says.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedItem {
    /// Something happened.
    Event(EventView),
    /// The cursor is older than what is kept; a snapshot follows.
    Stale(StaleCursor),
    /// The present, in place of the events that are gone.
    Snapshot(Box<StatusView>),
}

/// Events as they come.
#[derive(Debug)]
pub struct Feed {
    lines: Lines,
    name: String,
    data: Vec<u8>,
}

impl Feed {
    pub(super) fn new(response: Response<Incoming>, asked: String) -> Self {
        Self { lines: Lines::new(response, asked), name: String::new(), data: Vec::new() }
    }

    /// The next item; `None` when there will be none. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<FeedItem>, ClientError> {
        while let Some(line) = self.lines.next().await? {
            if line.is_empty() {
                let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
                // A comment alone, which is the keep-alive.
                if data.is_empty() {
                    continue;
                }
                let asked = &self.lines.asked;
                match name.as_str() {
                    "" => return decode(&data, asked).map(|event| Some(FeedItem::Event(event))),
                    "stale" => return decode(&data, asked).map(|at| Some(FeedItem::Stale(at))),
                    "snapshot" => {
                        return decode(&data, asked).map(|now| Some(FeedItem::Snapshot(now)));
                    }
                    // A later daemon's; fields and events are only ever added.
                    _ => {}
                }
            } else if let Some(data) = field(&line, b"data:") {
                self.data.extend_from_slice(data);
            } else if let Some(name) = field(&line, b"event:") {
                self.name = String::from_utf8_lossy(name).into_owned();
            }
        }
        Ok(None)
    }
}

/// A field's value; one space after the colon is no part of it.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(name)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}
