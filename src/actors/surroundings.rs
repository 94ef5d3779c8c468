//! What happens around the daemon: the network changes, the machine sleeps and
//! wakes. Either ends what links wait for, and puts those that were up in doubt.
//!
//! Two tasks, no actor: they have no state that anybody asks for.

use std::time::Duration;

use netwatcher::async_adapter::Tokio;
use ractor::ActorRef;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};
use tracing::{info, warn};

use super::now;
use super::supervisor::SupervisorMsg;
use crate::domain::wake::{LOOK_EVERY, WakeDetector};

/// An interface that comes up gets its addresses one after the other: what
/// follows a change within this time belongs to it.
const SETTLES: Duration = Duration::from_millis(300);

/// How soon after one change the next is told: where containers come and go, the
/// network changes all the time, and no host is to be dialled each time.
const RESTS: Duration = Duration::from_secs(3);

/// Watches until the supervisor is gone.
pub fn watch(supervisor: &ActorRef<SupervisorMsg>) {
    watch_network(supervisor.clone());
    watch_clocks(supervisor.clone());
}

/// Tells of each change of this machine's interfaces and addresses.
fn watch_network(supervisor: ActorRef<SupervisorMsg>) {
    let mut watch = match netwatcher::watch_interfaces_async::<Tokio>() {
        Ok(watch) => watch,
        Err(error) => {
            // A container may forbid it. What is lost is time, no link.
            warn!(%error, "changes of the network are not seen");
            return;
        }
    };
    tokio::spawn(async move {
        // The first answer is what is there now.
        let _ = watch.changed().await;
        loop {
            let _ = watch.changed().await;
            let settled = Instant::now() + SETTLES;
            // Cancelled, it has told nothing: the next call finds the same change.
            while timeout_at(settled, watch.changed()).await.is_ok() {}
            info!("the network changed");
            if supervisor.cast(SupervisorMsg::Nudge).is_err() {
                return;
            }
            sleep(RESTS).await;
        }
    });
}

/// Tells when the machine has slept.
fn watch_clocks(supervisor: ActorRef<SupervisorMsg>) {
    tokio::spawn(async move {
        let (start, mut detector) = (Instant::now(), WakeDetector::default());
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if let Some(away) = detector.look(start.elapsed(), now()) {
                info!(seconds = away.as_secs(), "the machine was asleep, or its clock was set");
                if supervisor.cast(SupervisorMsg::Nudge).is_err() {
                    return;
                }
            }
            if supervisor.get_status() == ractor::ActorStatus::Stopped {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adding an address takes rights that a test may lack; that the watch can be
    /// made and tells what is there does not.
    #[tokio::test]
    async fn the_network_can_be_watched() {
        let mut watch = netwatcher::watch_interfaces_async::<Tokio>().unwrap();
        let first = watch.changed().await;
        assert!(first.is_initial);
    }
}
