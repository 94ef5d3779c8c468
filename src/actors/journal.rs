//! Events, written down in the order in which they happened and told to
//! everybody who listens.

use tokio::sync::{broadcast, mpsc};
use tracing::warn;

use crate::actors::now;
use crate::domain::event::{Event, EventKind};
use crate::store::registry::Registry;

/// Events that wait for the disk. They are rare and small; a disk that is this
/// far behind has stopped.
const BEHIND: usize = 4096;
/// Events that a listener may be behind before it has to read them from the
/// registry.
const LISTENERS_BEHIND: usize = 1024;

/// Where actors write what happened.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: mpsc::Sender<EventKind>,
    told: broadcast::Sender<Event>,
}

impl Journal {
    /// Opens the journal and starts the task that writes it.
    #[must_use]
    pub fn open(registry: Registry) -> Self {
        let (queue, mut waiting) = mpsc::channel::<EventKind>(BEHIND);
        let told = broadcast::Sender::new(LISTENERS_BEHIND);
        let tell = told.clone();
        tokio::spawn(async move {
            while let Some(kind) = waiting.recv().await {
                let at = now();
                match registry.append_event(at, &kind).await {
                    // Nobody may listen.
                    Ok(seq) => _ = tell.send(Event { seq, at, kind }),
                    Err(error) => warn!(%error, "an event could not be written down"),
                }
            }
        });
        Self { queue, told }
    }

    /// Writes an event down, without waiting for it.
    pub fn write(&self, kind: EventKind) {
        if self.queue.try_send(kind).is_err() {
            warn!("the disk is too far behind: an event is not written down");
        }
    }

    /// Listens to what is written from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.told.subscribe()
    }
}
