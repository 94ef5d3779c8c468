//! Where longhaul's files are, as a function of the environment alone.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The longest path that a socket address takes, in bytes: `sun_path` has 108
/// on Linux and 104 elsewhere (unix(7), unix(4)), and the last is a NUL.
pub const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Why a path cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathsError {
    /// Neither the variable that names the path nor `HOME` is set.
    #[error("neither {variable} nor HOME is set to an absolute path")]
    NoHome {
        /// The variable that would name it.
        variable: &'static str,
    },
    /// The socket's path does not fit a socket address.
    #[error("the socket path {} has {length} bytes, and at most {MAX_SOCKET_PATH} fit; set LONGHAUL_SOCKET to a shorter one", path.display())]
    SocketTooLong {
        /// The path.
        path: PathBuf,
        /// Its length, in bytes.
        length: usize,
    },
}

/// What the paths depend on, taken once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The working directory, for paths that a person gave.
    pub current_dir: PathBuf,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `LONGHAUL_CONFIG`.
    pub config: Option<PathBuf>,
    /// `LONGHAUL_STATE_DIR`.
    pub state_dir: Option<PathBuf>,
    /// `LONGHAUL_SOCKET`.
    pub socket: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub xdg_runtime_dir: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let current_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self::read(current_dir, |name| std::env::var_os(name))
    }

    /// The environment that `lookup` hands out.
    pub fn read(current_dir: PathBuf, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        // An empty variable is an unset one, to XDG and to people.
        let get = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // "All paths set in these environment variables must be absolute",
        // else they are to be ignored (XDG Base Directory Specification).
        let absolute = |name| get(name).filter(|path| path.is_absolute());
        let given = |name| get(name).map(|path| current_dir.join(path));
        Self {
            home: absolute("HOME"),
            config: given("LONGHAUL_CONFIG"),
            state_dir: given("LONGHAUL_STATE_DIR"),
            socket: given("LONGHAUL_SOCKET"),
            xdg_config_home: absolute("XDG_CONFIG_HOME"),
            xdg_state_home: absolute("XDG_STATE_HOME"),
            xdg_runtime_dir: absolute("XDG_RUNTIME_DIR"),
            current_dir,
        }
    }

    /// The main configuration file; `given` is what `--config` says.
    ///
    /// # Errors
    ///
    /// Nothing names it, and there is no home directory.
    pub fn config_file(&self, given: Option<&Path>) -> Result<PathBuf, PathsError> {
        if let Some(given) = given {
            return Ok(self.current_dir.join(given));
        }
        if let Some(path) = &self.config {
            return Ok(path.clone());
        }
        let base = self.base(self.xdg_config_home.as_ref(), ".config", "XDG_CONFIG_HOME")?;
        Ok(base.join("longhaul/longhaul.ron"))
    }

    /// The folder of the registry and of the mirrors.
    ///
    /// # Errors
    ///
    /// Nothing names it, and there is no home directory.
    pub fn state_dir(&self) -> Result<PathBuf, PathsError> {
        if let Some(path) = &self.state_dir {
            return Ok(path.clone());
        }
        let base = self.base(self.xdg_state_home.as_ref(), ".local/state", "XDG_STATE_HOME")?;
        Ok(base.join("longhaul"))
    }

    /// The daemon's socket. A state directory of one's own brings its own
    /// socket, so that several daemons can stand side by side.
    ///
    /// # Errors
    ///
    /// Nothing names it and there is no home directory, or it is too long.
    pub fn socket(&self) -> Result<PathBuf, PathsError> {
        let path = match (&self.socket, &self.state_dir, &self.xdg_runtime_dir) {
            (Some(socket), _, _) => socket.clone(),
            (None, None, Some(runtime)) => runtime.join("longhaul/longhaul.sock"),
            (None, _, _) => self.state_dir()?.join("longhaul.sock"),
        };
        let length = path.as_os_str().as_bytes().len();
        if length > MAX_SOCKET_PATH {
            return Err(PathsError::SocketTooLong { path, length });
        }
        Ok(path)
    }

    fn base(
        &self,
        xdg: Option<&PathBuf>,
        under_home: &str,
        variable: &'static str,
    ) -> Result<PathBuf, PathsError> {
        match (xdg, &self.home) {
            (Some(xdg), _) => Ok(xdg.clone()),
            (None, Some(home)) => Ok(home.join(under_home)),
            (None, None) => Err(PathsError::NoHome { variable }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(vars: &[(&str, &str)]) -> Environment {
        Environment::read("/cwd".into(), |name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    /// Config file, state directory and socket, or the variable that is missed.
    fn paths(vars: &[(&str, &str)]) -> [String; 3] {
        let env = environment(vars);
        [env.config_file(None), env.state_dir(), env.socket()].map(|path| match path {
            Ok(path) => path.display().to_string(),
            Err(PathsError::NoHome { variable }) => variable.to_owned(),
            Err(PathsError::SocketTooLong { length, .. }) => length.to_string(),
        })
    }

    #[test]
    fn each_variable_moves_what_it_names() {
        let home = ("HOME", "/h");
        let runtime = ("XDG_RUNTIME_DIR", "/run/1");
        let config = "/h/.config/longhaul/longhaul.ron";
        let state = "/h/.local/state/longhaul";
        let socket = "/h/.local/state/longhaul/longhaul.sock";
        for (vars, wanted) in [
            (vec![home], [config, state, socket]),
            (vec![home, runtime], [config, state, "/run/1/longhaul/longhaul.sock"]),
            (
                vec![home, ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")],
                ["/c/longhaul/longhaul.ron", "/s/longhaul", "/s/longhaul/longhaul.sock"],
            ),
            (vec![home, ("XDG_CONFIG_HOME", "c"), ("XDG_STATE_HOME", "")], [config, state, socket]),
            (vec![home, runtime, ("LONGHAUL_STATE_DIR", "/d")], [config, "/d", "/d/longhaul.sock"]),
            (
                vec![home, runtime, ("LONGHAUL_STATE_DIR", "/d"), ("LONGHAUL_SOCKET", "s")],
                [config, "/d", "/cwd/s"],
            ),
            (vec![home, ("LONGHAUL_CONFIG", "x.ron")], ["/cwd/x.ron", state, socket]),
            (vec![], ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_STATE_HOME"]),
            (vec![runtime], ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "/run/1/longhaul/longhaul.sock"]),
        ] {
            assert_eq!(paths(&vars), wanted, "{vars:?}");
        }
    }

    #[test]
    fn the_option_goes_over_the_variable() {
        let env = environment(&[("LONGHAUL_CONFIG", "/v.ron")]);
        assert_eq!(env.config_file(Some(Path::new("o.ron"))), Ok("/cwd/o.ron".into()));
    }

    #[test]
    fn a_socket_path_has_a_longest_length() {
        let path = format!("/{}", "x".repeat(MAX_SOCKET_PATH - 1));
        assert!(environment(&[("LONGHAUL_SOCKET", &path)]).socket().is_ok());
        let error = environment(&[("LONGHAUL_SOCKET", &format!("{path}x"))]).socket();
        assert!(matches!(
            error,
            Err(PathsError::SocketTooLong { length, .. }) if length == MAX_SOCKET_PATH + 1
        ));
    }
}
