//! Standard input on its way to the session.
//!
//! What senders gave is in the mirror's `in` file; how much of it is in the
//! spool, the spool knows. Each delivery asks it and sends what comes after, so
//! a delivery whose answer was lost loses and doubles nothing.

use std::time::Duration;

use ractor::ActorRef;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::debug;

use super::actor::SessionMsg;
use super::host::{Host, Want};
use crate::actors::nonce;
use crate::domain::backoff::Backoff;
use crate::domain::ids::SessionId;
use crate::domain::session::Stdin;
use crate::runner::control::{self, ControlError, Input};
use crate::store::mirror::Mirror;

/// The most that one delivery carries: it lies in memory meanwhile.
const PIECE: usize = 1 << 20;
/// The least: so much passes the slowest link in the time that a delivery has.
const LEAST_PIECE: usize = 16 << 10;

/// How a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// So much is in the spool.
    There {
        /// Bytes in all.
        length: u64,
        /// Whether the session was told that this is all.
        end_told: bool,
    },
    /// The session takes no input any more.
    Closed,
    /// Nobody knows; it is to be tried again.
    Unknown,
}

/// Where a session's input stands.
#[derive(Debug)]
pub(super) struct Feeding {
    under_way: Option<JoinHandle<()>>,
    end_told: bool,
    /// Deliveries in a row of which nobody knows.
    failures: u32,
    /// How much the next delivery carries: less after each that took too long.
    piece: usize,
}

impl Feeding {
    pub(super) fn new() -> Self {
        Self { under_way: None, end_told: false, failures: 0, piece: PIECE }
    }

    /// Whether there is something to deliver, and nothing under way.
    fn is_due(&self, stdin: &Stdin) -> bool {
        let more = stdin.delivered < stdin.accepted || stdin.eof && !self.end_told;
        stdin.open && more && self.under_way.is_none()
    }

    /// How long the next delivery waits: a program that fails at once on its
    /// host is not to be started in a circle.
    fn pause(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => Backoff::LINK.delay(failures, 1.0),
        }
    }

    /// Starts a delivery where one is due.
    pub(super) fn feed(
        &mut self,
        session: &ActorRef<SessionMsg>,
        host: &Host,
        id: &SessionId,
        mirror: &Mirror,
        stdin: &Stdin,
    ) {
        if self.is_due(stdin) {
            let (session, host, id) = (session.clone(), host.clone(), id.clone());
            let (mirror, stdin, pause) = (mirror.clone(), *stdin, self.pause());
            let piece = self.piece;
            self.under_way = Some(tokio::spawn(async move {
                sleep(pause).await;
                let delivery = deliver(&host, &id, &mirror, &stdin, piece).await;
                let _ = session.cast(SessionMsg::InputDelivered(delivery));
            }));
        }
    }

    /// Takes the outcome of the delivery that was under way in.
    pub(super) fn done(&mut self, delivery: Delivery, stdin: &mut Stdin) {
        self.under_way = None;
        self.failures = match delivery {
            Delivery::Unknown => self.failures.saturating_add(1),
            Delivery::There { .. } | Delivery::Closed => 0,
        };
        self.piece = match delivery {
            Delivery::Unknown => (self.piece / 4).max(LEAST_PIECE),
            Delivery::There { .. } | Delivery::Closed => (self.piece * 2).min(PIECE),
        };
        match delivery {
            Delivery::There { length, end_told } => {
                stdin.delivered = length;
                self.end_told = end_told;
            }
            Delivery::Closed => {
                // Nobody will read it: as good as delivered.
                (stdin.delivered, stdin.eof, self.end_told) = (stdin.accepted, true, true);
            }
            Delivery::Unknown => {}
        }
    }

    /// Gives the delivery that is under way up.
    pub(super) fn stop(&mut self) {
        if let Some(task) = self.under_way.take() {
            task.abort();
        }
    }
}

async fn deliver(
    host: &Host,
    id: &SessionId,
    mirror: &Mirror,
    stdin: &Stdin,
    piece: usize,
) -> Delivery {
    // Not beyond what was accepted: that may be taken back.
    let there = stdin.accepted.saturating_sub(stdin.delivered);
    let piece = piece.min(usize::try_from(there).unwrap_or(piece));
    let Ok(bytes) = mirror.input_from(stdin.delivered, piece).await else {
        return Delivery::Unknown;
    };
    let Ok(channel) = host.channel(Want::Control).await else {
        return Delivery::Unknown;
    };
    let reaches_end = stdin.delivered + bytes.len() as u64 == stdin.accepted;
    let ends_at = (stdin.eof && reaches_end).then_some(stdin.accepted);
    let input = Input { offset: stdin.delivered, bytes, ends_at };
    let told = control::input(channel.io, &nonce(), host.root(), id, &input).await;
    drop(channel.slot);
    match told {
        Ok(length) => Delivery::There { length, end_told: ends_at == Some(length) },
        Err(ControlError::StdinClosed | ControlError::NoSpool) => Delivery::Closed,
        Err(error) => {
            debug!(session = %id, %error, "input was not delivered");
            Delivery::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_ACCEPTED: Stdin = Stdin { open: true, accepted: 9, delivered: 4, eof: false };

    #[test]
    fn an_end_that_comes_while_the_last_bytes_travel_is_told_afterwards() {
        let (mut feeding, mut stdin) = (Feeding::new(), ALL_ACCEPTED);
        stdin.eof = true;
        feeding.done(Delivery::There { length: 9, end_told: false }, &mut stdin);
        assert!(feeding.is_due(&stdin), "the end is still to be told");
        feeding.done(Delivery::There { length: 9, end_told: true }, &mut stdin);
        assert!(!feeding.is_due(&stdin));
    }

    #[test]
    fn a_delivery_of_which_nobody_knows_is_due_again() {
        let (mut feeding, mut stdin) = (Feeding::new(), ALL_ACCEPTED);
        assert_eq!(feeding.pause(), Duration::ZERO);
        feeding.done(Delivery::Unknown, &mut stdin);
        assert!(feeding.is_due(&stdin));
    }

    #[test]
    fn deliveries_that_come_to_nothing_are_ever_longer_apart() {
        let (mut feeding, mut stdin) = (Feeding::new(), ALL_ACCEPTED);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            feeding.done(Delivery::Unknown, &mut stdin);
            pauses.push(feeding.pause().as_millis());
        }
        assert_eq!((pauses[0], pauses[1], pauses[9]), (500, 1_000, 30_000));
        feeding.done(Delivery::There { length: 5, end_told: false }, &mut stdin);
        assert_eq!(feeding.pause(), Duration::ZERO);
    }

    #[test]
    fn what_took_too_long_is_tried_in_smaller_pieces_until_it_passes() {
        let (mut feeding, mut stdin) = (Feeding::new(), ALL_ACCEPTED);
        for _ in 0..9 {
            feeding.done(Delivery::Unknown, &mut stdin);
        }
        assert_eq!(feeding.piece, LEAST_PIECE);
        feeding.done(Delivery::There { length: 5, end_told: false }, &mut stdin);
        assert_eq!(feeding.piece, 2 * LEAST_PIECE);
    }

    #[test]
    fn what_nobody_will_read_is_not_due() {
        let (mut feeding, mut stdin) = (Feeding::new(), ALL_ACCEPTED);
        feeding.done(Delivery::Closed, &mut stdin);
        assert!(!feeding.is_due(&stdin));
    }
}
