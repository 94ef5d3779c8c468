//! The daemon (put together next).

use std::path::PathBuf;
use std::process::ExitCode;

/// How the daemon is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaemonOptions {
    /// The configuration's main file, where one was named.
    pub config: Option<PathBuf>,
    /// Whether somebody watches it: log to the terminal.
    pub foreground: bool,
}

/// Runs the daemon until it is told to stop.
#[must_use]
pub fn run(_options: DaemonOptions) -> ExitCode {
    ExitCode::FAILURE
}
