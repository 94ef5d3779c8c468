//! When an attempt may start.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use super::host::{Channel, Host, Want};
use super::tasks::run_order;
use super::turn::{Turn, came};
use crate::actors::now;
use crate::domain::backoff::Backoff;
use crate::domain::failure::trouble::SessionTrouble;
use crate::domain::ids::SessionId;
use crate::domain::session::fsm::{Order, OrderEnd};
use crate::domain::session::{Phase, SessionRecord};
use crate::domain::timestamp::Timestamp;

/// How long the clock on the wall is left unwatched: it may be set, or have gone
/// on while the machine slept.
const LOOK: Duration = Duration::from_secs(5);
/// Seconds until what is left of the attempt before is looked for again.
const GRACE_S: u64 = 5;
/// How often in a row processes may survive KILL before it is given up.
const SURVIVALS: u32 = 5;

/// Waits for as long as an attempt's pause lasts.
pub async fn until(starts_at: Timestamp) {
    loop {
        let left = now().until(starts_at);
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOK)).await;
    }
}

/// Waits until an attempt's pause is over, its turn has come and nothing is left
/// of the one before. Of one that may have been sent, there is nothing to wait
/// for; of a first attempt, only its turn.
///
/// # Errors
///
/// Processes of the one before cannot be ended.
pub(super) async fn until_due(
    record: &SessionRecord,
    mut turn: watch::Receiver<Turn>,
    host: &Host,
) -> Result<(), SessionTrouble> {
    if record.phase != Phase::Waiting {
        return Ok(());
    }
    // In the queue once its pause is over: it takes nobody's turn before.
    came(&mut turn).await;
    match &record.attempts.previous {
        Some(previous) => lay_to_rest(previous, host).await,
        None => Ok(()),
    }
}

/// Ends what is left of an earlier attempt: its command has ended, what it
/// started may not have.
async fn lay_to_rest(previous: &SessionId, host: &Host) -> Result<(), SessionTrouble> {
    let order = Order::Stop { signal: "KILL".to_owned(), grace_s: GRACE_S };
    let (mut tries, mut survivals) = (0_u32, 0_u32);
    loop {
        let how = match host.channel(Want::Control).await {
            Ok(Channel { io, slot, .. }) => {
                let how = run_order(io, host.root(), previous, &order).await;
                drop(slot);
                how
            }
            Err(_) => OrderEnd::Cut,
        };
        match how {
            OrderEnd::Done => return Ok(()),
            OrderEnd::Survivors(pids) => {
                warn!(session = %previous, ?pids, "processes of an earlier attempt survive KILL");
                survivals += 1;
                if survivals >= SURVIVALS {
                    return Err(SessionTrouble::Unkillable { pids });
                }
            }
            // Nothing of it is known, so nothing is started.
            OrderEnd::Cut | OrderEnd::Failed | OrderEnd::TooEarly => {
                info!(session = %previous, ?how, "not known yet whether all of it is gone");
            }
        }
        tries = tries.saturating_add(1);
        sleep(Backoff::LINK.delay(tries, 1.0)).await;
    }
}
