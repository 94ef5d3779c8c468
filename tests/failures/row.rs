//! A row of the table.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// What goes wrong, and what has to be told.
#[derive(Debug)]
pub(crate) struct Row {
    /// The remote's name, and the row's.
    pub(crate) name: &'static str,
    /// What stands behind `run -d --on NAME`.
    pub(crate) run: Vec<&'static str>,
    /// Where the failure has to show.
    pub(crate) shows: Shows,
    /// What stands behind `remote test NAME`.
    pub(crate) test: Vec<&'static str>,
    /// What has to be told.
    pub(crate) told: Told,
    /// How many connections were made for it, where somebody counts.
    pub(crate) connections: Option<Arc<AtomicUsize>>,
}

/// Where a failure has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// In the link of the session and of the remote, and in `remote test`.
    Link,
    /// In the session's end and in `remote test`.
    SessionAndTest,
    /// In the session's end; `remote test` does not come across it.
    Session,
    /// In `remote test`.
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
    /// A row whose link does not come up.
    pub(crate) fn link(name: &'static str, told: Told) -> Self {
        let (run, test) = (vec!["--", "true"], Vec::new());
        Self { name, run, shows: Shows::Link, test, told, connections: None }
    }

    /// A row whose session does not start.
    pub(crate) fn session(name: &'static str, run: &[&'static str], told: Told) -> Self {
        let shows = Shows::SessionAndTest;
        Self { name, run: run.to_vec(), shows, test: Vec::new(), told, connections: None }
    }

    /// With somebody who counts connections.
    pub(crate) fn counted(mut self, connections: &Arc<AtomicUsize>) -> Self {
        self.connections = Some(connections.clone());
        self
    }

    /// With its failure in other places.
    pub(crate) fn shows(mut self, shows: Shows) -> Self {
        self.shows = shows;
        self
    }

    /// With arguments for `remote test`.
    pub(crate) fn tested_with(mut self, arguments: &[&'static str]) -> Self {
        self.test = arguments.to_vec();
        self
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
