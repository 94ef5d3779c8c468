//! Attempts: whether a session that has ended is started anew, and when.
//!
//! A new attempt is a session of its own, with its own id, claim and spool,
//! linked to the ones before it. It is decided on only from an end that says
//! that the earlier processes are dead; what nobody can tell is no such end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ending::Ending;
use super::fsm::{End, Order};
use super::record::{Phase, SessionRecord, Stdin};
use super::state::Exit;
use crate::domain::backoff::Backoff;
use crate::domain::failure::trouble::LostWhy;
use crate::domain::ids::SessionId;
use crate::domain::queue::Ticket;
use crate::domain::timestamp::Timestamp;

/// When a session that has ended is started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Never.
    #[default]
    Never,
    /// After a status other than 0, a signal that nobody here sent, a time-out,
    /// or when it was lost.
    OnFailure(Retry),
    /// Only when it was lost.
    OnLost(Retry),
}

/// How often, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// How many attempts may follow the first; from 1.
    pub limit: u32,
    /// Seconds before the second attempt; doubled before each further one, up
    /// to an hour, or for ever this long where it is more than that; at most 30
    /// days.
    pub backoff_s: u64,
}

impl Default for Retry {
    /// Few enough that an agent that fails for a reason does not spend a night
    /// on it.
    fn default() -> Self {
        Self { limit: 3, backoff_s: 10 }
    }
}

impl Retry {
    /// No pause grows beyond this.
    const CAP: Duration = Duration::from_secs(3600);
    /// No pause is longer, whatever was asked for.
    const MOST_S: u64 = 30 * 24 * 3600;

    /// The pause after attempt `number`, from 1. No jitter: attempts of many
    /// sessions share their connections, so they bring no storm.
    #[must_use]
    pub fn pause(&self, number: u32) -> Duration {
        let first = Duration::from_secs(self.backoff_s.min(Self::MOST_S));
        Backoff { first, cap: first.max(Self::CAP) }.delay(number, 1.0)
    }
}

impl RestartPolicy {
    /// How often and how soon; `None` for never.
    #[must_use]
    pub fn retry(&self) -> Option<&Retry> {
        match self {
            Self::Never => None,
            Self::OnFailure(retry) | Self::OnLost(retry) => Some(retry),
        }
    }

    /// How many attempts there may be in all.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.retry().map_or(1, |retry| retry.limit.saturating_add(1))
    }
}

/// What a person did to a session, as far as it bears on its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ordered {
    /// Nothing that could have ended it.
    #[default]
    Nothing,
    /// A signal that many programs take for a message, and others die of.
    Message,
    /// To stop.
    Stop,
}

impl Ordered {
    /// What an order amounts to.
    #[must_use]
    pub fn by(order: &Order) -> Self {
        match order {
            Order::Stop { .. } => Self::Stop,
            Order::Signal(signal) => match signal.as_str() {
                "CONT" | "STOP" | "TSTP" | "TTIN" | "TTOU" | "WINCH" => Self::Nothing,
                "HUP" | "USR1" | "USR2" => Self::Message,
                // Ctrl-C is INT: many programs catch it and exit with a status.
                _ => Self::Stop,
            },
        }
    }
}

/// An end, as far as it bears on a new attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The command exited with 0.
    Done,
    /// The command exited with another status.
    Failed,
    /// A signal ended the command.
    BySignal,
    /// Its time was up.
    TimedOut,
    /// The host says that its processes are gone without an exit record.
    Lost,
    /// It never ran, would fail again in the same way, or nobody can tell that
    /// its processes are gone.
    NotToRepeat,
}

impl Death {
    /// What an end amounts to. `timed_out` if it was stopped for its limit.
    #[must_use]
    pub fn of(end: &End, timed_out: bool) -> Self {
        match end {
            End::Told(Ending::Ran(_) | Ending::Starved(_)) if timed_out => Self::TimedOut,
            End::Told(Ending::Ran(exit) | Ending::Starved(exit)) => match exit {
                Exit::Code(0) => Self::Done,
                Exit::Code(_) => Self::Failed,
                Exit::Signal(_) => Self::BySignal,
            },
            End::Told(Ending::Lost(LostWhy::Killed | LostWhy::Rebooted)) => Self::Lost,
            // Without its spool nothing is known of its processes.
            End::Told(Ending::Lost(LostWhy::SpoolGone | LostWhy::Unknown)) => Self::NotToRepeat,
            // A program that is not there is not there the next time.
            End::Told(Ending::Stumbled { .. }) => Self::NotToRepeat,
            End::NeverRan(_) | End::NoLink(_) | End::Cancelled => Self::NotToRepeat,
        }
    }
}

/// A session's place among its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempts {
    /// When another one follows.
    pub policy: RestartPolicy,
    /// Which one this is, from 1.
    pub number: u32,
    /// The first one; `None` for the first itself.
    pub first: Option<SessionId>,
    /// The one before.
    pub previous: Option<SessionId>,
    /// The one after, from the moment that it is decided on.
    pub next: Option<SessionId>,
    /// It does not start before this.
    pub starts_at: Option<Timestamp>,
    /// What a person did to this one.
    pub ordered: Ordered,
    /// Whether it has a launch file, so that one that is missing is missed.
    pub launch_kept: bool,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::Never,
            number: 1,
            first: None,
            previous: None,
            next: None,
            starts_at: None,
            ordered: Ordered::Nothing,
            launch_kept: false,
        }
    }
}

impl Attempts {
    /// Whether another attempt follows this death, by the policy, by how many
    /// there were, and by what a person did.
    #[must_use]
    pub fn go_on_after(&self, death: Death) -> bool {
        let Some(retry) = self.policy.retry() else { return false };
        let wanted = match (death, self.policy) {
            (Death::Lost, _) => true,
            (Death::Failed | Death::TimedOut, RestartPolicy::OnFailure(_)) => true,
            (Death::BySignal, RestartPolicy::OnFailure(_)) => self.ordered == Ordered::Nothing,
            _ => false,
        };
        wanted && self.ordered != Ordered::Stop && self.number <= retry.limit
    }
}

impl SessionRecord {
    /// The attempt after this one, where one was decided on: what it was
    /// started with, and nothing of what came of it.
    #[must_use]
    pub fn successor(&self) -> Option<Self> {
        let (next, ended_at) = (self.attempts.next.clone()?, self.ended_at?);
        let pause = self.attempts.policy.retry()?.pause(self.attempts.number);
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        let starts_at = Timestamp::from_millis(ended_at.as_millis().saturating_add(pause));
        Some(Self {
            id: next,
            name: self.name.clone(),
            agent: self.agent.clone(),
            command: self.command.clone(),
            place: self.place.clone(),
            ssh: self.ssh.clone(),
            host: self.host.clone(),
            cwd: self.cwd.clone(),
            phase: Phase::Waiting,
            stop: None,
            created_at: ended_at,
            started_at: None,
            ended_at: None,
            timeout_s: self.timeout_s,
            // Nobody sits there and waits: it is tried until it can be started.
            start_within_s: None,
            start_within_given: false,
            // The same input, from its beginning.
            stdin: Stdin { delivered: 0, ..self.stdin },
            stdout: 0,
            stderr: 0,
            // Told of the host as it is then.
            warnings: Vec::new(),
            // It waits for a turn of its own.
            ticket: Ticket {
                priority: self.ticket.priority,
                client: self.ticket.client.clone(),
                ..Ticket::default()
            },
            max_output: self.max_output,
            revision: 0,
            spool_gone_at: None,
            // Whoever began the work, this attempt and its spool are ours.
            adopted_from: None,
            keeps_spool: false,
            agent_run: self.agent_run.as_ref().map(|run| Box::new(run.unheard())),
            continues: self.continues.clone(),
            // A request is answered with the first.
            idempotency_key: None,
            request_digest: None,
            attempts: Attempts {
                policy: self.attempts.policy,
                number: self.attempts.number.saturating_add(1),
                first: Some(self.attempts.first.clone().unwrap_or_else(|| self.id.clone())),
                previous: Some(self.id.clone()),
                next: None,
                starts_at: Some(starts_at),
                ordered: Ordered::Nothing,
                launch_kept: self.attempts.launch_kept,
            },
        })
    }
}

#[cfg(test)]
mod tests;
