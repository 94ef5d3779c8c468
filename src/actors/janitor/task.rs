//! When it looks.

use std::collections::HashSet;
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{error, warn};

use super::sweep::{Effort, Swept, sweep};
use crate::actors::config::ConfigHandle;
use crate::actors::journal::Journal;
use crate::actors::now;
use crate::actors::supervisor::SupervisorMsg;
use crate::domain::connection::LinkState;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::SessionId;
use crate::domain::timestamp::Timestamp;
use crate::store::registry::{Registry, RegistryError};
use crate::store::state_dir::StateDir;

/// How long it rests at most. Limits may have been edited, and a disk may have
/// been full.
const AT_MOST: Duration = Duration::from_secs(600);
/// How long after the end of a session it looks: sessions may end in crowds.
const SETTLE: Duration = Duration::from_secs(2);
/// How long it rests at least, so that what cannot be removed is no treadmill.
const AT_LEAST: Duration = Duration::from_millis(500);
/// Requests that wait.
const QUEUE: usize = 64;

/// What the janitor works with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The registry.
    pub registry: Registry,
    /// Who knows the hosts.
    pub supervisor: ActorRef<SupervisorMsg>,
    /// Where the limits are.
    pub config: watch::Receiver<ConfigHandle>,
    /// Where what happens is written down.
    pub journal: Journal,
    /// The mirrors.
    pub state_dir: StateDir,
}

/// What there was to keep at the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that all mirrors take here.
    pub mirrors: u64,
    /// Bytes of output in spools, here and elsewhere, as far as is known.
    pub spools: u64,
    /// Spools that are to go, and whose host is away.
    pub waiting: usize,
}

/// Somebody wants everything removed that may go, or told.
#[derive(Debug)]
struct Request {
    dry_run: bool,
    reply: oneshot::Sender<Result<Swept, RegistryError>>,
}

/// The janitor, for those who ask it. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Janitor {
    requests: mpsc::Sender<Request>,
    fetches: mpsc::Sender<SessionId>,
    usage: watch::Receiver<Usage>,
}

impl Janitor {
    /// Starts the task; it ends with the last handle.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let (requests, asked) = mpsc::channel(QUEUE);
        let (fetches, fetched) = mpsc::channel(QUEUE);
        let (usage, seen) = watch::channel(Usage::default());
        tokio::spawn(run(parts, asked, fetched, usage));
        Self { requests, fetches, usage: seen }
    }

    /// Removes what need not be kept, or only says what that is. Hosts that
    /// have no link get the chance to answer; `None` if the daemon stops.
    pub async fn sweep(&self, dry_run: bool) -> Option<Result<Swept, RegistryError>> {
        let (reply, swept) = oneshot::channel();
        self.requests.send(Request { dry_run, reply }).await.ok()?;
        swept.await.ok()
    }

    /// Has a removed session's spool fetched from its host now, where that can
    /// be reached; it is remembered in any case.
    pub fn fetch(&self, session: SessionId) {
        // With so many waiting, the next look is not far.
        let _ = self.fetches.try_send(session);
    }

    /// What there was to keep at the last look.
    #[must_use]
    pub fn usage(&self) -> Usage {
        *self.usage.borrow()
    }
}

async fn run(
    parts: Parts,
    mut asked: mpsc::Receiver<Request>,
    mut fetched: mpsc::Receiver<SessionId>,
    usage: watch::Sender<Usage>,
) {
    let mut events = parts.journal.listen();
    let mut next = Instant::now();
    loop {
        // All arms are cancel-safe.
        let (effort, reply) = tokio::select! {
            request = asked.recv() => match request {
                None => return,
                Some(Request { dry_run, reply }) => {
                    (if dry_run { Effort::None } else { Effort::Everywhere }, Some(reply))
                }
            },
            Some(first) = fetched.recv() => {
                let mut all = HashSet::from([first]);
                while let Ok(session) = fetched.try_recv() {
                    all.insert(session);
                }
                (Effort::For(all), None)
            }
            event = events.recv() => {
                if let Some(after) = rest(event, usage.borrow().waiting > 0) {
                    next = next.min(Instant::now() + after);
                }
                continue;
            },
            () = sleep_until(next) => (Effort::AtHand, None),
        };
        let looks_only = effort == Effort::None;
        // In a task of its own: a panic ends the sweep and not the janitor.
        let swept = tokio::spawn(sweep(parts.clone(), effort)).await;
        match &swept {
            Ok(Ok(swept)) => {
                usage.send_replace(swept.usage);
                if !looks_only {
                    next = Instant::now() + until(swept.due);
                }
            }
            Ok(Err(error)) => {
                warn!(%error, "the registry cannot be looked through");
                next = Instant::now() + AT_MOST;
            }
            Err(error) => {
                error!(%error, "a sweep failed");
                next = Instant::now() + AT_MOST;
            }
        }
        if let (Some(reply), Ok(swept)) = (reply, swept) {
            // Whoever asked may have gone.
            let _ = reply.send(swept);
        }
    }
}

/// How long after an event there is something to look for; `None` for never.
fn rest(
    event: Result<Event, broadcast::error::RecvError>,
    somebody_waits: bool,
) -> Option<Duration> {
    use broadcast::error::RecvError;
    match event {
        Ok(Event { kind: EventKind::SessionChanged { state, .. }, .. }) if state.has_ended() => {
            Some(SETTLE)
        }
        Ok(Event { kind: EventKind::LinkChanged { state: LinkState::Connected, .. }, .. })
            if somebody_waits =>
        {
            Some(Duration::ZERO)
        }
        Ok(Event { kind: EventKind::ConfigReloaded { .. }, .. }) => Some(SETTLE),
        Ok(_) => None,
        // What was missed may have been any of these. The sender lives as long
        // as the journal, which is ours.
        Err(RecvError::Lagged(_) | RecvError::Closed) => Some(SETTLE),
    }
}

fn until(due: Option<Timestamp>) -> Duration {
    let rest = due.map_or(AT_MOST, |due| now().until(due));
    rest.clamp(AT_LEAST, AT_MOST)
}
