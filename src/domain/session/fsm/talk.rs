//! What the machine is told, and what it has done.

use crate::domain::failure::trouble::{LinkTrouble, SessionTrouble};
use crate::domain::ids::Epoch;
use crate::domain::session::Ending;

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
    /// The session was seen to run, and its output streams from here on.
    Streaming {
        /// The follower that tells it.
        epoch: Epoch,
    },
    /// It has run for as long as it may.
    TimeUp {
        /// Seconds between TERM and KILL.
        grace_s: u64,
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
    Cut {
        /// Whether it had lasted long enough to be called a follower.
        held: bool,
    },
    /// Nothing was heard for so long that this is probably the reason.
    Silent(SessionTrouble),
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
    /// The host would not carry it out, or could not.
    Failed,
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
