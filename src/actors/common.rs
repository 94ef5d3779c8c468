//! What all actors use: the clock, chance, and questions with a bound.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ractor::rpc::CallResult;
use ractor::{ActorRef, Message, RpcReplyPort};

use crate::domain::failure::Failure;
use crate::domain::failure::classify::{link_failure, session_failure};
use crate::domain::failure::trouble::{LinkTrouble, Phase, SessionTrouble};
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::launch::Nonce;
use crate::domain::timestamp::Timestamp;
use crate::runner::control::ControlError;

/// No handler waits for anything, so an answer that takes this long means that
/// the actor is gone or the machine is on its knees.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Asks an actor; `None` if it is gone or does not answer.
pub async fn ask<M: Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    question: impl FnOnce(RpcReplyPort<T>) -> M,
) -> Option<T> {
    match actor.call(question, Some(ANSWER_WITHIN)).await {
        Ok(CallResult::Success(answer)) => Some(answer),
        Ok(CallResult::Timeout | CallResult::SenderError) | Err(_) => None,
    }
}

/// The time of day.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A fresh nonce for a run of a program.
#[must_use]
pub fn nonce() -> Nonce {
    Nonce::from_bits(rand::random())
}

/// The failure of a program of the runner that was to tell something of a host.
pub(super) fn control_failure(error: ControlError, at: &Whereabouts) -> Failure {
    let trouble = match error {
        ControlError::Cut(trouble) => return link_failure(&trouble, at),
        ControlError::NoAnswer { .. } => {
            return link_failure(&LinkTrouble::TimedOut { phase: Phase::Channel }, at);
        }
        ControlError::NotReached { said, status } => SessionTrouble::ShellBroken { said, status },
        ControlError::NotReachedInTime { said } => SessionTrouble::ShellSilent { said },
        ControlError::Lacks { programs } => SessionTrouble::UserlandMissing { programs },
        other => SessionTrouble::ShellBroken { said: other.to_string(), status: None },
    };
    session_failure(&trouble, at)
}
