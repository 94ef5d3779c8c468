//! What a person is to confirm.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is done after a yes only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "matter", rename_all = "kebab-case")]
pub enum Matter {
    /// To hand a key to the agent: `AddKeysToAgent ask`.
    AddKey {
        /// The key's file.
        file: PathBuf,
    },
    /// To write down what a host has told of its keys: `UpdateHostKeys ask`.
    UpdateHostKeys {
        /// The host, as known_hosts has it.
        name: String,
        /// Fingerprints of the keys that are new.
        new: Vec<String>,
        /// Fingerprints of those that it no longer has.
        old: Vec<String>,
    },
    /// To go on though the host's address is known with another key: `CheckHostIP`.
    AddressKey {
        /// The host, as known_hosts has it.
        name: String,
        /// The address, as known_hosts has it.
        address: String,
        /// The SHA-256 fingerprint of the key that the host shows.
        fingerprint: String,
        /// The file in which it has the other key.
        file: PathBuf,
        /// The line there.
        line: usize,
    },
}

impl Matter {
    /// Whether there is no link without an answer.
    pub(super) fn holds_up(&self) -> bool {
        match self {
            Self::AddressKey { .. } => true,
            Self::AddKey { .. } | Self::UpdateHostKeys { .. } => false,
        }
    }
}

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddKey { file } => write!(f, "Add key {} to the agent", file.display()),
            Self::UpdateHostKeys { name, new, old } => {
                writeln!(f, "{name} has other host keys, and has proved it with a known one.")?;
                for fingerprint in new {
                    writeln!(f, "New: {fingerprint}")?;
                }
                for fingerprint in old {
                    writeln!(f, "No longer there: {fingerprint}")?;
                }
                f.write_str("Accept the updated host keys")
            }
            Self::AddressKey { name, address, fingerprint, file, line } => write!(
                f,
                "The host key of {name} differs from the one that its address {address} has in\n\
                 {}:{line}. It is {fingerprint}.\nAre you sure you want to continue connecting",
                file.display()
            ),
        }
    }
}
