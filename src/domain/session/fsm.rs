//! What to do next for one session.
//!
//! Three things go on side by side: the way of the session (start, follow,
//! end), the way of an order to stop it, and the way of its input. Each waits
//! for a channel of its own and is tried again until it is done; an answer that
//! was lost is never taken for a no.

use std::collections::VecDeque;

use super::ending::Ending;
use crate::domain::backoff::Backoff;
use crate::domain::failure::trouble::{LinkTrouble, LostWhy, SessionTrouble};
use crate::domain::ids::Epoch;

pub use talk::{Effect, End, FollowEnd, Input, Order, OrderEnd};

mod talk;

/// Where in its life the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// What the start needs is got together.
    Preparing,
    /// A channel was asked for.
    Asking(Epoch),
    /// A follower runs.
    Following(Epoch),
    /// Nothing is under way until the pause is over.
    Pausing(Epoch),
    /// It has ended; whether the order to stop it left anything behind is yet
    /// to be told.
    Closing(Ending),
    /// Nothing more will happen.
    Over,
}

/// What is known of the session on its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing was ever sent.
    Unsent,
    /// A launch was sent, and its answer is not known.
    Sent,
    /// The spool was claimed.
    Claimed,
}

/// How long after a trouble that is not the link's the next try comes.
const PAUSE_MILLIS: u64 = 5_000;
/// How often in a row a host may say nothing to a launch and be asked again.
const SILENT_TRIES: u32 = 3;
/// How long after a claim the command has signed, as a rule.
const SIGN_MILLIS: u64 = 200;

/// The session's state machine.
#[derive(Debug, Clone)]
pub struct SessionFsm {
    way: Way,
    known: Known,
    order: Option<(Order, Option<Epoch>)>,
    /// Signals that wait for the one before them.
    signals: VecDeque<String>,
    /// Tries of the order in a row that came to nothing.
    tries: u32,
    /// Followers in a row that were cut before they were any use.
    cuts: u32,
    /// Whether the session was seen to run by the follower of now.
    streaming: bool,
    /// Its time is up, and whether it still runs is not known: the grace.
    overdue: Option<u64>,
    timed_out: bool,
    epoch: Epoch,
}

impl SessionFsm {
    /// A session of which so much is known, and what to do for it first.
    /// `timed_out` if the order was given because its time was up.
    #[must_use]
    pub fn begin(known: Known, order: Option<Order>, timed_out: bool) -> (Self, Vec<Effect>) {
        let mut fsm = Self {
            way: Way::Preparing,
            known,
            order: order.map(|order| (order, None)),
            signals: VecDeque::new(),
            tries: 0,
            cuts: 0,
            streaming: false,
            overdue: None,
            timed_out,
            epoch: Epoch::default(),
        };
        let mut effects = Vec::new();
        match known {
            Known::Unsent | Known::Sent => effects.push(Effect::Prepare),
            Known::Claimed => {
                fsm.carry_out(0, &mut effects);
                fsm.ask(&mut effects);
            }
        }
        (fsm, effects)
    }

    /// What is known of the session on its host.
    #[must_use]
    pub fn known(&self) -> Known {
        self.known
    }

    /// Whether it was stopped because its time was up.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.way == Way::Over
    }

    /// Takes an input in.
    #[must_use]
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.way == Way::Over {
            return effects;
        }
        match input {
            Input::Prepared if self.way == Way::Preparing => self.ask(&mut effects),
            Input::PreparationFailed(trouble) if self.way == Way::Preparing => {
                match self.known {
                    // It may run: only its spool can tell.
                    Known::Sent => {
                        self.known = Known::Claimed;
                        self.ask(&mut effects);
                    }
                    _ => self.end(End::NeverRan(trouble), &mut effects),
                }
            }
            Input::Granted { epoch } if self.way == Way::Asking(epoch) => {
                self.granted(&mut effects)
            }
            Input::Denied { epoch, trouble } if self.way == Way::Asking(epoch) => {
                self.denied(trouble, &mut effects);
            }
            Input::Claimed { epoch }
                if self.way == Way::Following(epoch) && self.known != Known::Claimed =>
            {
                self.known = Known::Claimed;
                effects.push(Effect::RecordRunning);
                self.carry_out(0, &mut effects);
            }
            Input::Streaming { epoch } if self.way == Way::Following(epoch) => {
                self.streaming = true;
                if let Some(grace_s) = self.overdue.take() {
                    self.time_out(grace_s, &mut effects);
                }
            }
            // Out of sight it may have ended in time: that is looked up first.
            Input::TimeUp { grace_s } if !self.streaming => self.overdue = Some(grace_s),
            Input::TimeUp { grace_s } => self.time_out(grace_s, &mut effects),
            Input::FollowerEnded { epoch, how } if self.way == Way::Following(epoch) => {
                self.follower_ended(how, &mut effects);
            }
            Input::PauseElapsed { epoch } if self.way == Way::Pausing(epoch) => {
                self.ask(&mut effects);
            }
            Input::StopOrdered(order) => self.ordered(order, &mut effects),
            Input::OrderDone { epoch, how } => self.order_done(epoch, how, &mut effects),
            Input::StartDeadlineElapsed { seconds, last } if self.known == Known::Unsent => {
                effects.push(Effect::StandDown);
                let trouble = SessionTrouble::NotStartedInTime { seconds, last };
                self.end(End::NeverRan(trouble), &mut effects);
            }
            // Stale, or too late to matter.
            _ => {}
        }
        effects
    }

    fn starts(&self) -> bool {
        self.known != Known::Claimed
    }

    fn ask(&mut self, effects: &mut Vec<Effect>) {
        let epoch = self.epoch.advance();
        self.way = Way::Asking(epoch);
        effects.push(Effect::RequestChannel { epoch, starts: self.starts() });
    }

    fn pause(&mut self, millis: u64, effects: &mut Vec<Effect>) {
        let epoch = self.epoch.advance();
        self.way = Way::Pausing(epoch);
        effects.push(Effect::Pause { epoch, millis });
    }

    fn end(&mut self, end: End, effects: &mut Vec<Effect>) {
        self.way = Way::Over;
        effects.push(Effect::End(end));
    }

    fn granted(&mut self, effects: &mut Vec<Effect>) {
        let starts = self.starts();
        if self.known == Known::Unsent {
            self.known = Known::Sent;
            effects.push(Effect::RecordStarting);
        }
        let epoch = self.epoch.advance();
        self.way = Way::Following(epoch);
        effects.push(Effect::RunFollower { epoch, starts });
    }

    fn denied(&mut self, trouble: LinkTrouble, effects: &mut Vec<Effect>) {
        match self.known {
            Known::Unsent => self.end(End::NoLink(trouble), effects),
            // It may run, or does: what stops us from looking says nothing of
            // it. The connection waits for a person, and so does this.
            Known::Sent | Known::Claimed => self.pause(PAUSE_MILLIS, effects),
        }
    }

    fn follower_ended(&mut self, how: FollowEnd, effects: &mut Vec<Effect>) {
        self.streaming = false;
        match how {
            // What its processes left behind is still to be ended.
            FollowEnd::Ended(ending)
                if matches!(self.order, Some((Order::Stop { .. }, Some(_)))) =>
            {
                self.way = Way::Closing(ending);
            }
            FollowEnd::Ended(ending) => self.end(End::Told(ending), effects),
            FollowEnd::Cut { held } => self.cut(held, effects),
            FollowEnd::AlreadyClaimed => {
                self.known = Known::Claimed;
                effects.push(Effect::RecordRunning);
                self.carry_out(0, effects);
                self.ask(effects);
            }
            FollowEnd::NoSpool => {
                self.end(End::Told(Ending::Lost(LostWhy::SpoolGone)), effects);
            }
            // A host on its knees may yet do what it was sent: it is asked again
            // before a session that could run is said to have failed.
            FollowEnd::Silent(_) if !self.starts() || self.cuts < SILENT_TRIES => {
                self.cut(false, effects);
            }
            FollowEnd::Silent(trouble) => self.end(End::NeverRan(trouble), effects),
            FollowEnd::CannotStart(trouble) if self.starts() => {
                self.end(End::NeverRan(trouble), effects);
            }
            FollowEnd::CannotStart(_) | FollowEnd::MirrorFailed => {
                self.pause(PAUSE_MILLIS, effects);
            }
        }
    }

    /// Asks anew: at once after a follower that was one, and after ever longer
    /// pauses on a host that lets none live. The claim makes it safe to send a
    /// launch twice: of two with one id, one finds the spool taken.
    fn cut(&mut self, held: bool, effects: &mut Vec<Effect>) {
        self.cuts = if held { 0 } else { self.cuts.saturating_add(1) };
        match self.cuts {
            0 | 1 => self.ask(effects),
            more => self.pause(backoff_millis(more - 1), effects),
        }
    }

    fn time_out(&mut self, grace_s: u64, effects: &mut Vec<Effect>) {
        // Somebody stops it already: it was not the time.
        if !matches!(self.order, Some((Order::Stop { .. }, _))) {
            self.timed_out = true;
            self.ordered(Order::Stop { signal: "TERM".to_owned(), grace_s }, effects);
        }
    }

    fn ordered(&mut self, order: Order, effects: &mut Vec<Effect>) {
        if self.known == Known::Unsent {
            effects.push(Effect::StandDown);
            self.end(End::Cancelled, effects);
            return;
        }
        match (order, &self.order) {
            // A stop is not taken back by a signal that comes after it.
            (Order::Signal(_), Some((Order::Stop { .. }, _))) => {}
            // Signals take their turn; of two that are the same and pending
            // one is delivered, as signal(7) has it.
            (Order::Signal(signal), Some((Order::Signal(pending), _))) => {
                if *pending != signal && !self.signals.contains(&signal) {
                    self.signals.push_back(signal);
                }
            }
            (order, _) => {
                self.signals.clear();
                self.take_on(order, effects);
            }
        }
    }

    fn take_on(&mut self, order: Order, effects: &mut Vec<Effect>) {
        effects.push(Effect::RecordOrder(Some(order.clone())));
        self.order = Some((order, None));
        self.tries = 0;
        if self.known == Known::Claimed {
            self.carry_out(0, effects);
        }
    }

    /// The order is dealt with: the next signal, if one waits.
    fn next_order(&mut self, effects: &mut Vec<Effect>) {
        match self.signals.pop_front() {
            Some(signal) => self.take_on(Order::Signal(signal), effects),
            None => {
                self.order = None;
                effects.push(Effect::RecordOrder(None));
            }
        }
    }

    fn carry_out(&mut self, after_millis: u64, effects: &mut Vec<Effect>) {
        if let Some((order, under_way)) = &mut self.order {
            let epoch = self.epoch.advance();
            *under_way = Some(epoch);
            effects.push(Effect::CarryOut { epoch, order: order.clone(), after_millis });
        }
    }

    fn order_done(&mut self, epoch: Epoch, how: OrderEnd, effects: &mut Vec<Effect>) {
        let Some((order, Some(under_way))) = &self.order else { return };
        if *under_way != epoch {
            return;
        }
        self.tries = self.tries.saturating_add(1);
        match (how, order) {
            (OrderEnd::Cut, _) => self.carry_out(backoff_millis(self.tries), effects),
            (_, Order::Stop { .. }) if matches!(self.way, Way::Closing(_)) => self.close(effects),
            // A stop stays on record until the session is seen to have ended.
            (OrderEnd::Done, Order::Stop { .. }) => {
                if let Some((_, under_way)) = &mut self.order {
                    *under_way = None;
                }
            }
            // A signal that the host refuses is not for later.
            (OrderEnd::Done | OrderEnd::Failed, Order::Signal(_)) => self.next_order(effects),
            (OrderEnd::Failed, Order::Stop { .. }) => {
                self.carry_out(backoff_millis(self.tries), effects);
            }
            (OrderEnd::TooEarly, _) => {
                let doublings = self.tries.saturating_sub(1).min(5);
                self.carry_out((SIGN_MILLIS << doublings).min(PAUSE_MILLIS), effects);
            }
            (OrderEnd::Survivors(_), _) => self.carry_out(PAUSE_MILLIS, effects),
        }
    }

    /// It has ended, and the order to stop it did what it could.
    fn close(&mut self, effects: &mut Vec<Effect>) {
        if let Way::Closing(ending) = self.way {
            self.end(End::Told(ending), effects);
        }
    }
}

/// The pause after so many tries in a row that came to nothing. No jitter: what
/// many do at once is bounded by the connection's channels.
fn backoff_millis(tries: u32) -> u64 {
    u64::try_from(Backoff::LINK.delay(tries, 1.0).as_millis()).unwrap_or(PAUSE_MILLIS)
}

#[cfg(test)]
mod tests;
