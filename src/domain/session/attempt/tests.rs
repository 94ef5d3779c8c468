//! The decision, by tables; the successor, by what it must not carry over.

use proptest::prelude::*;

use super::*;
use crate::domain::failure::trouble::{LinkTrouble, SessionTrouble};
use crate::domain::session::{Obstacle, Outcome};

const RETRY: Retry = Retry { limit: 2, backoff_s: 10 };
const ON_FAILURE: RestartPolicy = RestartPolicy::OnFailure(RETRY);
const ON_LOST: RestartPolicy = RestartPolicy::OnLost(RETRY);

fn attempts(policy: RestartPolicy, number: u32, ordered: Ordered) -> Attempts {
    Attempts { policy, number, ordered, ..Attempts::default() }
}

#[test]
fn only_an_end_that_says_that_it_is_dead_can_be_repeated() {
    let told = |ending| End::Told(ending);
    let stumbled = Ending::Stumbled { exit: Exit::Code(127), over: Obstacle::ProgramMissing };
    for (end, timed_out, death) in [
        (told(Ending::Ran(Exit::Code(0))), false, Death::Done),
        (told(Ending::Ran(Exit::Code(1))), false, Death::Failed),
        (told(Ending::Ran(Exit::Code(255))), false, Death::Failed),
        (told(Ending::Ran(Exit::Signal(9))), false, Death::BySignal),
        (told(Ending::Ran(Exit::Signal(15))), true, Death::TimedOut),
        (told(Ending::Ran(Exit::Code(0))), true, Death::TimedOut),
        (told(Ending::Lost(LostWhy::Killed)), false, Death::Lost),
        (told(Ending::Lost(LostWhy::Killed)), true, Death::Lost),
        (told(Ending::Lost(LostWhy::Rebooted)), false, Death::Lost),
        (told(Ending::Lost(LostWhy::SpoolGone)), false, Death::NotToRepeat),
        (told(Ending::Lost(LostWhy::Unknown)), false, Death::NotToRepeat),
        (told(stumbled), false, Death::NotToRepeat),
        (End::NeverRan(SessionTrouble::Cancelled), false, Death::NotToRepeat),
        (End::NoLink(LinkTrouble::Refused), false, Death::NotToRepeat),
        (End::Cancelled, false, Death::NotToRepeat),
    ] {
        assert_eq!(Death::of(&end, timed_out), death, "{end:?} {timed_out}");
    }
}

#[test]
fn each_policy_goes_on_after_its_own_ends() {
    use Death::{BySignal, Done, Failed, Lost, NotToRepeat, TimedOut};
    for (policy, goes_on) in [
        (RestartPolicy::Never, &[] as &[Death]),
        (ON_FAILURE, &[Failed, BySignal, TimedOut, Lost]),
        (ON_LOST, &[Lost]),
    ] {
        for death in [Done, Failed, BySignal, TimedOut, Lost, NotToRepeat] {
            let decided = attempts(policy, 1, Ordered::Nothing).go_on_after(death);
            assert_eq!(decided, goes_on.contains(&death), "{policy:?} {death:?}");
        }
    }
}

#[test]
fn what_a_person_ended_is_not_started_anew() {
    for death in [Death::Failed, Death::BySignal, Death::TimedOut, Death::Lost] {
        assert!(!attempts(ON_FAILURE, 1, Ordered::Stop).go_on_after(death), "{death:?}");
    }
    assert!(!attempts(ON_LOST, 1, Ordered::Stop).go_on_after(Death::Lost));
    let told = attempts(ON_FAILURE, 1, Ordered::Message);
    assert!(!told.go_on_after(Death::BySignal), "it may be that very signal");
    assert!(told.go_on_after(Death::Failed), "a message is no order to stop");
}

#[test]
fn an_order_is_to_stop_unless_it_is_a_message_or_job_control() {
    let stop = Order::Stop { signal: "TERM".into(), grace_s: 1 };
    assert_eq!(Ordered::by(&stop), Ordered::Stop);
    for (signal, amounts_to) in [
        ("INT", Ordered::Stop),
        ("QUIT", Ordered::Stop),
        ("HUP", Ordered::Message),
        ("USR1", Ordered::Message),
        ("WINCH", Ordered::Nothing),
        ("CONT", Ordered::Nothing),
    ] {
        assert_eq!(Ordered::by(&Order::Signal(signal.into())), amounts_to, "{signal}");
    }
}

#[test]
fn pauses_double_up_to_an_hour() {
    let pause = |number| RETRY.pause(number).as_secs();
    assert_eq!([pause(1), pause(2), pause(3), pause(20)], [10, 20, 40, 3600]);
    let long = Retry { limit: 9, backoff_s: 7200 };
    assert_eq!(long.pause(5).as_secs(), 7200);
    let endless = Retry { limit: 9, backoff_s: u64::MAX };
    assert_eq!(endless.pause(u32::MAX).as_secs(), 30 * 24 * 3600);
    assert_eq!(Retry { limit: 9, backoff_s: 0 }.pause(5), Duration::ZERO);
}

/// A record of an attempt that has ended, with the next decided on.
fn ended(number: u32) -> SessionRecord {
    let outcome = Outcome::of_exit(Exit::Code(1), None);
    let mut record = SessionRecord::sample(7);
    record.phase = Phase::Ended { outcome };
    record.name = Some("nightly".parse().unwrap());
    record.idempotency_key = Some("key".into());
    record.request_digest = Some("digest".into());
    (record.stdout, record.stderr) = (9, 9);
    record.started_at = Some(Timestamp::from_millis(1));
    record.ended_at = Some(Timestamp::from_millis(5_000));
    record.stdin = Stdin { open: true, accepted: 9, delivered: 7, eof: true };
    record.attempts = Attempts {
        next: Some(SessionId::from_bits(8)),
        launch_kept: true,
        ..attempts(ON_FAILURE, number, Ordered::Message)
    };
    record
}

#[test]
fn a_successor_has_what_it_was_started_with_and_nothing_of_what_came_of_it() {
    let before = ended(2);
    let next = before.successor().unwrap();
    assert_eq!(next.id, SessionId::from_bits(8));
    assert_eq!((&next.name, &next.command), (&before.name, &before.command));
    assert_eq!(next.phase, Phase::Waiting);
    assert_eq!((next.stdout, next.stderr, next.started_at, next.ended_at), (0, 0, None, None));
    assert_eq!(next.stdin, Stdin { open: true, accepted: 9, delivered: 0, eof: true });
    assert_eq!((next.idempotency_key, next.request_digest), (None, None));
    let place = next.attempts;
    assert_eq!((place.number, place.ordered, place.next), (3, Ordered::Nothing, None));
    assert_eq!((place.first, place.previous), (Some(before.id.clone()), Some(before.id)));
    assert_eq!(place.starts_at, Some(Timestamp::from_millis(25_000)), "the second pause");
    assert!(place.launch_kept);
}

#[test]
fn a_record_from_before_there_were_attempts_is_a_first_one() {
    let mut json = serde_json::to_value(SessionRecord::sample(1)).unwrap();
    json.as_object_mut().unwrap().remove("attempts");
    json.as_object_mut().unwrap().remove("request_digest");
    let record: SessionRecord = serde_json::from_value(json).unwrap();
    assert_eq!(record.attempts, Attempts::default());
}

proptest! {
    /// However a policy is set and whatever happens, attempts come to an end.
    #[test]
    fn no_more_attempts_follow_than_the_limit_says(limit in 1u32..50, on_lost: bool) {
        let retry = Retry { limit, backoff_s: 1 };
        let policy = if on_lost { RestartPolicy::OnLost(retry) } else { RestartPolicy::OnFailure(retry) };
        let mut now = attempts(policy, 1, Ordered::Nothing);
        while now.go_on_after(Death::Lost) {
            now.number += 1;
        }
        prop_assert_eq!(now.number, policy.attempts());
    }
}
