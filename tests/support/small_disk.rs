//! A file system of a few megabytes, to be filled.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::must::Must;

/// A tmpfs; it is unmounted when this is dropped.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    base: TempDir,
}

impl SmallDisk {
    /// Mounts one of so many mebibytes.
    ///
    /// `None`, and a word on standard error, where that is not allowed: mounting is
    /// root's privilege. Whoever is not root can be it among their own processes:
    /// `unshare -rm tests/run`.
    pub(crate) fn with_mebibytes(size: u32) -> Option<Self> {
        let base = tempfile::Builder::new().prefix("lh-disk-").tempdir().must("make a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}m,mode=700"), "tmpfs"]);
        let said = mount.arg(base.path()).output().must("run mount");
        if !said.status.success() {
            let why = String::from_utf8_lossy(&said.stderr);
            let words = format!("NOT TRIED: a small disk cannot be mounted: {why}");
            io::stderr().write_all(words.as_bytes()).must("say so");
            return None;
        }
        Some(Self { base })
    }

    /// The folder that it is mounted on.
    pub(crate) fn path(&self) -> &Path {
        self.base.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Fills it to the last page.
    pub(crate) fn fill(&self) {
        let mut file: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.ballast())
            .must("make the ballast");
        loop {
            match file.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("the ballast: {error}"),
            }
        }
    }

    /// Makes room again.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.ballast()).must("remove the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: somebody may still have a file of it open.
        let unmounted = Command::new("umount").arg("-l").arg(self.base.path()).status();
        if !std::thread::panicking() {
            assert!(unmounted.must("run umount").success(), "the small disk stays mounted");
        }
    }
}
