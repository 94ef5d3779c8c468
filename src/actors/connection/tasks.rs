//! What a connection does outside its mailbox.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use ractor::ActorRef;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::debug;

use super::actor::ConnectionMsg;
use super::dialer::Dialer;
use super::request::{ChannelRequest, Granted, Slot};
use crate::actors::attention::Attention;
use crate::actors::resolver::{self, ResolverMsg};
use crate::domain::connection::LinkId;
use crate::domain::failure::trouble::{LinkTrouble, LostHow};
use crate::domain::ids::Epoch;
use crate::domain::target::{SshRequest, SshSettings};
use crate::runner::control::{self, HostFacts};
use crate::runner::program::BOOTSTRAP;
use crate::ssh::{Link, Prompter, Reached};

/// How long a start waits for the host's PATH: the probe's own bound, and a
/// little for the way.
const FACTS_WITHIN: Duration = Duration::from_secs(8);

/// What is known of the host.
#[derive(Debug, Clone)]
pub(super) enum Facts {
    /// The probe is under way, or will be.
    Awaited,
    /// The host's answer.
    Known(Arc<HostFacts>),
    /// It did not answer, and is not asked again on this link.
    None,
}

impl Facts {
    pub(super) fn known(&self) -> Option<Arc<HostFacts>> {
        match self {
            Self::Known(facts) => Some(facts.clone()),
            Self::Awaited | Self::None => None,
        }
    }
}

/// Those who take part in a dial.
pub(super) struct Way {
    /// Who knows `ssh_config`.
    pub(super) resolver: ActorRef<ResolverMsg>,
    /// Who dials.
    pub(super) dialer: Arc<dyn Dialer>,
    /// Who asks a person.
    pub(super) prompter: Arc<dyn Prompter>,
    /// A connection that is there already.
    pub(super) reached: Option<Reached>,
}

/// Brings a link up and reports it. Aborting it ends what it has opened.
pub(super) fn dial(
    connection: ActorRef<ConnectionMsg>,
    way: Way,
    request: SshRequest,
    epoch: Epoch,
) -> JoinHandle<()> {
    let Way { resolver, dialer, prompter, reached } = way;
    tokio::spawn(async move {
        let settings = resolver::settings(&resolver, request).await;
        let (settings, result) = match settings {
            Ok(settings) => {
                // A dial that panics is one that failed: it must be heard of.
                let dialled =
                    AssertUnwindSafe(async { dialer.dial(&settings, reached, prompter).await });
                let result = dialled.catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
                (Some(Box::new(settings)), result)
            }
            Err(trouble) => (None, Err(trouble)),
        };
        report_dial(&connection, epoch, settings, result).await;
    })
}

/// Finds out what `ssh_config` comes to by now.
pub(super) fn read_settings(
    connection: ActorRef<ConnectionMsg>,
    resolver: ActorRef<ResolverMsg>,
    request: SshRequest,
) {
    tokio::spawn(async move {
        let settings = resolver::settings(&resolver, request).await;
        // A connection that is gone needs none.
        let _ = connection.cast(ConnectionMsg::SettingsRead(Box::new(settings)));
    });
}

fn panicked() -> LinkTrouble {
    LinkTrouble::Lost { how: LostHow::Closed, detail: "the dial failed: see the log".to_owned() }
}

async fn report_dial(
    connection: &ActorRef<ConnectionMsg>,
    epoch: Epoch,
    settings: Option<Box<SshSettings>>,
    result: Result<Link, LinkTrouble>,
) {
    let kept = result.as_ref().ok().cloned();
    let message = ConnectionMsg::DialFinished { epoch, settings, result };
    if connection.cast(message).is_err()
        && let Some(link) = kept
    {
        link.close().await;
    }
}

/// Reports each change of the remote's question.
pub(super) fn watch_question(
    connection: ActorRef<ConnectionMsg>,
    attention: Attention,
    remote: String,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut changed = attention.subscribe();
        let mut told = None;
        loop {
            let question = attention.of(&remote);
            if question != told {
                told.clone_from(&question);
                let message = ConnectionMsg::QuestionChanged(question.map(Box::new));
                if connection.cast(message).is_err() {
                    return;
                }
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    })
}

/// Reports the loss of a link.
pub(super) fn watch_link(connection: ActorRef<ConnectionMsg>, id: LinkId, link: Link) {
    tokio::spawn(async move {
        let trouble = link.lost().await;
        let _ = connection.cast(ConnectionMsg::LinkLost { link: id, trouble });
    });
}

/// Opens a channel on `link` for `request`.
pub(super) fn open_channel(
    link: Link,
    slot: Slot,
    request: ChannelRequest,
    mut facts: watch::Receiver<Facts>,
) {
    tokio::spawn(async move {
        match link.exec(BOOTSTRAP).await {
            Ok(channel) => {
                if request.wants_facts {
                    let told = facts.wait_for(|facts| !matches!(facts, Facts::Awaited));
                    // Without an answer the start goes on with sshd's own PATH.
                    let _ = timeout(FACTS_WITHIN, told).await;
                }
                let facts = facts.borrow().known();
                // Nobody there any more: what is granted closes as it drops.
                let _ = request.reply.send(Ok(Granted {
                    io: channel.into(),
                    facts,
                    slot,
                    primed: false,
                }));
            }
            Err(trouble) if trouble.is_refusal() => {
                debug!(link = ?slot.link(), %trouble, "channel refused");
                slot.refused(Some(request), trouble);
            }
            Err(trouble) => {
                debug!(%trouble, "no channel");
                let (connection, id) = (slot.connection(), slot.link());
                if link.is_lost() {
                    // Its watcher may come later, and the request would be sent
                    // to the dead link again and again until then.
                    let _ = connection.cast(ConnectionMsg::LinkLost { link: id, trouble });
                }
                drop(slot);
                let _ = connection.cast(ConnectionMsg::ChannelFailed { request });
            }
        }
    });
}

/// Asks the host what it is, on a channel of its own.
pub(super) fn probe(connection: ActorRef<ConnectionMsg>, link: Link, slot: Slot) {
    tokio::spawn(async move {
        let id = slot.link();
        let found = match link.exec(BOOTSTRAP).await {
            Ok(channel) => {
                let found = control::probe(channel.into(), &crate::actors::nonce()).await.ok();
                drop(slot);
                found
            }
            Err(trouble) if trouble.is_refusal() => {
                slot.refused(None, trouble);
                None
            }
            Err(_) => {
                drop(slot);
                None
            }
        };
        let _ = connection.cast(ConnectionMsg::Probed { link: id, found: found.map(Arc::new) });
    });
}
