//! Starts a daemon in the background.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::context::Context;
use super::service::{Order, leave_to_manager};
use crate::api::client::ClientError;
use crate::daemon::has_process;

/// How long a daemon may take until it answers: it reads its registry first.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the socket is looked for after our child has ended: another command
/// may have started one at the same moment, and only one of them stays.
const AFTER_DEATH: Duration = Duration::from_secs(1);
/// How long a daemon that is there may take to say so.
const ANSWER: Duration = Duration::from_secs(1);
/// The part of the log that is shown when it failed.
const TAIL: u64 = 2048;

/// Why there is no daemon now.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// The folder of its log could not be made.
    #[error("could not make {}: {source}", dir.display())]
    StateDir {
        /// The folder.
        dir: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Its log could not be opened.
    #[error("could not open the daemon's log {}: {source}", log.display())]
    Log {
        /// The log.
        log: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// This program could not be started again.
    #[error("could not start the daemon: {0}")]
    Spawn(io::Error),
    /// It ended before it answered.
    #[error("the daemon ended with {status} before it answered{}", indented(tail))]
    Died {
        /// How it ended.
        status: ExitStatus,
        /// The log.
        log: PathBuf,
        /// The end of what it wrote to its log.
        tail: String,
    },
    /// It did not answer in time.
    #[error("the daemon did not answer within {} s{}", PATIENCE.as_secs(), indented(tail))]
    Silent {
        /// The log.
        log: PathBuf,
        /// The end of what it wrote to its log.
        tail: String,
    },
    /// It answers, but not us.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl StartError {
    /// What to type.
    pub(super) fn remedy(&self) -> Option<String> {
        match self {
            Self::Died { log, .. } | Self::Silent { log, .. } => {
                Some(format!("longhaul daemon run   (its log: {})", log.display()))
            }
            Self::StateDir { .. } | Self::Log { .. } => {
                Some("LONGHAUL_STATE_DIR=/a/folder/of/yours longhaul …".to_owned())
            }
            Self::Spawn(_) | Self::Client(_) => None,
        }
    }
}

fn indented(tail: &str) -> String {
    tail.lines().fold(String::new(), |text, line| format!("{text}\n  | {line}"))
}

/// Starts a daemon and returns once it answers.
///
/// Two commands may do this at once: the daemon's own lock leaves one, and both
/// commands find it.
pub(super) async fn daemon(context: &Context) -> Result<(), StartError> {
    if leave_to_manager(Order::Start).unwrap_or(false) && context.client.version().await.is_ok() {
        return Ok(());
    }
    let log = context.state.join("daemon.log");
    let (file, start) = open_log(&context.state, &log)?;
    let mut child = spawn(context, file, &log).map_err(StartError::Spawn)?;
    let mut pause = Duration::from_millis(2);
    let mut until = Instant::now() + PATIENCE;
    let mut ended = None;
    loop {
        match context.client.version().await {
            Ok(_) => return Ok(()),
            // Closed before it answered: it is going, or not quite there.
            Err(ClientError::NotRunning { .. } | ClientError::Broken(_)) => {}
            Err(other) => return Err(other.into()),
        }
        if ended.is_none()
            && let Some(status) = child.try_wait().map_err(StartError::Spawn)?
        {
            ended = Some(status);
            until = until.min(Instant::now() + AFTER_DEATH);
        }
        if Instant::now() >= until {
            let tail = tail(&log, start);
            return Err(match ended {
                Some(status) => StartError::Died { status, log, tail },
                None => StartError::Silent { log, tail },
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(100));
    }
}

/// The log, for owners only, and its length so far.
fn open_log(dir: &Path, log: &Path) -> Result<(File, u64), StartError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| StartError::StateDir { dir: dir.to_owned(), source })?;
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(log)
        .and_then(|file| Ok((file.metadata()?.len(), file)))
        .map(|(length, file)| (file, length))
        .map_err(|source| StartError::Log { log: log.to_owned(), source })
}

/// The daemon, with nothing of ours but the environment.
///
/// It makes a session of its own (setsid(2)) as the first thing it does, so that
/// neither our terminal's end nor its Ctrl-C reaches it. No process group is
/// made for it here: setsid fails for a group's leader.
fn spawn(context: &Context, log: File, path: &Path) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(config) = &context.given_config {
        command.arg("--config").arg(config);
    }
    command
        .args(["daemon", "run", "--detached", "--log"])
        .arg(path)
        .env("LONGHAUL_STATE_DIR", &context.state)
        .env("LONGHAUL_SOCKET", context.client.socket())
        // A daemon that stays in a folder keeps its file system from being
        // unmounted. All paths it gets are absolute.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
}

/// The end of what was written to the log since `start`.
fn tail(log: &Path, start: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(length.saturating_sub(TAIL))))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    // Only decoration of an error that is told in any case.
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// Waits until nobody listens any more, and the daemon's process has ended; false
/// when that has not come true after ten seconds.
pub(super) async fn wait_until_gone(context: &Context) -> Result<bool, ClientError> {
    let until = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(2);
    while Instant::now() < until {
        let gone = match timeout(ANSWER, context.client.version()).await {
            // A service manager may go on listening for a daemon that is gone.
            Err(_) | Ok(Err(ClientError::NotRunning { .. })) => true,
            Ok(Ok(_) | Err(ClientError::Broken(_))) => false,
            Ok(Err(other)) => return Err(other),
        };
        if gone && !has_process(&context.state) {
            return Ok(true);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(100));
    }
    Ok(false)
}
