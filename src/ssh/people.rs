//! Who is asked during a login: the program in `SSH_ASKPASS`, as with `ssh`,
//! and then a person, wherever they are.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::auth::Askpass;
use super::client::Ending;
use crate::domain::attention::{Question, Reply};
use crate::domain::secret::Secret;

/// How long one login waits for people, in all. sshd closes what has not logged
/// in after 120 s (`LoginGraceTime`), and counts it against the address.
pub(super) const PATIENCE: Duration = Duration::from_secs(100);

/// An answer under way; `None` if the question was taken back. Dropping it
/// leaves the question unanswered.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Option<Reply>> + Send + 'a>>;

/// Held while a notice is to be seen.
pub type Notice = Box<dyn Send>;

/// Puts questions to a person, and waits for as long as it takes.
pub trait Prompter: fmt::Debug + Send + Sync {
    /// Asks. `again` if the last answer was refused.
    fn ask<'a>(&'a self, question: &'a Question, again: bool) -> Answer<'a>;

    /// The answer was wrong, and is not to be given again.
    fn refuse(&self, question: &Question);

    /// Shows what takes no answer.
    fn show(&self, question: Question) -> Notice;
}

/// Those who can be asked; nobody by default.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// The program.
    pub(super) askpass: Option<Askpass>,
    /// The person.
    pub(super) prompter: Option<Arc<dyn Prompter>>,
}

impl People {
    /// The program of the environment, and `prompter`.
    pub(super) fn with(prompter: Option<Arc<dyn Prompter>>) -> Self {
        Self { askpass: Askpass::from_env(), prompter }
    }
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answered {
    /// A reply.
    Reply(Reply),
    /// A person was asked and has not replied in time.
    Nobody,
    /// There is no one to ask.
    Alone,
}

/// Asks for one login, for as long as that lasts.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    people: People,
    until: Instant,
    ended: watch::Receiver<Option<Ending>>,
}

impl Asker {
    /// For the login that begins now, on the session that `ended` is about.
    pub(super) fn new(people: People, ended: watch::Receiver<Option<Ending>>) -> Self {
        Self { people, until: Instant::now() + PATIENCE, ended }
    }

    /// Whether there is anybody to ask.
    pub(super) fn has_somebody(&self) -> bool {
        self.people.askpass.is_some() || self.people.prompter.is_some()
    }

    /// Asks the program, and the person if it has no answer.
    pub(super) async fn ask(&self, question: &Question, again: bool) -> Answered {
        if let Some(askpass) = &self.people.askpass
            && let Ok(Some(said)) = timeout_at(self.until, askpass.ask(question)).await
        {
            let reply = question.reply(Secret::new(said.as_str()));
            return Answered::Reply(reply.unwrap_or(Reply::Declined));
        }
        let Some(prompter) = &self.people.prompter else { return Answered::Alone };
        let mut ended = self.ended.clone();
        tokio::select! {
            reply = timeout_at(self.until, prompter.ask(question, again)) => match reply {
                Ok(Some(reply)) => Answered::Reply(reply),
                Ok(None) | Err(_) => Answered::Nobody,
            },
            // The server did not wait. An error is an end, too.
            _ = ended.wait_for(Option::is_some) => Answered::Nobody,
        }
    }

    /// The reply was wrong.
    pub(super) fn refuse(&self, question: &Question) {
        if let Some(prompter) = &self.people.prompter {
            prompter.refuse(question);
        }
    }

    /// Shows what takes no answer, for as long as the notice is held.
    pub(super) fn show(&self, question: Question) -> Option<Notice> {
        self.people.prompter.as_ref().map(|prompter| prompter.show(question))
    }
}
