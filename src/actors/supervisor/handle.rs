//! The daemon, as the API sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;
use tracing::warn;

use super::actor::{Children, ConnectionStatus, SupervisorMsg};
use super::sessions::{Live, pulse_of};
use super::{create, host_key, remotes, test, view};
use crate::actors::attention::Attention;
use crate::actors::config::{ConfigHandle, ConfigMsg, ConfigState};
use crate::actors::journal::Journal;
use crate::actors::resolver::ResolverMsg;
use crate::actors::session::{Host, SessionMsg, remove_spool};
use crate::actors::{ask, now};
use crate::api::backend::{Backend, Output, RequestError};
use crate::api::types::{
    AgentView, AnswerRequest, ConfigView, EventView, HostKeyShown, InputTaken, KillRequest,
    RemoteView, RunRequest, SessionView, StatusView, TestReport, TestRequest, TrustRequest,
};
use crate::domain::attention::{QuestionId, QuestionView};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::SessionId;
use crate::domain::session::fsm::Order;
use crate::domain::session::{Outcome, SessionRecord};
use crate::store::mirror::Mirror;
use crate::store::registry::{Events, Found, Page, Registry, RegistryError, Which};
use crate::store::state_dir::StateDir;

/// The most input that is held for a session that cannot take it now, in bytes.
const INPUT_HELD: u64 = 64 << 20;
/// How long removing a spool may take; its host may be away.
const REMOVE_WITHIN: Duration = Duration::from_secs(10);
/// How long an ended session's record may take to the registry.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);
/// The signals that have a name everywhere.
const SIGNALS: [&str; 16] = [
    "HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "USR2", "PIPE", "ALRM", "TERM", "CONT", "STOP",
    "TSTP", "TTIN", "TTOU", "WINCH",
];

/// The daemon. Clones are the same one.
#[derive(Debug, Clone)]
pub struct DaemonHandle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    supervisor: ActorRef<SupervisorMsg>,
    children: Children,
    registry: Registry,
    attention: Attention,
    journal: Journal,
    state_dir: StateDir,
    started_at: String,
    stop: watch::Sender<bool>,
}

/// What the handle is made of.
#[derive(Debug)]
pub struct Parts {
    /// The supervisor.
    pub supervisor: ActorRef<SupervisorMsg>,
    /// Its children that are asked themselves.
    pub children: Children,
    /// The registry.
    pub registry: Registry,
    /// Where a person is asked.
    pub attention: Attention,
    /// The journal.
    pub journal: Journal,
    /// The state directory.
    pub state_dir: StateDir,
    /// Set to stop the daemon.
    pub stop: watch::Sender<bool>,
}

impl DaemonHandle {
    /// The handle of a daemon that has just started.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { supervisor, children, registry, attention, journal, state_dir, stop } = parts;
        let started_at = now().to_string();
        Self(Arc::new(Inner {
            supervisor,
            children,
            registry,
            attention,
            journal,
            state_dir,
            started_at,
            stop,
        }))
    }

    pub(super) fn supervisor(&self) -> &ActorRef<SupervisorMsg> {
        &self.0.supervisor
    }

    pub(super) fn resolver(&self) -> &ActorRef<ResolverMsg> {
        &self.0.children.resolver
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(super) fn attention(&self) -> &Attention {
        &self.0.attention
    }

    fn config(&self) -> ConfigHandle {
        self.0.children.config.borrow().clone()
    }

    pub(super) fn config_state(&self) -> Arc<ConfigState> {
        self.config().subscribe().borrow().clone()
    }

    pub(super) fn folder(&self, id: &SessionId) -> PathBuf {
        self.0.state_dir.session(id)
    }

    /// Writes down that a session was taken in.
    pub(super) fn created(&self, record: &SessionRecord) {
        self.0.journal.write(EventKind::SessionCreated {
            session: record.id.clone(),
            place: record.place.to_string(),
        });
    }

    pub(super) async fn connections(&self) -> Result<Vec<ConnectionStatus>, RequestError> {
        ask(self.supervisor(), SupervisorMsg::ListConnections)
            .await
            .ok_or(RequestError::Unavailable)
    }

    async fn live(&self, id: &SessionId) -> Result<Option<Live>, RequestError> {
        let find = |reply| SupervisorMsg::FindLive(id.clone(), reply);
        ask(self.supervisor(), find).await.ok_or(RequestError::Unavailable)
    }

    async fn record(&self, given: &str) -> Result<SessionRecord, RequestError> {
        match self.0.registry.find(given).await.map_err(|error| store(&error))? {
            Found::One(record) => Ok(*record),
            Found::Nothing => Err(RequestError::NoSuchSession(given.to_owned())),
            Found::Ambiguous(ids) => Err(RequestError::Ambiguous { given: given.to_owned(), ids }),
        }
    }

    /// A session as it is now.
    pub(super) async fn view_of(
        &self,
        record: &SessionRecord,
    ) -> Result<SessionView, RequestError> {
        let live = if record.is_live() { self.live(&record.id).await? } else { None };
        Ok(match live {
            Some(live) => view::of_live(&live),
            None => self.view_of_the_settled(&record.id, record).await,
        })
    }

    /// The registry may have moved on between two looks.
    async fn view_of_the_settled(&self, id: &SessionId, record: &SessionRecord) -> SessionView {
        let newest = match record.is_live() {
            true => self.0.registry.get(id).await.ok().flatten(),
            false => None,
        };
        view::of_record(newest.as_ref().unwrap_or(record), &self.folder(id))
    }

    async fn live_one(&self, given: &str) -> Result<(SessionRecord, Live), RequestError> {
        let record = self.record(given).await?;
        match self.live(&record.id).await? {
            Some(live) => Ok((record, live)),
            None => Err(RequestError::HasEnded(record.id)),
        }
    }

    async fn remove_files(&self, record: &SessionRecord) -> Result<(), RequestError> {
        let folder = self.folder(&record.id);
        if let Ok(mirror) = Mirror::open(folder).await {
            mirror.remove().await.map_err(|error| store(&error))?;
        }
        let never_ran =
            matches!(record.outcome(), Some(Outcome::Cancelled | Outcome::Failed { .. }));
        if !never_ran {
            self.remove_spool(record.clone());
        }
        Ok(())
    }

    /// Removes what is left of a session where it ran, in the background.
    fn remove_spool(&self, record: SessionRecord) {
        let daemon = self.clone();
        tokio::spawn(async move {
            let (place, ssh) = (record.place.clone(), record.ssh.clone());
            let host = |reply| SupervisorMsg::HostOf(place, ssh, reply);
            let Some(Some(host)) = ask::<_, Option<Host>>(daemon.supervisor(), host).await else {
                return;
            };
            if timeout(REMOVE_WITHIN, remove_spool(&host, &record.id)).await.is_err() {
                warn!(session = %record.id, place = %record.place, "its spool is still there");
            }
        });
    }
}

/// What a person is told of a failing disk: the cause with its remedy.
pub(super) fn store(error: &dyn std::error::Error) -> RequestError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    RequestError::Store(text)
}

/// What a person is told whose session the registry would not take.
pub(super) fn taken(error: RegistryError) -> RequestError {
    match error {
        RegistryError::NameTaken { name, by } => {
            RequestError::NameTaken { name: name.to_string(), by }
        }
        other => store(&other),
    }
}

impl Backend for DaemonHandle {
    async fn run(&self, request: RunRequest) -> Result<SessionView, RequestError> {
        create::run(self, request).await
    }

    async fn sessions(&self, all: bool) -> Result<Vec<SessionView>, RequestError> {
        let which = if all { Which::All } else { Which::Live };
        let records = self.0.registry.list(which, Page::WHOLE).await;
        let records = records.map_err(|error| store(&error))?;
        let live = ask(self.supervisor(), SupervisorMsg::ListLive).await;
        let live = live.ok_or(RequestError::Unavailable)?;
        let live: std::collections::HashMap<SessionId, Live> =
            live.into_iter().map(|live| (live.id(), live)).collect();
        Ok(records
            .iter()
            .map(|record| match live.get(&record.id) {
                Some(live) => view::of_live(live),
                None => view::of_record(record, &self.folder(&record.id)),
            })
            .collect())
    }

    async fn session(&self, given: &str) -> Result<SessionView, RequestError> {
        let record = self.record(given).await?;
        self.view_of(&record).await
    }

    async fn output(&self, given: &str) -> Result<Output, RequestError> {
        let record = self.record(given).await?;
        let dir = self.folder(&record.id);
        if let Some(live) = self.live(&record.id).await? {
            return Ok(Output { dir, pulse: live.pulse });
        }
        let newest = self.0.registry.get(&record.id).await.ok().flatten().unwrap_or(record);
        let (_, pulse) = watch::channel(pulse_of(&newest, newest.stdout, newest.stderr));
        Ok(Output { dir, pulse })
    }

    async fn input(
        &self,
        given: &str,
        bytes: bytes::Bytes,
        eof: bool,
    ) -> Result<InputTaken, RequestError> {
        let (_, live) = self.live_one(given).await?;
        let (id, stdin) = {
            let record = live.record.borrow();
            (record.id.clone(), record.stdin)
        };
        if !stdin.open || stdin.eof {
            return Err(RequestError::StdinClosed(id));
        }
        let waiting = stdin.accepted.saturating_sub(stdin.delivered);
        if waiting + bytes.len() as u64 > INPUT_HELD {
            return Err(RequestError::InputFull(id, waiting));
        }
        let accepted = if bytes.is_empty() {
            stdin.accepted
        } else {
            live.mirror.append_input(bytes).await.map_err(|error| store(&error))?
        };
        let message = SessionMsg::InputAccepted { accepted, eof };
        live.actor.cast(message).map_err(|_| RequestError::HasEnded(id))?;
        Ok(InputTaken { accepted })
    }

    async fn kill(&self, given: &str, request: KillRequest) -> Result<SessionView, RequestError> {
        let given_signal = request.signal.unwrap_or_else(|| "TERM".to_owned());
        let signal = given_signal.to_ascii_uppercase();
        let signal = signal.strip_prefix("SIG").unwrap_or(&signal).to_owned();
        if !SIGNALS.contains(&signal.as_str()) {
            return Err(RequestError::NoSuchSignal(given_signal));
        }
        let (record, live) = self.live_one(given).await?;
        let grace = self.config_state().config.kill_grace.as_secs();
        let order = match signal.as_str() {
            "TERM" => Order::Stop { signal, grace_s: request.grace_s.unwrap_or(grace) },
            "KILL" => Order::Stop { signal, grace_s: request.grace_s.unwrap_or(1) },
            _ => Order::Signal(signal),
        };
        let id = record.id.clone();
        live.actor.cast(SessionMsg::Order(order)).map_err(|_| RequestError::HasEnded(id))?;
        Ok(view::of_live(&live))
    }

    async fn remove(&self, given: &str) -> Result<(), RequestError> {
        let mut record = self.record(given).await?;
        if let Some(live) = self.live(&record.id).await? {
            if !live.pulse.borrow().state.has_ended() {
                return Err(RequestError::StillRunning(record.id));
            }
            // Whoever waits for the end hears of it before the registry does.
            let _ = live.actor.wait(Some(SETTLE_WITHIN)).await;
            record = self.record(record.id.as_str()).await?;
        }
        if record.is_live() {
            return Err(RequestError::StillRunning(record.id));
        }
        self.remove_files(&record).await?;
        self.0.registry.remove(&record.id).await.map_err(taken)?;
        self.0.journal.write(EventKind::SessionRemoved { session: record.id });
        Ok(())
    }

    async fn status(&self) -> Result<StatusView, RequestError> {
        let config = self.config_state();
        Ok(StatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.0.started_at.clone(),
            remotes: view::remotes(&config.config, self.connections().await?),
            sessions: self.sessions(false).await?,
            state_dir: self.0.state_dir.root().to_owned(),
            config: view::config(&config),
        })
    }

    async fn remotes(&self) -> Result<Vec<RemoteView>, RequestError> {
        remotes::list(self).await
    }

    async fn test_remote(
        &self,
        name: &str,
        request: TestRequest,
    ) -> Result<TestReport, RequestError> {
        test::run(self, name, request).await
    }

    async fn host_key(&self, name: &str) -> Result<HostKeyShown, RequestError> {
        host_key::show(self, name).await
    }

    async fn trust(&self, name: &str, request: TrustRequest) -> Result<HostKeyShown, RequestError> {
        host_key::trust(self, name, &request.fingerprint).await
    }

    async fn attention(&self) -> Result<Vec<QuestionView>, RequestError> {
        Ok(self.0.attention.open())
    }

    async fn answer(&self, id: QuestionId, request: AnswerRequest) -> Result<(), RequestError> {
        let taken = self.0.attention.answer(id, request.answer)?;
        if taken.dormant {
            // A question of a test has no connection that could go on.
            let reconnect = |reply| SupervisorMsg::Reconnect(taken.remote.clone(), reply);
            ask(self.supervisor(), reconnect).await.ok_or(RequestError::Unavailable)?;
        }
        Ok(())
    }

    async fn reconnect(&self, name: &str) -> Result<(), RequestError> {
        remotes::reconnect(self, name).await
    }

    async fn agents(&self) -> Result<Vec<AgentView>, RequestError> {
        Ok(view::agents(&self.config_state().config))
    }

    async fn reload(&self) -> Result<ConfigView, RequestError> {
        let state = ask(&self.config().actor, ConfigMsg::Reload).await;
        let state = state.ok_or(RequestError::Unavailable)?;
        match &state.rejected {
            Some(report) => Err(RequestError::ConfigRejected(report.to_string())),
            None => Ok(view::config(&state)),
        }
    }

    async fn events(&self, since: u64, limit: usize) -> Result<Vec<EventView>, RequestError> {
        match self.0.registry.events(since, limit).await.map_err(|error| store(&error))? {
            Events::Fresh(events) => Ok(events.into_iter().map(EventView::from).collect()),
            Events::Stale { oldest } => Err(RequestError::StaleCursor { since, oldest }),
        }
    }

    async fn subscribe(&self) -> Result<(u64, broadcast::Receiver<Event>), RequestError> {
        let events = self.0.journal.listen();
        let last = self.0.registry.last_event().await.map_err(|error| store(&error))?;
        Ok((last, events))
    }

    async fn shutdown(&self) -> Result<(), RequestError> {
        self.0.stop.send_replace(true);
        Ok(())
    }
}
