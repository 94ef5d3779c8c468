//! Listens to a session's agent: reads the mirror as it grows.
//!
//! A task of its own, beside the actor. Whatever it makes of the output can be
//! made of it again, so after a restart it reads from the beginning; only what it
//! writes down as events must not be written twice, and the registry knows how
//! far that was done.

use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::actor::SessionMsg;
use crate::actors::journal::{Heard, Journal};
use crate::domain::agent::{AgentEvent, AgentRun, EventReader, Read};
use crate::domain::event::EventKind;
use crate::domain::ids::SessionId;
use crate::domain::session::Pulse;
use crate::domain::stream::Stream;
use crate::store::mirror::{Mirror, MirrorError};
use crate::store::registry::Registry;

/// How much is read at a time.
const CHUNK: usize = 256 << 10;
/// No text of an event that is kept is longer: all of it is in the output.
const CLIPPED: usize = 500;
/// How long after a failure of the disk the next try comes.
const AGAIN: Duration = Duration::from_secs(2);
/// How long the end of a session may wait for what its agent told last. It is
/// read from this machine's disk, so this is for one that has stopped.
const HEARD_WITHIN: Duration = Duration::from_secs(30);

/// What a listener works with.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) session: SessionId,
    pub(super) mirror: Mirror,
    pub(super) pulse: watch::Receiver<Pulse>,
    pub(super) journal: Journal,
    pub(super) registry: Registry,
}

/// A listener, as the actor has it.
#[derive(Debug)]
pub(super) struct Listener {
    task: JoinHandle<()>,
    heard: watch::Receiver<Progress>,
    /// Set once the output will not grow any more.
    ended: watch::Sender<bool>,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
struct Progress {
    run: AgentRun,
    done: bool,
}

impl Listener {
    /// Starts to listen to the agent of `run`.
    pub(super) fn spawn(actor: ActorRef<SessionMsg>, ears: Ears, run: &AgentRun) -> Self {
        let run = run.unheard();
        let progress = watch::Sender::new(Progress { run: run.clone(), done: false });
        let heard = progress.subscribe();
        let ended = watch::Sender::new(false);
        let listening = Listening {
            reader: EventReader::new(run.profile, 0),
            actor,
            ears,
            run,
            progress,
            ended: ended.subscribe(),
            told: 0,
        };
        Self { task: tokio::spawn(listening.run()), heard, ended }
    }

    /// All that the agent has told, once the output will not grow any more; as
    /// much as is known where this machine's disk does not give it.
    pub(super) fn to_the_end(&self) -> impl Future<Output = AgentRun> + Send + use<> {
        self.ended.send_replace(true);
        let mut heard = self.heard.clone();
        async move {
            if timeout(HEARD_WITHIN, heard.wait_for(|progress| progress.done)).await.is_err() {
                warn!("what the agent told last is not known in time");
            }
            heard.borrow().run.clone()
        }
    }

    /// Stops listening.
    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

/// The task's own.
struct Listening {
    reader: EventReader,
    actor: ActorRef<SessionMsg>,
    ears: Ears,
    run: AgentRun,
    progress: watch::Sender<Progress>,
    ended: watch::Receiver<bool>,
    /// Up to here events are written down.
    told: u64,
}

impl Listening {
    async fn run(mut self) {
        self.told = loop {
            match self.ears.registry.told(&self.ears.session).await {
                Ok(told) => break told,
                Err(error) => warn!(%error, "how far the agent was heard is not known yet"),
            }
            sleep(AGAIN).await;
        };
        loop {
            // In this order: once it has ended, the length is the last one.
            let ended = *self.ended.borrow_and_update();
            let length = self.ears.pulse.borrow_and_update().stdout;
            while self.reader.offset() < length {
                if let Err(error) = self.read_on(length).await {
                    warn!(session = %self.ears.session, %error, "the mirror cannot be read");
                    sleep(AGAIN).await;
                }
            }
            if ended {
                return self.finish().await;
            }
            // Both arms are cancel safe. Without the actor nobody wants to know.
            let changed = tokio::select! {
                changed = self.ears.pulse.changed() => changed,
                changed = self.ended.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
        }
    }

    async fn read_on(&mut self, length: u64) -> Result<(), MirrorError> {
        let at = self.reader.offset();
        let gaps = self.ears.mirror.gaps(Stream::Stdout).await?;
        let stretch = gaps.stretch(at, length);
        self.reader.skip_to(stretch.start);
        let want = usize::try_from(stretch.bytes()).unwrap_or(CHUNK).min(CHUNK);
        let bytes = self.ears.mirror.read_at(Stream::Stdout, stretch.start, want).await?;
        if bytes.is_empty() && want > 0 {
            // The mirror is shorter than it was: it is being removed.
            sleep(AGAIN).await;
            return Ok(());
        }
        let mut heard = Vec::new();
        self.reader.feed(&bytes, |at, read| heard.extend(event(at, read)));
        self.take(heard, false).await;
        Ok(())
    }

    async fn finish(mut self) {
        let mut heard = Vec::new();
        self.reader.finish(|at, read| heard.extend(event(at, read)));
        self.take(heard, true).await;
        self.progress.send_modify(|progress| progress.done = true);
    }

    /// Adds up what was heard, and has it written down and shown.
    async fn take(&mut self, heard: Vec<(u64, AgentEvent)>, done: bool) {
        if heard.is_empty() {
            return;
        }
        heard.iter().for_each(|(_, event)| self.run.add(event));
        self.progress.send_modify(|progress| progress.run.clone_from(&self.run));
        let kinds: Vec<EventKind> = heard
            .into_iter()
            .filter(|(at, _)| *at >= self.told)
            .map(|(offset, event)| EventKind::Agent {
                session: self.ears.session.clone(),
                offset,
                told: event.clipped(CLIPPED),
            })
            .collect();
        if !kinds.is_empty() {
            self.write_down(kinds).await;
        }
        if !done {
            // The end takes the last of it along.
            let _ = self.actor.cast(SessionMsg::AgentHeard(Box::new(self.run.clone())));
        }
    }

    /// The lines of these are whole, and of the next one nothing was told.
    async fn write_down(&mut self, kinds: Vec<EventKind>) {
        let up_to = match kinds.last() {
            // Just behind where its line begins, which is before the next one.
            Some(EventKind::Agent { offset, .. }) => offset + 1,
            _ => return,
        };
        let mut heard = Heard { session: self.ears.session.clone(), up_to, kinds };
        loop {
            let again = heard.kinds.clone();
            match self.ears.journal.heard(heard).await {
                Ok(()) => break self.told = up_to,
                Err(error) => warn!(%error, "what the agent told cannot be written down yet"),
            }
            sleep(AGAIN).await;
            heard = Heard { session: self.ears.session.clone(), up_to, kinds: again };
        }
    }
}

fn event(at: u64, read: Read<'_>) -> Option<(u64, AgentEvent)> {
    match read {
        Read::Event(event) => Some((at, event)),
        Read::Plain(_) => None,
    }
}
