//! Which of the sessions that were found are taken in, and as what.

use super::spool::Spool;
use crate::domain::origin::Origin;
use crate::domain::queue::Ticket;
use crate::domain::session::attempt::Attempts;
use crate::domain::session::{Phase, SessionRecord, Stdin};
use crate::domain::target::{Place, SshRequest};
use crate::domain::timestamp::Timestamp;

/// The longest input that is gone on with; more was never sent by anybody.
const MAX_STDIN: u64 = 1 << 40;

/// What becomes of a session that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is taken in.
    Take,
    /// It is another's, who was not asked for.
    Leave,
}

/// Whether a session is taken in: what is `own`'s or its like, or `all`. One
/// that does not tell whose it is, is another's.
#[must_use]
pub fn choose(spool: &Spool, own: &Origin, all: bool) -> Choice {
    let akin = spool.meta.as_ref().is_some_and(|meta| meta.origin.is_akin_to(own));
    if all || akin { Choice::Take } else { Choice::Leave }
}

/// The record of a session that is taken in.
///
/// It counts as running, whatever the list said: the follower finds out, and
/// brings the exit record. Its input is gone on with, and its time is kept,
/// where the session is `own`'s: two that add to one input would lose each
/// other's bytes.
#[must_use]
pub fn record(
    spool: &Spool,
    place: &Place,
    ssh: Option<&SshRequest>,
    own: &Origin,
    now: Timestamp,
) -> SessionRecord {
    let meta = spool.meta.as_ref();
    let akin = meta.is_some_and(|meta| meta.origin.is_akin_to(own));
    let stays_open = meta.is_some_and(|meta| meta.stdin_open) && spool.stdin <= MAX_STDIN;
    let goes_on = akin && stays_open;
    let stdin = Stdin {
        open: goes_on,
        accepted: if goes_on { spool.stdin } else { 0 },
        delivered: if goes_on { spool.stdin } else { 0 },
        eof: goes_on && spool.stdin_ended,
    };
    SessionRecord {
        id: spool.id.clone(),
        name: meta.and_then(|meta| meta.name.clone()),
        agent: meta.and_then(|meta| meta.agent.clone()),
        command: meta.map(|meta| meta.command.clone()).unwrap_or_default(),
        place: place.clone(),
        ssh: ssh.cloned(),
        host: ssh.map(|ssh| ssh.host.clone()),
        cwd: meta.and_then(|meta| meta.cwd.clone()),
        phase: Phase::Running { pid: None },
        stop: None,
        created_at: meta.map_or(now, |meta| meta.created_at.min(now)),
        started_at: meta.map(|meta| meta.started_at.min(now)),
        ended_at: None,
        // Counted from when another's clock said that it started, it could be up
        // at once.
        timeout_s: meta.filter(|_| akin).and_then(|meta| meta.timeout_s),
        start_within_s: None,
        start_within_given: false,
        stdin,
        stdout: 0,
        stderr: 0,
        idempotency_key: None,
        warnings: Vec::new(),
        max_output: meta.and_then(|meta| meta.max_output),
        revision: 0,
        spool_gone_at: None,
        request_digest: None,
        // What it was started with is not known, so it is never started anew.
        attempts: Attempts::default(),
        adopted_from: meta.map(|meta| meta.origin.clone()).filter(|origin| origin.id != own.id),
        agent_run: None,
        continues: None,
        keeps_spool: meta.is_none_or(|meta| meta.origin.id != own.id),
        ticket: Ticket::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::adopt::meta::Meta;
    use crate::domain::adopt::spool::parse;

    fn own() -> Origin {
        Origin::sample(1, "ann")
    }

    fn spool_of(origin: Option<Origin>) -> Spool {
        let mut spool = parse("0000000007 5 6 7 open running").expect("a spool");
        let stdin = Stdin { open: true, ..Stdin::default() };
        let timeout_s = Some(60);
        let record = SessionRecord { stdin, timeout_s, ..SessionRecord::sample(7) };
        spool.meta = origin.map(|origin| Meta::of(&record, &origin, Timestamp::from_millis(50)));
        spool
    }

    fn taken(spool: &Spool) -> SessionRecord {
        record(spool, &Place::Local, None, &own(), Timestamp::from_millis(99))
    }

    #[test]
    fn ones_own_are_taken_in_and_others_only_when_asked_for() {
        for (origin, by_default) in [
            (Some(Origin::sample(1, "bob")), Choice::Take),
            (Some(Origin::sample(2, "ann")), Choice::Take),
            (Some(Origin::sample(2, "bob")), Choice::Leave),
            (None, Choice::Leave),
        ] {
            let spool = spool_of(origin.clone());
            assert_eq!(choose(&spool, &own(), false), by_default, "{origin:?}");
            assert_eq!(choose(&spool, &own(), true), Choice::Take, "{origin:?}");
        }
    }

    #[test]
    fn input_goes_on_behind_what_is_there_and_never_beside_another_sender() {
        let mine = taken(&spool_of(Some(Origin::sample(2, "ann")))).stdin;
        assert_eq!((mine.open, mine.accepted, mine.delivered), (true, 7, 7));
        for other in [Some(Origin::sample(2, "bob")), None] {
            assert_eq!(taken(&spool_of(other)).stdin, Stdin::default());
        }
    }

    #[test]
    fn only_ones_own_clock_says_when_the_time_is_up() {
        let timeout = |origin| taken(&spool_of(Some(origin))).timeout_s;
        assert_eq!(timeout(Origin::sample(2, "ann")), Some(60));
        assert_eq!(timeout(Origin::sample(2, "bob")), None);
    }

    #[test]
    fn a_spool_that_another_state_directory_made_is_not_ours_to_expire() {
        for (origin, keeps) in [
            (Some(Origin::sample(1, "ann")), false),
            (Some(Origin::sample(2, "ann")), true),
            (None, true),
        ] {
            assert_eq!(taken(&spool_of(origin.clone())).keeps_spool, keeps, "{origin:?}");
        }
    }

    #[test]
    fn the_cap_that_a_session_was_started_with_is_known() {
        let mut spool = spool_of(Some(own()));
        let cap = "2 MB".parse().ok();
        spool.meta.as_mut().expect("one").max_output = cap;
        assert_eq!((taken(&spool).max_output, cap.is_some()), (cap, true));
    }

    #[test]
    fn times_that_are_yet_to_come_are_now() {
        let mut spool = spool_of(Some(own()));
        let meta = spool.meta.as_mut().expect("one");
        meta.created_at = Timestamp::from_millis(u64::MAX);
        let record = taken(&spool);
        assert_eq!(record.created_at, Timestamp::from_millis(99));
        assert_eq!(record.started_at, Some(Timestamp::from_millis(50)));
    }
}
