//! The folder in which everything happens.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::DemoError;
use crate::paths::MAX_SOCKET_PATH;

/// A folder for its owner alone, gone when this is dropped.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
}

impl Stage {
    /// Makes it, where temporary files belong.
    pub(super) fn make() -> Result<Self, DemoError> {
        let name = format!("longhaul-demo-{:08x}", rand::random::<u32>());
        let usual = std::env::temp_dir().join(&name);
        // A socket's path has little room, and the configuration is text.
        let fits = usual.is_absolute()
            && usual.to_str().is_some()
            && usual.join("socket").as_os_str().len() <= MAX_SOCKET_PATH;
        let root = if fits { usual } else { Path::new("/tmp").join(&name) };
        let stage = |source| DemoError::Stage { path: root.clone(), source };
        // Fails when the name is taken: nobody else's folder is ever used.
        DirBuilder::new().mode(0o700).create(&root).map_err(stage)?;
        Ok(Self { root })
    }

    /// The folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the daemon listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.root.join("socket")
    }

    /// What the daemon and its connections take for the user's home.
    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The home directory on a remote.
    pub(super) fn home_on(&self, remote: &str) -> PathBuf {
        self.root.join(format!("remote-{remote}"))
    }

    /// The daemon's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.root.join("longhaul.ron")
    }

    /// The daemon's log.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("daemon.log")
    }

    /// Makes a folder in it.
    pub(super) fn folder(&self, path: &Path) -> Result<(), DemoError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| DemoError::Stage { path: path.to_owned(), source })
    }

    /// Writes a file for its owner alone.
    pub(super) fn file(&self, path: &Path, text: &str) -> Result<(), DemoError> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| DemoError::Stage { path: path.to_owned(), source })
    }

    /// Removes it with everything in it.
    pub(super) fn remove(self) -> Result<(), DemoError> {
        match fs::remove_dir_all(&self.root) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(DemoError::Remove { path: self.root.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
