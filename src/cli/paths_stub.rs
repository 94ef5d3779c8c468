//! Where the files are, by the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Why that cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum PathsError {
    /// No home directory to start from.
    #[error("HOME is not set; set it, or LONGHAUL_STATE_DIR and LONGHAUL_CONFIG")]
    NoHome,
    /// The current directory is gone, and a relative path was given.
    #[error("cannot make {} absolute: {source}", path.display())]
    Relative {
        /// What was given.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// The files that the command line has to find by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paths {
    /// The configuration's main file.
    pub(super) config: PathBuf,
    /// Mirrors, registry and log.
    pub(super) state: PathBuf,
    /// The daemon's socket.
    pub(super) socket: PathBuf,
}

impl Paths {
    /// By the variables that `env` knows; `config` was named by hand.
    pub(super) fn new(
        config: Option<&Path>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, PathsError> {
        let var = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = |below: &str| var("HOME").map(|home| home.join(below));
        let config = config.map(Path::to_owned).or_else(|| var("LONGHAUL_CONFIG"));
        let config = match config {
            Some(config) => config,
            None => var("XDG_CONFIG_HOME")
                .or_else(|| home(".config"))
                .ok_or(PathsError::NoHome)?
                .join("longhaul/longhaul.ron"),
        };
        let moved = var("LONGHAUL_STATE_DIR");
        let state = match &moved {
            Some(state) => state.clone(),
            None => var("XDG_STATE_HOME")
                .or_else(|| home(".local/state"))
                .ok_or(PathsError::NoHome)?
                .join("longhaul"),
        };
        // Who moves the state has a second daemon in mind, so the socket moves
        // along.
        let socket = match (var("LONGHAUL_SOCKET"), moved, var("XDG_RUNTIME_DIR")) {
            (Some(socket), ..) => socket,
            (None, None, Some(runtime)) => runtime.join("longhaul/api.sock"),
            (None, ..) => state.join("api.sock"),
        };
        Ok(Self { config: absolute(config)?, state: absolute(state)?, socket: absolute(socket)? })
    }
}

fn absolute(path: PathBuf) -> Result<PathBuf, PathsError> {
    std::path::absolute(&path).map_err(|source| PathsError::Relative { path, source })
}
