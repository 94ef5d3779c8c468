//! A row of the table.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// What goes wrong, and what has to be told.
#[derive(Debug)]
pub(crate) struct Row {
    /// The remote's name, and the row's.
    pub(crate) name: &'static str,
    /// What stands behind `run -d --on NAME`.
    pub(crate) run: Vec<&'static str>,
    /// What fails.
    pub(crate) fails: Fails,
    /// What stands behind `remote test NAME`.
    pub(crate) test: Vec<&'static str>,
    /// What has to be told.
    pub(crate) told: Told,
    /// Where it is not told, and why it cannot be.
    pub(crate) except: Vec<(Place, &'static str)>,
    /// How many connections were made for it, where somebody counts.
    pub(crate) connections: Option<Arc<AtomicUsize>>,
}

/// What fails, which is where its failure is found in a record and in `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    /// The link, for which the session waits.
    Link,
    /// The session itself, which ends.
    Session,
    /// The request: there is no session.
    Request,
}

/// Where a failure is looked for. Each is looked at as people and as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The session's record.
    Record,
    /// `status`.
    Status,
    /// `remote test`.
    Test,
}

/// What has to be told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: &'static str,
    pub(crate) stage: &'static str,
    pub(crate) disposition: &'static str,
    /// What the message has to hold.
    pub(crate) message: Vec<String>,
    /// What the remedy has to hold.
    pub(crate) remedy: Vec<String>,
}

impl Row {
    fn new(name: &'static str, run: &[&'static str], fails: Fails, told: Told) -> Self {
        let (run, test, except) = (run.to_vec(), Vec::new(), Vec::new());
        Self { name, run, fails, test, told, except, connections: None }
    }

    /// A row whose link does not come up.
    pub(crate) fn link(name: &'static str, told: Told) -> Self {
        Self::new(name, &["--", "true"], Fails::Link, told)
    }

    /// A row whose session does not start.
    pub(crate) fn session(name: &'static str, run: &[&'static str], told: Told) -> Self {
        Self::new(name, run, Fails::Session, told)
    }

    /// A row whose session is not taken in.
    pub(crate) fn request(name: &'static str, run: &[&'static str], told: Told) -> Self {
        let why = "no session was taken in, and nothing is tried for it";
        Self::new(name, run, Fails::Request, told)
            .except(Place::Record, why)
            .except(Place::Status, why)
    }

    /// With somebody who counts connections.
    pub(crate) fn counted(mut self, connections: &Arc<AtomicUsize>) -> Self {
        self.connections = Some(connections.clone());
        self
    }

    /// Not told in a place, for this reason.
    pub(crate) fn except(mut self, place: Place, why: &'static str) -> Self {
        self.except.push((place, why));
        self
    }

    /// With arguments for `remote test`.
    pub(crate) fn tested_with(mut self, arguments: &[&'static str]) -> Self {
        self.test = arguments.to_vec();
        self
    }

    /// Whether it is told there.
    pub(crate) fn is_told_in(&self, place: Place) -> bool {
        self.except.iter().all(|(except, _)| *except != place)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} ({})", self.name, self.run.join(" "))
    }
}

/// A failure that is tried again.
pub(crate) fn retries(code: &'static str, stage: &'static str) -> Told {
    Told { code, stage, disposition: "retries", message: Vec::new(), remedy: Vec::new() }
}

/// A failure that waits for a person.
pub(crate) fn waits(code: &'static str, stage: &'static str) -> Told {
    Told { disposition: "waits-for-you", ..retries(code, stage) }
}

/// A failure that is the end.
pub(crate) fn is_final(code: &'static str, stage: &'static str) -> Told {
    Told { disposition: "final", ..retries(code, stage) }
}

impl Told {
    /// The message holds this.
    pub(crate) fn says(mut self, text: impl Into<String>) -> Self {
        self.message.push(text.into());
        self
    }

    /// The remedy holds this.
    pub(crate) fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy.push(text.into());
        self
    }
}
