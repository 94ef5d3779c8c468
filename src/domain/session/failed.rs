//! Which failures of sessions are still worth a look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::SessionRecord;
use crate::domain::failure::Failure;
use crate::domain::ids::{AgentName, SessionId, SessionName};
use crate::domain::target::Place;
use crate::domain::timestamp::Timestamp;

/// How long a failure is told of, if nothing settles it.
pub const TOLD_FOR: Duration = Duration::from_hours(24);

/// Sessions that failed at one place in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSessions {
    /// The place.
    pub place: String,
    /// How many they are.
    pub sessions: u32,
    /// The one that was taken in last.
    pub session: SessionId,
    /// Its name.
    pub name: Option<SessionName>,
    /// When it ended, in RFC 3339.
    pub ended_at: Option<String>,
    /// What went wrong with it.
    pub failure: Failure,
}

/// What a session does, and where: another of the same has the same trouble, or
/// shows that it is over.
type Work<'a> = (&'a Place, Result<&'a AgentName, &'a [String]>, Option<&'a str>);

fn work(record: &SessionRecord) -> Work<'_> {
    let what = record.agent.as_ref().ok_or(record.command.as_slice());
    (&record.place, what, record.cwd.as_deref())
}

/// What of `records`, the newest first, failed within [`TOLD_FOR`] before `now`,
/// by place and code, the newest first: without what another attempt went on
/// with, and without what a later session of the same has got past.
#[must_use]
pub fn unsettled(records: &[SessionRecord], now: Timestamp) -> Vec<FailedSessions> {
    let mut settled = BTreeSet::new();
    let mut known: BTreeMap<(&Place, &str), usize> = BTreeMap::new();
    let mut found: Vec<FailedSessions> = Vec::new();
    for record in records {
        let Some(failure) = record.failure() else {
            if record.started_at.is_some() {
                settled.insert(work(record));
            }
            continue;
        };
        let ended_at = record.ended_at.unwrap_or(record.created_at);
        let is_old = ended_at.until(now) > TOLD_FOR;
        if is_old || record.attempts.next.is_some() || settled.contains(&work(record)) {
            continue;
        }
        let at = *known.entry((&record.place, &failure.code)).or_insert_with(|| {
            found.push(FailedSessions {
                place: record.place.to_string(),
                sessions: 0,
                session: record.id.clone(),
                name: record.name.clone(),
                ended_at: Some(ended_at.to_string()),
                failure: failure.clone(),
            });
            found.len() - 1
        });
        found[at].sessions += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::classify::session_failure;
    use crate::domain::failure::trouble::SessionTrouble;
    use crate::domain::failure::whereabouts::Whereabouts;
    use crate::domain::session::{Outcome, Phase};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn failed(id: u64, trouble: &SessionTrouble) -> SessionRecord {
        let failure = session_failure(trouble, &Whereabouts::local());
        SessionRecord {
            phase: Phase::Ended { outcome: Outcome::Failed { failure } },
            ended_at: Some(NOW),
            ..SessionRecord::sample(id)
        }
    }

    fn no_setsid(id: u64) -> SessionRecord {
        failed(id, &SessionTrouble::NoSetsid)
    }

    fn ran(id: u64, phase: Phase) -> SessionRecord {
        SessionRecord { phase, started_at: Some(NOW), ..SessionRecord::sample(id) }
    }

    fn ids(records: &[SessionRecord]) -> Vec<(SessionId, u32)> {
        let found = unsettled(records, NOW).into_iter();
        found.map(|failed| (failed.session, failed.sessions)).collect()
    }

    fn id(bits: u64) -> SessionId {
        SessionId::from_bits(bits)
    }

    #[test]
    fn a_code_is_told_once_for_a_place_by_its_newest_session() {
        let timed_out = failed(3, &SessionTrouble::TimedOut { seconds: 1 });
        let there = SessionRecord { place: Place::Remote("box".parse().unwrap()), ..no_setsid(2) };
        let all = [no_setsid(4), timed_out, there, no_setsid(1)];
        assert_eq!(ids(&all), [(id(4), 2), (id(3), 1), (id(2), 1)]);
    }

    #[test]
    fn what_a_later_session_got_past_is_settled() {
        let ended = Phase::Ended { outcome: Outcome::Exited { code: 1, failure: None } };
        for later in [ended.clone(), Phase::Running { pid: None }] {
            assert_eq!(ids(&[ran(2, later), no_setsid(1)]), []);
        }
        // One that began before, one of something else, one that has not begun.
        assert_eq!(ids(&[no_setsid(2), ran(1, ended.clone())]), [(id(2), 1)]);
        let elsewhere = SessionRecord { cwd: Some("/srv".to_owned()), ..ran(2, ended.clone()) };
        assert_eq!(ids(&[elsewhere, no_setsid(1)]), [(id(1), 1)]);
        let other = SessionRecord { command: vec!["make".to_owned()], ..ran(2, ended) };
        assert_eq!(ids(&[other, no_setsid(1)]), [(id(1), 1)]);
        assert_eq!(ids(&[SessionRecord::sample(2), no_setsid(1)]), [(id(1), 1)]);
    }

    #[test]
    fn what_another_attempt_went_on_with_or_was_long_ago_is_not_told() {
        let mut tried_again = no_setsid(1);
        tried_again.attempts.next = Some(id(2));
        assert_eq!(ids(&[tried_again]), []);
        let mut old = no_setsid(1);
        let day = u64::try_from(TOLD_FOR.as_millis()).unwrap();
        old.ended_at = Some(Timestamp::from_millis(NOW.as_millis() - day));
        assert_eq!(ids(std::slice::from_ref(&old)), [(id(1), 1)]);
        old.ended_at = Some(Timestamp::from_millis(NOW.as_millis() - day - 1));
        assert_eq!(ids(&[old]), []);
    }
}
