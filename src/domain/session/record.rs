//! What is remembered of a session.

use serde::{Deserialize, Serialize};

use super::attempt::{Attempts, RestartPolicy};
use super::fsm::Order;
use super::state::{Exit, SessionState};
use crate::domain::agent::AgentRun;
use crate::domain::failure::Failure;
use crate::domain::failure::catalogue::{Code, Session};
use crate::domain::ids::{AgentName, SessionId, SessionName};
use crate::domain::max_output::MaxOutput;
use crate::domain::origin::Origin;
use crate::domain::queue::Ticket;
use crate::domain::target::{Place, SshRequest};
use crate::domain::timestamp::Timestamp;

/// A session, as the registry keeps it.
///
/// It holds no env value and no prompt: those are in an owner-only file beside
/// the mirror until the session has started for the last time, and nowhere
/// after that. Fields are only ever added, each with a serde default, because
/// the registry outlives the version that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The session's id.
    pub id: SessionId,
    /// The name a person gave it; unique among live sessions.
    pub name: Option<SessionName>,
    /// The agent it runs, if it runs one.
    pub agent: Option<AgentName>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it runs.
    pub place: Place,
    /// How that is reached: what the session was started with, whatever the
    /// configuration says since. `None` on this machine.
    #[serde(default)]
    pub ssh: Option<SshRequest>,
    /// The host name behind the remote, once it is known.
    pub host: Option<String>,
    /// The working directory that was asked for.
    pub cwd: Option<String>,
    /// Where in its life it is.
    pub phase: Phase,
    /// An order to stop that is not yet known to have been carried out.
    pub stop: Option<StopOrder>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the command started there, once it is known to have.
    pub started_at: Option<Timestamp>,
    /// When it was known to have ended.
    pub ended_at: Option<Timestamp>,
    /// Stop it so many seconds after its start.
    pub timeout_s: Option<u64>,
    /// Give up if it could not be started for so many seconds.
    pub start_within_s: Option<u64>,
    /// Whether somebody has said so for this session: then it is given up even
    /// while a person is waited for.
    #[serde(default)]
    pub start_within_given: bool,
    /// Its standard input.
    pub stdin: Stdin,
    /// Bytes of standard output in the mirror, as last recorded; for a live
    /// session the mirror's files know better.
    pub stdout: u64,
    /// Bytes of standard error in the mirror, as last recorded; for a live
    /// session the mirror's files know better.
    pub stderr: u64,
    /// A second request with this key is answered with this session.
    pub idempotency_key: Option<String>,
    /// What will go wrong if nobody does anything, each by its code once.
    #[serde(default)]
    pub warnings: Vec<Failure>,
    /// How much of its output its spool keeps; `None` keeps all of it.
    #[serde(default)]
    pub max_output: Option<MaxOutput>,
    /// Grows with every change: an older record never goes over a newer one.
    #[serde(default)]
    pub revision: u64,
    /// When nothing was left of it where it ran.
    #[serde(default)]
    pub spool_gone_at: Option<Timestamp>,
    /// A keyed digest of the request that it came from: another request with
    /// its key is told from the same one.
    #[serde(default)]
    pub request_digest: Option<String>,
    /// Its place among the attempts at one piece of work.
    #[serde(default)]
    pub attempts: Attempts,
    /// The control machine that started it, where that is not this one: it was
    /// found on its host and taken in.
    #[serde(default)]
    pub adopted_from: Option<Origin>,
    /// Whether its spool is another control machine's, too: it goes when
    /// somebody says so, and never by age or size.
    #[serde(default)]
    pub keeps_spool: bool,
    /// What its agent has told of its work, where it is one whose output is
    /// known; all of it can be told again from the mirror.
    #[serde(default)]
    pub agent_run: Option<Box<AgentRun>>,
    /// The session whose conversation its agent goes on with.
    #[serde(default)]
    pub continues: Option<SessionId>,
    /// Its part of the queue.
    #[serde(default)]
    pub ticket: Ticket,
}

impl SessionRecord {
    /// Whether anything more can happen to the session.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Ended { .. })
    }

    /// The record of a session of which it is not known how it went on: its spool
    /// tells, and it is not started, since it may have been. Nor is another
    /// attempt made after it, since there may be one.
    #[must_use]
    pub fn to_be_looked_up(mut self) -> Self {
        if self.is_live() {
            self.phase = Phase::Running { pid: None };
            self.attempts.policy = RestartPolicy::Never;
        }
        self
    }

    /// Whether its spool is there, or may be, and goes when the session goes by
    /// itself.
    #[must_use]
    pub fn spool_goes_along(&self) -> bool {
        self.spool_gone_at.is_none() && !self.keeps_spool
    }

    /// Where in its life it is, as people see it.
    #[must_use]
    pub fn state(&self) -> SessionState {
        match (&self.phase, &self.stop) {
            (Phase::Ended { outcome }, _) => outcome.state(),
            (_, Some(StopOrder { grace_s: Some(_), .. })) => SessionState::Stopping,
            (Phase::Waiting, _) => SessionState::Waiting,
            (Phase::Starting, _) => SessionState::Starting,
            (Phase::Running { .. }, _) => SessionState::Running,
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Ended { outcome } => Some(outcome),
            Phase::Waiting | Phase::Starting | Phase::Running { .. } => None,
        }
    }

    /// The status that its command ended with, where there is one.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        self.outcome().and_then(Outcome::exit)
    }

    /// What went wrong, where something did.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.outcome().and_then(Outcome::failure)
    }

    /// Whether it has ended and all that it wrote is in its mirror.
    ///
    /// An exit status, and word that the session was killed, come with the last
    /// byte of its output. Of a spool that is gone, nobody knows what was in it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self.outcome() {
            None => false,
            Some(Outcome::Lost { failure }) => {
                failure.code != Code::from(Session::LostSpoolGone).as_str()
            }
            Some(_) => true,
        }
    }

    /// The command's process id there, while it runs and is known.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self.phase {
            Phase::Running { pid } => pid,
            Phase::Waiting | Phase::Starting | Phase::Ended { .. } => None,
        }
    }
}

/// Where in its life a session is, with what is known only there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing was sent yet: it waits for its turn, a link or a free channel.
    Waiting,
    /// The launch was sent, or may have been; it is looked up, never repeated.
    Starting,
    /// The command runs, as far as is known.
    Running {
        /// Its process id there, once it is known.
        pid: Option<u32>,
    },
    /// Nothing more will happen.
    Ended {
        /// How it went.
        outcome: Outcome,
    },
}

/// How a session ended.
///
/// An exit status comes from the exit record alone, so only the variants that
/// had one carry one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The command ended by itself.
    Exited {
        /// Its status.
        code: u8,
        /// What the status stands for, where that can be told: a 127 may be an
        /// agent that is not installed.
        failure: Option<Failure>,
    },
    /// A signal ended the command.
    Signalled {
        /// The signal's number there.
        signal: u8,
        /// Why, where that can be told.
        failure: Option<Failure>,
    },
    /// It ran past its limit and was stopped.
    TimedOut {
        /// What its exit record says, if it left one.
        exit: Option<Exit>,
        /// The limit, in words.
        failure: Failure,
    },
    /// Its processes are gone and left no exit record.
    Lost {
        /// Why, where that can be told.
        failure: Failure,
    },
    /// It never started.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// It was taken back before it started.
    Cancelled,
}

impl Outcome {
    /// The outcome that an exit record stands for, with what is known of it.
    #[must_use]
    pub fn of_exit(exit: Exit, failure: Option<Failure>) -> Self {
        match exit {
            Exit::Code(code) => Self::Exited { code, failure },
            Exit::Signal(signal) => Self::Signalled { signal, failure },
        }
    }

    /// The state that it shows as.
    #[must_use]
    pub fn state(&self) -> SessionState {
        match self {
            Self::Exited { .. } => SessionState::Exited,
            Self::Signalled { .. } => SessionState::Signalled,
            Self::TimedOut { .. } => SessionState::TimedOut,
            Self::Lost { .. } => SessionState::Lost,
            Self::Failed { .. } => SessionState::Failed,
            Self::Cancelled => SessionState::Cancelled,
        }
    }

    /// What the exit record says, where there was one.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        match self {
            Self::Exited { code, .. } => Some(Exit::Code(*code)),
            Self::Signalled { signal, .. } => Some(Exit::Signal(*signal)),
            Self::TimedOut { exit, .. } => *exit,
            Self::Lost { .. } | Self::Failed { .. } | Self::Cancelled => None,
        }
    }

    /// What went wrong, where something did.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Exited { failure, .. } | Self::Signalled { failure, .. } => failure.as_ref(),
            Self::TimedOut { failure, .. } | Self::Lost { failure } | Self::Failed { failure } => {
                Some(failure)
            }
            Self::Cancelled => None,
        }
    }
}

/// An order for a session's processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopOrder {
    /// The first signal's name, without `SIG`.
    pub signal: String,
    /// Seconds between that signal and KILL; `None` delivers the signal to the
    /// command's process group and ends nothing.
    pub grace_s: Option<u64>,
    /// When it was given.
    pub ordered_at: Timestamp,
    /// Whether it was given because the session's time was up.
    #[serde(default)]
    pub timed_out: bool,
}

impl StopOrder {
    /// The record of an order.
    #[must_use]
    pub fn given(order: Order, ordered_at: Timestamp, timed_out: bool) -> Self {
        let (signal, grace_s) = match order {
            Order::Signal(signal) => (signal, None),
            Order::Stop { signal, grace_s } => (signal, Some(grace_s)),
        };
        Self { signal, grace_s, ordered_at, timed_out }
    }

    /// The order.
    #[must_use]
    pub fn order(&self) -> Order {
        let signal = self.signal.clone();
        match self.grace_s {
            None => Order::Signal(signal),
            Some(grace_s) => Order::Stop { signal, grace_s },
        }
    }
}

/// Standard input of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stdin {
    /// Whether it is one that is sent to while the session runs.
    pub open: bool,
    /// Bytes taken from senders.
    pub accepted: u64,
    /// Bytes that are known to be in the spool there.
    pub delivered: u64,
    /// Whether its end was sent by somebody; the spool may not know yet.
    pub eof: bool,
}

#[cfg(test)]
impl SessionRecord {
    /// A session that was just taken in, for tests.
    pub(crate) fn sample(id: u64) -> Self {
        Self {
            id: SessionId::from_bits(id),
            name: None,
            agent: None,
            command: vec!["true".to_owned()],
            place: Place::Local,
            ssh: None,
            host: None,
            cwd: None,
            phase: Phase::Waiting,
            stop: None,
            created_at: Timestamp::from_millis(id),
            started_at: None,
            ended_at: None,
            timeout_s: None,
            start_within_s: None,
            start_within_given: false,
            stdin: Stdin::default(),
            stdout: 0,
            stderr: 0,
            idempotency_key: None,
            warnings: Vec::new(),
            max_output: None,
            revision: 0,
            spool_gone_at: None,
            request_digest: None,
            attempts: Attempts::default(),
            adopted_from: None,
            keeps_spool: false,
            agent_run: None,
            continues: None,
            ticket: Ticket::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::Retry;
    use super::*;
    use crate::domain::failure::{Disposition, Stage};

    fn failure() -> Failure {
        Failure {
            code: "agent.not-found".to_owned(),
            stage: Stage::Command,
            disposition: Disposition::Final,
            place: "box".to_owned(),
            message: "there is no claude on box".to_owned(),
            evidence: None,
            remedy: None,
        }
    }

    fn record(phase: Phase) -> SessionRecord {
        SessionRecord { phase, ..SessionRecord::sample(7) }
    }

    fn ended(outcome: Outcome) -> Phase {
        Phase::Ended { outcome }
    }

    fn every_phase() -> Vec<(Phase, SessionState)> {
        vec![
            (Phase::Waiting, SessionState::Waiting),
            (Phase::Starting, SessionState::Starting),
            (Phase::Running { pid: None }, SessionState::Running),
            (Phase::Running { pid: Some(7) }, SessionState::Running),
            (ended(Outcome::of_exit(Exit::Code(0), None)), SessionState::Exited),
            (ended(Outcome::of_exit(Exit::Code(127), Some(failure()))), SessionState::Exited),
            (ended(Outcome::of_exit(Exit::Signal(9), None)), SessionState::Signalled),
            (
                ended(Outcome::TimedOut { exit: Some(Exit::Signal(15)), failure: failure() }),
                SessionState::TimedOut,
            ),
            (ended(Outcome::Lost { failure: failure() }), SessionState::Lost),
            (ended(Outcome::Failed { failure: failure() }), SessionState::Failed),
            (ended(Outcome::Cancelled), SessionState::Cancelled),
        ]
    }

    #[test]
    fn every_phase_shows_as_its_state_and_is_live_until_that_has_ended() {
        for (phase, state) in every_phase() {
            let record = record(phase);
            assert_eq!(record.state(), state);
            assert_eq!(record.is_live(), !state.has_ended(), "{state:?}");
        }
    }

    #[test]
    fn what_is_looked_up_is_neither_started_nor_followed_by_another_attempt() {
        for (phase, _) in every_phase() {
            let mut before = record(phase);
            before.attempts.policy = RestartPolicy::OnLost(Retry::default());
            let after = before.clone().to_be_looked_up();
            if before.is_live() {
                assert_eq!(after.phase, Phase::Running { pid: None });
                assert_eq!(after.attempts.policy, RestartPolicy::Never);
            } else {
                assert_eq!(after, before);
            }
        }
    }

    #[test]
    fn an_order_to_stop_shows_until_the_end_and_not_after() {
        for (phase, state) in every_phase() {
            let stop = StopOrder {
                signal: "TERM".into(),
                grace_s: Some(5),
                ordered_at: Timestamp::from_millis(2),
                timed_out: false,
            };
            let record = SessionRecord { stop: Some(stop), ..record(phase) };
            let shown = if state.has_ended() { state } else { SessionState::Stopping };
            assert_eq!(record.state(), shown);
        }
    }

    #[test]
    fn an_exit_and_its_meaning_are_kept_side_by_side() {
        let outcome = Outcome::of_exit(Exit::Code(127), Some(failure()));
        assert_eq!(outcome.exit(), Some(Exit::Code(127)));
        assert_eq!(outcome.failure(), Some(&failure()));
    }

    #[test]
    fn only_an_exit_record_gives_an_exit() {
        for outcome in [
            Outcome::Lost { failure: failure() },
            Outcome::Failed { failure: failure() },
            Outcome::Cancelled,
            Outcome::TimedOut { exit: None, failure: failure() },
        ] {
            assert_eq!(outcome.exit(), None, "{outcome:?}");
        }
    }

    #[test]
    fn every_record_reads_back_as_it_was_written() {
        for (phase, _) in every_phase() {
            let record = record(phase);
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<SessionRecord>(&json).unwrap(), record);
        }
    }
}
