//! One `ssh` in master mode: its life from the first word to the last.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::arguments;
use super::exec::{self, Channel};
use super::words;
use crate::domain::doctor::stage::Stage;
use crate::domain::failure::trouble::{LinkTrouble, LostHow, Phase};
use crate::domain::target::{SshSettings, SystemSsh};
use crate::ssh::auth::Askpass;
use crate::ssh::link::Peer;

/// How often it is looked whether the control socket is there. `ssh` tells
/// nobody that it has logged in.
const LOOK: Duration = Duration::from_millis(10);
/// How long after the connection a login may take: sshd's `LoginGraceTime`.
const LOGIN: Duration = Duration::from_secs(120);
/// How long `ssh` may take to end when it is told to.
const FAREWELL: Duration = Duration::from_secs(1);
/// How much of what `ssh` says is kept, in bytes: the end of it.
const MOST_WORDS: usize = 16 * 1024;

/// A master that has logged in. Dropping it ends it.
#[derive(Debug)]
pub(in crate::ssh) struct Master {
    folder: Folder,
    ended: watch::Receiver<Option<LinkTrouble>>,
    stop: watch::Sender<bool>,
    peer: Peer,
    open_timeout: Duration,
}

/// Starts a master, and waits until it has logged in.
///
/// # Errors
///
/// What `ssh` said; [`LinkTrouble::TimedOut`] if it said nothing for too long.
pub(in crate::ssh) async fn dial(
    settings: &SshSettings,
    told: &SystemSsh,
    askpass: Option<&Askpass>,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<Master, LinkTrouble> {
    let folder = Folder::make().map_err(|error| could_not("make a folder for it", &error))?;
    let args = arguments::master(told, settings, &folder.socket(), askpass.is_some());
    let mut command = Command::new("ssh");
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    if let Some(askpass) = askpass {
        command.env("SSH_ASKPASS", askpass.path()).env("SSH_ASKPASS_REQUIRE", "force");
    }
    // A Ctrl-C for a daemon in the foreground is not for its links.
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| could_not("be started", &error))?;
    let words = Words::listen(child.stderr.take());

    let bound = settings.connect_timeout.saturating_mul(2).saturating_add(LOGIN);
    let up = timeout(bound, until_up(&mut child, &folder.socket())).await;
    match up {
        Ok(true) => {}
        Ok(false) => {
            let said = words.whole().await;
            return Err(words::trouble(&said, &settings.host_name, &settings.user));
        }
        Err(_) => return Err(LinkTrouble::TimedOut { phase: Phase::Authentication }),
    }
    progress(Stage::Authentication);
    let (ending, ended) = watch::channel(None);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(keep(child, words, ending, stopped));
    let peer = Peer { version: String::new(), user: settings.user.clone() };
    Ok(Master { folder, ended, stop, peer, open_timeout: settings.connect_timeout })
}

impl Master {
    /// Opens a channel and starts `command` on it.
    pub(in crate::ssh) async fn exec(&self, command: &str) -> Result<Channel, LinkTrouble> {
        let socket = self.folder.socket();
        let opened = exec::open(&socket, command);
        match timeout(self.open_timeout, opened).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(_)) if self.is_lost() => Err(self.lost().await),
            Ok(Err(error)) => Err(LinkTrouble::ChannelRefused { detail: error.to_string() }),
            Err(_) => Err(LinkTrouble::TimedOut { phase: Phase::Channel }),
        }
    }

    /// Waits until it is gone, and says why.
    pub(in crate::ssh) async fn lost(&self) -> LinkTrouble {
        let mut ended = self.ended.clone();
        let told = ended.wait_for(Option::is_some).await.ok().and_then(|ending| ending.clone());
        told.unwrap_or_else(|| LinkTrouble::Lost {
            how: LostHow::Closed,
            detail: "ssh ended".to_owned(),
        })
    }

    /// Whether it is gone.
    pub(in crate::ssh) fn is_lost(&self) -> bool {
        *self.stop.borrow() || self.ended.borrow().is_some() || self.ended.has_changed().is_err()
    }

    /// Ends it. When this returns it is gone.
    pub(in crate::ssh) async fn close(&self) {
        self.stop.send_replace(true);
        self.lost().await;
    }

    /// Who is on the other side. `ssh` does not tell its version.
    pub(in crate::ssh) fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Whether the control socket came before `ssh` ended.
async fn until_up(child: &mut Child, socket: &Path) -> bool {
    loop {
        tokio::select! {
            _ = child.wait() => return false,
            () = sleep(LOOK) => {}
        }
        if socket.exists() {
            return true;
        }
    }
}

/// Owns the process until it ends, by itself or because it is told to.
async fn keep(
    mut child: Child,
    words: Words,
    ending: watch::Sender<Option<LinkTrouble>>,
    mut stopped: watch::Receiver<bool>,
) {
    let by_itself = tokio::select! {
        _ = child.wait() => true,
        // An error is a stop, too: the link is gone.
        _ = stopped.wait_for(|stop| *stop) => false,
    };
    let (how, detail) = if by_itself {
        let said = words.whole().await;
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        let silent = said.contains("not responding");
        let how = if silent { LostHow::KeepAlive } else { LostHow::Closed };
        (how, last.unwrap_or("ssh ended").to_owned())
    } else {
        if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process(pid, Signal::TERM);
        }
        if timeout(FAREWELL, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        (LostHow::Closed, "closed here".to_owned())
    };
    ending.send_replace(Some(LinkTrouble::Lost { how, detail }));
}

fn could_not(what: &str, error: &std::io::Error) -> LinkTrouble {
    LinkTrouble::ConnectFailed { detail: format!("the system's ssh could not {what}: {error}") }
}

/// The folder of a control socket, for the owner alone; goes when this goes.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make() -> std::io::Result<Self> {
        // Short: the path of a socket has 104 bytes on some systems, and ssh
        // adds 17 of its own while it makes one.
        let name = format!("lh-{:016x}", rand::random::<u64>());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The end of what `ssh` has said.
#[derive(Debug)]
struct Words {
    text: Arc<Mutex<Vec<u8>>>,
    listener: Option<tokio::task::JoinHandle<()>>,
}

impl Words {
    fn listen(stderr: Option<ChildStderr>) -> Self {
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let kept = text.clone();
        let listener = stderr.map(|mut stderr| {
            tokio::spawn(async move {
                let mut buffer = vec![0; 4096];
                while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend_from_slice(&buffer[..length]);
                    let excess = kept.len().saturating_sub(MOST_WORDS);
                    kept.drain(..excess);
                }
            })
        });
        Self { text, listener }
    }

    /// All of it, once `ssh` has ended. A child of its that holds the stream is
    /// not waited for.
    async fn whole(mut self) -> String {
        if let Some(listener) = self.listener.take() {
            let _ = timeout(FAREWELL, listener).await;
        }
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}
