//! What a session brings along to the queue.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::ids::ClientName;
use crate::domain::timestamp::Timestamp;

/// Whose turn comes before whose.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// After those that are normal.
    Low,
    /// As all that say nothing.
    #[default]
    Normal,
    /// Before those that are normal.
    High,
}

/// A word that is no priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write low, normal or high")]
pub struct NoPriority;

impl Priority {
    /// The name that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = NoPriority;

    fn from_str(text: &str) -> Result<Self, NoPriority> {
        let all = [Self::Low, Self::Normal, Self::High];
        all.into_iter().find(|priority| priority.as_str() == text).ok_or(NoPriority)
    }
}

/// A session's part of the queue, as its record keeps it. Its place is not in
/// it: sessions that wait are in the order in which the registry took them in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// Whose turn comes before whose.
    pub priority: Priority,
    /// Who asked for it, where they said so: turns go round between them.
    pub client: Option<ClientName>,
    /// Whether it had to wait, and its turn has not come.
    pub waits: bool,
    /// When its turn came; `None` for one that never had to wait.
    pub turn_at: Option<Timestamp>,
}

impl Ticket {
    /// Its turn has come; whether it had waited for it.
    pub fn turn_came(&mut self, now: Timestamp) -> bool {
        let waited = std::mem::take(&mut self.waits);
        if waited {
            self.turn_at = Some(now);
        }
        waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_reads_back_as_it_is_written() {
        for priority in [Priority::Low, Priority::Normal, Priority::High] {
            assert_eq!(priority.to_string().parse(), Ok(priority));
        }
        assert_eq!("urgent".parse::<Priority>(), Err(NoPriority));
        assert!(Priority::Low < Priority::Normal && Priority::Normal < Priority::High);
    }

    #[test]
    fn a_record_from_before_there_was_a_queue_never_waited() {
        let ticket: Ticket = serde_json::from_str("{}").expect("a ticket");
        assert_eq!(ticket, Ticket::default());
        assert!(!ticket.waits);
    }
}
