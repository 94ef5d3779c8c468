//! Opening, settings, migrations, and a look for damage.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, ffi};
use serde::de::DeserializeOwned;

use super::error::{Fault, RegistryError};
use super::removals;
use super::sessions::{self, Page, Which};
use crate::domain::ids::SessionId;
use crate::domain::session::{Removal, SessionRecord};
use crate::store::files;

/// How long another program's lock is waited for. The daemon is alone; this is
/// for somebody who looks with a tool of SQLite's.
const BUSY: Duration = Duration::from_secs(5);

/// One step from each format to the next; `user_version` counts those taken.
/// Steps are added, never changed.
const MIGRATIONS: &[&str] = &[
    "
    -- `serial` is the order in which sessions were taken in; a clock may jump.
    CREATE TABLE sessions (
        serial INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        name TEXT,
        live INTEGER NOT NULL,
        idempotency_key TEXT,
        record TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX sessions_id ON sessions (id);
    CREATE UNIQUE INDEX sessions_key ON sessions (idempotency_key)
        WHERE idempotency_key IS NOT NULL;
    CREATE UNIQUE INDEX sessions_live_name ON sessions (name)
        WHERE live = 1 AND name IS NOT NULL;
    CREATE INDEX sessions_name ON sessions (name, live, serial) WHERE name IS NOT NULL;
    CREATE INDEX sessions_live ON sessions (serial) WHERE live = 1;

    -- AUTOINCREMENT: a number is not given again after its event was trimmed.
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE removals (
        serial INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        removal TEXT NOT NULL
    ) STRICT;
",
    "
    -- Up to which byte of a session's output its agent's events are written down.
    ALTER TABLE sessions ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
",
];

/// Opens the registry, and makes it or brings it up to date where needed.
pub(super) fn open(file: &Path) -> Result<Connection, RegistryError> {
    create_file(file).map_err(|source| RegistryError::Open { file: file.to_owned(), source })?;
    open_database(file)
}

/// Makes the file before SQLite does: SQLite would make it by the umask. Its
/// write-ahead log and shared memory take over the mode of the database.
fn create_file(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        files::create_folder(folder)?;
    }
    files::owner_only().read(true).append(true).create(true).open(file).map(drop)
}

fn open_database(file: &Path) -> Result<Connection, RegistryError> {
    let failed = |source| RegistryError::from_sqlite(file, source);
    // One thread uses the connection, so SQLite's own mutexes are of no use;
    // and a path is a path here, never a URI.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags).map_err(failed)?;
    configure(&db).map_err(failed)?;
    migrate(&db, file)?;
    check(&db).map_err(|fault| fault.of(file))?;
    Ok(db)
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    // With a write-ahead log and NORMAL, a commit is a write(2) and no
    // fsync(2): it survives the death of the daemon at any moment. A power cut
    // may take the last commits along, and never damages the database.
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "normal")
}

fn migrate(db: &Connection, file: &Path) -> Result<(), RegistryError> {
    let failed = |source| RegistryError::from_sqlite(file, source);
    let found: i64 =
        db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let steps = usize::try_from(found).ok().and_then(|done| MIGRATIONS.get(done..));
    let Some(steps) = steps else {
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        return Err(RegistryError::TooNew { file: file.to_owned(), found, known });
    };
    for (version, step) in (found + 1..).zip(steps) {
        let sql = format!("BEGIN IMMEDIATE; {step}; PRAGMA user_version = {version}; COMMIT");
        db.execute_batch(&sql).map_err(failed)?;
    }
    Ok(())
}

/// The mark of a registry that is in use.
const MARK: i64 = 0x6c6f_6e67;

pub(super) fn is_marked(db: &Connection) -> rusqlite::Result<bool> {
    let mark: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(mark == MARK)
}

pub(super) fn mark(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "application_id", MARK)
}

/// Looks for damage now: later it would show in the middle of something. That
/// costs a reading of the file, which is some megabytes at most.
fn check(db: &Connection) -> Result<(), Fault> {
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(code, Some(verdict)).into());
    }
    removals::all(db)?;
    sessions::list(db, Which::All, Page::WHOLE).map(drop)
}

/// What a damaged registry still gives.
#[derive(Debug, Default)]
pub struct Readable {
    /// The sessions, by their ids.
    pub sessions: BTreeMap<SessionId, SessionRecord>,
    /// What was left to do for sessions that had been removed.
    pub removals: Vec<Removal>,
}

/// Reads a damaged registry from both of its ends to where the damage begins.
#[must_use]
pub fn readable(file: &Path) -> Readable {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(db) = Connection::open_with_flags(file, flags) else { return Readable::default() };
    let both = [sessions::sql::EVERY, sessions::sql::EVERY_BACKWARDS];
    let found = both.into_iter().flat_map(|sql| readable_rows::<SessionRecord>(&db, sql));
    Readable {
        sessions: found.map(|record| (record.id.clone(), record)).collect(),
        removals: readable_rows(&db, removals::EVERY),
    }
}

/// The damage ends the walk; an entry that cannot be read does not.
fn readable_rows<T: DeserializeOwned>(db: &Connection, sql: &str) -> Vec<T> {
    let Ok(mut statement) = db.prepare(sql) else { return Vec::new() };
    let Ok(rows) = statement.query_map([], |row| row.get::<_, String>(0)) else {
        return Vec::new();
    };
    rows.map_while(Result::ok).filter_map(|json| serde_json::from_str(&json).ok()).collect()
}
