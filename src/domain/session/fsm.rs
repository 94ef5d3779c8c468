//! What to do next for one session.
//!
//! Three things go on side by side: the way of the session (start, follow,
//! end), the way of an order to stop it, and the way of its input. Each waits
//! for a channel of its own and is tried again until it is done; an answer that
//! was lost is never taken for a no.

use super::ending::Ending;
use crate::domain::failure::trouble::{LinkTrouble, LostWhy, SessionTrouble};
use crate::domain::ids::Epoch;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// What the start needs is at hand.
    Prepared,
    /// What the start needs cannot be had.
    PreparationFailed(SessionTrouble),
    /// The channel that was asked for is there.
    Granted {
        /// The request.
        epoch: Epoch,
    },
    /// There will be no channel until a person has done something.
    Denied {
        /// The request.
        epoch: Epoch,
        /// Why.
        trouble: LinkTrouble,
    },
    /// The spool is claimed.
    Claimed {
        /// The follower that tells it.
        epoch: Epoch,
    },
    /// The follower has ended.
    FollowerEnded {
        /// The follower.
        epoch: Epoch,
        /// How.
        how: FollowEnd,
    },
    /// The pause of this epoch is over.
    PauseElapsed {
        /// The pause.
        epoch: Epoch,
    },
    /// Somebody wants it stopped, or signalled.
    StopOrdered(Order),
    /// An order was carried out, or not.
    OrderDone {
        /// The order's try.
        epoch: Epoch,
        /// How it went.
        how: OrderEnd,
    },
    /// It could not be started for as long as it may take.
    StartDeadlineElapsed {
        /// The limit, in seconds.
        seconds: u64,
        /// What kept it, last.
        last: Option<LinkTrouble>,
    },
}

/// An order for the session's processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Deliver this signal to the process group, and no more.
    Signal(String),
    /// End all processes: this signal, a grace in seconds, then KILL.
    Stop {
        /// The first signal's name, without `SIG`.
        signal: String,
        /// Seconds until KILL.
        grace_s: u64,
    },
}

/// How a follower ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowEnd {
    /// The session has ended and all of its output is here.
    Ended(Ending),
    /// The link went away, or the follower was killed.
    Cut,
    /// The spool had been claimed by an earlier try.
    AlreadyClaimed,
    /// There is no spool.
    NoSpool,
    /// Nothing could be started there, and that will not change by itself.
    CannotStart(SessionTrouble),
    /// This machine's disk would not take the output.
    MirrorFailed,
}

/// How an order went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderEnd {
    /// It was carried out, or there was nothing left to do.
    Done,
    /// Nobody knows: the link went away.
    Cut,
    /// The process has not signed yet.
    TooEarly,
    /// Processes survived KILL.
    Survivors(Vec<u32>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Get together what the start needs, and report.
    Prepare,
    /// Ask for a channel, for a start or to follow.
    RequestChannel {
        /// The request.
        epoch: Epoch,
        /// Whether it is for a start.
        starts: bool,
    },
    /// Start or follow on the channel that was granted.
    RunFollower {
        /// The follower.
        epoch: Epoch,
        /// Whether to start.
        starts: bool,
    },
    /// Take the request, or the follower, back.
    StandDown,
    /// Report [`Input::PauseElapsed`] after so many milliseconds.
    Pause {
        /// The pause.
        epoch: Epoch,
        /// Its length.
        millis: u64,
    },
    /// Carry an order out, on a channel of its own, and report.
    CarryOut {
        /// The try.
        epoch: Epoch,
        /// The order.
        order: Order,
        /// Milliseconds to wait before.
        after_millis: u64,
    },
    /// Remember that the launch was, or may have been, sent.
    RecordStarting,
    /// Remember that the session exists on its host.
    RecordRunning,
    /// Remember the order until it is known to have been carried out.
    RecordOrder(Option<Order>),
    /// It is over.
    End(End),
}

/// How it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Its spool says so.
    Told(Ending),
    /// It never ran.
    NeverRan(SessionTrouble),
    /// It never ran because there is no link.
    NoLink(LinkTrouble),
    /// It was taken back.
    Cancelled,
}

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
/// How long after a claim the command has signed, at the very latest.
const SIGN_MILLIS: u64 = 200;

/// The session's state machine.
#[derive(Debug, Clone)]
pub struct SessionFsm {
    way: Way,
    known: Known,
    order: Option<(Order, Option<Epoch>)>,
    epoch: Epoch,
}

impl SessionFsm {
    /// A session of which so much is known, and what to do for it first.
    #[must_use]
    pub fn begin(known: Known, order: Option<Order>) -> (Self, Vec<Effect>) {
        let order = order.map(|order| (order, None));
        let mut fsm = Self { way: Way::Preparing, known, order, epoch: Epoch::default() };
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

    fn pause(&mut self, effects: &mut Vec<Effect>) {
        let epoch = self.epoch.advance();
        self.way = Way::Pausing(epoch);
        effects.push(Effect::Pause { epoch, millis: PAUSE_MILLIS });
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
            Known::Sent | Known::Claimed => self.pause(effects),
        }
    }

    fn follower_ended(&mut self, how: FollowEnd, effects: &mut Vec<Effect>) {
        match how {
            FollowEnd::Ended(ending) => self.end(End::Told(ending), effects),
            // The claim makes it safe to send a launch twice: of two with one
            // id, one finds the spool taken.
            FollowEnd::Cut => self.ask(effects),
            FollowEnd::AlreadyClaimed => {
                self.known = Known::Claimed;
                effects.push(Effect::RecordRunning);
                self.carry_out(0, effects);
                self.ask(effects);
            }
            FollowEnd::NoSpool => {
                self.end(End::Told(Ending::Lost(LostWhy::SpoolGone)), effects);
            }
            FollowEnd::CannotStart(trouble) if self.starts() => {
                self.end(End::NeverRan(trouble), effects);
            }
            FollowEnd::CannotStart(_) | FollowEnd::MirrorFailed => self.pause(effects),
        }
    }

    fn ordered(&mut self, order: Order, effects: &mut Vec<Effect>) {
        if self.known == Known::Unsent {
            effects.push(Effect::StandDown);
            self.end(End::Cancelled, effects);
            return;
        }
        // A stop is not taken back by a signal that comes after it.
        if let (Order::Signal(_), Some((Order::Stop { .. }, _))) = (&order, &self.order) {
            return;
        }
        effects.push(Effect::RecordOrder(Some(order.clone())));
        self.order = Some((order, None));
        if self.known == Known::Claimed {
            self.carry_out(0, effects);
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
        match how {
            // A stop stays on record until the session is seen to have ended.
            OrderEnd::Done if matches!(order, Order::Stop { .. }) => {
                if let Some((_, under_way)) = &mut self.order {
                    *under_way = None;
                }
            }
            OrderEnd::Done => {
                self.order = None;
                effects.push(Effect::RecordOrder(None));
            }
            OrderEnd::Cut => self.carry_out(0, effects),
            OrderEnd::TooEarly => self.carry_out(SIGN_MILLIS, effects),
            OrderEnd::Survivors(_) => self.carry_out(PAUSE_MILLIS, effects),
        }
    }
}

#[cfg(test)]
mod tests;
