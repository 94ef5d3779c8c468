//! Why the demonstration was not finished.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::api::client::ClientError;

/// Why the demonstration was not finished, or could not be cleared away.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// The runtime or a signal handler could not be made.
    #[error("could not start: {0}")]
    Runtime(#[source] io::Error),
    /// The temporary folder, or something in it, could not be made.
    #[error("{}: {source}; another place for temporary files: TMPDIR=DIR longhaul demo", path.display())]
    Stage {
        /// What could not be made.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A throwaway key could not be made.
    #[error("could not make a key: {0}")]
    Key(#[from] russh::keys::ssh_key::Error),
    /// No port could be opened on loopback.
    #[error("could not listen on 127.0.0.1: {0}")]
    Listen(#[source] io::Error),
    /// The daemon could not be started.
    #[error("could not start the daemon: {0}")]
    Spawn(#[source] io::Error),
    /// The daemon ended before it answered.
    #[error("the daemon ended with {status} before it answered:\n{log}")]
    DaemonDied {
        /// How it ended.
        status: ExitStatus,
        /// What it logged.
        log: String,
    },
    /// The daemon did not answer.
    #[error("the daemon did not answer within {} s:\n{log}", within.as_secs())]
    DaemonSilent {
        /// How long it was asked.
        within: Duration,
        /// What it logged.
        log: String,
    },
    /// The daemon said no, or was gone.
    #[error("the daemon: {0}")]
    Client(#[from] ClientError),
    /// The event stream ended early.
    #[error("the daemon stopped telling what happens")]
    EventsEnded,
    /// A task of the demonstration failed.
    #[error("a reader failed: {0}")]
    Reader(#[from] tokio::task::JoinError),
    /// The sessions did not end.
    #[error("the sessions have not ended after {} s:\n{log}", after.as_secs())]
    Stuck {
        /// How long they were followed.
        after: Duration,
        /// What the daemon logged.
        log: String,
    },
    /// Standard output cannot be written to.
    #[error("standard output: {0}")]
    Screen(#[source] io::Error),
    /// A signal asked for an end.
    #[error("interrupted")]
    Interrupted {
        /// Its number.
        signal: u8,
    },
    /// Something outlived the demonstration.
    #[error("could not end {what}; its files are in {}", folder.display())]
    LeftBehind {
        /// What it is.
        what: &'static str,
        /// The folder, which was kept.
        folder: PathBuf,
    },
    /// The folder could not be removed.
    #[error("could not remove {}: {source}", path.display())]
    Remove {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}
