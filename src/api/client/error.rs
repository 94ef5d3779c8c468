//! How a call can fail.

use std::io;
use std::path::PathBuf;

use crate::api::types::ErrorBody;

/// Why a call of the API has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no socket, or nobody listens on it.
    #[error("no daemon listens on {}", socket.display())]
    NotRunning {
        /// The socket.
        socket: PathBuf,
    },
    /// The socket is somebody else's.
    #[error("{} does not let us in", socket.display())]
    Refused {
        /// The socket.
        socket: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Connecting failed in another way, such as a path that is too long for a
    /// socket (unix(7): 107 bytes on Linux).
    #[error("could not connect to {}: {source}", socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The connection broke before the answer was complete.
    #[error("the daemon hung up: {0}")]
    Broken(#[from] hyper::Error),
    /// The request could not be put into HTTP.
    #[error("not a request: {0}")]
    Request(#[from] hyper::http::Error),
    /// The answer is not what this version expects.
    #[error("the daemon's answer to {asked} makes no sense: {source}")]
    Json {
        /// The path that was asked for.
        asked: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The answer is no error of ours: another program listens there.
    #[error("{asked} was answered with {status}, and not by a longhaul daemon")]
    Protocol {
        /// The path that was asked for.
        asked: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer ended before what was asked for came.
    #[error("the daemon gave up on {asked}")]
    Unfinished {
        /// The path that was asked for.
        asked: String,
    },
    /// A line or an answer that is longer than any of ours.
    #[error("the daemon's answer to {asked} is too long")]
    TooLong {
        /// The path that was asked for.
        asked: String,
    },
    /// The daemon turned the request down.
    #[error("{}", body.message)]
    Api {
        /// The HTTP status.
        status: u16,
        /// Why.
        body: Box<ErrorBody>,
    },
}

impl ClientError {
    /// The stable word of an error that the daemon itself answered with.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Api { body, .. } => Some(&body.error),
            _ => None,
        }
    }
}
