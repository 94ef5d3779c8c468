//! Where the files are, by the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Why that cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum PathsError {
    /// No home directory to start from.
    #[error("HOME is not set; set it, or LONGHAUL_STATE_DIR and LONGHAUL_CONFIG")]
    NoHome,
}

/// What the paths depend on, taken once.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    current_dir: PathBuf,
    lookup: fn(&str) -> Option<OsString>,
}

impl Environment {
    /// The environment of this process.
    pub(super) fn of_process() -> Self {
        let current_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self { current_dir, lookup: |name| std::env::var_os(name) }
    }

    fn get(&self, name: &str) -> Option<PathBuf> {
        let value = (self.lookup)(name).filter(|value| !value.is_empty())?;
        Some(self.current_dir.join(value))
    }

    fn base(&self, xdg: &str, under_home: &str) -> Result<PathBuf, PathsError> {
        let home = || Some(self.get("HOME")?.join(under_home));
        self.get(xdg).or_else(home).ok_or(PathsError::NoHome)
    }

    /// The main configuration file; `given` is what `--config` says.
    pub(super) fn config_file(&self, given: Option<&Path>) -> Result<PathBuf, PathsError> {
        match given
            .map(|given| self.current_dir.join(given))
            .or_else(|| self.get("LONGHAUL_CONFIG"))
        {
            Some(file) => Ok(file),
            None => Ok(self.base("XDG_CONFIG_HOME", ".config")?.join("longhaul/longhaul.ron")),
        }
    }

    /// The folder of the registry and of the mirrors.
    pub(super) fn state_dir(&self) -> Result<PathBuf, PathsError> {
        match self.get("LONGHAUL_STATE_DIR") {
            Some(dir) => Ok(dir),
            None => Ok(self.base("XDG_STATE_HOME", ".local/state")?.join("longhaul")),
        }
    }

    /// The daemon's socket. Who moves the state has a second daemon in mind, so
    /// the socket moves along.
    pub(super) fn socket(&self) -> Result<PathBuf, PathsError> {
        let moved = self.get("LONGHAUL_STATE_DIR");
        match (self.get("LONGHAUL_SOCKET"), moved, self.get("XDG_RUNTIME_DIR")) {
            (Some(socket), ..) => Ok(socket),
            (None, None, Some(runtime)) => Ok(runtime.join("longhaul/longhaul.sock")),
            (None, ..) => Ok(self.state_dir()?.join("longhaul.sock")),
        }
    }
}
