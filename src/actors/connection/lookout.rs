//! Looking out: for a host that is away, and for a sign of life on links that
//! were up.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::actor::ConnectionMsg;
use super::dialer::Dialer;
use crate::domain::connection::{LinkId, knock};
use crate::domain::failure::trouble::{LinkTrouble, LostHow};
use crate::domain::ids::Epoch;
use crate::domain::target::SshSettings;
use crate::ssh::Link;

/// How long a link may take to answer. One that is given up too soon costs a
/// handshake; one that is believed too long leaves its sessions without anybody
/// who follows them.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(super) struct Lookout(JoinHandle<()>);

impl Drop for Lookout {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Tries to reach a host that is away `since` then until it can be, and reports
/// that for the pause of this epoch.
pub(super) fn for_host(
    connection: ActorRef<ConnectionMsg>,
    dialer: Arc<dyn Dialer>,
    settings: Arc<SshSettings>,
    epoch: Epoch,
    since: Instant,
) -> Lookout {
    Lookout(tokio::spawn(async move {
        loop {
            sleep(knock::pause(since.elapsed())).await;
            if let Ok(reached) = dialer.reach(&settings).await {
                let _ = connection.cast(ConnectionMsg::Reached { epoch, reached });
                return;
            }
        }
    }))
}

/// Asks a link for a sign of life, and reports and closes one that gives none.
pub(super) fn for_link(connection: ActorRef<ConnectionMsg>, id: LinkId, link: Link) {
    tokio::spawn(async move {
        if !link.answers(ANSWERS_WITHIN).await {
            let detail = "it does not answer any more".to_owned();
            let trouble = LinkTrouble::Lost { how: LostHow::KeepAlive, detail };
            // If the link is known to be gone, this comes too late and is ignored.
            let _ = connection.cast(ConnectionMsg::LinkLost { link: id, trouble });
            link.close().await;
        }
    });
}
