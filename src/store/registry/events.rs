//! The statements about events.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::error::Fault;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::SessionId;
use crate::domain::timestamp::Timestamp;

/// The newest events that are kept: some days' worth, and a few megabytes.
pub const KEPT_EVENTS: u64 = 10_000;

/// Events after a cursor.
#[derive(Debug, Clone, PartialEq)]
pub enum Events {
    /// All that came after the cursor, up to the limit, oldest first.
    Fresh(Vec<Event>),
    /// The cursor is none that can be gone on from: events after it are gone,
    /// or it was never given out by this registry.
    Stale {
        /// The oldest event that is kept; the next one to come if none is.
        oldest: u64,
    },
}

pub(super) mod sql {
    pub(in super::super) const APPEND: &str = "INSERT INTO events (at, kind) VALUES (:at, :kind)";
    pub(in super::super) const TRIM: &str = "DELETE FROM events WHERE seq <= :last";
    pub(in super::super) const OLDEST: &str = "SELECT min(seq) FROM events";
    pub(in super::super) const LAST: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";
    pub(in super::super) const SINCE: &str =
        "SELECT seq, at, kind FROM events WHERE seq > :since ORDER BY seq LIMIT :limit";
}

/// Adds an event, lets go of one that is too old, and returns the number.
pub(super) fn append(db: &Connection, at: Timestamp, kind: &str) -> Result<u64, Fault> {
    let params = named_params! { ":at": to_sql(at.as_millis()), ":kind": kind };
    db.prepare(sql::APPEND)?.execute(params)?;
    let seq = from_sql(db.last_insert_rowid());
    let last = to_sql(seq.saturating_sub(KEPT_EVENTS));
    db.prepare(sql::TRIM)?.execute(named_params! { ":last": last })?;
    Ok(seq)
}

/// Adds what an agent told in the output of `session` up to byte `up_to`, and
/// remembers that it is written down: both, or neither. What was told before is
/// not to be in `kinds`.
pub(super) fn tell(
    db: &Connection,
    at: Timestamp,
    session: &SessionId,
    up_to: u64,
    kinds: &[String],
) -> Result<Vec<u64>, Fault> {
    let params = named_params! { ":id": session.as_str(), ":told": to_sql(up_to) };
    db.prepare("UPDATE sessions SET told = max(told, :told) WHERE id = :id")?.execute(params)?;
    kinds.iter().map(|kind| append(db, at, kind)).collect()
}

/// Up to which byte of a session's output its agent's events are written down.
pub(super) fn told(db: &Connection, session: &SessionId) -> Result<u64, Fault> {
    let told = db
        .prepare("SELECT told FROM sessions WHERE id = :id")?
        .query_row(named_params! { ":id": session.as_str() }, |row| row.get(0))
        .optional()?;
    Ok(told.map_or(0, from_sql))
}

/// The newest event's number, which outlives the event; 0 before the first.
pub(super) fn last(db: &Connection) -> Result<u64, Fault> {
    let last = db.prepare(sql::LAST)?.query_row([], |row| row.get(0)).optional()?;
    Ok(last.map_or(0, from_sql))
}

pub(super) fn since(db: &Connection, since: u64, limit: usize) -> Result<Events, Fault> {
    let newest = last(db)?;
    let oldest: Option<i64> = db.prepare(sql::OLDEST)?.query_row([], |row| row.get(0))?;
    let oldest = oldest.map_or(newest + 1, from_sql);
    if since.saturating_add(1) < oldest || since > newest {
        return Ok(Events::Stale { oldest });
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = db.prepare(sql::SINCE)?;
    let params = named_params! { ":since": to_sql(since), ":limit": limit };
    let mut rows = statement.query(params)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let (seq, at, kind): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        events.push(Event {
            seq: from_sql(seq),
            at: Timestamp::from_millis(from_sql(at)),
            kind: decode(seq, &kind)?,
        });
    }
    Ok(Events::Fresh(events))
}

pub(super) fn encode(kind: &EventKind) -> Result<String, Fault> {
    serde_json::to_string(kind)
        .map_err(|source| Fault::Entry { entry: "of a new event".to_owned(), source })
}

fn decode(seq: i64, kind: &str) -> Result<EventKind, Fault> {
    serde_json::from_str(kind)
        .map_err(|source| Fault::Entry { entry: format!("event {seq}"), source })
}

/// SQLite's integers are signed; neither numbers nor times come near the sign.
fn to_sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn from_sql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
