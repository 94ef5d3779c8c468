//! What is kept of sessions that have ended, and for how long.
//!
//! Two things take room: the spool on the machine where a session ran, and the
//! session itself, that is, its mirror and its record here. A spool is of no
//! use once all of it is in the mirror; a session goes when it is old, or when
//! all of them together take too much. What is not here in full is never
//! removed by itself: somebody may want to look into why. Nor is a spool that is
//! another control machine's: that one has limits of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::SessionId;
use super::timestamp::Timestamp;

/// How long things are kept; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long a spool outlives its session.
    pub spool_grace: Option<Duration>,
    /// How long a mirror outlives its session.
    pub mirror_age: Option<Duration>,
    /// Bytes that all mirrors together may take; the oldest go first.
    pub mirror_size: Option<u64>,
}

impl Retention {
    /// Long enough to look at a host where something went wrong.
    pub const DEFAULT_SPOOL_GRACE: Duration = Duration::from_secs(3_600);
    /// Long enough to come back to last month's runs.
    pub const DEFAULT_MIRROR_AGE: Duration = Duration::from_secs(30 * 86_400);
    /// Bytes: little enough for a laptop's disk.
    pub const DEFAULT_MIRROR_SIZE: u64 = 20_000_000_000;
    /// Nothing is ever removed by itself.
    pub const FOR_EVER: Self = Self { spool_grace: None, mirror_age: None, mirror_size: None };
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            spool_grace: Some(Self::DEFAULT_SPOOL_GRACE),
            mirror_age: Some(Self::DEFAULT_MIRROR_AGE),
            mirror_size: Some(Self::DEFAULT_MIRROR_SIZE),
        }
    }
}

/// A session, as far as this matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: SessionId,
    /// When it ended; `None` while it has not.
    pub ended_at: Option<Timestamp>,
    /// Whether all that it wrote is known to be in its mirror.
    pub whole: bool,
    /// Whether its spool is there, or may be.
    pub has_spool: bool,
    /// Whether that spool is another control machine's, too: it stays until
    /// somebody says that it goes.
    pub keeps_spool: bool,
    /// Bytes that its mirror takes.
    pub size: u64,
}

/// Why something is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The spool outlived its session for as long as it may.
    GraceOver,
    /// The session ended longer ago than mirrors are kept.
    TooOld,
    /// All mirrors together take more than they may.
    TooMuch,
    /// Somebody asked for it.
    Asked,
}

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Spools, those whose session ended first in front.
    pub spools: Vec<SessionId>,
    /// Whole sessions, the same way. Their spools go with them, but for those
    /// that are another's, too.
    pub sessions: Vec<(SessionId, Why)>,
    /// When there will be more to remove, if nothing else happens.
    pub due: Option<Timestamp>,
}

/// Says what is to be removed now.
///
/// A session that has not ended, or whose output is not all here, is in no
/// plan.
#[must_use]
pub fn plan(sessions: &[Kept], retention: &Retention, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let mut taken: u64 = sessions.iter().map(|kept| kept.size).fold(0, u64::saturating_add);
    let mut ended: Vec<(Timestamp, &Kept)> = sessions
        .iter()
        .filter(|kept| kept.whole)
        .filter_map(|kept| Some((kept.ended_at?, kept)))
        .collect();
    // By id where the clock does not tell them apart, so that a plan that is
    // made twice is the same.
    ended.sort_by(|(a, x), (b, y)| (a, x.id.as_str()).cmp(&(b, y.id.as_str())));
    for (ended_at, kept) in ended {
        let age = ended_at.until(now);
        let why = if retention.mirror_age.is_some_and(|most| age >= most) {
            Some(Why::TooOld)
        } else if retention.mirror_size.is_some_and(|most| taken > most) && kept.size > 0 {
            // What takes nothing makes no room.
            Some(Why::TooMuch)
        } else {
            None
        };
        if let Some(why) = why {
            taken = taken.saturating_sub(kept.size);
            plan.sessions.push((kept.id.clone(), why));
            continue;
        }
        plan.expect(due(ended_at, retention.mirror_age));
        if kept.has_spool && !kept.keeps_spool {
            if retention.spool_grace.is_some_and(|grace| age >= grace) {
                plan.spools.push(kept.id.clone());
            } else {
                plan.expect(due(ended_at, retention.spool_grace));
            }
        }
    }
    plan
}

/// When something that ended at `ended_at` has been kept for `limit`.
fn due(ended_at: Timestamp, limit: Option<Duration>) -> Option<Timestamp> {
    let millis = u64::try_from(limit?.as_millis()).unwrap_or(u64::MAX);
    Some(Timestamp::from_millis(ended_at.as_millis().saturating_add(millis)))
}

impl Plan {
    fn expect(&mut self, at: Option<Timestamp>) {
        self.due = match (self.due, at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

#[cfg(test)]
mod tests;
