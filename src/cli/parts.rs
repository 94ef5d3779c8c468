//! What the command line takes from the rest of the program without a daemon.
//!
//! One function each, so that this is the only file here that knows where they
//! come from.

use std::path::Path;
use std::process::ExitCode;

use crate::daemon::{self, DaemonOptions};

/// What a check of the configuration found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checked {
    /// It can be taken; each warning is a line or more.
    Good {
        /// What is odd, but no error.
        warnings: Vec<String>,
    },
    /// It cannot, and this is the whole report.
    Bad {
        /// All that is wrong, with file, line and column.
        report: String,
    },
}

/// Checks the configuration whose main file is `file`, with the fragments
/// beside it.
pub(super) fn check_config(file: &Path) -> Checked {
    let report = format!("{}: this build cannot read configurations", file.display());
    Checked::Bad { report }
}

/// What `explain` says about a failure's code; `None` where there is no such
/// code.
pub(super) fn explain(_code: &str) -> Option<String> {
    None
}

/// All codes that `explain` knows, in order.
pub(super) fn codes() -> Vec<&'static str> {
    Vec::new()
}

/// The demonstration.
pub(super) fn demo() -> ExitCode {
    super::output::say("this build has no demo");
    ExitCode::FAILURE
}

/// The daemon itself, in this process.
pub(super) fn run_daemon(options: DaemonOptions) -> ExitCode {
    daemon::run(options)
}
