//! Attempts: from one to the next, and all that belong together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ractor::ActorRef;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::actor::{NewSession, SupervisorMsg};
use super::handle::{DaemonHandle, store};
use super::sessions::Live;
use crate::actors::ask;
use crate::actors::session::SessionMsg;
use crate::api::backend::RequestError;
use crate::domain::ids::SessionId;
use crate::domain::session::SessionRecord;
use crate::domain::session::fsm::Order;
use crate::store::mirror::{Mirror, MirrorError};

/// How long after a failure the next attempt's folder is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// How long an attempt that the registry has may take to have its actor.
const SPAWN_WITHIN: Duration = Duration::from_secs(5);
/// How long an order may take to the registry.
const NOTED_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Makes or finds a session's folder, with what the attempt before left to it.
///
/// # Errors
///
/// The folder cannot be made, or a file not be moved.
pub async fn furnish(
    folder: PathBuf,
    mut record: SessionRecord,
) -> Result<NewSession, MirrorError> {
    let mirror = Mirror::create(&folder).await?;
    if let Some(previous) = &record.attempts.previous {
        mirror.take_over(&folder.with_file_name(previous.as_str())).await?;
    }
    let lengths = mirror.lengths().await?;
    // Input is acknowledged once it is in its file, before the registry has it.
    if record.stdin.open {
        // What is in the spool there counts, even where the file here lost it.
        if lengths.stdin < record.stdin.delivered {
            mirror.lengthen_input(record.stdin.delivered).await?;
        }
        record.stdin.accepted = lengths.stdin.max(record.stdin.delivered);
        record.stdin.eof |= mirror.input_has_ended().await?;
    }
    Ok(NewSession { record, mirror, lengths, own: None })
}

/// Has an attempt run that was decided on and is in the registry.
pub(super) fn go_on(supervisor: ActorRef<SupervisorMsg>, beside: &Path, next: SessionRecord) {
    let folder = beside.with_file_name(next.id.as_str());
    tokio::spawn(async move {
        let new = loop {
            match furnish(folder.clone(), next.clone()).await {
                Ok(new) => break new,
                Err(error) => {
                    warn!(session = %next.id, %error, "the next attempt has no folder yet");
                    sleep(AGAIN).await;
                }
            }
        };
        // For a registry that is damaged one day; this one knows it.
        if let Err(error) = new.mirror.save_record(&new.record).await {
            warn!(session = %next.id, %error, "it has no record beside its mirror");
        }
        // A supervisor that stops leaves it to the next daemon.
        let _ = supervisor.cast(SupervisorMsg::RunSession(Box::new(new), None));
    });
}

impl DaemonHandle {
    /// All attempts that belong with `record`, the first first. One that is not
    /// in the registry any more ends the search.
    pub(super) async fn chain(
        &self,
        record: SessionRecord,
    ) -> Result<Vec<SessionRecord>, RequestError> {
        let mut earlier = Vec::new();
        let mut link = record.attempts.previous.clone();
        while let Some(before) = self.linked(link.as_ref()).await? {
            link.clone_from(&before.attempts.previous);
            earlier.push(before);
        }
        earlier.reverse();
        let mut chain = earlier;
        let mut link = record.attempts.next.clone();
        chain.push(record);
        while let Some(after) = self.linked(link.as_ref()).await? {
            link.clone_from(&after.attempts.next);
            chain.push(after);
        }
        Ok(chain)
    }

    /// The attempt that counts now: the last one.
    pub(super) async fn current(
        &self,
        mut record: SessionRecord,
    ) -> Result<SessionRecord, RequestError> {
        while let Some(after) = self.linked(record.attempts.next.as_ref()).await? {
            record = after;
        }
        Ok(record)
    }

    async fn linked(&self, id: Option<&SessionId>) -> Result<Option<SessionRecord>, RequestError> {
        match id {
            Some(id) => self.registry().get(id).await.map_err(|error| store(&error)),
            None => Ok(None),
        }
    }

    /// The live attempt of the session that is named. One that ends between the two
    /// looks has a next one in the registry by then, if it is to have any.
    pub(super) async fn live_one(
        &self,
        given: &str,
    ) -> Result<(SessionRecord, Live), RequestError> {
        let until = Instant::now() + SPAWN_WITHIN;
        loop {
            let record = self.current(self.record(given).await?).await?;
            if let Some(live) = self.live_soon(&record).await? {
                return Ok((record, live));
            }
            if !record.is_live() || Instant::now() >= until {
                return Err(RequestError::HasEnded(record.id));
            }
            sleep(LOOK).await;
        }
    }

    /// A session's actor. Between two attempts there is a moment in which the
    /// registry has the next one already, and nobody runs it yet.
    pub(super) async fn live_soon(
        &self,
        record: &SessionRecord,
    ) -> Result<Option<Live>, RequestError> {
        let until = Instant::now() + SPAWN_WITHIN;
        loop {
            let live = self.attended(&record.id).await?;
            let hopes = record.is_live() && record.attempts.number > 1;
            if live.is_some() || !hopes || Instant::now() >= until {
                return Ok(live);
            }
            sleep(LOOK).await;
        }
    }

    /// Gives an order to the attempt that counts. One that ends at this very
    /// moment has not heard of it, and the next one gets it, too.
    ///
    /// The order is in the registry when this returns: a daemon that is killed
    /// after it carries it out when it is back.
    pub(super) async fn order(&self, given: &str, order: Order) -> Result<Live, RequestError> {
        let (mut record, mut live) = self.live_one(given).await?;
        loop {
            let noted = ask(&live.actor, |reply| SessionMsg::Order(order.clone(), Some(reply)));
            let noted = noted.await;
            let seen = live.record.borrow().clone();
            if seen.attempts.next.is_some() {
                // The registry has the next one once the actor of this one is gone.
                let _ = live.actor.wait(Some(SPAWN_WITHIN)).await;
                (record, live) = self.live_one(seen.id.as_str()).await?;
                continue;
            }
            let Some(revision) = noted else { return Err(RequestError::HasEnded(record.id)) };
            let saved = live.saved.wait_for(|saved| *saved >= revision);
            // Without a sender the actor is gone, and the session has ended.
            let written = timeout(NOTED_WITHIN, saved).await.is_ok();
            return if written {
                Ok(live)
            } else {
                let words = "the order is given, and the registry cannot be written now";
                Err(RequestError::Store(words.to_owned()))
            };
        }
    }
}
