//! Small disks that can be full.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::must::Must;

/// Room for all that a schedule writes, and not more than memory has.
const SIZE: &str = "size=48m,mode=700";

/// A memory file system (`tmpfs(5)`), mounted until it is dropped.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Whether this account may mount: root may.
    pub(crate) fn can_be_mounted() -> bool {
        static CAN: OnceLock<bool> = OnceLock::new();
        *CAN.get_or_init(|| {
            let folder = tempfile::tempdir().must("make a folder");
            Self::mount(folder.path()).is_ok()
        })
    }

    /// Mounts one at a folder, which is made.
    pub(crate) fn at(folder: &Path) -> Self {
        fs::create_dir_all(folder).must("make a folder for a disk");
        Self::mount(folder).must("mount a small disk")
    }

    fn mount(folder: &Path) -> Result<Self, String> {
        let said =
            Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder).output();
        match said {
            Ok(said) if said.status.success() => Ok(Self { folder: folder.to_owned() }),
            Ok(said) => Err(String::from_utf8_lossy(&said.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Leaves no room.
    pub(crate) fn fill(&self) {
        let mut file = fs::File::create(self.filler()).must("make a file that fills a disk");
        // In ever smaller pieces: a write that does not fit writes what does, but
        // others write meanwhile.
        for size in [1 << 20, 4096, 1] {
            let piece = vec![0; size];
            while file.write_all(&piece).is_ok() {}
        }
    }

    /// Makes room again.
    pub(crate) fn free(&self) {
        let _ = fs::remove_file(self.filler());
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what a failed schedule left running may still be in it.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).output();
    }
}
