//! The daemon, as the API sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{broadcast, watch};

use super::actor::{Children, ConnectionStatus, SupervisorMsg};
use super::checkup::{doctor, test};
use super::detect::{self, Inventories};
use super::digest::RequestDigests;
use super::dropped::{self, with_dropped};
use super::placement::Loads;
use super::sessions::{Live, pulse_of};
use super::{adopt, agents, create, disk, gc, host_key, input, remotes, remove, view};
use crate::actors::attention::Attention;
use crate::actors::config::{ConfigHandle, ConfigMsg, ConfigState};
use crate::actors::janitor::Janitor;
use crate::actors::journal::Journal;
use crate::actors::resolver::ResolverMsg;
use crate::actors::{ask, now};
use crate::api::backend::{Audience, Backend, Output, RequestError};
use crate::api::types::{
    AdoptReport, AdoptRequest, AgentView, AnswerRequest, ConfigView, DoctorReport, EventView,
    GcRequest, GcView, HostKeyShown, InputOffer, InputTaken, KeptView, KillRequest, Progress,
    RemoteView, RunRequest, SessionView, StatusView, TestReport, TestRequest, TrustRequest,
};
use crate::domain::attention::{QuestionId, QuestionView};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::SessionId;
use crate::domain::inventory::Inventory;
use crate::domain::origin::Origin;
use crate::domain::session::SessionRecord;
use crate::domain::session::failed::unsettled;
use crate::domain::session::fsm::Order;
use crate::store::registry::{Events, Found, Page, Registry, Which};
use crate::store::state_dir::{DaemonLock, StateDir, StateDirError};

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
    janitor: Janitor,
    state_dir: StateDir,
    lock: Arc<DaemonLock>,
    origin: Origin,
    notices: Vec<String>,
    digests: RequestDigests,
    loads: Loads,
    inventories: Inventories,
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
    /// The janitor.
    pub janitor: Janitor,
    /// The state directory.
    pub state_dir: StateDir,
    /// The right to use it.
    pub lock: Arc<DaemonLock>,
    /// This control machine.
    pub origin: Origin,
    /// What a person should know of the state.
    pub notices: Vec<String>,
    /// What tells requests with one key from each other.
    pub digests: RequestDigests,
    /// Set to stop the daemon.
    pub stop: watch::Sender<bool>,
}

impl DaemonHandle {
    /// The handle of a daemon that has just started.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            supervisor,
            children,
            registry,
            attention,
            journal,
            janitor,
            state_dir,
            lock,
            origin,
            notices,
            digests,
            stop,
        } = parts;
        let started_at = now().to_string();
        Self(Arc::new(Inner {
            supervisor,
            children,
            registry,
            attention,
            journal,
            janitor,
            state_dir,
            lock,
            origin,
            notices,
            digests,
            loads: Loads::default(),
            inventories: Inventories::default(),
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

    /// Whether what is written down now would be found again.
    pub(super) async fn check_state_dir(&self) -> Result<(), RequestError> {
        let lock = self.0.lock.clone();
        let in_place = tokio::task::spawn_blocking(move || lock.is_in_place()).await;
        if in_place.unwrap_or(true) {
            return Ok(());
        }
        let gone = StateDirError::Gone { dir: self.0.state_dir.root().to_owned() };
        Err(store(&gone))
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    pub(super) fn digests(&self) -> &RequestDigests {
        &self.0.digests
    }

    /// What hosts told of how busy they are.
    pub(super) fn loads(&self) -> &Loads {
        &self.0.loads
    }

    /// What hosts told of their agents.
    pub(super) fn inventories(&self) -> &Inventories {
        &self.0.inventories
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

    pub(super) async fn live(&self, id: &SessionId) -> Result<Option<Live>, RequestError> {
        let find = |reply| SupervisorMsg::FindLive(id.clone(), reply);
        ask(self.supervisor(), find).await.ok_or(RequestError::Unavailable)
    }

    pub(super) async fn record(&self, given: &str) -> Result<SessionRecord, RequestError> {
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
        let view = match live {
            // Whoever hears of a next attempt is to find it.
            Some(live) if live.record.borrow().attempts.next.is_some() => {
                let _ = live.actor.wait(Some(SETTLE_WITHIN)).await;
                self.view_of_the_settled(&record.id, record).await
            }
            Some(live) => view::of_live(&live),
            None => self.view_of_the_settled(&record.id, record).await,
        };
        Ok(view::in_queue(with_dropped(view).await, self).await)
    }

    /// The registry may have moved on between two looks.
    async fn view_of_the_settled(&self, id: &SessionId, record: &SessionRecord) -> SessionView {
        let newest = match record.is_live() {
            true => self.0.registry.get(id).await.ok().flatten(),
            false => None,
        };
        view::of_record(newest.as_ref().unwrap_or(record), &self.folder(id))
    }

    /// A live session for somebody who wants something of it.
    pub(super) async fn attended(&self, id: &SessionId) -> Result<Option<Live>, RequestError> {
        let attend = |reply| SupervisorMsg::Attend(id.clone(), reply);
        ask(self.supervisor(), attend).await.ok_or(RequestError::Unavailable)
    }

    pub(super) fn state_dir(&self) -> &StateDir {
        &self.0.state_dir
    }

    pub(super) fn janitor(&self) -> &Janitor {
        &self.0.janitor
    }

    /// Seconds between TERM and KILL.
    pub(super) fn kill_grace_s(&self) -> u64 {
        self.config_state().config.kill_grace.as_secs()
    }

    /// Writes down that a session was removed, and has what is left of it
    /// elsewhere removed as soon as can be.
    pub(super) fn removed(&self, session: &SessionId, is_left: bool) {
        self.0.journal.write(EventKind::SessionRemoved { session: session.clone() });
        if is_left {
            self.0.janitor.fetch(session.clone());
        }
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
        let mut views: Vec<SessionView> = records
            .iter()
            .map(|record| match live.get(&record.id) {
                Some(live) => view::of_live(live),
                None => view::of_record(record, &self.folder(&record.id)),
            })
            .collect();
        dropped::fill(&mut views).await;
        view::fill_in_queue(&mut views, self).await;
        Ok(views)
    }

    async fn progress(&self) -> Result<Vec<Progress>, RequestError> {
        let live = ask(self.supervisor(), SupervisorMsg::ListLive).await;
        Ok(live.ok_or(RequestError::Unavailable)?.iter().map(view::progress).collect())
    }

    async fn session(&self, given: &str) -> Result<SessionView, RequestError> {
        let record = self.record(given).await?;
        Ok(agents::with_events(self.view_of(&record).await?).await)
    }

    async fn output(&self, given: &str) -> Result<Output, RequestError> {
        let record = self.record(given).await?;
        let dir = self.folder(&record.id);
        if let Some(live) = self.live_soon(&record).await? {
            return Ok(Output { dir, pulse: live.pulse });
        }
        let newest = self.0.registry.get(&record.id).await.ok().flatten().unwrap_or(record);
        let (_, pulse) = watch::channel(pulse_of(&newest, newest.stdout, newest.stderr));
        Ok(Output { dir, pulse })
    }

    async fn input(&self, given: &str, offer: InputOffer) -> Result<InputTaken, RequestError> {
        input::take(self, given, offer).await
    }

    async fn kill(&self, given: &str, request: KillRequest) -> Result<SessionView, RequestError> {
        let given_signal = request.signal.unwrap_or_else(|| "TERM".to_owned());
        let signal = given_signal.to_ascii_uppercase();
        let signal = signal.strip_prefix("SIG").unwrap_or(&signal).to_owned();
        if !SIGNALS.contains(&signal.as_str()) {
            return Err(RequestError::NoSuchSignal(given_signal));
        }
        let grace = self.kill_grace_s();
        let order = match signal.as_str() {
            "TERM" => Order::Stop { signal, grace_s: request.grace_s.unwrap_or(grace) },
            "KILL" => Order::Stop { signal, grace_s: request.grace_s.unwrap_or(1) },
            _ => Order::Signal(signal),
        };
        Ok(with_dropped(view::of_live(&self.order(given, order).await?)).await)
    }

    async fn remove(&self, given: &str, force: bool) -> Result<(), RequestError> {
        remove::run(self, given, force).await
    }

    async fn gc(&self, request: GcRequest) -> Result<GcView, RequestError> {
        gc::run(self, request.dry_run).await
    }

    async fn attempts(&self, given: &str) -> Result<Vec<SessionView>, RequestError> {
        let named = self.record(given).await?;
        let mut views = Vec::new();
        for record in self.chain(named).await? {
            views.push(self.view_of(&record).await?);
        }
        Ok(views)
    }

    async fn status(&self) -> Result<StatusView, RequestError> {
        let config = self.config_state();
        let usage = self.0.janitor.usage();
        let all = self.0.registry.list(Which::All, Page::WHOLE).await;
        let all = all.map_err(|error| store(&error))?;
        Ok(StatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.0.started_at.clone(),
            remotes: view::remotes(&config.config, self.connections().await?),
            sessions: self.sessions(false).await?,
            state_dir: self.0.state_dir.root().to_owned(),
            notices: self.0.notices.clone(),
            config: view::config(&config),
            kept: KeptView {
                mirrors: usage.mirrors,
                spools: usage.spools,
                waiting: u32::try_from(usage.waiting).unwrap_or(u32::MAX),
            },
            used: agents::used(&all),
            failed: unsettled(&all, now()),
            disk: disk::trouble(self).await,
        })
    }

    async fn remotes(&self) -> Result<Vec<RemoteView>, RequestError> {
        remotes::list(self).await
    }

    async fn test_remote(
        &self,
        name: &str,
        request: TestRequest,
        audience: Audience,
    ) -> Result<TestReport, RequestError> {
        test::run(self, name, request, audience).await
    }

    async fn doctor(&self, name: &str, audience: Audience) -> Result<DoctorReport, RequestError> {
        doctor::run(self, name, audience).await
    }

    async fn adopt(&self, name: &str, request: AdoptRequest) -> Result<AdoptReport, RequestError> {
        adopt::run(self, name, request).await
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
        let connections = self.connections().await?;
        let found =
            |place: &str, program: &str| self.inventories().of(place, program, &connections);
        Ok(view::agents(&self.config_state().config, found))
    }

    async fn detect_agents(&self, name: &str) -> Result<Inventory, RequestError> {
        detect::run(self, name).await
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
