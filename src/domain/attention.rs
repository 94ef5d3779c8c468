//! What a person is asked, and what they have answered. Pure.
//!
//! One question for each remote at a time, however many sessions wait behind
//! it. Answers are kept here and nowhere else, for as long as the daemon lives:
//! a passphrase or a password until it is refused, everything else for two
//! minutes, and what may be a one-time code for one use.

mod matter;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use matter::Matter;

use super::secret::Secret;
use super::timestamp::Timestamp;

/// How long an answer is kept that is not used again and again, in seconds: longer than a dial
/// takes, and no longer than most codes are good for.
pub const KEPT_FOR_S: u64 = 120;

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Question {
    /// The passphrase of a key file.
    Passphrase {
        /// The file.
        file: PathBuf,
    },
    /// A user's password.
    Password {
        /// The user there.
        user: String,
        /// The host.
        host: String,
    },
    /// Something of the server's own, such as a one-time code.
    Prompt {
        /// The user there.
        user: String,
        /// The host.
        host: String,
        /// What the server says about it; may be empty.
        instruction: String,
        /// What it asks.
        text: String,
        /// Whether the answer may be seen while it is typed.
        echo: bool,
    },
    /// Whether a host key that is not known is the host's.
    HostKey {
        /// The host, as known_hosts has it.
        name: String,
        /// The key's type.
        #[serde(rename = "type")]
        key_type: String,
        /// Its SHA-256 fingerprint.
        fingerprint: String,
    },
    /// To touch a security key. It takes no answer.
    Touch {
        /// The key, as the agent calls it.
        key: String,
    },
    /// Something that is done after a yes only.
    Confirm {
        /// What.
        about: Matter,
    },
}

impl Question {
    /// Its kind, in one word.
    #[must_use]
    pub fn kind(&self) -> QuestionKind {
        match self {
            Self::Passphrase { .. } => QuestionKind::Passphrase,
            Self::Password { .. } => QuestionKind::Password,
            Self::Prompt { .. } => QuestionKind::Prompt,
            Self::HostKey { .. } => QuestionKind::HostKey,
            Self::Touch { .. } => QuestionKind::Touch,
            Self::Confirm { .. } => QuestionKind::Confirm,
        }
    }

    /// Whether the answer must not be seen.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Passphrase { .. } | Self::Password { .. } => true,
            Self::Prompt { echo, .. } => !echo,
            Self::HostKey { .. } | Self::Touch { .. } | Self::Confirm { .. } => false,
        }
    }

    /// The words of ssh(1) for it, with what leads up to them. What comes from
    /// the server is as the server wrote it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Passphrase { file } => {
                format!("Enter passphrase for key '{}': ", file.display())
            }
            Self::Password { user, host } => format!("{user}@{host}'s password: "),
            Self::Prompt { user, host, instruction, text, .. } => {
                let lead = if instruction.is_empty() { "" } else { "\n" };
                format!("{instruction}{lead}({user}@{host}) {text}")
            }
            Self::HostKey { name, key_type, fingerprint } => format!(
                "The authenticity of host '{name}' can't be established.\n\
                 {key_type} key fingerprint is {fingerprint}.\n\
                 Are you sure you want to continue connecting (yes/no/[fingerprint])? "
            ),
            Self::Touch { key } => format!("Touch the security key {key} to log in."),
            Self::Confirm { about } => format!("{about} (yes/no)? "),
        }
    }

    /// Whether the link comes up without an answer, too: nobody is asked for longer
    /// than somebody waits.
    fn is_passing(&self) -> bool {
        match self {
            Self::Touch { .. } => true,
            Self::Confirm { about } => !about.holds_up(),
            _ => false,
        }
    }

    /// How long the same answer does.
    fn use_of(&self, reply: &Reply) -> Use {
        match (self, reply) {
            (Self::Passphrase { .. } | Self::Password { .. }, Reply::Given(_)) => Use::UntilRefused,
            // It is in known_hosts by then, where there is one.
            (Self::HostKey { .. }, Reply::Given(_)) => Use::ForAWhile,
            _ => Use::Once,
        }
    }

    /// Whether two that ask the same at once may have one answer.
    fn is_shared(&self) -> bool {
        !matches!(self, Self::Prompt { .. })
    }

    /// What an answer comes to.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] where it is none.
    pub fn reply(&self, answer: Secret) -> Result<Reply, AnswerError> {
        match self {
            Self::Touch { .. } => Err(AnswerError::TakesNone),
            Self::HostKey { fingerprint, .. } => match answer.expose().trim() {
                "no" => Ok(Reply::Declined),
                "yes" => Ok(Reply::Given(answer)),
                given if given == fingerprint => Ok(Reply::Given(answer)),
                _ => Err(AnswerError::YesOrNo),
            },
            Self::Confirm { .. } => match answer.expose().trim() {
                "no" => Ok(Reply::Declined),
                "yes" => Ok(Reply::Given(answer)),
                _ => Err(AnswerError::OnlyYesOrNo),
            },
            // As with ssh: no passphrase, and the next key is tried.
            Self::Passphrase { .. } if answer.expose().is_empty() => Ok(Reply::Declined),
            Self::Passphrase { .. } | Self::Password { .. } | Self::Prompt { .. } => {
                Ok(Reply::Given(answer))
            }
        }
    }
}

/// The kinds of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionKind {
    /// [`Question::Passphrase`].
    Passphrase,
    /// [`Question::Password`].
    Password,
    /// [`Question::Prompt`].
    Prompt,
    /// [`Question::HostKey`].
    HostKey,
    /// [`Question::Touch`].
    Touch,
    /// [`Question::Confirm`].
    Confirm,
}

impl QuestionKind {
    /// The name that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::Password => "password",
            Self::Prompt => "prompt",
            Self::HostKey => "host key",
            Self::Touch => "touch",
            Self::Confirm => "confirmation",
        }
    }
}

/// A question's id. It is never given to another one, not even by the daemon
/// that comes after: an answer must not go to a question that nobody has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuestionId(u64);

impl QuestionId {
    /// From a number that was drawn.
    #[must_use]
    pub fn new(drawn: u64) -> Self {
        Self(drawn)
    }
}

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What was given is no question's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a question's id has 16 hexadecimal digits")]
pub struct NoQuestionId;

impl FromStr for QuestionId {
    type Err = NoQuestionId;

    fn from_str(text: &str) -> Result<Self, NoQuestionId> {
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| plain);
        number.map(Self).ok_or(NoQuestionId)
    }
}

impl TryFrom<String> for QuestionId {
    type Error = NoQuestionId;

    fn try_from(text: String) -> Result<Self, NoQuestionId> {
        text.parse()
    }
}

impl From<QuestionId> for String {
    fn from(id: QuestionId) -> Self {
        id.to_string()
    }
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// This.
    Given(Secret),
    /// No: not this key, not this host.
    Declined,
}

/// Why an answer was not taken; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It was answered, or nobody needs the answer any more.
    #[error("no such question is open")]
    NotOpen,
    /// It is a notice.
    #[error("the question takes no answer: touch the key")]
    TakesNone,
    /// A host key is a matter of yes or no.
    #[error("the answer is yes, no, or the key's fingerprint")]
    YesOrNo,
    /// So is what is to be confirmed.
    #[error("the answer is yes or no")]
    OnlyYesOrNo,
}

/// How a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionState {
    /// A dial waits for the answer.
    Asked,
    /// The dial has given up; an answer has the connection dial again.
    Dormant,
}

/// A question that is open, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    /// Its id.
    pub id: QuestionId,
    /// The remote whose connection needs it.
    pub remote: String,
    /// How it stands.
    pub state: QuestionState,
    /// What is asked.
    pub question: Question,
    /// Whether the last answer to it was refused.
    pub again: bool,
    /// Whether the answer must not be seen.
    pub secret: bool,
    /// When it was asked.
    pub asked_at: String,
}

/// What somebody gets who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It was answered before.
    Replied(Reply),
    /// A person has to be waited for. The question is to be left with
    /// [`Desk::leave`].
    Waits(QuestionId),
    /// Somebody else waits for another answer: ask again after it.
    Busy,
}

/// What has changed for those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A question was opened.
    Opened {
        /// The remote.
        remote: String,
        /// The question.
        id: QuestionId,
        /// What kind it is.
        kind: QuestionKind,
    },
    /// It was answered, or is not needed any more.
    Settled {
        /// The remote.
        remote: String,
        /// The question.
        id: QuestionId,
        /// What kind it was.
        kind: QuestionKind,
        /// Whether a person answered it.
        answered: bool,
    },
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The remote.
    pub remote: String,
    /// Whether nobody waited for it, so that somebody has to dial.
    pub dormant: bool,
}

/// All questions and all answers.
#[derive(Debug, Default)]
pub struct Desk {
    seats: BTreeMap<String, Seat>,
    changes: Vec<Change>,
}

/// One remote's.
#[derive(Debug, Default)]
struct Seat {
    open: Option<Open>,
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Open {
    id: QuestionId,
    question: Question,
    again: bool,
    asked_at: Timestamp,
    /// Those who wait; none and it is dormant.
    waiting: usize,
}

/// How often an answer is given to those who ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    UntilRefused,
    ForAWhile,
    Once,
}

#[derive(Debug)]
struct Kept {
    question: Question,
    reply: Reply,
    given_at: Timestamp,
}

impl Kept {
    fn is_fresh(&self, now: Timestamp) -> bool {
        let lasts = self.question.use_of(&self.reply) == Use::UntilRefused;
        lasts || self.given_at.until(now).as_secs() < KEPT_FOR_S
    }
}

impl Desk {
    /// Asks for a remote. `again` if the last answer was refused; `id` is for
    /// the question if it is a new one.
    pub fn ask(
        &mut self,
        remote: &str,
        question: &Question,
        again: bool,
        id: QuestionId,
        now: Timestamp,
    ) -> Asked {
        if let Some(reply) = self.take(remote, question, now) {
            return Asked::Replied(reply);
        }
        let seat = self.seats.entry(remote.to_owned()).or_default();
        match &mut seat.open {
            Some(open)
                if open.question == *question && (open.waiting == 0 || question.is_shared()) =>
            {
                open.waiting += 1;
                open.again |= again;
                return Asked::Waits(open.id);
            }
            Some(open) if open.waiting > 0 => return Asked::Busy,
            _ => {}
        }
        self.settle(remote, false);
        let open = Open { id, question: question.clone(), again, asked_at: now, waiting: 1 };
        self.seats.entry(remote.to_owned()).or_default().open = Some(open);
        let kind = question.kind();
        self.changes.push(Change::Opened { remote: remote.to_owned(), id, kind });
        Asked::Waits(id)
    }

    /// The answer to a question, where there is one. One that is used once is
    /// gone with it.
    pub fn take(&mut self, remote: &str, question: &Question, now: Timestamp) -> Option<Reply> {
        let kept = &mut self.seats.get_mut(remote)?.kept;
        kept.retain(|kept| kept.is_fresh(now));
        let at = kept.iter().position(|kept| kept.question == *question)?;
        match question.use_of(&kept[at].reply) {
            Use::Once => Some(kept.swap_remove(at).reply),
            Use::UntilRefused | Use::ForAWhile => Some(kept[at].reply.clone()),
        }
    }

    /// Whether a question is still open.
    #[must_use]
    pub fn is_open(&self, id: QuestionId) -> bool {
        self.find(id).is_some()
    }

    /// Takes a person's answer.
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn answer(
        &mut self,
        id: QuestionId,
        answer: Secret,
        now: Timestamp,
    ) -> Result<Taken, AnswerError> {
        let remote = self.find(id).ok_or(AnswerError::NotOpen)?.to_owned();
        let seat = self.seats.get_mut(&remote).ok_or(AnswerError::NotOpen)?;
        let open = seat.open.as_ref().ok_or(AnswerError::NotOpen)?;
        let (reply, question) = (open.question.reply(answer)?, open.question.clone());
        let dormant = open.waiting == 0;
        seat.kept.retain(|kept| kept.question != question);
        seat.kept.push(Kept { question, reply, given_at: now });
        self.settle(&remote, true);
        Ok(Taken { remote, dormant })
    }

    /// One who waited does so no more.
    pub fn leave(&mut self, id: QuestionId) {
        let Some(remote) = self.find(id).map(str::to_owned) else { return };
        let Some(open) = self.seats.get_mut(&remote).and_then(|seat| seat.open.as_mut()) else {
            return;
        };
        open.waiting = open.waiting.saturating_sub(1);
        // Nobody can touch a key for a login that is over.
        if open.waiting == 0 && open.question.is_passing() {
            self.settle(&remote, false);
        }
    }

    /// The answer was wrong: it is forgotten.
    pub fn refuse(&mut self, remote: &str, question: &Question) {
        if let Some(seat) = self.seats.get_mut(remote) {
            seat.kept.retain(|kept| kept.question != *question);
        }
    }

    /// A dial of the remote's has got by without: what nobody waits for is not
    /// asked any more.
    pub fn withdraw(&mut self, remote: &str) {
        let dormant = |seat: &Seat| seat.open.as_ref().is_some_and(|open| open.waiting == 0);
        if self.seats.get(remote).is_some_and(dormant) {
            self.settle(remote, false);
        }
    }

    /// The remote is gone, and all that is known about it.
    pub fn forget(&mut self, remote: &str) {
        self.settle(remote, false);
        self.seats.remove(remote);
    }

    /// What has changed since this was last asked.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The open questions, by the names of their remotes.
    #[must_use]
    pub fn open(&self) -> Vec<QuestionView> {
        self.seats.keys().filter_map(|remote| self.of(remote)).collect()
    }

    /// A remote's open question.
    #[must_use]
    pub fn of(&self, remote: &str) -> Option<QuestionView> {
        let open = self.seats.get(remote)?.open.as_ref()?;
        let state = if open.waiting > 0 { QuestionState::Asked } else { QuestionState::Dormant };
        Some(QuestionView {
            id: open.id,
            remote: remote.to_owned(),
            state,
            question: open.question.clone(),
            again: open.again,
            secret: open.question.is_secret(),
            asked_at: open.asked_at.to_string(),
        })
    }

    fn find(&self, id: QuestionId) -> Option<&str> {
        let has = |seat: &Seat| seat.open.as_ref().is_some_and(|open| open.id == id);
        self.seats.iter().find(|(_, seat)| has(seat)).map(|(remote, _)| remote.as_str())
    }

    fn settle(&mut self, remote: &str, answered: bool) {
        let open = self.seats.get_mut(remote).and_then(|seat| seat.open.take());
        if let Some(open) = open {
            let (remote, kind) = (remote.to_owned(), open.question.kind());
            self.changes.push(Change::Settled { remote, id: open.id, kind, answered });
        }
    }
}

#[cfg(test)]
mod tests;
