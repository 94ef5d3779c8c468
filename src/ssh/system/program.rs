//! Where the system's `ssh` is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The first `ssh` on the PATH, as a shell would find it.
pub(in crate::ssh) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("ssh")).find(|file| may_run(file))
}

fn may_run(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
