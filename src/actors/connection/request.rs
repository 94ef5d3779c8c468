//! Asking for a channel, and getting one.

use std::collections::VecDeque;
use std::sync::Arc;

use ractor::ActorRef;
use tokio::sync::oneshot;

use super::actor::ConnectionMsg;
use crate::domain::connection::fsm::Waiting;
use crate::domain::connection::{LinkId, Purpose};
use crate::domain::failure::trouble::LinkTrouble;
use crate::runner::control::HostFacts;
use crate::runner::io::ProgramIo;

/// A request for a channel. It waits until there is one, or until it is known
/// that there will be none; dropping the receiver takes it back.
#[derive(Debug)]
pub struct ChannelRequest {
    /// What the channel is for.
    pub purpose: Purpose,
    /// Whether a person has just asked for it: then even a connection that
    /// waits for one tries once more, and the request fails if that does.
    pub asked: bool,
    /// Whether it is of no use without the host's PATH.
    pub wants_facts: bool,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Granted, LinkTrouble>>,
}

impl ChannelRequest {
    /// Whether a session is to be started on it: a spare channel has the program
    /// for that, and for nothing else.
    pub(super) fn is_start(&self) -> bool {
        self.purpose == Purpose::Session && self.wants_facts
    }
}

/// A channel on which the bootstrap waits for its program.
#[derive(Debug)]
pub struct Granted {
    /// Its streams.
    pub io: ProgramIo,
    /// What is known of the host; `None` if it could not be asked.
    pub facts: Option<Arc<HostFacts>>,
    /// Held as long as the channel counts on its link.
    pub slot: Slot,
    /// Whether the start program is there already, and waits for its
    /// parameters.
    pub primed: bool,
}

/// One of a link's channels, taken. Dropping it gives it back.
#[derive(Debug)]
pub struct Slot {
    link: LinkId,
    connection: ActorRef<ConnectionMsg>,
    given_back: bool,
}

impl Slot {
    pub(super) fn new(link: LinkId, connection: ActorRef<ConnectionMsg>) -> Self {
        Self { link, connection, given_back: false }
    }

    pub(super) fn link(&self) -> LinkId {
        self.link
    }

    pub(super) fn connection(&self) -> ActorRef<ConnectionMsg> {
        self.connection.clone()
    }

    /// The server would not have it: it was never taken.
    pub(super) fn refused(mut self, request: Option<ChannelRequest>, trouble: LinkTrouble) {
        let message = ConnectionMsg::ChannelRefused { link: self.link, request, trouble };
        self.given_back = true;
        // A connection that is gone counts nothing any more.
        let _ = self.connection.cast(message);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.given_back {
            let _ = self.connection.cast(ConnectionMsg::ChannelFreed { link: self.link });
        }
    }
}

/// Those who wait, first come first served; control before sessions, so that a
/// kill overtakes what it is to make room for.
#[derive(Debug, Default)]
pub(super) struct Queue {
    control: VecDeque<ChannelRequest>,
    sessions: VecDeque<ChannelRequest>,
}

impl Queue {
    pub(super) fn push(&mut self, request: ChannelRequest) {
        self.line(request.purpose).push_back(request);
    }

    pub(super) fn push_front(&mut self, request: ChannelRequest) {
        self.line(request.purpose).push_front(request);
    }

    pub(super) fn pop(&mut self, purpose: Purpose) -> Option<ChannelRequest> {
        self.line(purpose).pop_front()
    }

    /// How many wait, without those that were taken back.
    pub(super) fn waiting(&mut self) -> Waiting {
        for line in [&mut self.control, &mut self.sessions] {
            line.retain(|request| !request.reply.is_closed());
        }
        Waiting { session: self.sessions.len(), control: self.control.len() }
    }

    /// Takes out those that a person has asked for.
    pub(super) fn take_asked(&mut self) -> Vec<ChannelRequest> {
        let mut taken = Vec::new();
        for line in [&mut self.control, &mut self.sessions] {
            let (asked, rest): (VecDeque<_>, _) = line.drain(..).partition(|request| request.asked);
            *line = rest;
            taken.extend(asked);
        }
        taken
    }

    fn line(&mut self, purpose: Purpose) -> &mut VecDeque<ChannelRequest> {
        match purpose {
            Purpose::Control => &mut self.control,
            Purpose::Session => &mut self.sessions,
        }
    }
}
