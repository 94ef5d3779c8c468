//! This machine's disk, when there is no room on it.

use super::handle::{DaemonHandle, store};
use crate::api::backend::RequestError;
use crate::domain::failure::Failure;
use crate::domain::failure::classify::local_failure;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::store::mirror::MirrorError;
use crate::store::registry::RegistryError;

/// With less than this, in bytes, nothing new is begun: the first output of a
/// session would find no room, and the registry none for its end.
const LEAST: u64 = 1 << 20;

/// What the state directory lacks for new sessions, if it does.
pub(super) async fn trouble(daemon: &DaemonHandle) -> Option<Failure> {
    let free = daemon.state_dir().free().await;
    let detail = match free {
        Some(free) if free < LEAST => format!("{} KiB are left", free / 1024),
        _ if daemon.registry().is_full() => "the registry could not be written".to_owned(),
        _ => return None,
    };
    Some(full(daemon, detail))
}

fn full(daemon: &DaemonHandle, detail: String) -> Failure {
    let dir = daemon.state_dir().root().to_owned();
    local_failure(&LocalTrouble::DiskFull { dir, detail })
}

/// What a person is told whose session could not be taken in by the registry.
pub(super) fn of_registry(daemon: &DaemonHandle, error: RegistryError) -> RequestError {
    match error {
        RegistryError::NameTaken { name, by } => {
            RequestError::NameTaken { name: name.to_string(), by }
        }
        RegistryError::DiskFull { .. } => {
            RequestError::Failed(Box::new(full(daemon, error.to_string())))
        }
        other => store(&other),
    }
}

/// What a person is told whose session got no mirror.
pub(super) fn of_mirror(daemon: &DaemonHandle, error: &MirrorError) -> RequestError {
    if error.is_full() {
        RequestError::Failed(Box::new(full(daemon, error.to_string())))
    } else {
        store(error)
    }
}
