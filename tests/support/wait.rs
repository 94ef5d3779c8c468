//! Waiting for what another process does.
//!
//! Nothing tells this process that another has changed a file or gone away, so
//! it looks again and again, up to a deadline that only a failure reaches.

use std::thread::sleep;
use std::time::Duration;

// std's own is not allowed in this project; outside a runtime this one is it.
use tokio::time::Instant;

/// How long anything may take on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `holds`, and panics with `what` and `logs` if it never does.
#[track_caller]
pub(crate) fn eventually_or(
    what: &str,
    mut holds: impl FnMut() -> bool,
    logs: impl FnOnce() -> String,
) {
    if !holds_within(PATIENCE, &mut holds) {
        panic!("never came true in {PATIENCE:?}: {what}\n{}", logs());
    }
}

/// [`eventually_or`] where there is nothing more to show.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    eventually_or(what, holds, String::new);
}

/// Whether `holds` comes true within `limit`.
pub(crate) fn holds_within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(PAUSE);
    }
}
