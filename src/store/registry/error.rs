//! What can go wrong with the registry, and what to do then.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use crate::domain::ids::{SessionId, SessionName};

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A live session has the name.
    #[error("the name {name} is taken by session {by}")]
    NameTaken {
        /// The name.
        name: SessionName,
        /// The session that has it.
        by: SessionId,
    },
    /// Another session has the id; draw another one.
    #[error("session {0} exists already")]
    IdTaken(SessionId),
    /// The file is no SQLite database, or parts of it are damaged.
    #[error("the registry {} is damaged: {source}", file.display())]
    Corrupt {
        /// The database.
        file: PathBuf,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// A record or an event in it cannot be understood.
    #[error("the registry {} has an entry {entry} that cannot be read: {source}", file.display())]
    Entry {
        /// The database.
        file: PathBuf,
        /// The session's id, or the event's number.
        entry: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A later version of longhaul wrote it.
    #[error(
        "the registry {} has format {found}; this version knows formats up to {known}",
        file.display()
    )]
    TooNew {
        /// The database.
        file: PathBuf,
        /// The format that it has.
        found: i64,
        /// The latest format that this version knows.
        known: i64,
    },
    /// The disk has no room left.
    #[error("no space left for the registry {}", file.display())]
    DiskFull {
        /// The database.
        file: PathBuf,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// The file or its file system may not be written.
    #[error("the registry {} cannot be written", file.display())]
    ReadOnly {
        /// The database.
        file: PathBuf,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// Another program holds it locked for longer than we wait.
    #[error("the registry {} is locked by another program", file.display())]
    Busy {
        /// The database.
        file: PathBuf,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// The file or its folder could not be made or opened.
    #[error("the registry {} cannot be opened: {source}", file.display())]
    Open {
        /// The database.
        file: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Another error of SQLite's.
    #[error("the registry {} failed: {source}", file.display())]
    Sqlite {
        /// The database.
        file: PathBuf,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// The registry's thread could not be started.
    #[error("the registry's thread could not be started: {source}")]
    Thread {
        /// The system's own words.
        source: io::Error,
    },
    /// The registry's thread is gone.
    #[error("the registry has stopped")]
    Stopped,
}

impl RegistryError {
    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Corrupt { file, .. } | Self::Entry { file, .. } => {
                // The write-ahead log belongs to its database: left behind, it
                // would be replayed into the new one.
                let file = file.display();
                format!(
                    "stop longhaul and move the registry away: \
                     for f in '{file}' '{file}-wal' '{file}-shm'; \
                     do [ -e \"$f\" ] && mv \"$f\" \"$f.damaged\"; done\n\
                     longhaul then starts with an empty one; the sessions' output stays beside it"
                )
            }
            Self::TooNew { .. } => "install the longhaul that wrote it, or a later one".to_owned(),
            Self::DiskFull { file, .. } => make_room(file),
            Self::Open { file, source }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                make_room(file)
            }
            Self::ReadOnly { file, .. } | Self::Open { file, .. } => {
                format!("make it writable for you: ls -la '{}'", folder(file).display())
            }
            Self::Busy { file, .. } => format!("see who holds it: fuser -v '{}'", file.display()),
            Self::NameTaken { .. }
            | Self::IdTaken(_)
            | Self::Sqlite { .. }
            | Self::Thread { .. }
            | Self::Stopped => return None,
        })
    }

    /// The error that stands for `source` of the database `file`.
    pub(super) fn from_sqlite(file: &Path, source: rusqlite::Error) -> Self {
        let file = file.to_owned();
        // On a full disk the log's shared memory cannot grow either, and that
        // has an I/O error's code (seen on a full tmpfs).
        if source.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::DiskFull { file, source };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { file, source }
            }
            Some(ErrorCode::DiskFull) => Self::DiskFull { file, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { file, source }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { file, source }
            }
            _ => Self::Sqlite { file, source },
        }
    }
}

fn make_room(file: &Path) -> String {
    format!("make room: df '{}'", folder(file).display())
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(file)
}

/// What a statement can fail with, before it is known whose file it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("entry {entry}: {source}")]
    Entry { entry: String, source: serde_json::Error },
}

impl Fault {
    pub(super) fn of(self, file: &Path) -> RegistryError {
        match self {
            Self::Sqlite(source) => RegistryError::from_sqlite(file, source),
            Self::Entry { entry, source } => {
                RegistryError::Entry { file: file.to_owned(), entry, source }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlites_codes_become_what_a_person_would_mend() {
        for (code, mended_by) in [
            (ffi::SQLITE_NOTADB, "move the registry away"),
            (ffi::SQLITE_CORRUPT_INDEX, "move the registry away"),
            (ffi::SQLITE_FULL, "make room"),
            (ffi::SQLITE_IOERR_SHMSIZE, "make room"),
            (ffi::SQLITE_READONLY_DBMOVED, "make it writable"),
            (ffi::SQLITE_BUSY_SNAPSHOT, "see who holds it"),
        ] {
            let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = RegistryError::from_sqlite(Path::new("/x/registry.sqlite"), source);
            let remedy = error.remedy().unwrap();
            assert!(remedy.contains(mended_by), "{code}: {remedy}");
            assert!(error.to_string().contains("/x/registry.sqlite"), "{error}");
        }
    }
}
