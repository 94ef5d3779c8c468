//! One `ssh` in master mode: its life from the first word to the last.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::askpass::Answerer;
use super::exec::{self, Channel, OpenError};
use super::log::Log;
use super::{arguments, program, words};
use crate::domain::attention::Question;
use crate::domain::doctor::stage::{self, Stage};
use crate::domain::failure::trouble::{LinkTrouble, LostHow, Phase};
use crate::domain::target::{SshSettings, SystemSsh};
use crate::ssh::link::Peer;
use crate::ssh::people::People;
use crate::ssh::persons_time::PersonsTime;

/// The longest line of the log that is taken as one, in bytes.
const LONGEST_LINE: u64 = 8 * 1024;
/// How often it is looked whether the control socket is there, once `ssh` has
/// logged in.
const LOOK: Duration = Duration::from_millis(5);
/// How much longer than `ConnectTimeout` a step of the login may take: `ssh`, which
/// knows more, is to be the first to say that it has had enough.
const STEP: Duration = Duration::from_secs(10);
/// That much before there is an address: a command of a `Match exec` has this long.
const START: Duration = Duration::from_secs(30);
/// That much while a key signs: an agent may ask a person, or wait for a finger on a
/// token.
const SIGNATURE: Duration = Duration::from_secs(60);
/// How long `ssh` may take to end when it is told to.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a master may take to say that it is there.
const ALIVE: Duration = Duration::from_secs(3);
/// Runs `ssh`, and ends it when we are gone.
const GUARD: &str = include_str!("guard.sh");

/// A master that has logged in. Dropping it ends it.
#[derive(Debug)]
pub(in crate::ssh) struct Master {
    folder: Folder,
    ended: watch::Receiver<Option<LinkTrouble>>,
    stop: watch::Sender<bool>,
    peer: Peer,
    open_timeout: Duration,
    received: Arc<AtomicU64>,
    forwards_agent: bool,
    /// `UpdateHostKeys ask` asks after the login.
    _answerer: Option<Answerer>,
}

/// Starts a master, and waits until it has logged in.
///
/// # Errors
///
/// What `ssh` said; [`LinkTrouble::TimedOut`] if it said nothing for too long.
pub(in crate::ssh) async fn dial(
    settings: &SshSettings,
    told: &SystemSsh,
    people: People,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<Master, LinkTrouble> {
    let program = program::program().ok_or(LinkTrouble::SshNotInstalled)?;
    let folder = Folder::make().map_err(|error| could_not("make a folder for it", &error))?;
    let time = PersonsTime::default();
    let heard = watch::Sender::new(Log::default());
    let answerer =
        Answerer::listen(folder.path(), settings, people, time.clone(), heard.subscribe())
            .map_err(|error| could_not("be given somebody to ask", &error))?;
    let args = arguments::master(told, settings, &folder.socket(), answerer.is_some());
    let mut command = Command::new("sh");
    command.arg("-c").arg(GUARD).arg(program).arg(folder.path()).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(answerer) = &answerer {
        command.env("SSH_ASKPASS", answerer.program()).env("SSH_ASKPASS_REQUIRE", "force");
    }
    // A Ctrl-C for a daemon in the foreground is not for its links.
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| could_not("be started", &error))?;
    // `Child::wait` would let go of it.
    let leash = child.stdin.take();
    let log = Listener::listen(heard, child.stdout.take());
    let aside = Listener::listen(watch::Sender::new(Log::default()), child.stderr.take());
    let socket = folder.socket();
    let mut ahead = Ahead { stages: stage::of_link(settings).into(), progress };
    let up = tokio::select! {
        up = by_steps(&log, settings, &time, until_up(&mut child, &log, &socket, &mut ahead)) => up,
        question = unanswered(answerer.as_ref()) => Err(LinkTrouble::Unanswered { question }),
    };
    match up {
        Ok(true) => {}
        Ok(false) => {
            let said = log.whole().await;
            ahead.tell(&said);
            let aside = aside.whole().await;
            let trouble = words::trouble_on_the_way(&said, &aside, settings);
            if let (Some(answerer), LinkTrouble::AuthDenied { .. }) = (&answerer, &trouble) {
                answerer.refuse_passwords();
            }
            return Err(trouble);
        }
        Err(trouble) => return Err(trouble),
    }
    let version = log.now().version.unwrap_or_default();
    let (ending, ended) = watch::channel(None);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(keep(child, leash, log, ending, stopped));
    let peer = Peer { version, user: settings.user.clone() };
    Ok(Master {
        folder,
        ended,
        stop,
        peer,
        open_timeout: settings.connect_timeout,
        received: Arc::default(),
        forwards_agent: settings.forward_agent.is_some(),
        _answerer: answerer,
    })
}

impl Master {
    /// Opens a channel and starts `command` on it.
    pub(in crate::ssh) async fn exec(&self, command: &str) -> Result<Channel, LinkTrouble> {
        let socket = self.folder.socket();
        let opened = exec::open(&socket, command, self.received.clone(), self.forwards_agent);
        match timeout(self.open_timeout, opened).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(_)) if self.is_lost() => Err(self.lost().await),
            // Nobody answers on the socket: the master is about to end, or of no use.
            Ok(Err(OpenError::Mux(_))) => Err(self.give_up().await),
            Ok(Err(error)) => Err(LinkTrouble::ChannelRefused { detail: error.to_string() }),
            Err(_) if self.is_alive().await => Err(LinkTrouble::TimedOut { phase: Phase::Channel }),
            Err(_) => Err(self.give_up().await),
        }
    }

    async fn is_alive(&self) -> bool {
        timeout(ALIVE, exec::is_alive(&self.folder.socket())).await.unwrap_or(false)
    }

    /// Ends a master that does not do its work, if it does not end by itself.
    async fn give_up(&self) -> LinkTrouble {
        match timeout(FAREWELL, self.lost()).await {
            Ok(trouble) => trouble,
            Err(_) => {
                self.close().await;
                let detail = "ssh did not answer on its control socket".to_owned();
                LinkTrouble::Lost { how: LostHow::Closed, detail }
            }
        }
    }

    /// Whether the server opens or refuses a channel, or sends anything in the
    /// second half of `bound`.
    pub(in crate::ssh) async fn answers(&self, bound: Duration) -> bool {
        let socket = self.folder.socket();
        let mut asked = std::pin::pin!(exec::open(&socket, ":", self.received.clone(), false));
        let answered = |opened: Result<Channel, OpenError>| {
            matches!(opened, Ok(_) | Err(OpenError::Refused(_))) && !self.is_lost()
        };
        loop {
            tokio::select! {
                opened = &mut asked => return answered(opened),
                _ = self.lost() => return false,
                () = sleep(bound / 2) => {}
            }
            let received = self.received();
            tokio::select! {
                opened = &mut asked => return answered(opened),
                _ = self.lost() => return false,
                () = sleep(bound / 2) => {}
            }
            if self.received() == received {
                return false;
            }
        }
    }

    /// Bytes of output that have come.
    pub(in crate::ssh) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
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

    /// Who is on the other side.
    pub(in crate::ssh) fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// The stages of a dial that are not over yet, and who is told when they are.
struct Ahead<'a> {
    stages: VecDeque<Stage>,
    progress: &'a (dyn Fn(Stage) + Send + Sync),
}

impl Ahead<'_> {
    fn tell(&mut self, log: &Log) {
        while let Some(over) = self.stages.pop_front_if(|stage| log.is_past(stage)) {
            (self.progress)(over);
        }
    }
}

/// Waits for a question that nobody has answered.
async fn unanswered(answerer: Option<&Answerer>) -> Question {
    match answerer {
        Some(answerer) => answerer.unanswered().await,
        None => std::future::pending().await,
    }
}

/// Waits for `up`, as long as the log tells of one step after the other in time.
async fn by_steps(
    log: &Listener,
    settings: &SshSettings,
    time: &PersonsTime,
    up: impl Future<Output = bool>,
) -> Result<bool, LinkTrouble> {
    let mut up = std::pin::pin!(up);
    loop {
        let now = log.now();
        let mut left = patience(&now, settings);
        tokio::select! {
            biased;
            up = &mut up => return Ok(up),
            in_time = time.bound(&mut left, now.phase, log.beyond(now.steps)) => in_time?,
        }
    }
}

/// How long the step that is under way may take, without a person's time.
fn patience(log: &Log, settings: &SshSettings) -> Duration {
    let bound = settings.connect_timeout;
    match log.phase {
        Phase::Resolve => bound + START,
        // Each hop is dialled and logged in to before the server's first word, and
        // its `ssh` tells of nothing that goes well.
        Phase::KeyExchange if log.version.is_none() => {
            let hops = u32::try_from(settings.jumps.len()).unwrap_or(u32::MAX);
            bound.saturating_mul(hops.saturating_mul(2).saturating_add(1)).saturating_add(STEP)
        }
        _ if log.signs => bound + SIGNATURE,
        _ => bound + STEP,
    }
}

/// Whether the control socket came before `ssh` ended. Tells of the stages as
/// they end.
async fn until_up(child: &mut Child, log: &Listener, socket: &Path, ahead: &mut Ahead<'_>) -> bool {
    let mut heard = log.heard.subscribe();
    loop {
        let logged_in = {
            let now = heard.borrow_and_update();
            ahead.tell(&now);
            now.logged_in
        };
        if logged_in && socket.exists() {
            return true;
        }
        tokio::select! {
            _ = child.wait() => return false,
            // An error is its end, and that is waited for.
            changed = heard.changed(), if !logged_in => {
                if changed.is_err() {
                    let _ = child.wait().await;
                    return false;
                }
            }
            () = sleep(LOOK), if logged_in => {}
        }
    }
}

/// Owns the process until it ends, by itself or because it is told to.
async fn keep(
    mut child: Child,
    leash: Option<ChildStdin>,
    log: Listener,
    ending: watch::Sender<Option<LinkTrouble>>,
    mut stopped: watch::Receiver<bool>,
) {
    let by_itself = tokio::select! {
        biased;
        // An error is a stop, too: the link is gone.
        _ = stopped.wait_for(|stop| *stop) => false,
        _ = child.wait() => true,
    };
    let (how, detail) = if by_itself {
        let said = log.whole().await.words;
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        let silent = said.contains("not responding");
        let how = if silent { LostHow::KeepAlive } else { LostHow::Closed };
        (how, last.unwrap_or("ssh ended").to_owned())
    } else {
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        // The guard ends ssh when its input ends.
        drop(leash);
        if timeout(FAREWELL, child.wait()).await.is_err() {
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait().await;
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
    fn path(&self) -> &Path {
        &self.0
    }

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

/// Hears the log of `ssh`.
#[derive(Debug)]
struct Listener {
    heard: watch::Sender<Log>,
    task: Option<JoinHandle<()>>,
}

impl Listener {
    fn listen(
        heard: watch::Sender<Log>,
        log: Option<impl AsyncRead + Send + Unpin + 'static>,
    ) -> Self {
        let told = heard.clone();
        let task = log.map(|log| {
            tokio::spawn(async move {
                let mut log = BufReader::new(log);
                let mut line = Vec::new();
                while let Ok(1..) = (&mut log).take(LONGEST_LINE).read_until(b'\n', &mut line).await
                {
                    told.send_modify(|log| log.hear(&String::from_utf8_lossy(&line)));
                    line.clear();
                }
            })
        });
        Self { heard, task }
    }

    /// What has been heard so far.
    fn now(&self) -> Log {
        self.heard.borrow().clone()
    }

    /// Waits until more than so many steps have been heard of.
    async fn beyond(&self, steps: u64) {
        let mut heard = self.heard.subscribe();
        if heard.wait_for(|log| log.steps > steps).await.is_err() {
            std::future::pending().await
        }
    }

    /// All of it, once `ssh` has ended. A child of its that holds the stream is
    /// not waited for.
    async fn whole(mut self) -> Log {
        if let Some(task) = self.task.take() {
            let _ = timeout(FAREWELL, task).await;
        }
        self.now()
    }
}
