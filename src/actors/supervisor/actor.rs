//! The supervisor's actor.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::attempts;
use super::connections::{Connections, Key, Shared};
use super::sessions::{Entry, Live, Sessions, pulse_of};
use super::turns::Turns;
use crate::actors::attention::Attention;
use crate::actors::config::{self, ConfigArgs, ConfigHandle, ConfigState};
use crate::actors::connection::{Dialer, LinkReport};
use crate::actors::journal::Journal;
use crate::actors::now;
use crate::actors::resolver::{ResolverActor, ResolverMsg};
use crate::actors::session::{Host, OwnLaunch, RemoteHost, SessionArgs, Turn, until};
use crate::domain::config::{Config, ConfigDiff, united_env};
use crate::domain::event::EventKind;
use crate::domain::ids::SessionId;
use crate::domain::origin::Origin;
use crate::domain::plan::{ssh_request, with_usual_agents};
use crate::domain::queue::{Limits, Standing};
use crate::domain::restart::RestartIntensity;
use crate::domain::session::{Phase, SessionRecord};
use crate::domain::target::{Place, SshRequest};
use crate::ssh::settings::SshEnvironment;
use crate::store::mirror::{Lengths, Mirror};
use crate::store::registry::Registry;

/// What the supervisor is made of.
#[derive(Debug)]
pub struct SupervisorArgs {
    /// Where the configuration is.
    pub config: ConfigArgs,
    /// What the effective settings of destinations depend on.
    pub ssh: SshEnvironment,
    /// Who brings links up.
    pub dialer: Arc<dyn Dialer>,
    /// The registry.
    pub registry: Registry,
    /// Where a person is asked.
    pub attention: Attention,
    /// The journal.
    pub journal: Journal,
    /// The folder of local sessions' spools.
    pub local_root: String,
    /// This control machine.
    pub origin: Origin,
}

/// A session that is to be run, with everything that its actor needs.
#[derive(Debug)]
pub struct NewSession {
    /// Its record; it is in the registry.
    pub record: SessionRecord,
    /// Its mirror.
    pub mirror: Mirror,
    /// What is in the mirror.
    pub lengths: Lengths,
    /// What it was given itself; `None` after a restart.
    pub own: Option<OwnLaunch>,
}

/// What the supervisor is told and asked.
#[derive(Debug)]
pub enum SupervisorMsg {
    /// Run a session: a new one, or one from before a restart.
    RunSession(Box<NewSession>, Option<RpcReplyPort<Option<Live>>>),
    /// One live session.
    FindLive(SessionId, RpcReplyPort<Option<Live>>),
    /// The pause before an attempt is over: it may have its turn.
    #[doc(hidden)]
    JoinQueue(Box<SessionRecord>),
    /// Where all that wait for their turn stand.
    ListStandings(RpcReplyPort<BTreeMap<SessionId, Standing>>),
    /// All live sessions.
    ListLive(RpcReplyPort<Vec<Live>>),
    /// All connections, with the number of sessions on each.
    ListConnections(RpcReplyPort<Vec<ConnectionStatus>>),
    /// The host of a place, connected or not.
    HostOf(Place, Option<SshRequest>, RpcReplyPort<Option<Host>>),
    /// The host of a place, if it has a connection already.
    FindHost(Place, Option<SshRequest>, RpcReplyPort<Option<Host>>),
    /// A host that was asked for is not needed any more.
    ReleaseHost(Place, SshRequest),
    /// One live session, with an actor that takes orders even if the last one
    /// failed too often.
    Attend(SessionId, RpcReplyPort<Option<Live>>),
    /// A session whose actor failed too often is tried again.
    #[doc(hidden)]
    RespawnSession(SessionId),
    /// Try a remote's connection now; whether there is one.
    Reconnect(String, RpcReplyPort<bool>),
    /// The network changed, or the machine woke.
    Nudge,
    /// The configuration changed, or an edit was refused.
    ConfigChanged(Arc<ConfigState>),
    /// Those who are asked besides the supervisor.
    FindChildren(RpcReplyPort<Children>),
    /// The configuration's actor was started again, or could not be.
    ConfigStarted(Result<ConfigHandle, SpawnErr>),
    /// A connection that failed too often is tried again.
    #[doc(hidden)]
    RespawnConnection(Box<Key>),
    /// Children are to end; sessions go on where they run.
    ShutDown,
}

/// The children that there is one of.
#[derive(Debug, Clone)]
pub struct Children {
    /// The configuration; another handle after its actor was started again.
    pub config: watch::Receiver<ConfigHandle>,
    /// Who turns orders into plans.
    pub resolver: ActorRef<ResolverMsg>,
}

/// A connection, as the supervisor knows it.
#[derive(Debug, Clone)]
pub struct ConnectionStatus {
    /// The remote's name, or the destination as it was given.
    pub place: String,
    /// What is dialled.
    pub request: SshRequest,
    /// How it is.
    pub report: LinkReport,
    /// Sessions that use it.
    pub sessions: usize,
    /// Whether it takes no new ones.
    pub draining: bool,
}

/// The actor. its state is in `State`.
#[derive(Debug)]
pub struct SupervisorActor;

/// What it keeps.
#[derive(Debug)]
pub struct State {
    sessions: Sessions,
    turns: Turns,
    connections: Connections,
    config: Arc<Config>,
    config_state: Arc<ConfigState>,
    config_args: ConfigArgs,
    config_handle: watch::Sender<ConfigHandle>,
    config_restarts: RestartIntensity,
    shared: Shared,
    registry: Registry,
    local_root: String,
    origin: Origin,
    stopping: bool,
}

/// How long a connection that fails again and again is left alone. Sessions that
/// run behind it cannot be followed meanwhile, and are not to be lost for good.
const LEFT_ALONE: Duration = Duration::from_secs(60);
/// The same for a session; one that is asked for is not left alone any longer.
const SESSION_LEFT_ALONE: Duration = Duration::from_secs(180);
/// How long children get to end.
const END_WITHIN: Duration = Duration::from_secs(2);

impl Actor for SupervisorActor {
    type Msg = SupervisorMsg;
    type State = State;
    type Arguments = SupervisorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMsg>,
        args: SupervisorArgs,
    ) -> Result<State, ActorProcessingErr> {
        let handle = config::start(args.config.clone(), None, myself.get_cell()).await?;
        forward_changes(&handle, myself.clone());
        let config_state = handle.subscribe().borrow().clone();
        let config = Arc::new(with_usual_agents(Config::clone(&config_state.config)));
        let resolver_args = (config.clone(), args.ssh, handle.ssh_files());
        let (resolver, _) =
            Actor::spawn_linked(None, ResolverActor, resolver_args, myself.get_cell()).await?;
        Ok(State {
            sessions: Sessions::default(),
            turns: Turns::new(Limits::of(&config)),
            connections: Connections::default(),
            config,
            config_state,
            config_args: args.config,
            config_handle: watch::Sender::new(handle),
            config_restarts: RestartIntensity::default(),
            shared: Shared {
                resolver,
                dialer: args.dialer,
                attention: args.attention,
                journal: args.journal,
            },
            registry: args.registry,
            local_root: args.local_root,
            origin: args.origin,
            stopping: false,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMsg::RunSession(new, reply) => {
                let live = state.run_session(&myself, *new, RestartIntensity::default()).await;
                if let Some(reply) = reply {
                    // Whoever asked may have gone; the session runs all the same.
                    let _ = reply.send(live);
                }
            }
            SupervisorMsg::JoinQueue(record) => state.turns.join(&record),
            SupervisorMsg::ListStandings(reply) => _ = reply.send(state.turns.standings()),
            SupervisorMsg::FindLive(id, reply) => _ = reply.send(state.sessions.get(&id).cloned()),
            SupervisorMsg::ListLive(reply) => {
                _ = reply.send(state.sessions.all().cloned().collect());
            }
            SupervisorMsg::ListConnections(reply) => _ = reply.send(state.connections()),
            SupervisorMsg::HostOf(place, ssh, reply) => {
                let host = state.host(&myself, &place, ssh.as_ref()).await;
                let _ = reply.send(host.map(|(host, _)| host));
            }
            SupervisorMsg::FindHost(place, ssh, reply) => {
                _ = reply.send(state.known_host(place, ssh));
            }
            SupervisorMsg::ReleaseHost(place, request) => {
                state.release(Some(&Key { place, request }));
            }
            SupervisorMsg::Attend(id, reply) => {
                state.attend(&myself, &id).await;
                let _ = reply.send(state.sessions.get(&id).cloned());
            }
            SupervisorMsg::RespawnSession(id) => state.attend(&myself, &id).await,
            SupervisorMsg::Reconnect(place, reply) => {
                for id in state.sessions.left_at(&place) {
                    state.attend(&myself, &id).await;
                }
                let mut found = false;
                for (key, entry) in state.connections.all() {
                    if key.place.to_string() == place {
                        found = true;
                        entry.reconnect();
                    }
                }
                let _ = reply.send(found);
            }
            SupervisorMsg::Nudge => state.connections.nudge(),
            SupervisorMsg::ConfigChanged(config) => state.config_changed(config),
            SupervisorMsg::FindChildren(reply) => {
                let config = state.config_handle.subscribe();
                let _ = reply.send(Children { config, resolver: state.shared.resolver.clone() });
            }
            SupervisorMsg::ConfigStarted(Ok(handle)) => {
                forward_changes(&handle, myself);
                state.config_handle.send_replace(handle);
            }
            SupervisorMsg::ConfigStarted(Err(error)) => {
                error!(%error, "the configuration's actor did not start again");
            }
            SupervisorMsg::RespawnConnection(key) => state.respawn_connection(&myself, *key).await,
            SupervisorMsg::ShutDown => {
                state.stopping = true;
                myself.stop_children_and_wait(None, Some(END_WITHIN)).await;
                myself.stop(None);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, ..) => {
                if let Some((id, entry)) = state.sessions.gone(cell.get_id()) {
                    if !state.stopping {
                        state.turns.leave(&id);
                    }
                    let next = entry.live.record.borrow().successor();
                    if let Some(next) = next.filter(|_| !state.stopping) {
                        state.shared.journal.write(EventKind::SessionCreated {
                            session: next.id.clone(),
                            place: next.place.to_string(),
                        });
                        attempts::go_on(myself, entry.live.mirror.dir(), next);
                    }
                    state.release(entry.connection.as_ref());
                }
            }
            SupervisionEvent::ActorFailed(cell, error) if !state.stopping => {
                error!(actor = ?cell.get_id(), %error, "an actor failed");
                state.child_failed(&myself, cell.get_id()).await;
            }
            SupervisionEvent::ActorFailed(..)
            | SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl State {
    async fn run_session(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        new: NewSession,
        restarts: RestartIntensity,
    ) -> Option<Live> {
        let NewSession { record, mirror, lengths, own } = new;
        let id = record.id.clone();
        let (host, connection) = self.host(myself, &record.place, record.ssh.as_ref()).await?;
        let pulse = pulse_of(&record, lengths.stdout, lengths.stderr);
        let saved = watch::Sender::new(record.revision);
        let args = SessionArgs {
            config_env: self.config_env(&record),
            records: watch::Sender::new(record.clone()),
            turn: self.turn_of(myself, &record),
            record,
            mirror,
            host,
            own,
            kill_grace_s: self.config.kill_grace.as_secs(),
            origin: self.origin.clone(),
            registry: self.registry.clone(),
            journal: self.shared.journal.clone(),
            pulse: watch::Sender::new(pulse),
            saved,
        };
        match self.sessions.spawn(args, connection, restarts, myself.get_cell()).await {
            Ok(live) => Some(live),
            Err(error) => {
                error!(%error, "a session's actor did not start");
                self.turns.leave(&id);
                None
            }
        }
    }

    /// Puts a session into the queue, once the pause before it is over.
    fn turn_of(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        record: &SessionRecord,
    ) -> watch::Receiver<Turn> {
        let starts_at = record.attempts.starts_at.filter(|at| !now().until(*at).is_zero());
        if let Some(starts_at) = starts_at.filter(|_| record.phase == Phase::Waiting) {
            let (myself, record) = (myself.clone(), Box::new(record.clone()));
            tokio::spawn(async move {
                until(starts_at).await;
                // A supervisor that stops leaves it to the next daemon.
                let _ = myself.cast(SupervisorMsg::JoinQueue(record));
            });
        }
        self.turns.enter(record, starts_at.is_none())
    }

    /// The host of a place, with its connection started where it is a remote.
    async fn host(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        place: &Place,
        ssh: Option<&SshRequest>,
    ) -> Option<(Host, Option<Key>)> {
        let Some(request) = ssh else {
            let root = self.local_root.clone();
            return (*place == Place::Local).then_some((Host::Local { root }, None));
        };
        let key = Key { place: place.clone(), request: request.clone() };
        let (outdated, idle) = (self.is_outdated(&key), self.config.idle_link);
        let remote: RemoteHost = match self
            .connections
            .get_or_spawn(&key, outdated, idle, &self.shared, myself.get_cell())
            .await
        {
            Ok(remote) => remote,
            Err(error) => {
                error!(%error, "a connection's actor did not start");
                return None;
            }
        };
        Some((Host::Remote(remote), Some(key)))
    }

    /// The host of a place, where nothing has to be started for it.
    fn known_host(&self, place: Place, ssh: Option<SshRequest>) -> Option<Host> {
        let Some(request) = ssh else {
            let root = self.local_root.clone();
            return (place == Place::Local).then_some(Host::Local { root });
        };
        self.connections.get(&Key { place, request }).map(Host::Remote)
    }

    fn config_env(
        &self,
        record: &SessionRecord,
    ) -> std::collections::BTreeMap<crate::domain::config::EnvName, crate::domain::config::EnvValue>
    {
        let remote = match &record.place {
            Place::Remote(name) => self.config.remotes.get(name),
            Place::Local | Place::AdHoc(_) => None,
        };
        let agent = record.agent.as_ref().and_then(|name| self.config.agents.get(name));
        united_env(remote, agent)
    }

    fn connections(&self) -> Vec<ConnectionStatus> {
        let status = |(key, entry): (&Key, &super::connections::Entry)| ConnectionStatus {
            place: key.place.to_string(),
            request: key.request.clone(),
            report: entry.report(),
            sessions: self.sessions.on(key),
            draining: entry.draining,
        };
        self.connections.all().map(status).collect()
    }

    /// A session no longer uses a connection.
    fn release(&mut self, key: Option<&Key>) {
        if let Some(key) = key
            && self.sessions.on(key) == 0
        {
            self.connections.end_if_draining(key);
        }
    }

    fn config_changed(&mut self, state: Arc<ConfigState>) {
        let before = std::mem::replace(&mut self.config_state, state.clone());
        if before.ssh.count != state.ssh.count {
            let changes = state.ssh.files.iter().map(|file| file.display().to_string()).collect();
            self.shared.journal.write(EventKind::ConfigReloaded { changes });
            self.connections.ssh_config_edited();
        }
        if let Some(report) = &state.rejected {
            if before.rejected.as_deref() != Some(report) {
                warn!("the edited configuration is refused:\n{report}");
                let report = report.to_string();
                self.shared.journal.write(EventKind::ConfigRejected { report });
            }
            return;
        }
        let diff = ConfigDiff::between(&before.config, &state.config);
        if diff.is_empty() && before.rejected.is_none() {
            return;
        }
        info!(changes = ?diff.describe(), "configuration in force");
        self.shared.journal.write(EventKind::ConfigReloaded { changes: diff.describe() });
        self.config = Arc::new(with_usual_agents(Config::clone(&state.config)));
        // A resolver that is gone takes the daemon down with it.
        let _ = self.shared.resolver.cast(ResolverMsg::UseConfig(self.config.clone()));
        self.turns.use_config(&self.config);
        self.drain_outdated();
    }

    /// Drains the connections that the configuration would not make any more,
    /// and no others.
    fn drain_outdated(&mut self) {
        let keys: Vec<Key> = self.connections.keys().cloned().collect();
        for key in keys {
            if self.is_outdated(&key) {
                let unused = self.sessions.on(&key) == 0;
                self.connections.drain(&key, unused);
            } else {
                self.connections.end_drain(&key);
            }
        }
    }

    /// Whether the configuration would not make this connection any more.
    fn is_outdated(&self, key: &Key) -> bool {
        let Place::Remote(name) = &key.place else { return false };
        let current = self.config.remotes.get(name).filter(|remote| remote.enabled);
        current.map(ssh_request).as_ref() != Some(&key.request)
    }

    async fn child_failed(&mut self, myself: &ActorRef<SupervisorMsg>, actor: ractor::ActorId) {
        if actor == self.shared.resolver.get_id() {
            // Nothing can be planned or dialled without it, and it holds nothing
            // that a new daemon would not have.
            myself.stop(Some("the resolver failed".to_owned()));
            return;
        }
        if actor == self.config_handle.borrow().actor.get_id() {
            self.restart_config(myself);
            return;
        }
        match self.connections.failed(actor) {
            Some((key, true)) => return self.respawn_connection(myself, key).await,
            Some((key, false)) => {
                error!(remote = %key.place, "failed too often and is left alone for a minute");
                myself.send_after(LEFT_ALONE, move || {
                    SupervisorMsg::RespawnConnection(Box::new(key))
                });
                return;
            }
            None => {}
        }
        let Some((id, mut entry)) = self.sessions.gone(actor) else { return };
        if entry.restarts.allows(now()) {
            self.run_again(myself, entry).await;
        } else {
            error!(session = %id, "failed too often and is left alone for some minutes");
            let again = id.clone();
            myself.send_after(SESSION_LEFT_ALONE, || SupervisorMsg::RespawnSession(again));
            self.sessions.leave(id, entry);
        }
    }

    /// Gives a session that was left alone an actor again.
    async fn attend(&mut self, myself: &ActorRef<SupervisorMsg>, id: &SessionId) {
        if let Some(entry) = self.sessions.take_left(id) {
            self.run_again(myself, entry).await;
        }
    }

    /// Runs a session whose actor has failed from what is known of it.
    async fn run_again(&mut self, myself: &ActorRef<SupervisorMsg>, entry: Entry) {
        let pulse = entry.live.pulse.borrow().clone();
        let new = NewSession {
            record: entry.live.record.borrow().clone(),
            mirror: entry.live.mirror.clone(),
            lengths: Lengths { stdout: pulse.stdout, stderr: pulse.stderr, ..Lengths::default() },
            own: None,
        };
        self.run_session(myself, new, entry.restarts).await;
    }

    async fn respawn_connection(&mut self, myself: &ActorRef<SupervisorMsg>, key: Key) {
        let idle = self.config.idle_link;
        let again = self.connections.respawn(key, idle, &self.shared, myself.get_cell());
        if let Err(error) = again.await {
            error!(%error, "a connection's actor did not start again");
        }
    }

    /// Starts the configuration's actor again, in a task: it reads files.
    fn restart_config(&mut self, myself: &ActorRef<SupervisorMsg>) {
        if !self.config_restarts.allows(now()) {
            error!("the configuration's actor failed too often: edits are not seen any more");
            return;
        }
        let (args, before) = (self.config_args.clone(), self.config_handle.borrow().clone());
        let myself = myself.clone();
        tokio::spawn(async move {
            let started = config::start(args, Some(&before), myself.get_cell()).await;
            let _ = myself.cast(SupervisorMsg::ConfigStarted(started));
        });
    }
}

/// Tells the supervisor of every change of the configuration.
fn forward_changes(handle: &ConfigHandle, supervisor: ActorRef<SupervisorMsg>) {
    let mut states = handle.subscribe();
    states.mark_unchanged();
    tokio::spawn(async move {
        while states.changed().await.is_ok() {
            let state = states.borrow_and_update().clone();
            if supervisor.cast(SupervisorMsg::ConfigChanged(state)).is_err() {
                return;
            }
        }
    });
}
