//! The machine that a session runs on, as its actor sees it.

use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::actors::connection::{ChannelRequest, ConnectionMsg, Granted, LinkReport};
use crate::domain::connection::{LinkView, Purpose};
use crate::domain::failure::trouble::{LinkTrouble, LostHow};
use crate::domain::failure::whereabouts::Whereabouts;
use crate::runner::control::HostFacts;
use crate::runner::io::ProgramIo;
use crate::runner::local::LocalProgram;

/// How long after a request got lost it is made again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Where a session runs.
#[derive(Debug, Clone)]
pub enum Host {
    /// On this machine, with its spools in this folder.
    Local {
        /// The folder.
        root: String,
    },
    /// On a remote.
    Remote(RemoteHost),
}

/// A remote, through its connection.
#[derive(Debug, Clone)]
pub struct RemoteHost {
    /// The connection's actor; another one after it was started again.
    pub connection: watch::Receiver<ActorRef<ConnectionMsg>>,
    /// How the connection is.
    pub report: watch::Receiver<LinkReport>,
}

/// A channel on which the bootstrap waits for its program.
#[derive(Debug)]
pub struct Channel {
    /// Its streams.
    pub io: ProgramIo,
    /// The PATH of the login shell there, where it told.
    pub path: Option<String>,
    /// Kept until the channel is done with.
    pub slot: Option<crate::actors::connection::Slot>,
    /// Whether the start program is there already.
    pub primed: bool,
    /// Whether systemd may run there.
    pub systemd: bool,
}

/// What a channel is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// To start a session that was never sent; a person has just asked for it.
    FreshStart,
    /// To start a session that may have been sent.
    Start,
    /// To follow.
    Follow,
    /// To do one thing.
    Control,
    /// To do one thing that a person has just asked for, and waits for.
    Asked,
    /// To do one thing with the host's own PATH.
    ControlWithFacts,
    /// The same, for a person who has just asked for it, and waits for it.
    Examined,
}

impl Host {
    /// Waits for a channel. Dropping the future takes the request back.
    ///
    /// # Errors
    ///
    /// There will be none until a person has done something; only what a person
    /// has just asked for is told.
    pub(super) async fn channel(&self, want: Want) -> Result<Channel, LinkTrouble> {
        match self {
            Self::Local { .. } => local_channel().await,
            Self::Remote(remote) => remote.clone().channel(want).await,
        }
    }

    /// The folder of all spools there; `None` is the usual one.
    pub(super) fn root(&self) -> Option<&str> {
        match self {
            Self::Local { root } => Some(root),
            Self::Remote(_) => None,
        }
    }

    /// What keeps the connection from being up.
    pub(super) fn trouble(&self) -> Option<LinkTrouble> {
        match self {
            Self::Local { .. } => None,
            Self::Remote(remote) => {
                let report = remote.report.borrow();
                let asked = report.question.as_ref().map(|view| view.question.clone());
                let unanswered = asked.map(|question| LinkTrouble::Unanswered { question });
                report.trouble.clone().or(unanswered)
            }
        }
    }

    /// Comes once no person is needed for it any more; `None` if none is now.
    pub(super) fn person_needed(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let Self::Remote(remote) = self else { return None };
        let mut report = remote.report.clone();
        report.borrow().question.as_ref()?;
        Some(async move { _ = report.wait_for(|report| report.question.is_none()).await })
    }

    /// How the connection is; `None` on this machine.
    pub(super) fn link(&self) -> Option<LinkView> {
        match self {
            Self::Local { .. } => None,
            Self::Remote(remote) => Some(remote.report.borrow().view()),
        }
    }

    /// `Linux`, `Darwin`, …, where it has told.
    pub(super) async fn system(&self) -> Option<String> {
        match self {
            Self::Local { .. } => super::tasks::local_facts().await.map(|facts| facts.system),
            Self::Remote(remote) => {
                remote.report.borrow().facts.as_ref().map(|facts| facts.system.clone())
            }
        }
    }

    /// The place, for what a person reads of a failure.
    pub(super) fn whereabouts(&self) -> Whereabouts {
        match self {
            Self::Local { .. } => Whereabouts::local(),
            Self::Remote(remote) => remote.report.borrow().at.clone(),
        }
    }
}

async fn local_channel() -> Result<Channel, LinkTrouble> {
    let started = LocalProgram::start()
        .map_err(|error| LinkTrouble::ChannelRefused { detail: format!("/bin/sh: {error}") })?;
    let facts: Option<HostFacts> = super::tasks::local_facts().await;
    let systemd = facts.as_ref().is_none_or(|facts| facts.systemd);
    let path = facts.map(|facts| facts.path);
    let io = ProgramIo::Local(Box::new(started));
    Ok(Channel { io, path, slot: None, primed: false, systemd })
}

impl RemoteHost {
    async fn channel(mut self, want: Want) -> Result<Channel, LinkTrouble> {
        loop {
            let connection = self.connection.borrow_and_update().clone();
            let (reply, answer) = oneshot::channel();
            let request = ChannelRequest {
                purpose: match want {
                    Want::Control | Want::Asked | Want::ControlWithFacts | Want::Examined => {
                        Purpose::Control
                    }
                    Want::FreshStart | Want::Start | Want::Follow => Purpose::Session,
                },
                asked: matches!(want, Want::FreshStart | Want::Asked | Want::Examined),
                wants_facts: !matches!(want, Want::Follow | Want::Control | Want::Asked),
                reply,
            };
            if connection.cast(ConnectionMsg::OpenChannel(request)).is_ok()
                && let Ok(answer) = answer.await
            {
                let granted = answer?;
                let Granted { io, facts, slot, primed } = granted;
                let systemd = facts.as_ref().is_none_or(|facts| facts.systemd);
                let path = facts.map(|facts| facts.path.clone());
                return Ok(Channel { io, path, slot: Some(slot), primed, systemd });
            }
            // The connection's actor died with the request; there will be
            // another, unless the connection was ended. A request that was
            // dropped by an actor that lives is not to wait for its death.
            tokio::select! {
                changed = self.connection.changed() => if changed.is_err() {
                    let detail = "the connection was ended".to_owned();
                    return Err(LinkTrouble::Lost { how: LostHow::Closed, detail });
                },
                () = sleep(ASK_AGAIN) => {}
            }
        }
    }
}
