//! A machine that was reached, for who wants to look at it.

use std::time::Duration;

use tokio::time::sleep;

use crate::actors::ask;
use crate::actors::session::Host;
use crate::actors::supervisor::actor::SupervisorMsg;
use crate::actors::supervisor::handle::DaemonHandle;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::target::Place;
use crate::runner::io::ProgramIo;
use crate::runner::local::LocalProgram;
use crate::runner::program::BOOTSTRAP;
use crate::ssh::Link;

/// Tries of a channel that is refused: sshd counts one that was closed until its
/// process has ended.
const TRIES: u32 = 5;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(300);

/// The machine.
pub(super) struct Ground {
    /// The way to it.
    pub(super) way: Way,
    /// Where it is, in words.
    pub(super) at: Whereabouts,
    /// The folder of all spools; `None` is the usual one.
    pub(super) root: Option<String>,
    /// Whether the runner's programs are reached, whatever they lack.
    pub(super) answers: bool,
    /// The login shell's PATH, once it has told.
    pub(super) path: Option<String>,
}

impl Ground {
    pub(super) fn new(way: Way, at: Whereabouts, root: Option<String>) -> Self {
        Self { way, at, root, answers: false, path: None }
    }
}

/// The way to a machine.
pub(super) enum Way {
    /// It is this one.
    Local,
    /// A link that nobody else uses.
    Link(Link),
}

impl Way {
    /// Opens a channel on which the bootstrap waits for its program.
    ///
    /// # Errors
    ///
    /// There is none to be had.
    pub(super) async fn open(&self) -> Result<ProgramIo, LinkTrouble> {
        let link = match self {
            Self::Local => {
                return match LocalProgram::start() {
                    Ok(program) => Ok(ProgramIo::Local(Box::new(program))),
                    Err(error) => {
                        Err(LinkTrouble::ChannelRefused { detail: format!("/bin/sh: {error}") })
                    }
                };
            }
            Self::Link(link) => link,
        };
        let mut tries = 1;
        loop {
            match link.exec(BOOTSTRAP).await {
                Ok(channel) => return Ok(channel.into()),
                Err(LinkTrouble::ChannelRefused { .. }) if tries < TRIES => {
                    tries += 1;
                    sleep(PAUSE).await;
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Local => {}
            Self::Link(link) => link.close().await,
        }
    }
}

/// The folder of spools on this machine, which is not the usual one.
pub(super) async fn local_root(daemon: &DaemonHandle, place: &Place) -> Option<String> {
    let place = place.clone();
    let host = ask(daemon.supervisor(), |reply| SupervisorMsg::HostOf(place, None, reply)).await;
    match host.flatten() {
        Some(Host::Local { root }) => Some(root),
        Some(Host::Remote(_)) | None => None,
    }
}
