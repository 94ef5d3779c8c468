//! Logging.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What is logged unless `LONGHAUL_LOG` says otherwise. russh logs each packet,
/// and its agent client what is to be signed.
const USUAL: &str = "info,russh=warn";

/// Sends the log to standard error: a terminal, journald, or the file that the
/// daemon was started with.
pub fn start() {
    let filter = EnvFilter::try_from_env("LONGHAUL_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    // A second start in one process finds the first one's log in place.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_writer(std::io::stderr)
        // Its word on a line that could not be written would go to standard error
        // as well, and a failure of that is a panic: a full disk ended the daemon.
        .log_internal_errors(false)
        .try_init();
}
