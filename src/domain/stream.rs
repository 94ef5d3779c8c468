//! The two streams that a command writes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two streams that a command writes; they are kept apart from the
/// command to the reader.
#[derive(
    Default, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// The name of its file, in a spool and in a mirror.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Stdout => "out",
            Self::Stderr => "err",
        }
    }

    /// The name of the file in a mirror that lists what of it was dropped.
    #[must_use]
    pub fn gaps_file_name(self) -> &'static str {
        match self {
            Self::Stdout => "out.gaps",
            Self::Stderr => "err.gaps",
        }
    }

    /// The name that sentences use.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
        }
    }

    /// Both, in the order of their file descriptors.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// The name that people and the wire use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
