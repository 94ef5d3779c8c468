//! Records on their way to the registry.

use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::warn;

use super::actor::SessionMsg;
use crate::domain::session::{Phase, SessionRecord};
use crate::store::mirror::Mirror;
use crate::store::registry::{Registry, Saved};

/// How long after a failed save the next try comes. A full disk may have room.
const AGAIN: Duration = Duration::from_secs(2);

/// Saves the newest record whenever there is a newer one, until the session
/// has ended; then says so.
///
/// An end that another attempt follows is one transaction with the attempt's
/// beginning.
///
/// The receiver holds whether a record is saved that says that the launch was,
/// or may have been, sent. What the session was started with goes as soon as the
/// registry says that it was started and no other attempt can follow, and not
/// before: until then it is what a restart would need.
pub(super) fn spawn(
    session: ActorRef<SessionMsg>,
    mut records: watch::Receiver<SessionRecord>,
    registry: Registry,
    mirror: Mirror,
    saved_up_to: watch::Sender<u64>,
    mut launch_kept: bool,
) -> watch::Receiver<bool> {
    let sent = !matches!(records.borrow().phase, Phase::Waiting);
    let (starting, starting_saved) = watch::channel(sent);
    tokio::spawn(async move {
        while records.changed().await.is_ok() {
            let record = records.borrow_and_update().clone();
            let ended = !record.is_live();
            let settled = match record.phase {
                Phase::Waiting | Phase::Starting => false,
                Phase::Running { .. } => record.attempts.policy.retry().is_none(),
                Phase::Ended { .. } => record.attempts.next.is_none(),
            };
            // Of an ended session nobody would remove it after a crash. One that
            // is known to have been sent needs it no more.
            if launch_kept && settled && ended && *starting.borrow() {
                launch_kept = mirror.drop_launch().await.is_err();
            }
            if save(&registry, &record).await == Saved::Stale {
                // The session was removed, or has another actor by now.
                let _ = session.cast(SessionMsg::Settled);
                return;
            }
            saved_up_to.send_replace(record.revision);
            starting.send_if_modified(|saved| {
                let sent = !matches!(record.phase, Phase::Waiting);
                sent && !std::mem::replace(saved, true)
            });
            if launch_kept && settled {
                launch_kept = mirror.drop_launch().await.is_err();
            }
            if ended {
                // For a registry that is damaged one day; this one knows it.
                if let Err(error) = mirror.save_record(&record).await {
                    warn!(session = %record.id, %error, "its record beside the mirror is old");
                }
                let _ = session.cast(SessionMsg::Settled);
                return;
            }
        }
    });
    starting_saved
}

/// Saves a record, however long the disk may not take it.
async fn save(registry: &Registry, record: &SessionRecord) -> Saved {
    loop {
        let saved = match record.successor() {
            Some(next) => registry.hand_over(record.clone(), next).await,
            None => registry.save(record.clone()).await,
        };
        match saved {
            Ok(saved) => return saved,
            Err(error) => {
                warn!(session = %record.id, %error, "the registry cannot be written");
                sleep(AGAIN).await;
            }
        }
    }
}
