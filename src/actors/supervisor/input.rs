//! Taking input in.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::handle::{DaemonHandle, store};
use super::sessions::Live;
use crate::actors::session::SessionMsg;
use crate::api::backend::RequestError;
use crate::api::types::{InputOffer, InputTaken};
use crate::domain::session::{SessionRecord, Stdin};
use crate::store::mirror::{MirrorError, Piece, Taken};

/// The most input that is held for a session that cannot take it now, in bytes.
const INPUT_HELD: u64 = 16 << 20;
/// The longest that a request waits for room: it holds its bytes in memory.
const MOST_WAIT: Duration = Duration::from_secs(30);
/// How long an attempt that has ended may take to hand over.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(5);

/// Takes a piece of input in: it is on the disk when this returns.
pub(super) async fn take(
    daemon: &DaemonHandle,
    given: &str,
    offer: InputOffer,
) -> Result<InputTaken, RequestError> {
    let mut piece =
        Piece { bytes: offer.bytes, offset: offer.offset, again: offer.again, ends: offer.eof };
    let until = Instant::now() + Duration::from_secs(offer.wait_s).min(MOST_WAIT);
    loop {
        let (record, mut live) = daemon.live_one(given).await?;
        let id = record.id;
        if !record.stdin.open {
            return Err(RequestError::StdinClosed(id));
        }
        await_room(&mut live, piece.bytes.len() as u64, until).await?;
        match live.mirror.take_input(piece.clone()).await {
            Ok(Taken::Closed) => return Err(RequestError::StdinClosed(id)),
            Ok(Taken::Moved { accepted }) => {
                return Err(RequestError::InputMoved { session: id, accepted });
            }
            Ok(Taken::Here { accepted, ended }) => {
                let message = SessionMsg::InputAccepted { accepted, eof: ended };
                if live.actor.cast(message).is_ok() {
                    return Ok(InputTaken { accepted });
                }
                // Where it was taken in is known; the next attempt has it by now.
                piece.offset = Some(accepted - piece.bytes.len() as u64);
                piece.again = true;
            }
            // It has gone to the next attempt.
            Err(MirrorError::Gone { .. }) => {}
            Err(error) => return Err(store(&error)),
        }
        let ended = live.record.borrow().clone();
        if ended.attempts.next.is_none() {
            return Err(RequestError::HasEnded(id));
        }
        let _ = live.actor.wait(Some(HAND_OVER_WITHIN)).await;
    }
}

/// Waits until the session has room for so many bytes, or has ended.
async fn await_room(live: &mut Live, more: u64, until: Instant) -> Result<(), RequestError> {
    let roomy = |record: &SessionRecord| waiting(&record.stdin) + more <= INPUT_HELD;
    let settled = live.record.wait_for(|record| roomy(record) || !record.is_live());
    // An actor that is gone has ended, or is started again.
    if timeout_at(until, settled).await.is_ok() {
        return Ok(());
    }
    let record = live.record.borrow();
    Err(RequestError::InputFull(record.id.clone(), waiting(&record.stdin)))
}

fn waiting(stdin: &Stdin) -> u64 {
    stdin.accepted.saturating_sub(stdin.delivered)
}
