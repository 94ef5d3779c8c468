//! The live sessions, as the supervisor keeps them.

use std::collections::HashMap;

use ractor::{Actor, ActorCell, ActorId, ActorRef, SpawnErr};
use tokio::sync::watch;

use super::connections::Key;
use crate::actors::connection::LinkReport;
use crate::actors::session::{Host, SessionActor, SessionArgs, SessionMsg};
use crate::domain::ids::SessionId;
use crate::domain::restart::RestartIntensity;
use crate::domain::session::{Pulse, SessionRecord};
use crate::store::mirror::Mirror;

/// A session that has not ended, for whoever deals with it.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its actor.
    pub actor: ActorRef<SessionMsg>,
    /// Its record, always the newest.
    pub record: watch::Receiver<SessionRecord>,
    /// What changes.
    pub pulse: watch::Receiver<Pulse>,
    /// The revision of its record that the registry has.
    pub saved: watch::Receiver<u64>,
    /// How the connection to its host is; `None` on this machine.
    pub link: Option<watch::Receiver<LinkReport>>,
    /// Its mirror.
    pub mirror: Mirror,
    /// Whether its actor failed too often, and is left alone for a while.
    pub unattended: bool,
}

impl Live {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.record.borrow().id.clone()
    }
}

/// A live session, and what the supervisor needs to know of it besides.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) live: Live,
    /// The connection that it uses.
    pub(super) connection: Option<Key>,
    pub(super) restarts: RestartIntensity,
}

/// All live sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    entries: HashMap<SessionId, Entry>,
    by_actor: HashMap<ActorId, SessionId>,
}

/// The pulse of a session that nothing is known of but its record.
pub(super) fn pulse_of(record: &SessionRecord, stdout: u64, stderr: u64) -> Pulse {
    Pulse {
        state: record.state(),
        link: None,
        stdout,
        stderr,
        exit: record.exit(),
        failure: record.failure().cloned(),
        warnings: record.warnings.clone(),
        mirror_paused: None,
        mirror_behind: None,
        waits_for: None,
    }
}

impl Sessions {
    /// Starts the actor of a session.
    pub(super) async fn spawn(
        &mut self,
        args: SessionArgs,
        connection: Option<Key>,
        restarts: RestartIntensity,
        supervisor: ActorCell,
    ) -> Result<Live, SpawnErr> {
        let id = args.record.id.clone();
        let (record, pulse) = (args.records.subscribe(), args.pulse.subscribe());
        let (mirror, saved) = (args.mirror.clone(), args.saved.subscribe());
        let link = match &args.host {
            Host::Local { .. } => None,
            Host::Remote(remote) => Some(remote.report.clone()),
        };
        let (actor, _) = Actor::spawn_linked(None, SessionActor, args, supervisor).await?;
        self.by_actor.insert(actor.get_id(), id.clone());
        let live = Live { actor, record, pulse, saved, link, mirror, unattended: false };
        self.entries.insert(id, Entry { live: live.clone(), connection, restarts });
        Ok(live)
    }

    /// Takes out the session whose actor has gone.
    pub(super) fn gone(&mut self, actor: ActorId) -> Option<(SessionId, Entry)> {
        let id = self.by_actor.remove(&actor)?;
        let entry = self.entries.remove(&id)?;
        Some((id, entry))
    }

    /// Keeps one whose actor has failed too often, without an actor.
    pub(super) fn leave(&mut self, id: SessionId, mut entry: Entry) {
        entry.live.unattended = true;
        self.entries.insert(id, entry);
    }

    /// Takes out one that was left, to give it an actor again.
    pub(super) fn take_left(&mut self, id: &SessionId) -> Option<Entry> {
        if self.entries.get(id)?.live.unattended { self.entries.remove(id) } else { None }
    }

    /// Those of a place that were left.
    pub(super) fn left_at(&self, place: &str) -> Vec<SessionId> {
        let at = |live: &&Live| live.record.borrow().place.to_string() == place;
        self.all().filter(|live| live.unattended).filter(at).map(Live::id).collect()
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Live> {
        self.entries.get(id).map(|entry| &entry.live)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Live> {
        self.entries.values().map(|entry| &entry.live)
    }

    /// How many use a connection.
    pub(super) fn on(&self, key: &Key) -> usize {
        self.entries.values().filter(|entry| entry.connection.as_ref() == Some(key)).count()
    }
}
