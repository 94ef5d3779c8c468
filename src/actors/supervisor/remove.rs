//! Removing sessions at somebody's request.

use std::time::Duration;

use tokio::time::timeout;

use super::handle::{DaemonHandle, store};
use super::sessions::Live;
use crate::actors::janitor;
use crate::actors::now;
use crate::actors::session::SessionMsg;
use crate::api::backend::RequestError;
use crate::domain::connection::LinkState;
use crate::domain::session::fsm::Order;
use crate::domain::session::{Pulse, Removal, SessionRecord, SessionState};

/// How long an ended session's record may take to the registry.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);
/// How long a stop may take besides its grace.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// What was known of a session's processes when it was removed.
enum Processes {
    /// They have ended.
    Ended,
    /// Nobody can ask: they are to be stopped when that can be done.
    OutOfReach,
}

/// Removes a session with all its attempts; `force` stops the one that runs
/// first. What is left of them on a host that is away is remembered, and they are
/// gone from the list at once.
pub(super) async fn run(
    daemon: &DaemonHandle,
    given: &str,
    force: bool,
) -> Result<(), RequestError> {
    let named = daemon.record(given).await?;
    let mut chain = daemon.chain(named).await?;
    // The last one first: only that can run, and be refused.
    while let Some(record) = chain.pop() {
        let removed = remove(daemon, record, force).await?;
        // It may have gone on to another attempt just before it was stopped.
        if let Some(next) = &removed.attempts.next {
            let next = daemon.registry().get(next).await.map_err(|error| store(&error))?;
            chain.extend(next);
        }
    }
    Ok(())
}

/// Removes one attempt, and gives back what was known of it last.
async fn remove(
    daemon: &DaemonHandle,
    mut record: SessionRecord,
    force: bool,
) -> Result<SessionRecord, RequestError> {
    let mut processes = Processes::Ended;
    match daemon.live(&record.id).await? {
        Some(live) => {
            if !live.pulse.borrow().state.has_ended() {
                if !force {
                    return Err(RequestError::StillRunning(record.id));
                }
                processes = stop(daemon, &live).await?;
            }
            record = let_go(&live, &processes).await;
        }
        // Its actor failed too often, so nobody looks after it.
        None if record.is_live() && force => processes = Processes::OutOfReach,
        None if record.is_live() => return Err(RequestError::StillRunning(record.id)),
        None => {}
    }
    let grace = daemon.kill_grace_s();
    let removal = match processes {
        Processes::OutOfReach => Some(Removal::of(&record, Some(grace), now())),
        Processes::Ended if record.spool_gone_at.is_some() => None,
        Processes::Ended => Some(Removal::of(&record, None, now())),
    };
    let folder = daemon.folder(&record.id);
    janitor::forget(daemon.registry(), &folder, &record, removal.as_ref())
        .await
        .map_err(|error| store(&error))?;
    daemon.removed(&record.id, removal.is_some());
    Ok(record)
}

/// Stops a session and sees it end, unless its host is away.
async fn stop(daemon: &DaemonHandle, live: &Live) -> Result<Processes, RequestError> {
    let grace_s = daemon.kill_grace_s();
    let order = Order::Stop { signal: "TERM".to_owned(), grace_s };
    let id = live.id();
    live.actor
        .cast(SessionMsg::Order(order, None))
        .map_err(|_| RequestError::StillRunning(id.clone()))?;
    let mut pulse = live.pulse.clone();
    let seen = pulse.wait_for(|pulse| pulse.state.has_ended() || is_out_of_reach(pulse));
    match timeout(STOP_WITHIN + Duration::from_secs(grace_s), seen).await {
        Ok(Ok(pulse)) if pulse.state.has_ended() => Ok(Processes::Ended),
        Ok(Ok(_)) => Ok(Processes::OutOfReach),
        // The order stands; processes that survive KILL are shown elsewhere.
        Ok(Err(_)) | Err(_) => Err(RequestError::StillRunning(id)),
    }
}

/// One that has not started is taken back here, wherever its host is.
fn is_out_of_reach(pulse: &Pulse) -> bool {
    let away = [LinkState::BackingOff, LinkState::NeedsAttention];
    pulse.state != SessionState::Waiting
        && pulse.link.as_ref().is_some_and(|link| away.contains(&link.state))
}

/// Sees the session's actor off, and gives back the newest record: on a full
/// disk the registry may not have it.
async fn let_go(live: &Live, processes: &Processes) -> SessionRecord {
    if matches!(processes, Processes::Ended) {
        // Whoever waits for the end hears of it before the registry does.
        let _ = live.actor.wait(Some(SETTLE_WITHIN)).await;
    }
    // Nothing may write to the mirror or the registry after this.
    let _ = live.actor.stop_and_wait(None, Some(SETTLE_WITHIN)).await;
    live.record.borrow().clone()
}
