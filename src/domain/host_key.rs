//! The host key that a person is asked about.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::failure::trouble::LinkTrouble;

/// The key that a host shows, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyShown {
    /// The name as it is looked up, with the port where it is not 22.
    pub name: String,
    /// The key's type, such as `ssh-ed25519`.
    pub kind: String,
    /// Its SHA-256 fingerprint.
    pub fingerprint: String,
    /// Whether it is known already.
    pub known: bool,
    /// The lines by which the host has other keys.
    pub others: Vec<HostKeyLine>,
    /// Where it would be written down; `None` if there is no file of the user's.
    pub file: Option<PathBuf>,
}

/// A line of a known_hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyLine {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The key's type.
    pub kind: String,
    /// Its SHA-256 fingerprint.
    pub fingerprint: String,
}

/// Why a key was not taken over; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The host could not be asked, or a file not be changed.
    #[error(transparent)]
    Link(#[from] LinkTrouble),
    /// It shows another key now than the one that was agreed to.
    #[error("the host shows another key now: {shown}")]
    OtherKey {
        /// The fingerprint of now.
        shown: String,
    },
    /// A line names other hosts too, or is the system's: it is for a person.
    #[error("{}, line {line}, is not about this host alone: edit it by hand", file.display())]
    NotPlain {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// There is no file to write to.
    #[error("UserKnownHostsFile names no file to write the key to")]
    NoFile,
}
