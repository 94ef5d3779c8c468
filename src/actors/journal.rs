//! Events, written down in the order in which they happened and told to
//! everybody who listens.

use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::warn;

use crate::actors::now;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::SessionId;
use crate::store::registry::{Registry, RegistryError};

/// Events that wait for the disk. They are rare and small; a disk that is this
/// far behind has stopped.
const BEHIND: usize = 4096;
/// Events that a listener may be behind before it has to read them from the
/// registry.
const LISTENERS_BEHIND: usize = 1024;

/// Where actors write what happened.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: mpsc::Sender<Entry>,
    told: broadcast::Sender<Event>,
}

/// What waits to be written.
#[derive(Debug)]
enum Entry {
    One(EventKind),
    Heard(Heard, oneshot::Sender<Result<(), RegistryError>>),
}

/// What an agent told in a stretch of a session's output.
#[derive(Debug)]
pub struct Heard {
    /// The session.
    pub session: SessionId,
    /// Where the stretch ends.
    pub up_to: u64,
    /// What was told in it.
    pub kinds: Vec<EventKind>,
}

impl Journal {
    /// Opens the journal and starts the task that writes it.
    #[must_use]
    pub fn open(registry: Registry) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Entry>(BEHIND);
        let told = broadcast::Sender::new(LISTENERS_BEHIND);
        let tell = told.clone();
        tokio::spawn(async move {
            while let Some(entry) = waiting.recv().await {
                match entry {
                    Entry::One(kind) => one(&registry, &tell, kind).await,
                    Entry::Heard(heard, done) => {
                        // Whoever waited may have gone.
                        let _ = done.send(several(&registry, &tell, heard).await);
                    }
                }
            }
        });
        Self { queue, told }
    }

    /// Writes an event down, without waiting for it.
    pub fn write(&self, kind: EventKind) {
        if self.queue.try_send(Entry::One(kind)).is_err() {
            warn!("the disk is too far behind: an event is not written down");
        }
    }

    /// Writes down what an agent told, and how far it was heard; waits for it,
    /// so that an agent that tells much waits for the disk and nothing is left
    /// out.
    ///
    /// # Errors
    ///
    /// The disk fails: nothing of it was written.
    pub async fn heard(&self, heard: Heard) -> Result<(), RegistryError> {
        let (done, written) = oneshot::channel();
        let sent = self.queue.send(Entry::Heard(heard, done)).await;
        sent.map_err(|_| RegistryError::Stopped)?;
        written.await.map_err(|_| RegistryError::Stopped)?
    }

    /// Listens to what is written from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.told.subscribe()
    }
}

async fn one(registry: &Registry, tell: &broadcast::Sender<Event>, kind: EventKind) {
    let at = now();
    match registry.append_event(at, &kind).await {
        // Nobody may listen.
        Ok(seq) => _ = tell.send(Event { seq, at, kind }),
        Err(error) => warn!(%error, "an event could not be written down"),
    }
}

async fn several(
    registry: &Registry,
    tell: &broadcast::Sender<Event>,
    heard: Heard,
) -> Result<(), RegistryError> {
    let at = now();
    let seqs = registry.tell(at, &heard.session, heard.up_to, &heard.kinds).await?;
    for (seq, kind) in seqs.into_iter().zip(heard.kinds) {
        let _ = tell.send(Event { seq, at, kind });
    }
    Ok(())
}
