//! The connections, as the supervisor keeps them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorRef, SpawnErr};
use tokio::sync::watch;

use crate::actors::attention::Attention;
use crate::actors::connection::{
    ConnectionActor, ConnectionArgs, ConnectionMsg, Dialer, LinkReport,
};
use crate::actors::journal::Journal;
use crate::actors::now;
use crate::actors::resolver::ResolverMsg;
use crate::actors::session::RemoteHost;
use crate::domain::backoff::spread;
use crate::domain::restart::RestartIntensity;
use crate::domain::target::{Place, SshRequest};

/// What makes a connection another one: the remote's name, and what is dialled
/// for it. A remote whose host was edited gets a new connection for new
/// sessions, and the old one stays until the last session on it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub(super) place: Place,
    pub(super) request: SshRequest,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Entry {
    actor: watch::Sender<ActorRef<ConnectionMsg>>,
    report: watch::Sender<LinkReport>,
    pub(super) draining: bool,
    restarts: RestartIntensity,
}

/// What all connections have in common.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) resolver: ActorRef<ResolverMsg>,
    pub(super) dialer: Arc<dyn Dialer>,
    pub(super) attention: Attention,
    pub(super) journal: Journal,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    entries: HashMap<Key, Entry>,
    by_actor: HashMap<ActorId, Key>,
}

impl Connections {
    /// The connection to `key`, started where there is none. `outdated` if the
    /// configuration would not make it any more: it is for what ran before.
    pub(super) async fn get_or_spawn(
        &mut self,
        key: &Key,
        outdated: bool,
        idle: Duration,
        shared: &Shared,
        supervisor: ActorCell,
    ) -> Result<RemoteHost, SpawnErr> {
        if let Some(entry) = self.entries.get(key) {
            return Ok(entry.host());
        }
        let report = watch::Sender::new(LinkReport::new(key.place.to_string(), now()));
        let actor = spawn(key, idle, shared, report.clone(), supervisor).await?;
        self.by_actor.insert(actor.get_id(), key.clone());
        let restarts = RestartIntensity::default();
        let actor = watch::Sender::new(actor);
        let mut entry = Entry { actor, report, draining: false, restarts };
        if outdated {
            entry.drain();
        }
        let host = entry.host();
        self.entries.insert(key.clone(), entry);
        Ok(host)
    }

    /// The connection to `key`, where there is one.
    pub(super) fn get(&self, key: &Key) -> Option<RemoteHost> {
        self.entries.get(key).map(Entry::host)
    }

    /// The connection whose actor has failed, and whether it may be started
    /// again at once.
    pub(super) fn failed(&mut self, actor: ActorId) -> Option<(Key, bool)> {
        let key = self.by_actor.remove(&actor)?;
        let allowed = self.entries.get_mut(&key)?.restarts.allows(now());
        Some((key, allowed))
    }

    /// Starts a connection again whose actor has failed. Those who use it learn
    /// of the new actor by its watch.
    pub(super) async fn respawn(
        &mut self,
        key: Key,
        idle: Duration,
        shared: &Shared,
        supervisor: ActorCell,
    ) -> Result<(), SpawnErr> {
        // It may have been ended meanwhile.
        let Some(entry) = self.entries.get_mut(&key) else { return Ok(()) };
        let actor = spawn(&key, idle, shared, entry.report.clone(), supervisor).await?;
        self.by_actor.insert(actor.get_id(), key);
        entry.actor.send_replace(actor);
        if entry.draining {
            entry.drain();
        }
        Ok(())
    }

    /// Has a connection take no new sessions, and ends it if `unused`.
    pub(super) fn drain(&mut self, key: &Key, unused: bool) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.drain();
        }
        if unused {
            self.end(key);
        }
    }

    /// An edit that drained a connection was taken back.
    pub(super) fn end_drain(&mut self, key: &Key) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.draining) {
            entry.draining = false;
            let _ = entry.actor.borrow().cast(ConnectionMsg::EndDrain);
        }
    }

    /// Ends a connection that is draining.
    pub(super) fn end_if_draining(&mut self, key: &Key) {
        if self.entries.get(key).is_some_and(|entry| entry.draining) {
            self.end(key);
        }
    }

    fn end(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            let actor = entry.actor.borrow().clone();
            self.by_actor.remove(&actor.get_id());
            actor.stop(None);
        }
    }

    /// Tells all that the network changed, and not all in the same moment.
    pub(super) fn nudge(&self) {
        let many = self.entries.len();
        for entry in self.entries.values() {
            let delay = spread(many, rand::random());
            entry.actor.borrow().send_after(delay, || ConnectionMsg::Nudged);
        }
    }

    /// Tells all that `ssh_config` is another one.
    pub(super) fn ssh_config_edited(&self) {
        for entry in self.entries.values() {
            // An actor that is gone needs no telling.
            let _ = entry.actor.borrow().cast(ConnectionMsg::SshConfigEdited);
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.entries.keys()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.entries.iter()
    }
}

impl Entry {
    fn host(&self) -> RemoteHost {
        RemoteHost { connection: self.actor.subscribe(), report: self.report.subscribe() }
    }

    fn drain(&mut self) {
        self.draining = true;
        // An actor that is gone needs no telling.
        let _ = self.actor.borrow().cast(ConnectionMsg::Drain);
    }

    pub(super) fn report(&self) -> LinkReport {
        self.report.borrow().clone()
    }

    pub(super) fn reconnect(&self) {
        let _ = self.actor.borrow().cast(ConnectionMsg::Reconnect);
    }
}

async fn spawn(
    key: &Key,
    idle: Duration,
    shared: &Shared,
    report: watch::Sender<LinkReport>,
    supervisor: ActorCell,
) -> Result<ActorRef<ConnectionMsg>, SpawnErr> {
    let args = ConnectionArgs {
        place: key.place.to_string(),
        request: key.request.clone(),
        idle,
        resolver: shared.resolver.clone(),
        dialer: shared.dialer.clone(),
        attention: shared.attention.clone(),
        journal: shared.journal.clone(),
        report,
    };
    Ok(Actor::spawn_linked(None, ConnectionActor, args, supervisor).await?.0)
}
