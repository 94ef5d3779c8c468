use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * SECOND)
}

fn id(number: u64) -> SessionId {
    SessionId::from_bits(number)
}

/// A session that ended after so many seconds, with so much in its mirror.
fn ended(number: u64, seconds: u64, size: u64) -> Kept {
    Kept {
        id: id(number),
        ended_at: Some(at(seconds)),
        whole: true,
        has_spool: true,
        keeps_spool: false,
        size,
    }
}

fn limits(grace: Option<u64>, age: Option<u64>, size: Option<u64>) -> Retention {
    Retention {
        spool_grace: grace.map(Duration::from_secs),
        mirror_age: age.map(Duration::from_secs),
        mirror_size: size,
    }
}

#[test]
fn a_spool_goes_when_its_grace_is_over_and_not_before() {
    let retention = limits(Some(10), None, None);
    let sessions = [ended(1, 100, 5)];
    for (now, gone, due) in [
        (100, vec![], Some(at(110))),
        (109, vec![], Some(at(110))),
        (110, vec![id(1)], None),
        // The clock was set back.
        (50, vec![], Some(at(110))),
    ] {
        let plan = plan(&sessions, &retention, at(now));
        assert_eq!((plan.spools, plan.due), (gone, due), "at {now}");
        assert_eq!(plan.sessions, []);
    }
}

#[test]
fn a_spool_that_is_gone_is_not_removed_again() {
    let kept = Kept { has_spool: false, ..ended(1, 100, 5) };
    assert_eq!(plan(&[kept], &limits(Some(0), None, None), at(999)), Plan::default());
}

#[test]
fn a_spool_that_is_anothers_too_is_never_in_a_plan() {
    let kept = Kept { keeps_spool: true, ..ended(1, 100, 5) };
    let never = limits(Some(0), None, None);
    assert_eq!(plan(std::slice::from_ref(&kept), &never, at(999)), Plan::default());
    // The session itself goes like any other.
    let plan = plan(&[kept], &limits(Some(0), Some(10), None), at(999));
    assert_eq!((plan.spools, plan.sessions), (vec![], vec![(id(1), Why::TooOld)]));
}

#[test]
fn a_session_goes_by_age_and_its_spool_with_it() {
    let plan =
        plan(&[ended(1, 100, 5), ended(2, 150, 5)], &limits(Some(10), Some(60), None), at(165));
    assert_eq!(plan.sessions, [(id(1), Why::TooOld)]);
    assert_eq!(plan.spools, [id(2)]);
    assert_eq!(plan.due, Some(at(210)));
}

#[test]
fn the_oldest_go_first_until_the_rest_fits() {
    let sessions = [ended(3, 300, 40), ended(1, 100, 30), ended(2, 200, 30)];
    for (room, gone) in [
        (100, vec![]),
        (99, vec![1]),
        (70, vec![1]),
        (69, vec![1, 2]),
        (39, vec![1, 2, 3]),
        (0, vec![1, 2, 3]),
    ] {
        let plan = plan(&sessions, &limits(None, None, Some(room)), at(400));
        let expected: Vec<_> = gone.into_iter().map(|n| (id(n), Why::TooMuch)).collect();
        assert_eq!(plan.sessions, expected, "room for {room}");
    }
}

#[test]
fn a_running_session_takes_room_and_stays() {
    let running = Kept { ended_at: None, whole: false, ..ended(1, 0, 90) };
    let plan =
        plan(&[running, ended(2, 10, 5), ended(3, 20, 5)], &limits(None, None, Some(95)), at(30));
    assert_eq!(plan.sessions, [(id(2), Why::TooMuch)]);
}

#[test]
fn what_takes_nothing_makes_no_room() {
    let plan = plan(&[ended(1, 10, 0), ended(2, 20, 9)], &limits(None, None, Some(5)), at(30));
    assert_eq!(plan.sessions, [(id(2), Why::TooMuch)]);
}

#[test]
fn what_is_not_all_here_stays_on_both_sides() {
    let torn = Kept { whole: false, ..ended(1, 10, 9) };
    assert_eq!(plan(&[torn], &limits(Some(0), Some(0), Some(0)), at(99)), Plan::default());
}

#[test]
fn for_ever_is_for_ever() {
    let sessions = [ended(1, 0, u64::MAX), ended(2, 0, u64::MAX)];
    let never = Timestamp::from_millis(u64::MAX);
    assert_eq!(plan(&sessions, &Retention::FOR_EVER, never), Plan::default());
}

fn any_kept() -> impl Strategy<Value = Kept> {
    let ended_at = prop::option::weighted(0.8, 0u64..100);
    let spool = (any::<bool>(), any::<bool>());
    (0u64..40, ended_at, prop::bool::weighted(0.8), spool, 0u64..50).prop_map(
        |(number, ended_at, whole, (has_spool, keeps_spool), size)| Kept {
            id: id(number),
            ended_at: ended_at.map(at),
            whole,
            has_spool,
            keeps_spool,
            size,
        },
    )
}

fn any_sessions() -> impl Strategy<Value = Vec<Kept>> {
    prop::collection::vec(any_kept(), 0..20).prop_map(|mut all| {
        let mut seen = BTreeSet::new();
        all.retain(|kept| seen.insert(kept.id.to_string()));
        all
    })
}

fn any_retention() -> impl Strategy<Value = Retention> {
    let some = |most: u64| prop::option::of(0u64..most);
    (some(100), some(100), some(400)).prop_map(|(grace, age, size)| limits(grace, age, size))
}

proptest! {
    #[test]
    fn nothing_that_runs_or_is_not_all_here_or_is_anothers_is_in_a_plan(
        sessions in any_sessions(), retention in any_retention(), now in 0u64..200,
    ) {
        let plan = plan(&sessions, &retention, at(now));
        for gone in plan.spools.iter().chain(plan.sessions.iter().map(|(id, _)| id)) {
            let kept = sessions.iter().find(|kept| kept.id == *gone).unwrap();
            prop_assert!(kept.ended_at.is_some() && kept.whole, "{kept:?}");
            let is_own = kept.has_spool && !kept.keeps_spool;
            prop_assert!(is_own || !plan.spools.contains(&kept.id), "{kept:?}");
        }
    }

    #[test]
    fn for_size_only_as_many_go_as_have_to_and_the_oldest(
        sessions in any_sessions(), room in 0u64..400, now in 0u64..200,
    ) {
        let plan = plan(&sessions, &limits(None, None, Some(room)), at(now));
        let gone: BTreeSet<_> = plan.sessions.iter().map(|(id, _)| id.to_string()).collect();
        let size = |pick: &dyn Fn(&Kept) -> bool| -> u64 {
            sessions.iter().filter(|kept| pick(kept)).map(|kept| kept.size).sum()
        };
        let left = size(&|kept| !gone.contains(kept.id.as_str()));
        let may_go = |kept: &Kept| kept.whole && kept.ended_at.is_some() && kept.size > 0;
        let kept_ended: Vec<_> = sessions
            .iter()
            .filter(|kept| may_go(kept) && !gone.contains(kept.id.as_str()))
            .collect();
        prop_assert!(left <= room || kept_ended.is_empty());
        if let Some((last, _)) = plan.sessions.last() {
            let last = sessions.iter().find(|kept| kept.id == *last).unwrap();
            prop_assert!(left + last.size > room, "one more than had to");
            prop_assert!(kept_ended.iter().all(|kept| kept.ended_at >= last.ended_at));
        }
    }

    #[test]
    fn nothing_new_is_to_be_done_before_it_is_due(
        sessions in any_sessions(), retention in any_retention(), now in 0u64..150, later in 0u64..150,
    ) {
        let first = plan(&sessions, &retention, at(now));
        let gone: BTreeSet<_> = first.sessions.iter().map(|(id, _)| id.to_string()).collect();
        let left: Vec<Kept> = sessions
            .into_iter()
            .filter(|kept| !gone.contains(kept.id.as_str()))
            .map(|kept| Kept { has_spool: kept.has_spool && !first.spools.contains(&kept.id), ..kept })
            .collect();
        let then = now + later;
        let second = plan(&left, &retention, at(then));
        let idle = second.spools.is_empty() && second.sessions.is_empty();
        let is_due = first.due.is_some_and(|due| due <= at(then));
        prop_assert_eq!(idle, !is_due);
    }
}
