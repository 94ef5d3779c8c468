//! What can be wrong with this machine, the configuration or a request.

use std::path::PathBuf;

/// Why nothing could be started, without any host being asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalTrouble {
    /// The configuration has errors.
    #[error("the configuration cannot be taken: {detail}")]
    ConfigInvalid {
        /// The report, in its own words.
        detail: String,
    },
    /// No remote has this name.
    #[error("no remote {name:?}")]
    RemoteUnknown {
        /// The name that was asked for.
        name: String,
        /// The name that may have been meant.
        nearest: Option<String>,
    },
    /// The remote is disabled.
    #[error("remote {name} is disabled")]
    RemoteDisabled {
        /// The remote.
        name: String,
    },
    /// No agent has this name.
    #[error("no agent {name:?}")]
    AgentUnknown {
        /// The name that was asked for.
        name: String,
        /// The name that may have been meant.
        nearest: Option<String>,
    },
    /// The state directory cannot be written.
    #[error("state directory {}: {detail}", dir.display())]
    StateUnwritable {
        /// The directory.
        dir: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// There is no room left.
    #[error("no room in {}", dir.display())]
    DiskFull {
        /// The directory that could not be written to.
        dir: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// The socket's path does not fit into `sockaddr_un`.
    #[error("{} is longer than {limit} bytes", socket.display())]
    SocketPathTooLong {
        /// The path.
        socket: PathBuf,
        /// How many bytes a path may have here.
        limit: usize,
    },
    /// The daemon could not be started, or does not answer.
    #[error("no daemon at {}: {detail}", socket.display())]
    DaemonUnreachable {
        /// Its socket.
        socket: PathBuf,
        /// The system's own words.
        detail: String,
    },
}
