//! The desk at which a person answers, for everybody in the daemon.
//!
//! No actor: what is asked and answered is a value behind a lock that is held
//! for no longer than a look, so an answer survives the connection's actor, and
//! a dial waits for it without a mailbox in between.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::journal::Journal;
use super::now;
use crate::domain::attention::{
    AnswerError, Asked, Change, Desk, Question, QuestionId, QuestionView, Reply, Taken,
};
use crate::domain::event::EventKind;
use crate::domain::secret::Secret;
use crate::ssh::{Answer, Notice, Prompter};

/// The desk. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Attention(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    desk: Mutex<Desk>,
    /// Counts what may have changed, for those who wait.
    changed: watch::Sender<u64>,
    journal: Journal,
}

impl Attention {
    /// An empty desk, whose changes are written to `journal`.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        let changed = watch::Sender::new(0);
        Self(Arc::new(Inner { desk: Mutex::default(), changed, journal }))
    }

    /// The open questions.
    #[must_use]
    pub fn open(&self) -> Vec<QuestionView> {
        self.look(|desk| desk.open())
    }

    /// A remote's open question.
    #[must_use]
    pub fn of(&self, remote: &str) -> Option<QuestionView> {
        self.look(|desk| desk.of(remote))
    }

    /// Takes a person's answer.
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn answer(&self, id: QuestionId, answer: Secret) -> Result<Taken, AnswerError> {
        let taken = self.look(|desk| desk.answer(id, answer, now()));
        self.tell();
        taken
    }

    /// A remote's dial has got by without an answer.
    pub fn withdraw(&self, remote: &str) {
        self.look(|desk| desk.withdraw(remote));
        self.tell();
    }

    /// A remote is gone.
    pub fn forget(&self, remote: &str) {
        self.look(|desk| desk.forget(remote));
        self.tell();
    }

    /// Changes whenever a question may have.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Asks in a remote's name.
    #[must_use]
    pub fn prompter(&self, remote: String) -> Arc<dyn Prompter> {
        Arc::new(Counter { attention: self.clone(), remote })
    }

    fn look<T>(&self, at: impl FnOnce(&mut Desk) -> T) -> T {
        let mut desk = self.0.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = at(&mut desk);
        // Under the lock, so that events come in the order of what they tell.
        for change in desk.take_changes() {
            self.0.journal.write(event(change));
        }
        seen
    }

    fn tell(&self) {
        self.0.changed.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    fn ask(&self, remote: &str, question: &Question, again: bool) -> Asked {
        let id = QuestionId::new(rand::random());
        let asked = self.look(|desk| desk.ask(remote, question, again, id, now()));
        // Two who wait for their turns would wake each other for ever.
        if asked != Asked::Busy {
            self.tell();
        }
        asked
    }

    /// Waits until the question is not open any more.
    async fn settled(&self, id: QuestionId) {
        let mut changed = self.subscribe();
        while self.look(|desk| desk.is_open(id)) && changed.changed().await.is_ok() {}
    }
}

fn event(change: Change) -> EventKind {
    match change {
        Change::Opened { remote, id, kind } => {
            EventKind::AttentionAsked { remote, question: id, kind }
        }
        Change::Settled { remote, id, kind, answered } => {
            EventKind::AttentionSettled { remote, question: id, kind, answered }
        }
    }
}

/// One remote's place at the desk.
#[derive(Debug)]
struct Counter {
    attention: Attention,
    remote: String,
}

impl Counter {
    async fn wait(&self, question: &Question, again: bool) -> Option<Reply> {
        loop {
            let mut changed = self.attention.subscribe();
            match self.attention.ask(&self.remote, question, again) {
                Asked::Replied(reply) => return Some(reply),
                // Whoever else took the answer has used it up: it is asked anew.
                Asked::Waits(id) => {
                    let _waiting = Waiting { attention: self.attention.clone(), id };
                    self.attention.settled(id).await;
                }
                Asked::Busy => changed.changed().await.ok()?,
            }
        }
    }
}

impl Prompter for Counter {
    fn ask<'a>(&'a self, question: &'a Question, again: bool) -> Answer<'a> {
        Box::pin(self.wait(question, again))
    }

    fn refuse(&self, question: &Question) {
        self.attention.look(|desk| desk.refuse(&self.remote, question));
    }

    fn show(&self, question: Question) -> Notice {
        match self.attention.ask(&self.remote, &question, false) {
            Asked::Waits(id) => Box::new(Waiting { attention: self.attention.clone(), id }),
            // Another question is on the screen, and the touch is soon over.
            Asked::Replied(_) | Asked::Busy => Box::new(()),
        }
    }
}

/// One who waits for an answer, until this is dropped.
#[derive(Debug)]
struct Waiting {
    attention: Attention,
    id: QuestionId,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.attention.look(|desk| desk.leave(self.id));
        self.attention.tell();
    }
}
