//! The connections, as the supervisor keeps them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorRef, SpawnErr};
use tokio::sync::watch;

use crate::actors::connection::{
    ConnectionActor, ConnectionArgs, ConnectionMsg, Dialer, LinkReport,
};
use crate::actors::journal::Journal;
use crate::actors::now;
use crate::actors::resolver::ResolverMsg;
use crate::actors::session::RemoteHost;
use crate::domain::restart::RestartIntensity;
use crate::domain::target::SshRequest;

/// What makes a connection another one: the remote's name, and what is dialled
/// for it. A remote whose host was edited gets a new connection for new
/// sessions, and the old one stays until the last session on it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) place: String,
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
    pub(super) journal: Journal,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    entries: HashMap<Key, Entry>,
    by_actor: HashMap<ActorId, Key>,
}

impl Connections {
    /// The connection to `key`, started where there is none.
    pub(super) async fn get_or_spawn(
        &mut self,
        key: &Key,
        idle: Duration,
        shared: &Shared,
        supervisor: ActorCell,
    ) -> Result<RemoteHost, SpawnErr> {
        if let Some(entry) = self.entries.get_mut(key) {
            // It may have been drained by an edit that has been taken back.
            entry.draining = false;
            return Ok(entry.host());
        }
        let report = watch::Sender::new(LinkReport::new(key.place.clone(), now()));
        let actor = spawn(key, idle, shared, report.clone(), supervisor).await?;
        self.by_actor.insert(actor.get_id(), key.clone());
        let restarts = RestartIntensity::default();
        let entry = Entry { actor: watch::Sender::new(actor), report, draining: false, restarts };
        let host = entry.host();
        self.entries.insert(key.clone(), entry);
        Ok(host)
    }

    /// Starts the connection whose actor has failed again, unless it has done
    /// so too often. Those who use it learn of the new actor by its watch.
    pub(super) async fn respawn(
        &mut self,
        actor: ActorId,
        idle: Duration,
        shared: &Shared,
        supervisor: ActorCell,
    ) -> Result<(), SpawnErr> {
        let Some(key) = self.by_actor.remove(&actor) else { return Ok(()) };
        let Some(entry) = self.entries.get_mut(&key) else { return Ok(()) };
        if !entry.restarts.allows(now()) {
            self.entries.remove(&key);
            return Ok(());
        }
        let actor = spawn(&key, idle, shared, entry.report.clone(), supervisor).await?;
        self.by_actor.insert(actor.get_id(), key);
        entry.actor.send_replace(actor);
        Ok(())
    }

    /// Has a connection take no new sessions, and ends it if `unused`.
    pub(super) fn drain(&mut self, key: &Key, unused: bool) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.draining = true;
        // An actor that is gone needs no telling.
        let _ = entry.actor.borrow().cast(ConnectionMsg::Drain);
        if unused {
            self.end(key);
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
        place: key.place.clone(),
        request: key.request.clone(),
        idle,
        resolver: shared.resolver.clone(),
        dialer: shared.dialer.clone(),
        journal: shared.journal.clone(),
        report,
    };
    Ok(Actor::spawn_linked(None, ConnectionActor, args, supervisor).await?.0)
}
