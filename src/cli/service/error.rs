//! Why the service could not be installed.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why the service could not be installed, taken away or started again.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ServiceError {
    /// No service manager is known for this system.
    #[error(
        "no service manager is known for {}; let yours run: longhaul daemon run",
        std::env::consts::OS
    )]
    NoManager,
    /// There is no home, so there is no place for the files.
    #[error("HOME is not set to an absolute path, so there is no place for the service's files")]
    NoHome,
    /// This program's own path cannot be told.
    #[error("could not tell where this program is: {0}")]
    Program(#[source] io::Error),
    /// A path cannot be written into such a file.
    #[error("{} cannot be named in a service's file: it is no text, or has a line break", .0.display())]
    Unspeakable(PathBuf),
    /// A file is in the place that we did not write.
    #[error("{} is there, and longhaul has not written it", .0.display())]
    NotOurs(PathBuf),
    /// A file could not be written, read or removed.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// A program of the service manager could not be started.
    #[error("{program} could not be started: {source}")]
    Tool {
        /// Its name.
        program: &'static str,
        /// The system's own words.
        source: io::Error,
    },
    /// A program of the service manager failed.
    #[error("`{command}` failed ({status}){}", said(.words))]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        words: String,
    },
}

fn said(words: &str) -> String {
    words.trim().lines().fold(String::new(), |text, line| format!("{text}\n  | {line}"))
}

impl ServiceError {
    /// What to type.
    pub(in crate::cli) fn remedy(&self) -> Option<String> {
        match self {
            Self::NotOurs(path) => Some(format!("mv {0} {0}.old", path.display())),
            Self::Tool { .. } | Self::NoManager => {
                Some("longhaul daemon start   (it runs until this machine does)".to_owned())
            }
            // A shell by su or sudo is no login, and has no manager of the user's.
            Self::Failed { command, .. } => {
                Some(format!("loginctl enable-linger   (then, in a login of yours: {command})"))
            }
            Self::NoHome | Self::Program(_) | Self::Unspeakable(_) | Self::File { .. } => None,
        }
    }
}
