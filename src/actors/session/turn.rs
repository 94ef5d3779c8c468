//! A session's turn, as the queue tells it.

use ractor::ActorRef;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::actor::SessionMsg;
use crate::domain::queue::WaitsFor;

/// Whether a session may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It is not in the queue: the pause before the attempt is not over.
    NotDue,
    /// It waits.
    Waits(WaitsFor),
    /// It may start.
    Came,
}

impl Turn {
    /// Why it has not come, where it waits.
    pub(super) fn waits_for(&self) -> Option<&WaitsFor> {
        match self {
            Self::Waits(why) => Some(why),
            Self::NotDue | Self::Came => None,
        }
    }
}

/// Waits for the turn. It does not come any more once the supervisor is gone.
pub(super) async fn came(turn: &mut watch::Receiver<Turn>) {
    if turn.wait_for(|turn| *turn == Turn::Came).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Tells a session that waits how its turn stands, until it has come.
pub(super) fn watch_turn(
    session: ActorRef<SessionMsg>,
    mut turn: watch::Receiver<Turn>,
) -> Option<JoinHandle<()>> {
    if *turn.borrow() == Turn::Came {
        return None;
    }
    turn.mark_changed();
    Some(tokio::spawn(async move {
        while turn.changed().await.is_ok() {
            let now = turn.borrow_and_update().clone();
            let came = now == Turn::Came;
            if session.cast(SessionMsg::TurnChanged(now)).is_err() || came {
                return;
            }
        }
    }))
}
