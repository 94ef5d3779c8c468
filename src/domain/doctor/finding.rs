//! One thing that a doctor has looked at.

use serde::{Deserialize, Serialize};

/// How what was looked at is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Worth knowing, and no trouble.
    Note,
    /// Sessions run, and something of them will not be as it should be.
    Warn,
    /// Sessions cannot run.
    Fail,
}

impl Status {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What a doctor says about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable name, such as `doctor.rc-noise`; an agent's ends with the
    /// program's name.
    pub id: String,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub what: String,
    /// Why that matters; empty where all is well.
    pub why: String,
    /// What to type, lines with `#` being for people; `None` where nothing is to
    /// be done.
    pub command: Option<String>,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(id: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            status: Status::Ok,
            what: what.into(),
            why: String::new(),
            command: None,
        }
    }

    /// It is not, or might be better.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        status: Status,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self { status, why: why.into(), ..Self::ok(id, what) }
    }

    /// With what to type against it.
    #[must_use]
    pub fn with(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }
}
