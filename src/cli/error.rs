//! What can go wrong in a verb, and how that reads.

use std::io;
use std::path::PathBuf;

use super::exit::{self, Code};
use super::render::failure_block;
use super::start::StartError;
use crate::api::client::ClientError;
use crate::domain::failure::classify::local_failure;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::paths::{MAX_SOCKET_PATH, PathsError};

/// Why a verb gave up.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The words do not fit together.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// How it is written.
        write: String,
    },
    /// The environment does not say where things are.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// The daemon did not answer, or said no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No daemon runs, and none could be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The daemon was told to stop while it was waited for.
    #[error("the daemon was stopped; session {id} goes on")]
    DaemonStopped {
        /// The session that was followed.
        id: String,
    },
    /// Standard output could not be written.
    #[error("could not write the output: {0}")]
    Stdout(io::Error),
    /// A session's output could not be copied.
    #[error("could not copy the output of session {id}: {source}")]
    Copy {
        /// The session.
        id: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The mirror ended before the length that the daemon told.
    #[error("{} is shorter than it was", path.display())]
    MirrorShort {
        /// The mirror's file.
        path: PathBuf,
    },
    /// A file that was named could not be read.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The file; `-` is standard input.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Nobody is asked anything for this remote.
    #[error("{remote} has no open question")]
    NoQuestion {
        /// What was given.
        remote: String,
    },
    /// A signal ended us while a person was asked; the number is the status.
    #[error("interrupted")]
    Interrupted(Code),
    /// The terminal could not be read or written.
    #[error("the terminal failed: {0}")]
    Terminal(io::Error),
    /// A prompt or an answer has to be text.
    #[error("{} is not UTF-8: byte {at} is no character's", path.display())]
    NotText {
        /// The file; `-` is standard input.
        path: PathBuf,
        /// Where it stops being text, from 0.
        at: usize,
    },
    /// No remote has this name.
    #[error("no remote {name:?}")]
    NoSuchRemote {
        /// What was given.
        name: String,
        /// All that there are.
        all: Vec<String>,
    },
    /// Something of ours is no JSON.
    #[error("could not encode as JSON: {0}")]
    Encode(serde_json::Error),
    /// The runtime or a signal handler could not be set up.
    #[error("could not set up: {0}")]
    Setup(io::Error),
}

impl CliError {
    /// What is printed, without the program's name; nothing where silence is
    /// what everybody expects.
    pub(super) fn report(&self) -> Option<String> {
        if self.is_closed_pipe() || matches!(self, Self::Interrupted(_)) {
            return None;
        }
        if let Self::Client(ClientError::Api { body, .. }) = self
            && let Some(failure) = &body.failure
        {
            return Some(failure_block(failure));
        }
        if let Self::Paths(PathsError::SocketTooLong { path, .. }) = self {
            let (socket, limit) = (path.clone(), MAX_SOCKET_PATH);
            let trouble = LocalTrouble::SocketPathTooLong { socket, limit };
            return Some(failure_block(&local_failure(&trouble)));
        }
        let mut text = self.to_string();
        if let Some(remedy) = self.remedy() {
            for (index, line) in remedy.lines().enumerate() {
                text.push_str(if index == 0 { "\n  try: " } else { "\n       " });
                text.push_str(line);
            }
        }
        Some(text)
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Usage { write, .. } => Some(write.clone()),
            Self::Client(ClientError::Api { body, .. }) => body.remedy.clone(),
            Self::Client(ClientError::NotRunning { .. }) => Some("longhaul daemon start".into()),
            Self::Client(ClientError::Refused { socket, .. }) => {
                Some(format!("ls -l {}   (it has to be yours)", socket.display()))
            }
            Self::Client(ClientError::Connect { .. }) => {
                Some("LONGHAUL_SOCKET=/a/shorter/path longhaul …".into())
            }
            Self::Client(ClientError::Broken(_) | ClientError::Unfinished { .. }) => {
                Some("longhaul daemon status".into())
            }
            Self::Client(ClientError::Json { .. } | ClientError::Protocol { .. }) => {
                Some("longhaul daemon stop   (it may be of another version; sessions go on)".into())
            }
            Self::DaemonStopped { id } => Some(format!("longhaul attach {id}")),
            Self::Copy { id, .. } => Some(format!("longhaul logs {id}   (nothing is lost)")),
            Self::NoSuchRemote { all, .. } if all.is_empty() => Some("longhaul config path".into()),
            Self::NoSuchRemote { all, .. } => Some(format!("one of: {}", all.join(" "))),
            Self::NoQuestion { .. } => Some(
                "longhaul attention\nlonghaul remote reconnect REMOTE   (a new try asks again)"
                    .into(),
            ),
            Self::Start(error) => error.remedy(),
            Self::Paths(_)
            | Self::Stdout(_)
            | Self::MirrorShort { .. }
            | Self::Read { .. }
            | Self::NotText { .. }
            | Self::Interrupted(_)
            | Self::Terminal(_)
            | Self::Encode(_)
            | Self::Setup(_)
            | Self::Client(ClientError::Request(_) | ClientError::TooLong { .. }) => None,
        }
    }

    fn is_closed_pipe(&self) -> bool {
        matches!(
            self,
            Self::Stdout(source) | Self::Copy { source, .. }
                if source.kind() == io::ErrorKind::BrokenPipe
        )
    }

    /// What the program exits with; `failed` is the verb's own number for it.
    pub(super) fn code(&self, failed: Code) -> Code {
        match self {
            Self::Usage { .. } => exit::USAGE,
            Self::Interrupted(code) => *code,
            _ if self.is_closed_pipe() => exit::CLOSED_PIPE,
            _ => failed,
        }
    }
}
