//! An authenticated session of the built-in transport.

use std::sync::Arc;
use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::keys::PublicKey;
use russh::{Channel, ChannelOpenFailure, Disconnect, Error};
use tokio::sync::{oneshot, watch};

use super::Peer;
use crate::domain::failure::trouble::{LinkTrouble, LostHow, Phase};
use crate::domain::secret::Secret;
use crate::ssh::channel::ExecChannel;
use crate::ssh::channel::builtin as channel;
use crate::ssh::client::{Client, Ending, Refusals};
use crate::ssh::wire::WireControl;

/// How long a polite end may take before the wire is cut.
const FAREWELL: Duration = Duration::from_secs(1);

/// An authenticated SSH session to one destination.
///
/// Cheap to clone; the session ends when the last clone and the last channel
/// are gone. A link holds the links of its jump hosts.
#[derive(Debug, Clone)]
pub(in crate::ssh) struct BuiltIn(Arc<Inner>);

struct Inner {
    handle: Handle<Client>,
    ending: watch::Receiver<Option<Ending>>,
    /// Whether it was ended by [`BuiltIn::close`], even if russh is held up and
    /// has not noticed.
    closed_here: watch::Sender<bool>,
    refusals: Arc<Refusals>,
    wire: WireControl,
    peer: Peer,
    /// The bound for opening a channel.
    open_timeout: Duration,
    /// What the server is told of our environment, for each command.
    env: Vec<(String, Secret)>,
    forwards_agent: bool,
    /// The jump host's link that this one runs through.
    outer: Option<BuiltIn>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("peer", &self.peer)
            .field("ending", &*self.ending.borrow())
            .field("outer", &self.outer)
            .finish_non_exhaustive()
    }
}

/// What a link is made of.
pub(in crate::ssh) struct Parts {
    pub(in crate::ssh) handle: Handle<Client>,
    pub(in crate::ssh) ending: watch::Receiver<Option<Ending>>,
    pub(in crate::ssh) refusals: Arc<Refusals>,
    pub(in crate::ssh) wire: WireControl,
    pub(in crate::ssh) user: String,
    pub(in crate::ssh) open_timeout: Duration,
    pub(in crate::ssh) env: Vec<(String, Secret)>,
    pub(in crate::ssh) forwards_agent: bool,
    pub(in crate::ssh) outer: Option<BuiltIn>,
}

impl BuiltIn {
    pub(in crate::ssh) fn new(parts: Parts) -> Self {
        let Parts { handle, ending, refusals, wire, user, open_timeout, .. } = parts;
        let Parts { env, forwards_agent, outer, .. } = parts;
        let peer = Peer { version: wire.banner().unwrap_or_default(), user };
        let closed_here = watch::Sender::new(false);
        Self(Arc::new(Inner {
            handle,
            ending,
            closed_here,
            refusals,
            wire,
            peer,
            open_timeout,
            env,
            forwards_agent,
            outer,
        }))
    }

    /// Opens an exec channel and starts `command` on it, as the login shell's
    /// `-c` argument.
    ///
    /// The open runs in a task of its own, so a caller that is cancelled leaks
    /// nothing: a channel that nobody waits for any more is closed. (Cancelled
    /// within russh, it would hold one of the server's `MaxSessions` for as long
    /// as the link lives.)
    ///
    /// # Errors
    ///
    /// [`LinkTrouble::ChannelRefused`] when the server opens no further channel,
    /// [`LinkTrouble::CommandRefused`] when it will not run the command, [`LinkTrouble::TimedOut`] after the
    /// destination's connect timeout, [`LinkTrouble::Lost`] when the link goes.
    pub(in crate::ssh) async fn exec(&self, command: &str) -> Result<ExecChannel, LinkTrouble> {
        let (answer, opened) = oneshot::channel();
        let (link, command) = (self.clone(), command.to_owned());
        tokio::spawn(async move {
            // If nobody waits, the channel comes back in the error and is
            // dropped, which closes it.
            let _ = answer.send(channel::exec(link, command).await.map(ExecChannel::from));
        });
        match tokio::time::timeout(self.0.open_timeout, opened).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(self.loss()),
            Err(_) => Err(LinkTrouble::TimedOut { phase: Phase::Channel }),
        }
    }

    /// Waits until the link is gone, and says why.
    ///
    /// A link that was closed on this side is gone as well, with
    /// [`LostHow::Closed`].
    pub(in crate::ssh) async fn lost(&self) -> LinkTrouble {
        let mut ending = self.0.ending.clone();
        let mut closed_here = self.0.closed_here.subscribe();
        tokio::select! {
            // An error is the end too: the handler, and with it the session,
            // is gone without a word.
            _ = ending.wait_for(Option::is_some) => {}
            _ = closed_here.wait_for(|closed| *closed) => {}
        }
        self.loss()
    }

    /// Whether the link is gone.
    #[must_use]
    pub(in crate::ssh) fn is_lost(&self) -> bool {
        *self.0.closed_here.borrow()
            || self.0.ending.borrow().is_some()
            || self.0.ending.has_changed().is_err()
            || self.0.handle.is_closed()
    }

    /// Waits for the peer's answer to a question; false once `bound` goes by in
    /// which, in its second half, nothing came at all.
    ///
    /// An answer may be behind much that was sent before, so what comes at all
    /// counts; but not what was there already when this began, and had come
    /// before the machine slept.
    pub(in crate::ssh) async fn answers(&self, bound: Duration) -> bool {
        let ping = self.0.handle.send_ping();
        tokio::pin!(ping);
        loop {
            // russh answers for a session that has ended, too.
            tokio::select! {
                _ = &mut ping => return !self.is_lost(),
                _ = self.lost() => return false,
                () = tokio::time::sleep(bound / 2) => {}
            }
            let received = self.received();
            tokio::select! {
                _ = &mut ping => return !self.is_lost(),
                _ = self.lost() => return false,
                () = tokio::time::sleep(bound / 2) => {}
            }
            if self.received() == received {
                return false;
            }
        }
    }

    /// Bytes that have come from the server.
    pub(in crate::ssh) fn received(&self) -> u64 {
        self.0.wire.received()
    }

    /// Ends the session, and those of the jump hosts it runs through.
    ///
    /// Politely at first; after a second, or when the peer does not listen, the
    /// stream is cut. When this returns the link is gone.
    pub(in crate::ssh) async fn close(&self) {
        let polite = async {
            let bye = self.0.handle.disconnect(Disconnect::ByApplication, "", "en");
            if bye.await.is_ok() {
                self.lost().await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL, polite).await;
        self.0.wire.cut();
        self.0.closed_here.send_replace(true);
        if let Some(outer) = &self.0.outer {
            Box::pin(outer.close()).await;
        }
    }

    /// Who is on the other side.
    #[must_use]
    pub(in crate::ssh) fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// What the server is told of our environment.
    pub(in crate::ssh) fn env(&self) -> &[(String, Secret)] {
        &self.0.env
    }

    /// Whether commands there may use an agent here.
    pub(in crate::ssh) fn forwards_agent(&self) -> bool {
        self.0.forwards_agent
    }

    /// Has the server prove that it has these keys.
    pub(in crate::ssh) async fn prove(&self, keys: Vec<PublicKey>) -> Result<(), Error> {
        self.0.handle.hostkeys_prove(keys).await
    }

    /// A channel through this link to another host.
    pub(in crate::ssh) async fn forward(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Channel<Msg>, ForwardError> {
        let opened = self.0.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        match opened.await {
            Ok(channel) => Ok(channel),
            Err(Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited)) => {
                Err(ForwardError::Prohibited)
            }
            Err(Error::ChannelOpenFailure(reason)) => {
                Err(ForwardError::Refused(self.0.refusals.words(&reason).await))
            }
            Err(_) => Err(ForwardError::Lost(self.loss())),
        }
    }

    /// A session channel. Not cancellable: see [`BuiltIn::exec`].
    pub(in crate::ssh) async fn open_session(&self) -> Result<Channel<Msg>, LinkTrouble> {
        match self.0.handle.channel_open_session().await {
            Ok(channel) => Ok(channel),
            Err(Error::ChannelOpenFailure(reason)) => {
                Err(LinkTrouble::ChannelRefused { detail: self.0.refusals.words(&reason).await })
            }
            Err(_) => Err(self.loss()),
        }
    }

    /// Why the link is gone, for one who found that it is.
    pub(in crate::ssh) fn loss(&self) -> LinkTrouble {
        match &*self.0.ending.borrow() {
            Some(ending) => ending.lost(),
            None => {
                LinkTrouble::Lost { how: LostHow::Closed, detail: "the session ended".to_owned() }
            }
        }
    }
}

/// Why a jump host gave no way through.
#[derive(Debug)]
pub(in crate::ssh) enum ForwardError {
    /// It could not, in these words.
    Refused(String),
    /// It may not, by its own settings.
    Prohibited,
    /// Its link went away.
    Lost(LinkTrouble),
}
