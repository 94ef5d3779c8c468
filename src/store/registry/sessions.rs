//! The statements about sessions.
//!
//! What is searched for has a column with an index; the record itself is one
//! column of JSON, so that a new field needs no new format.

use rusqlite::{Connection, OptionalExtension, Params, Row, named_params};

use super::error::Fault;
use crate::domain::ids::{SESSION_ID_ALPHABET, SessionId, SessionName};
use crate::domain::session::SessionRecord;

/// What a person's word for a session stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This session.
    One(Box<SessionRecord>),
    /// None.
    Nothing,
    /// The beginning of these sessions' ids, in their order.
    Ambiguous(Vec<SessionId>),
}

/// Which sessions a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that have not ended.
    Live,
    /// All that were not removed.
    All,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many entries at most.
    pub limit: usize,
    /// How many entries are left out before that.
    pub offset: usize,
}

impl Page {
    /// The whole list.
    pub const WHOLE: Self = Self { limit: usize::MAX, offset: 0 };
}

/// How an insert went.
pub(super) enum Insertion {
    New,
    Existing(Box<SessionRecord>),
    NameTaken { name: SessionName, by: SessionId },
    IdTaken,
}

/// How a save went.
pub(super) enum Saving {
    Written,
    Stale,
    NameTaken { name: SessionName, by: SessionId },
}

/// A record with the columns that it is found by.
pub(super) struct Entry {
    record: SessionRecord,
    json: String,
}

impl Entry {
    pub(super) fn new(record: SessionRecord) -> Result<Self, Fault> {
        match serde_json::to_string(&record) {
            Ok(json) => Ok(Self { record, json }),
            Err(source) => Err(Fault::Entry { entry: record.id.to_string(), source }),
        }
    }

    pub(super) fn record(&self) -> &SessionRecord {
        &self.record
    }
}

pub(super) mod sql {
    pub(in super::super) const BY_ID: &str = "SELECT id, record FROM sessions WHERE id = :id";
    pub(in super::super) const BY_KEY: &str =
        "SELECT id, record FROM sessions WHERE idempotency_key = :key";
    // The live one comes first, then the newest.
    pub(in super::super) const BY_NAME: &str = "SELECT id, record FROM sessions \
         WHERE name = :name ORDER BY live DESC, serial DESC LIMIT 1";
    pub(in super::super) const LIVE_BY_NAME: &str =
        "SELECT id FROM sessions WHERE name = :name AND live = 1 AND id <> :id";
    pub(in super::super) const BY_PREFIX: &str =
        "SELECT id FROM sessions WHERE id >= :from AND id < :to ORDER BY id";
    pub(in super::super) const LIVE: &str = "SELECT id, record FROM sessions \
         WHERE live = 1 ORDER BY serial DESC LIMIT :limit OFFSET :offset";
    pub(in super::super) const ALL: &str =
        "SELECT id, record FROM sessions ORDER BY serial DESC LIMIT :limit OFFSET :offset";
    pub(in super::super) const INSERT: &str = "INSERT INTO sessions (id, name, live, idempotency_key, record) \
         VALUES (:id, :name, :live, :key, :record)";
    pub(in super::super) const EVERY: &str = "SELECT record FROM sessions ORDER BY serial";
    pub(in super::super) const EVERY_BACKWARDS: &str =
        "SELECT record FROM sessions ORDER BY serial DESC";
    // A record of the same revision is the same record, written once more.
    pub(in super::super) const SAVE: &str = "UPDATE sessions SET name = :name, live = :live, \
         idempotency_key = :key, record = :record WHERE id = :id \
         AND coalesce(json_extract(record, '$.revision'), 0) <= :revision";
    pub(in super::super) const REMOVE: &str = "DELETE FROM sessions WHERE id = :id";
}

pub(super) fn insert(db: &Connection, entry: &Entry) -> Result<Insertion, Fault> {
    let record = &entry.record;
    if let Some(key) = &record.idempotency_key
        && let Some(earlier) = one(db, sql::BY_KEY, named_params! { ":key": key })?
    {
        return Ok(Insertion::Existing(Box::new(earlier)));
    }
    if get(db, &record.id)?.is_some() {
        return Ok(Insertion::IdTaken);
    }
    if let Some((name, by)) = name_taken(db, record)? {
        return Ok(Insertion::NameTaken { name, by });
    }
    write(db, sql::INSERT, entry)?;
    Ok(Insertion::New)
}

/// Writes the whole record over an older one of the session. A name that
/// another live session has by now is answered with that session.
pub(super) fn save(db: &Connection, entry: &Entry) -> Result<Saving, Fault> {
    if let Some((name, by)) = name_taken(db, &entry.record)? {
        return Ok(Saving::NameTaken { name, by });
    }
    let Entry { record, json } = entry;
    let params = named_params! {
        ":id": record.id.as_str(),
        ":name": record.name.as_ref().map(SessionName::as_str),
        ":live": record.is_live(),
        ":key": record.idempotency_key,
        ":record": json,
        ":revision": i64::try_from(record.revision).unwrap_or(i64::MAX),
    };
    match db.prepare(sql::SAVE)?.execute(params)? {
        0 => Ok(Saving::Stale),
        _ => Ok(Saving::Written),
    }
}

/// Writes a session that has ended and the one that goes on from it. The first
/// gives up its name and the second takes it, with nobody in between. One that was
/// removed is not gone on with.
pub(super) fn hand_over(db: &Connection, ended: &Entry, next: &Entry) -> Result<Saving, Fault> {
    let saved = save(db, ended)?;
    if !matches!(saved, Saving::Written) {
        return Ok(saved);
    }
    // It is there already where this was done before, and not known to be.
    if get(db, &next.record.id)?.is_none() {
        write(db, sql::INSERT, next)?;
    }
    Ok(saved)
}

/// The session that a request with this key was answered with.
pub(super) fn by_key(db: &Connection, key: &str) -> Result<Option<SessionRecord>, Fault> {
    one(db, sql::BY_KEY, named_params! { ":key": key })
}

/// The live session other than this one that has its name, if it is to be live.
fn name_taken(
    db: &Connection,
    record: &SessionRecord,
) -> Result<Option<(SessionName, SessionId)>, Fault> {
    let Some(name) = record.name.as_ref().filter(|_| record.is_live()) else { return Ok(None) };
    let params = named_params! { ":name": name.as_str(), ":id": record.id.as_str() };
    let by = ids(db, sql::LIVE_BY_NAME, params)?.pop();
    Ok(by.map(|by| (name.clone(), by)))
}

fn write(db: &Connection, sql: &str, Entry { record, json }: &Entry) -> Result<(), Fault> {
    let params = named_params! {
        ":id": record.id.as_str(),
        ":name": record.name.as_ref().map(SessionName::as_str),
        ":live": record.is_live(),
        ":key": record.idempotency_key,
        ":record": json,
    };
    db.prepare(sql)?.execute(params)?;
    Ok(())
}

pub(super) fn get(db: &Connection, id: &SessionId) -> Result<Option<SessionRecord>, Fault> {
    one(db, sql::BY_ID, named_params! { ":id": id.as_str() })
}

/// By id, else by name, else by the beginning of an id.
pub(super) fn find(db: &Connection, given: &str) -> Result<Found, Fault> {
    if let Some(record) = one(db, sql::BY_ID, named_params! { ":id": given })? {
        return Ok(Found::One(Box::new(record)));
    }
    if let Some(record) = one(db, sql::BY_NAME, named_params! { ":name": given })? {
        return Ok(Found::One(Box::new(record)));
    }
    let mut fitting = with_prefix(db, given)?;
    if fitting.len() > 1 {
        return Ok(Found::Ambiguous(fitting));
    }
    let Some(id) = fitting.pop() else { return Ok(Found::Nothing) };
    Ok(get(db, &id)?.map_or(Found::Nothing, |record| Found::One(Box::new(record))))
}

fn with_prefix(db: &Connection, prefix: &str) -> Result<Vec<SessionId>, Fault> {
    // Nothing is no beginning of anything that somebody meant.
    if prefix.is_empty() || !prefix.chars().all(|c| SESSION_ID_ALPHABET.contains(c)) {
        return Ok(Vec::new());
    }
    // `{` is the character after `z`, the last one of the alphabet. A range
    // uses the index whatever the settings for LIKE are.
    let beyond = format!("{prefix}{{");
    ids(db, sql::BY_PREFIX, named_params! { ":from": prefix, ":to": beyond })
}

/// Newest first.
pub(super) fn list(db: &Connection, which: Which, page: Page) -> Result<Vec<SessionRecord>, Fault> {
    let sql = match which {
        Which::Live => sql::LIVE,
        Which::All => sql::ALL,
    };
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let params = named_params! { ":limit": count(page.limit), ":offset": count(page.offset) };
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(record(row)?);
    }
    Ok(records)
}

/// Whether there was such a session.
pub(super) fn remove(db: &Connection, id: &SessionId) -> Result<bool, Fault> {
    Ok(db.prepare(sql::REMOVE)?.execute(named_params! { ":id": id.as_str() })? > 0)
}

fn one(db: &Connection, sql: &str, params: impl Params) -> Result<Option<SessionRecord>, Fault> {
    let mut statement = db.prepare(sql)?;
    let found = statement.query_row(params, |row| Ok(record(row))).optional()?;
    found.transpose()
}

fn record(row: &Row<'_>) -> Result<SessionRecord, Fault> {
    let id: String = row.get(0)?;
    let json: String = row.get(1)?;
    serde_json::from_str(&json).map_err(|source| Fault::Entry { entry: id, source })
}

fn ids(db: &Connection, sql: &str, params: impl Params) -> Result<Vec<SessionId>, Fault> {
    let mut statement = db.prepare(sql)?;
    let ids = statement.query_map(params, |row| row.get::<_, String>(0))?;
    ids.map(|id| {
        let id = id?;
        id.parse()
            .map_err(|error| Fault::Entry { source: serde::de::Error::custom(error), entry: id })
    })
    .collect()
}
