//! What can go wrong in a verb, and how that reads.

use std::io;
use std::path::PathBuf;

use super::exit::{self, Code};
use super::parts::ChangeError;
use super::render::failure_block;
use super::service::ServiceError;
use super::start::StartError;
use crate::api::client::ClientError;
use crate::domain::config::edit::{EditError, Request, Use};
use crate::domain::failure::catalogue::CONFIG_INVALID;
use crate::domain::failure::classify::local_failure;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::ids::{RemoteName, Tag};
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
    /// The service could not be installed or taken away.
    #[error(transparent)]
    Service(#[from] ServiceError),
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
    /// The configuration was not edited.
    #[error("{}", unedited(source))]
    Change {
        /// Why.
        source: ChangeError,
        /// What was asked for.
        request: Box<Request>,
    },
    /// The configuration cannot be taken as it stands; this is the report.
    #[error("the configuration has mistakes\n{}", .0.trim_end())]
    BadConfig(String),
    /// A remote that is to go has sessions.
    #[error("{sessions} of the sessions on {name} have not ended")]
    RemoteInUse {
        /// The remote.
        name: RemoteName,
        /// How many.
        sessions: u32,
    },
    /// No remote that may be used has this tag.
    #[error("no remote that may be used has the tag {tag}")]
    NoRemoteTagged {
        /// The tag.
        tag: Tag,
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
            // Its report is whole in the message, and has a layout of its own.
            && failure.code != CONFIG_INVALID
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
            Self::Client(ClientError::Connect { socket, .. }) => {
                let folder = socket.parent().unwrap_or(socket).display();
                Some(format!("ls -ld {folder}\nLONGHAUL_SOCKET=/a/place/of/yours/sock longhaul …"))
            }
            Self::Client(ClientError::Broken(_) | ClientError::Unfinished { .. }) => {
                Some("longhaul daemon status".into())
            }
            Self::Client(ClientError::Json { .. } | ClientError::Protocol { .. }) => Some(
                "longhaul daemon restart   (it may be of another version; sessions go on)".into(),
            ),
            Self::DaemonStopped { id } => Some(format!("longhaul attach {id}")),
            Self::Copy { id, .. } => Some(format!("longhaul logs {id}   (nothing is lost)")),
            Self::NoSuchRemote { all, .. } if all.is_empty() => Some("longhaul config path".into()),
            Self::NoSuchRemote { all, .. } => Some(format!("one of: {}", all.join(" "))),
            Self::NoRemoteTagged { tag } => Some(format!(
                "tags: [\"{tag}\"] of a remote in the configuration: longhaul config path"
            )),
            Self::NoQuestion { .. } => Some(
                "longhaul attention\nlonghaul remote reconnect REMOTE   (a new try asks again)"
                    .into(),
            ),
            Self::Start(error) => error.remedy(),
            Self::Service(error) => error.remedy(),
            Self::Change { source, request } => unedited_remedy(source, request),
            Self::BadConfig(_) => Some("longhaul config check".into()),
            Self::RemoteInUse { name, .. } => Some(format!(
                "longhaul ps\nlonghaul remote disable {name}   (no new ones)\nlonghaul remote rm {name} --force   (they go on)"
            )),
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

/// Why there is no edit, and that nothing was written.
fn unedited(error: &ChangeError) -> String {
    match error {
        ChangeError::Refused(report) => {
            let report = report.to_string();
            // Its last line says that it was not taken, which is the daemon's word.
            let problems = report.rsplit_once('\n').map_or(report.as_str(), |(all, _)| all);
            format!(
                "nothing was written: the configuration would have mistakes\n{}",
                problems.trim_end()
            )
        }
        other => format!("nothing was written: {other}"),
    }
}

fn unedited_remedy(error: &ChangeError, request: &Request) -> Option<String> {
    let by_hand = || Some(format!("by hand: {}", request.by_hand()));
    match error {
        ChangeError::Edit(EditError::NoRemote { name, all, .. }) if all.is_empty() => {
            Some(format!("longhaul remote add {name}"))
        }
        ChangeError::Edit(EditError::NoRemote { all, .. }) => {
            let all: Vec<_> = all.iter().map(RemoteName::as_str).collect();
            Some(format!("one of: {}", all.join(" ")))
        }
        ChangeError::Edit(EditError::AlreadyThere { name, .. }) => {
            Some(format!("longhaul remote set {name} …\nlonghaul remote rm {name}"))
        }
        ChangeError::Edit(EditError::InUse { by, .. }) => {
            let default = by.iter().any(|it| matches!(it, Use::Default(_)));
            let agent = by.iter().any(|it| matches!(it, Use::Agent(..)));
            let lines = [
                default.then_some("longhaul remote default --none"),
                agent.then_some("have the agents run elsewhere, in the file"),
            ];
            Some(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
        }
        ChangeError::Edit(EditError::Twice { .. } | EditError::Broken { .. }) => {
            Some("longhaul config check".into())
        }
        ChangeError::Changed { .. } | ChangeError::Busy { .. } => Some("the same again".into()),
        ChangeError::Refused(_) => None,
        ChangeError::Edit(EditError::Unsafe { .. })
        | ChangeError::HardLinks { .. }
        | ChangeError::ReadOnly { .. }
        | ChangeError::Attribute { .. }
        | ChangeError::Io { .. } => by_hand(),
    }
}
