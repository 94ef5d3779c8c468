//! How many files this process may have open, and its sessions.
//!
//! A session on this machine takes several descriptors here: its follower's
//! three pipes and its mirror's two files. The soft limit is 1024 on most
//! systems, for the sake of programs that use select(2), which cannot take a
//! descriptor beyond that; it is raised here, and what runs as a session gets
//! what this process was started with.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The soft limit that this process was started with, if it was raised.
static STARTED_WITH: OnceLock<Option<u64>> = OnceLock::new();

/// Raises the soft limit on open files to the hard one, and says what it is
/// now; `None` is no limit. A system that refuses leaves it as it was.
pub fn raise_open_files() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum || STARTED_WITH.set(current).is_err() {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        // macOS has a limit of its own below the one that it tells.
        Err(_) => current,
    }
}

/// What a shell does first, so that what it starts has the limit of before.
pub(super) fn lowered() -> String {
    match STARTED_WITH.get() {
        Some(Some(soft)) => format!("ulimit -S -n {soft} 2>/dev/null; "),
        Some(None) | None => String::new(),
    }
}
