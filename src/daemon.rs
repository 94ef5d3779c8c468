//! The daemon: everything put together, from the lock to the last answer.
//!
//! Start: state directory, lock, registry, actors, sessions from before, socket.
//! The lock is what makes one daemon of two starts; whoever holds it owns the
//! socket's path, so a socket that a crash left behind is taken over.
//!
//! Stop: no new requests, followers end, actors end. Sessions go on where they
//! run and are found again by the next daemon.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener as UnixSocket, UnixStream};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::actors::attention::Attention;
use crate::actors::config::{ConfigArgs, ConfigMsg, Timing};
use crate::actors::connection::SshDialer;
use crate::actors::janitor::{self, Janitor};
use crate::actors::journal::Journal;
use crate::actors::supervisor::{
    Children, DaemonHandle, Parts, RequestDigests, SupervisorActor, SupervisorArgs, SupervisorMsg,
    furnish,
};
use crate::actors::surroundings;
use crate::actors::{ask, now};
use crate::api::server::{Doors, TcpDoor, serve};
use crate::domain::listen::Listen;
use crate::domain::origin::{ControlId, Origin, Who};
use crate::domain::session::Phase;
use crate::paths::{Environment, PathsError};
use crate::runner::limits::raise_open_files;
use crate::service::{Manager, Vitals, attend, handed_over};
use crate::ssh::settings::SshEnvironment;
use crate::store::control_id::control_id;
use crate::store::registry::{Registry, RegistryError};
use crate::store::rescue::{self, Rescue};
use crate::store::state_dir::{DaemonLock, StateDir, StateDirError};
use crate::store::token::token;
use crate::telemetry::{self, OwnFile};

/// How often a lock is looked at whose holder does not answer, and how long
/// between two looks: five seconds in all.
const LOOKS: u32 = 250;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// How often the state directory is looked for.
const BETWEEN_LOOKS_AT_STATE: Duration = Duration::from_secs(2);

/// How the daemon is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaemonOptions {
    /// The configuration's main file, where one was named.
    pub config: Option<PathBuf>,
    /// The log's file, where it is ours to look after.
    pub log: Option<OwnFile>,
    /// Where to listen besides the socket.
    pub listen: Option<Listen>,
}

/// Why the daemon did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// A path cannot be told.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// The state directory cannot be used, or another daemon uses it.
    #[error(transparent)]
    State(#[from] StateDirError),
    /// The registry cannot be used.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The socket cannot be made.
    #[error("{}: {source}", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state directory's id cannot be kept.
    #[error("{}: {source}", path.display())]
    ControlId {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the service manager handed over is no socket to listen on.
    #[error("the service manager handed over what is no listening Unix socket: {0}")]
    HandedOver(#[source] io::Error),
    /// Something that is no socket is in its place.
    #[error("{} is in the way: it is no socket", .0.display())]
    NotASocket(PathBuf),
    /// The runtime, a signal handler or an actor could not be started.
    #[error("could not start: {0}")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The TCP port cannot be had.
    #[error("{address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// Why it cannot.
        source: io::Error,
    },
    /// The token of the TCP port cannot be kept.
    #[error("{}: {source}", path.display())]
    Token {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DaemonError {
    /// What to type, where there is something.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::State(error) => Some(error.remedy()),
            Self::Registry(error) => error.remedy(),
            Self::NotASocket(path) => Some(format!("mv {0} {0}.old", path.display())),
            Self::ControlId { path, .. } => Some(format!("rm '{}'", path.display())),
            Self::HandedOver(_) => Some("longhaul daemon install".to_owned()),
            Self::Listen { address, .. } => Some(format!("ss -ltnp sport = :{}", address.port())),
            Self::Token { path, .. } => Some(format!("rm '{}'", path.display())),
            Self::Paths(_) | Self::Socket { .. } | Self::Start(_) => None,
        }
    }
}

/// Runs the daemon until it is told to stop.
#[must_use]
pub fn run(options: DaemonOptions) -> ExitCode {
    telemetry::start(options.log.clone());
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            error!("{failure}");
            if let Some(remedy) = failure.remedy() {
                error!("what to do: {remedy}");
            }
            ExitCode::FAILURE
        }
    }
}

fn start(options: &DaemonOptions) -> Result<(), DaemonError> {
    let environment = Environment::of_process();
    let state_dir = StateDir::prepare(environment.state_dir()?)?;
    let socket = environment.socket()?;
    let handed = handed_over().map_err(DaemonError::HandedOver)?;
    // Held until the process ends.
    let lock = Arc::new(take_lock(&state_dir, &socket)?);
    // Sessions are started with a umask of their own; what the daemon makes is
    // for its owner alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    info!(limit = raise_open_files(), "files that may be open at once");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .enable_all()
        .build()
        .map_err(|error| DaemonError::Start(error.into()))?;
    let plan = Plan {
        lock: lock.clone(),
        socket,
        handed,
        listen: options.listen,
        manager: Manager::of_process(),
        config: environment.config_file(options.config.as_deref())?,
        ssh: ssh_environment(&environment),
        origin: origin(&state_dir, &environment)?,
        home: environment.home,
        state_dir,
    };
    let ended = runtime.block_on(live(plan));
    // A task that hangs in a system call does not keep the process alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

/// Whether a daemon's process works on this state directory. One that is on its way
/// out answers nobody any more, and still writes.
#[must_use]
pub fn has_process(state_dir: &Path) -> bool {
    StateDir::is_locked(state_dir)
}

/// Takes the lock, and gives a daemon that is on its way out the time to go.
///
/// The kernel closes the files of a killed process one after the other: its
/// socket may be dead while its lock still stands. A daemon that lives answers.
fn take_lock(state_dir: &StateDir, socket: &Path) -> Result<DaemonLock, DaemonError> {
    let mut looks = 0;
    loop {
        match state_dir.lock() {
            Err(StateDirError::AlreadyRunning { .. })
                if looks < LOOKS && UnixStream::connect(socket).is_err() =>
            {
                looks += 1;
                std::thread::sleep(BETWEEN_LOOKS);
            }
            taken => return Ok(taken?),
        }
    }
}

/// What the daemon is made of.
#[derive(Debug)]
struct Plan {
    lock: Arc<DaemonLock>,
    socket: PathBuf,
    /// What the service manager listens on for us, in the place of `socket`.
    handed: Option<UnixSocket>,
    /// Where it listens besides.
    listen: Option<Listen>,
    manager: Manager,
    config: PathBuf,
    ssh: SshEnvironment,
    home: Option<PathBuf>,
    origin: Origin,
    state_dir: StateDir,
}

/// What this control machine is to the sessions that it starts.
fn origin(state_dir: &StateDir, environment: &Environment) -> Result<Origin, DaemonError> {
    let file = state_dir.control_id();
    let fresh = ControlId::from_bits(rand::random());
    let id =
        control_id(&file, fresh).map_err(|source| DaemonError::ControlId { path: file, source })?;
    let user = ssh_environment(environment).local_user;
    let machine = rustix::system::uname();
    Ok(Origin { id, who: Who::new(&user, &machine.nodename().to_string_lossy()) })
}

/// What SSH settings depend on, of this process.
pub(crate) fn ssh_environment(environment: &Environment) -> SshEnvironment {
    let name = |variable| std::env::var(variable).ok().filter(|name| !name.is_empty());
    SshEnvironment {
        home: environment.home.clone().unwrap_or_else(|| PathBuf::from("/")),
        local_user: name("USER").or_else(|| name("LOGNAME")).unwrap_or_else(user_by_id),
        ssh_auth_sock: std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
        system_config: Some(PathBuf::from("/etc/ssh/ssh_config")),
    }
}

/// The user's name by passwd(5), for a daemon that was started without `USER`.
fn user_by_id() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut users = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mine = users.find(|fields| fields.get(2) == Some(&id.as_str()));
    mine.and_then(|fields| fields.first().map(|&name| name.to_owned())).unwrap_or(id)
}

async fn live(mut plan: Plan) -> Result<(), DaemonError> {
    let digests = RequestDigests::new(plan.state_dir.digest_key(rand::random())?);
    let (registry, rescue) = rescue::open(&plan.state_dir, now().as_millis()).await?;
    let notices: Vec<String> = rescue.iter().map(Rescue::notice).collect();
    for notice in &notices {
        warn!("{notice}");
    }
    let journal = Journal::open(registry.clone());
    let (stop, stopped) = watch::channel(false);
    let attention = Attention::new(journal.clone());
    let supervisor = spawn_supervisor(&plan, &registry, &attention, &journal).await?;
    let children: Children = ask(&supervisor, SupervisorMsg::FindChildren)
        .await
        .ok_or_else(|| DaemonError::Start("the supervisor does not answer".into()))?;
    adopt(&supervisor, &registry, &plan.state_dir).await?;
    surroundings::watch(&supervisor);
    let handed = plan.handed.take();
    let ours = handed.is_none();
    let tcp = match plan.listen {
        Some(listen) => Some(open_tcp(listen, &plan.state_dir).await?),
        None => None,
    };
    let socket = match handed {
        Some(socket) => take_over(socket)?,
        None => bind(&plan.socket)?,
    };
    let janitor = Janitor::start(janitor::Parts {
        registry: registry.clone(),
        supervisor: supervisor.clone(),
        config: children.config.clone(),
        journal: journal.clone(),
        state_dir: plan.state_dir.clone(),
    });
    info!(socket = %plan.socket.display(), version = env!("CARGO_PKG_VERSION"), "ready");
    let look = vitals(&supervisor, &attention);
    let line = look().await.unwrap_or_default().line();
    plan.manager.ready(&line);
    listen_to_signals(&stop, &children, plan.manager, line)?;
    tokio::spawn(attend(plan.manager, look));
    watch_state_dir(plan.lock.clone(), stop.clone());
    let handle = DaemonHandle::new(Parts {
        supervisor: supervisor.clone(),
        children,
        registry,
        attention,
        journal,
        janitor,
        state_dir: plan.state_dir.clone(),
        lock: plan.lock.clone(),
        origin: plan.origin,
        notices,
        digests,
        stop,
    });
    serve(Doors { socket, tcp }, handle, told_to_stop(stopped, supervisor.clone())).await;
    info!("stopping; sessions go on");
    plan.manager.stopping();
    let in_place = plan.lock.is_in_place();
    // Only our own: the lock is still held. Without it the path may be the next
    // daemon's, and the service manager's socket goes on listening.
    if in_place && ours {
        let _ = std::fs::remove_file(&plan.socket);
    }
    let _ = supervisor.cast(SupervisorMsg::ShutDown);
    // However that ends, there is nothing left to do.
    let _ = supervisor.wait(Some(Duration::from_secs(5))).await;
    if !in_place {
        return Err(StateDirError::Gone { dir: plan.state_dir.root().to_owned() }.into());
    }
    Ok(())
}

/// Stops the daemon once its state directory is gone. What it writes from then
/// on nobody would find again; the next daemon begins with what is there.
fn watch_state_dir(lock: Arc<DaemonLock>, stop: watch::Sender<bool>) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(BETWEEN_LOOKS_AT_STATE).await;
            let looked = lock.clone();
            let in_place = tokio::task::spawn_blocking(move || looked.is_in_place()).await;
            if !in_place.unwrap_or(true) {
                error!("the state directory was removed");
                stop.send_replace(true);
                return;
            }
        }
    });
}

async fn spawn_supervisor(
    plan: &Plan,
    registry: &Registry,
    attention: &Attention,
    journal: &Journal,
) -> Result<ActorRef<SupervisorMsg>, DaemonError> {
    let spools = plan.state_dir.root().join("spool").join("1");
    let args = SupervisorArgs {
        config: ConfigArgs {
            main_path: plan.config.clone(),
            home: plan.home.clone(),
            timing: Timing::default(),
        },
        ssh: plan.ssh.clone(),
        dialer: Arc::new(SshDialer),
        registry: registry.clone(),
        attention: attention.clone(),
        journal: journal.clone(),
        local_root: spools.to_string_lossy().into_owned(),
        origin: plan.origin.clone(),
    };
    let spawned = Actor::spawn(None, SupervisorActor, args).await;
    Ok(spawned.map_err(|error| DaemonError::Start(error.into()))?.0)
}

/// Finds the sessions of before again.
async fn adopt(
    supervisor: &ActorRef<SupervisorMsg>,
    registry: &Registry,
    state_dir: &StateDir,
) -> Result<(), DaemonError> {
    let mut records = registry.live().await?;
    // What runs counts before anything starts, and what waits comes in the order
    // in which it came.
    records.reverse();
    records.sort_by_key(|record| record.phase == Phase::Waiting);
    for record in records {
        let folder = state_dir.session(&record.id);
        let (id, state) = (record.id.clone(), record.state().as_str());
        let new = match furnish(folder, record).await {
            Ok(new) => new,
            Err(error) => {
                warn!(session = %id, %error, "its mirror cannot be opened");
                continue;
            }
        };
        info!(session = %id, state, "found again");
        let _ = supervisor.cast(SupervisorMsg::RunSession(Box::new(new), None));
    }
    Ok(())
}

/// TERM and INT stop, HUP reloads the configuration.
fn listen_to_signals(
    stop: &watch::Sender<bool>,
    children: &Children,
    manager: Manager,
    line: String,
) -> Result<(), DaemonError> {
    let open = |kind| signal(kind).map_err(|error| DaemonError::Start(error.into()));
    let mut term = open(SignalKind::terminate())?;
    let mut interrupt = open(SignalKind::interrupt())?;
    let mut hangup = open(SignalKind::hangup())?;
    let (stop, config) = (stop.clone(), children.config.clone());
    tokio::spawn(async move {
        loop {
            // Receiving a signal is cancel-safe.
            tokio::select! {
                _ = term.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => {
                    let actor = config.borrow().actor.clone();
                    let line = line.clone();
                    tokio::spawn(async move {
                        manager.reloading();
                        // A configuration that was not taken is told in the log and by
                        // `status`; the daemon is as ready as it was.
                        let _ = ask(&actor, ConfigMsg::Reload).await;
                        manager.ready(&line);
                    });
                }
            }
        }
        stop.send_replace(true);
    });
    Ok(())
}

/// Comes back when somebody wants the daemon to stop, or when it cannot go on.
async fn told_to_stop(mut stopped: watch::Receiver<bool>, supervisor: ActorRef<SupervisorMsg>) {
    // Both arms are cancel-safe.
    tokio::select! {
        _ = stopped.wait_for(|stopped| *stopped) => {}
        _ = supervisor.wait(None) => error!("the supervisor is gone"),
    }
}

/// How the daemon is, as the service manager is told; `None` from one that
/// cannot tell.
fn vitals(
    supervisor: &ActorRef<SupervisorMsg>,
    attention: &Attention,
) -> impl Fn() -> Pin<Box<dyn Future<Output = Option<Vitals>> + Send>> + use<> {
    let (supervisor, attention) = (supervisor.clone(), attention.clone());
    move || {
        let (supervisor, attention) = (supervisor.clone(), attention.clone());
        Box::pin(async move {
            let live = ask(&supervisor, SupervisorMsg::ListLive).await?;
            Some(Vitals { sessions: live.len(), questions: attention.open().len() })
        })
    }
}

fn take_over(socket: UnixSocket) -> Result<UnixListener, DaemonError> {
    socket
        .set_nonblocking(true)
        .and_then(|()| UnixListener::from_std(socket))
        .map_err(DaemonError::HandedOver)
}

/// Listens on a port, for whoever has the token in the state directory.
async fn open_tcp(listen: Listen, state_dir: &StateDir) -> Result<TcpDoor, DaemonError> {
    let path = state_dir.token();
    let token = match token(&path, rand::random()) {
        Ok(token) => token,
        Err(source) => return Err(DaemonError::Token { path, source }),
    };
    let address = listen.address();
    let failed = |source| DaemonError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    info!(address = %bound, token = %path.display(), "listens on TCP");
    Ok(TcpDoor { listener, token })
}

fn bind(path: &Path) -> Result<UnixListener, DaemonError> {
    let failed = |source| DaemonError::Socket { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match std::fs::symlink_metadata(path) {
        // The lock says that nobody serves it.
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path).map_err(failed)?,
        Ok(_) => return Err(DaemonError::NotASocket(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    UnixListener::bind(path).map_err(failed)
}
