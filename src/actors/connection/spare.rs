//! A channel that is opened before anybody asks for it.
//!
//! Most of what a short command takes is not the command: sshd's fork, the login
//! shell with its rc files, and a program that a shell reads a byte at a time.
//! After a start another one is likely, so the next channel is opened behind it
//! and gets as far as the parameters. It costs the host one waiting shell, for
//! a minute at most.

use std::time::Duration;

use ractor::ActorRef;
use tracing::debug;

use super::actor::ConnectionMsg;
use super::request::Slot;
use crate::domain::connection::LinkId;
use crate::domain::ids::Epoch;
use crate::runner::io::ProgramIo;
use crate::runner::program::{BOOTSTRAP, Program};
use crate::ssh::Link;

/// How long after a start the next channel is opened: not while the host is
/// busy with what was started.
pub(super) const AFTER: Duration = Duration::from_millis(20);
/// How long it is kept: a person who types the next command has typed it.
pub(super) const KEPT: Duration = Duration::from_secs(60);

/// A channel on which the start program waits for its parameters.
#[derive(Debug)]
pub struct Spare {
    /// Its streams.
    pub(super) io: ProgramIo,
    /// Its place on the link.
    pub(super) slot: Slot,
}

/// The spare channel, or the way to one.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    spare: Option<Spare>,
    /// Whether one is wanted soon, or being opened.
    under_way: bool,
    epoch: Epoch,
}

impl Keeper {
    /// Whether one is to be ordered now; it then counts as ordered.
    pub(super) fn order(&mut self) -> bool {
        let wanted = self.spare.is_none() && !self.under_way;
        self.under_way |= wanted;
        wanted
    }

    /// The order could not be carried out.
    pub(super) fn cancel(&mut self) {
        self.under_way = false;
    }

    /// Keeps one, and returns the epoch in which it runs out.
    pub(super) fn keep(&mut self, spare: Spare) -> Epoch {
        self.under_way = false;
        self.spare = Some(spare);
        self.epoch.advance()
    }

    /// Takes the one that is there.
    pub(super) fn take(&mut self) -> Option<Spare> {
        self.spare.take()
    }

    /// Lets the one of this epoch go.
    pub(super) fn expire(&mut self, epoch: Epoch) {
        if epoch == self.epoch {
            self.spare = None;
        }
    }

    /// Lets one go whose link is gone.
    pub(super) fn link_lost(&mut self, link: LinkId) {
        if self.spare.as_ref().is_some_and(|spare| spare.slot.link() == link) {
            self.spare = None;
        }
    }
}

/// Opens one and reports it.
pub(super) fn open(connection: ActorRef<ConnectionMsg>, link: Link, slot: Slot) {
    tokio::spawn(async move {
        let spare = match link.exec(BOOTSTRAP).await {
            Ok(channel) => {
                let mut io = ProgramIo::from(channel);
                // What cannot be written to is closed as it drops.
                let primed = io.write(Program::Start.line()).await.is_ok();
                primed.then(|| Box::new(Spare { io, slot }))
            }
            Err(trouble) if trouble.is_refusal() => {
                slot.refused(None, trouble);
                None
            }
            Err(trouble) => {
                debug!(%trouble, "no spare channel");
                None
            }
        };
        let _ = connection.cast(ConnectionMsg::SpareOpened(spare));
    });
}
