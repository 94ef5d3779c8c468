//! Why there is no edit.

use std::fmt;
use std::path::PathBuf;

use crate::domain::config::problem::Place;
use crate::domain::ids::{AgentName, RemoteName};

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A file cannot be read as a configuration: the report of a check says why.
    #[error("{} cannot be read as a configuration", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
    },
    /// No file has this remote.
    #[error("there is no remote \"{name}\" in the configuration{}", Meant(nearest.as_ref()))]
    NoRemote {
        /// What was given.
        name: RemoteName,
        /// What was likely meant.
        nearest: Option<RemoteName>,
        /// All that there are.
        all: Vec<RemoteName>,
    },
    /// The name is taken.
    #[error("there is a remote \"{name}\" already: {place}")]
    AlreadyThere {
        /// The name.
        name: RemoteName,
        /// Where it is.
        place: Place,
    },
    /// Two remotes to add have one name.
    #[error("the remote \"{name}\" would be added twice")]
    Twice {
        /// The name.
        name: RemoteName,
    },
    /// Something names the remote that is to go.
    #[error("the remote \"{name}\" is still named:{}", Listed(by))]
    InUse {
        /// The remote.
        name: RemoteName,
        /// By what.
        by: Vec<Use>,
    },
    /// The edit cannot be made without harm to what is around.
    #[error("{} cannot be edited safely: {why}", file.display())]
    Unsafe {
        /// The file.
        file: PathBuf,
        /// The reason.
        why: Unsafe,
    },
}

/// Why an edit would do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// Something is not written in a way that there is a place in.
    #[error("{what} is written in a way that only a person can change")]
    Shape {
        /// What it is.
        what: &'static str,
    },
    /// A comment would be lost.
    #[error("a comment stands inside of what would be replaced")]
    Comment,
    /// What came out is not what was meant.
    #[error("the result would not say what was asked for, and nothing else")]
    Result,
}

/// What names a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// It is the default.
    Default(Place),
    /// An agent runs there.
    Agent(AgentName, Place),
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(place) => write!(f, "default_remote, {place}"),
            Self::Agent(name, place) => write!(f, "the agent \"{name}\", {place}"),
        }
    }
}

/// A guess.
struct Meant<'a>(Option<&'a RemoteName>);

impl fmt::Display for Meant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "; did you mean \"{name}\"?"),
            None => Ok(()),
        }
    }
}

/// A line each.
struct Listed<'a>(&'a [Use]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|it| write!(f, "\n  {it}"))
    }
}
