//! What can go wrong with a mirror.

use std::io;
use std::path::{Path, PathBuf};

/// Why a mirror could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The session has no folder (any more).
    #[error("the folder {} is gone", dir.display())]
    Gone {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder or one of its files could not be made.
    #[error("{} cannot be made: {source}", path.display())]
    Create {
        /// The folder or file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is full.
    #[error("no space left for {}: {length} bytes are in it", file.display())]
    Full {
        /// The file.
        file: PathBuf,
        /// Bytes of this call that are in the file.
        taken: u64,
        /// The file's length now: where to go on from.
        length: u64,
        /// The system's own words.
        source: io::Error,
    },
    /// Another error while writing.
    #[error("{} cannot be written: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Bytes of this call that are in the file.
        taken: u64,
        /// The file's length now: where to go on from.
        length: u64,
        /// The system's own words.
        source: io::Error,
    },
    /// An earlier append was dropped before it was done. Its bytes may still
    /// be on their way to the file: a new writer waits for them.
    #[error("an earlier write to {} was abandoned", dir.display())]
    Abandoned {
        /// The folder.
        dir: PathBuf,
    },
    /// A file could not be read.
    #[error("{} cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The launch file is not what was written. The parser's words are left
    /// out: they quote values, and those are secret.
    #[error("{} is damaged at line {line}, column {column}", file.display())]
    Launch {
        /// The file.
        file: PathBuf,
        /// The line, from 1; 0 if it could not be told.
        line: usize,
        /// The column, from 1; 0 if it could not be told.
        column: usize,
    },
    /// The folder or a file could not be removed.
    #[error("{} cannot be removed: {source}", path.display())]
    Remove {
        /// The folder or file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The list of what was dropped is as long as one may be.
    #[error("more was dropped, and more often, than can be told")]
    TooManyGaps,
    /// The daemon is stopping, and nothing was done.
    #[error("the daemon is stopping")]
    Stopping,
}

impl MirrorError {
    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Full { file, .. } => {
                let folder = file.parent().unwrap_or(file);
                Some(format!(
                    "make room: df '{}'; `longhaul gc` removes old sessions",
                    folder.display()
                ))
            }
            Self::Create { path, .. }
            | Self::Write { file: path, .. }
            | Self::Read { file: path, .. } => {
                let folder = path.parent().unwrap_or(path);
                Some(format!("make it yours: ls -la '{}'", folder.display()))
            }
            Self::Gone { .. }
            | Self::Abandoned { .. }
            | Self::Launch { .. }
            | Self::Remove { .. }
            | Self::TooManyGaps
            | Self::Stopping => None,
        }
    }

    /// Whether there is no room on the disk, or in the user's share of it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Create { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    pub(super) fn write(file: &Path, taken: u64, length: u64, source: io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { file, taken, length, source }
            }
            _ => Self::Write { file, taken, length, source },
        }
    }
}
