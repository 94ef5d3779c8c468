use proptest::prelude::*;

use super::*;
use crate::domain::session::Exit;

fn stop() -> Order {
    Order::Stop { signal: "TERM".into(), grace_s: 10 }
}

fn asked(effects: &[Effect]) -> (Epoch, bool) {
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::RequestChannel { epoch, starts } => Some((*epoch, *starts)),
        _ => None,
    });
    asked.unwrap_or_else(|| panic!("no request in {effects:?}"))
}

fn follower(effects: &[Effect]) -> (Epoch, bool) {
    let follower = effects.iter().find_map(|effect| match effect {
        Effect::RunFollower { epoch, starts } => Some((*epoch, *starts)),
        _ => None,
    });
    follower.unwrap_or_else(|| panic!("no follower in {effects:?}"))
}

fn order_try(effects: &[Effect]) -> Epoch {
    let epoch = effects.iter().find_map(|effect| match effect {
        Effect::CarryOut { epoch, .. } => Some(*epoch),
        _ => None,
    });
    epoch.unwrap_or_else(|| panic!("no order in {effects:?}"))
}

fn asking() -> (SessionFsm, Epoch) {
    let (mut fsm, effects) = SessionFsm::begin(Known::Unsent, None, false);
    assert_eq!(effects, [Effect::Prepare]);
    let (epoch, starts) = asked(&fsm.step(Input::Prepared));
    assert!(starts);
    (fsm, epoch)
}

fn starting() -> (SessionFsm, Epoch) {
    let (mut fsm, epoch) = asking();
    let effects = fsm.step(Input::Granted { epoch });
    assert!(effects.contains(&Effect::RecordStarting), "before the launch is sent: {effects:?}");
    let (epoch, starts) = follower(&effects);
    assert!(starts);
    (fsm, epoch)
}

fn running() -> (SessionFsm, Epoch) {
    let (mut fsm, epoch) = starting();
    assert_eq!(fsm.step(Input::Claimed { epoch }), [Effect::RecordRunning]);
    (fsm, epoch)
}

#[test]
fn a_session_ends_as_its_record_says() {
    let (mut fsm, epoch) = running();
    let ending = Ending::Ran(Exit::Code(3));
    let told = Input::FollowerEnded { epoch, how: FollowEnd::Ended(ending) };
    assert_eq!(fsm.step(told), [Effect::End(End::Told(ending))]);
    assert!(fsm.is_over());
}

#[test]
fn a_launch_whose_answer_was_lost_is_sent_with_the_same_claim_and_then_followed() {
    let (mut fsm, epoch) = starting();
    let (epoch, starts) =
        asked(&fsm.step(Input::FollowerEnded { epoch, how: FollowEnd::Cut { held: true } }));
    assert!(starts, "nobody knows whether it was claimed");
    let (epoch, starts) = follower(&fsm.step(Input::Granted { epoch }));
    assert!(starts);
    let claimed = Input::FollowerEnded { epoch, how: FollowEnd::AlreadyClaimed };
    let effects = fsm.step(claimed);
    assert!(effects.contains(&Effect::RecordRunning));
    assert!(!asked(&effects).1, "from here on it is only followed");
}

#[test]
fn a_running_session_that_lost_its_link_is_followed_again() {
    let (mut fsm, epoch) = running();
    let (_, starts) =
        asked(&fsm.step(Input::FollowerEnded { epoch, how: FollowEnd::Cut { held: true } }));
    assert!(!starts);
}

#[test]
fn a_session_that_was_never_sent_fails_with_its_link() {
    let (mut fsm, epoch) = asking();
    let trouble = LinkTrouble::NoRoute;
    let denied = Input::Denied { epoch, trouble: trouble.clone() };
    assert_eq!(fsm.step(denied), [Effect::End(End::NoLink(trouble))]);
}

#[test]
fn a_session_that_may_run_outlives_its_links_failure() {
    let (mut fsm, epoch) = starting();
    let (epoch, _) =
        asked(&fsm.step(Input::FollowerEnded { epoch, how: FollowEnd::Cut { held: true } }));
    let effects = fsm.step(Input::Denied { epoch, trouble: LinkTrouble::NoRoute });
    assert!(matches!(effects[..], [Effect::Pause { .. }]), "{effects:?}");
}

#[test]
fn a_stop_before_the_launch_was_sent_cancels() {
    let (mut fsm, _) = asking();
    let effects = fsm.step(Input::StopOrdered(stop()));
    assert_eq!(effects, [Effect::StandDown, Effect::End(End::Cancelled)]);
}

#[test]
fn a_stop_while_nobody_knows_waits_for_the_claim() {
    let (mut fsm, epoch) = starting();
    assert_eq!(fsm.step(Input::StopOrdered(stop())), [Effect::RecordOrder(Some(stop()))]);
    order_try(&fsm.step(Input::Claimed { epoch }));
}

#[test]
fn a_stop_is_tried_until_it_is_known_to_be_done() {
    let (mut fsm, follower) = running();
    let mut epoch = order_try(&fsm.step(Input::StopOrdered(stop())));
    for how in [OrderEnd::Cut, OrderEnd::TooEarly, OrderEnd::Survivors(vec![7]), OrderEnd::Cut] {
        epoch = order_try(&fsm.step(Input::OrderDone { epoch, how }));
    }
    assert_eq!(fsm.step(Input::OrderDone { epoch, how: OrderEnd::Done }), []);
    let ending = Ending::Ran(Exit::Signal(15));
    let told = Input::FollowerEnded { epoch: follower, how: FollowEnd::Ended(ending) };
    assert_eq!(fsm.step(told), [Effect::End(End::Told(ending))]);
}

/// The pause before an order's next try, in milliseconds.
fn order_pause(effects: &[Effect]) -> u64 {
    let after = effects.iter().find_map(|effect| match effect {
        Effect::CarryOut { after_millis, .. } => Some(*after_millis),
        _ => None,
    });
    after.unwrap_or_else(|| panic!("no order in {effects:?}"))
}

#[test]
fn an_order_that_fails_is_tried_again_after_ever_longer_pauses() {
    for how in [OrderEnd::Cut, OrderEnd::Failed, OrderEnd::TooEarly] {
        let (mut fsm, _) = running();
        let mut effects = fsm.step(Input::StopOrdered(stop()));
        assert_eq!(order_pause(&effects), 0);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let epoch = order_try(&effects);
            effects = fsm.step(Input::OrderDone { epoch, how: how.clone() });
            pauses.push(order_pause(&effects));
        }
        assert!(pauses[0] >= 200 && pauses.is_sorted() && pauses[9] >= 5_000, "{pauses:?}");
        let fresh = fsm.step(Input::StopOrdered(stop()));
        assert_eq!(order_pause(&fresh), 0, "a new order does not wait");
    }
}

#[test]
fn a_signal_that_the_host_refuses_is_not_delivered_later() {
    let (mut fsm, _) = running();
    let epoch = order_try(&fsm.step(Input::StopOrdered(Order::Signal("USR1".into()))));
    let effects = fsm.step(Input::OrderDone { epoch, how: OrderEnd::Failed });
    assert_eq!(effects, [Effect::RecordOrder(None)]);
}

#[test]
fn a_second_signal_waits_for_the_first() {
    let (mut fsm, _) = running();
    let signal = |name: &str| Order::Signal(name.into());
    let epoch = order_try(&fsm.step(Input::StopOrdered(signal("USR1"))));
    for name in ["USR2", "USR1", "USR2"] {
        assert_eq!(fsm.step(Input::StopOrdered(signal(name))), []);
    }
    let effects = fsm.step(Input::OrderDone { epoch, how: OrderEnd::Done });
    assert_eq!(effects[0], Effect::RecordOrder(Some(signal("USR2"))));
    let epoch = order_try(&effects);
    let effects = fsm.step(Input::OrderDone { epoch, how: OrderEnd::Done });
    assert_eq!(effects, [Effect::RecordOrder(None)]);
}

#[test]
fn a_stop_that_is_under_way_is_seen_to_its_end() {
    for how in [OrderEnd::Done, OrderEnd::Survivors(vec![7]), OrderEnd::TooEarly] {
        let (mut fsm, epoch) = running();
        let order = order_try(&fsm.step(Input::StopOrdered(stop())));
        let ending = Ending::Ran(Exit::Signal(15));
        let told = Input::FollowerEnded { epoch, how: FollowEnd::Ended(ending) };
        assert_eq!(fsm.step(told), [], "its grandchildren may live");
        let effects = fsm.step(Input::OrderDone { epoch: order, how: OrderEnd::Cut });
        let epoch = order_try(&effects);
        let effects = fsm.step(Input::OrderDone { epoch, how });
        assert_eq!(effects, [Effect::End(End::Told(ending))]);
    }
}

#[test]
fn a_host_that_lets_no_follower_live_is_not_asked_in_a_circle() {
    let (mut fsm, mut epoch) = running();
    let cut = |epoch, held| Input::FollowerEnded { epoch, how: FollowEnd::Cut { held } };
    let mut again = |fsm: &mut SessionFsm, held| {
        let mut effects = fsm.step(cut(epoch, held));
        let mut waited = 0;
        if let [Effect::Pause { epoch, millis }] = effects[..] {
            waited = millis;
            effects = fsm.step(Input::PauseElapsed { epoch });
        }
        (epoch, _) = follower(&fsm.step(Input::Granted { epoch: asked(&effects).0 }));
        waited
    };
    let pauses: Vec<_> = (0..10).map(|_| again(&mut fsm, false)).collect();
    assert_eq!(pauses[..4], [0, 500, 1_000, 2_000]);
    assert_eq!(pauses[9], 30_000);
    assert_eq!(again(&mut fsm, true), 0, "that one had held");
    assert_eq!(again(&mut fsm, false), 0);
    assert_eq!(again(&mut fsm, false), 500);
}

#[test]
fn a_host_that_says_nothing_is_asked_again_before_the_launch_has_failed() {
    let (mut fsm, mut epoch) = starting();
    let trouble = SessionTrouble::ShellSilent { said: "loading".into() };
    let silent = |epoch| Input::FollowerEnded { epoch, how: FollowEnd::Silent(trouble.clone()) };
    for _ in 0..SILENT_TRIES {
        let mut effects = fsm.step(silent(epoch));
        if let [Effect::Pause { epoch, .. }] = effects[..] {
            effects = fsm.step(Input::PauseElapsed { epoch });
        }
        let (request, starts) = asked(&effects);
        assert!(starts);
        (epoch, _) = follower(&fsm.step(Input::Granted { epoch: request }));
    }
    assert_eq!(fsm.step(silent(epoch)), [Effect::End(End::NeverRan(trouble.clone()))]);
}

#[test]
fn a_session_whose_time_is_up_is_stopped() {
    let (mut fsm, epoch) = running();
    assert_eq!(fsm.step(Input::Streaming { epoch }), []);
    order_try(&fsm.step(Input::TimeUp { grace_s: 3 }));
    assert!(fsm.timed_out());
}

#[test]
fn a_session_that_ended_in_time_out_of_sight_has_not_timed_out() {
    let (mut fsm, effects) = SessionFsm::begin(Known::Claimed, None, false);
    assert_eq!(fsm.step(Input::TimeUp { grace_s: 3 }), [], "it may have ended long ago");
    let (epoch, _) = follower(&fsm.step(Input::Granted { epoch: asked(&effects).0 }));
    let mut runs = fsm.clone();
    let ended = FollowEnd::Ended(Ending::Ran(Exit::Code(0)));
    assert!(matches!(fsm.step(Input::FollowerEnded { epoch, how: ended })[..], [Effect::End(_)]));
    assert!(!fsm.timed_out());
    order_try(&runs.step(Input::Streaming { epoch }));
    assert!(runs.timed_out());
}

#[test]
fn a_session_that_somebody_stops_does_not_time_out_meanwhile() {
    let (mut fsm, epoch) = running();
    let _ = fsm.step(Input::Streaming { epoch });
    let _ = fsm.step(Input::StopOrdered(stop()));
    assert_eq!(fsm.step(Input::TimeUp { grace_s: 3 }), []);
    assert!(!fsm.timed_out());
}

#[test]
fn an_order_from_before_a_restart_comes_first() {
    let (_, effects) = SessionFsm::begin(Known::Claimed, Some(stop()), false);
    assert!(matches!(
        effects[..],
        [Effect::CarryOut { .. }, Effect::RequestChannel { starts: false, .. }]
    ));
}

#[test]
fn a_signal_does_not_take_a_stop_back() {
    let (mut fsm, _) = running();
    let _ = fsm.step(Input::StopOrdered(stop()));
    assert_eq!(fsm.step(Input::StopOrdered(Order::Signal("USR1".into()))), []);
}

#[test]
fn the_start_deadline_counts_only_until_something_was_sent() {
    let elapsed = || Input::StartDeadlineElapsed { seconds: 30, last: None };
    let (mut fsm, _) = asking();
    assert!(matches!(fsm.step(elapsed())[..], [Effect::StandDown, Effect::End(_)]));
    let (mut fsm, _) = starting();
    assert_eq!(fsm.step(elapsed()), []);
}

#[test]
fn what_cannot_be_prepared_after_a_restart_is_looked_up_all_the_same() {
    let (mut fsm, _) = SessionFsm::begin(Known::Sent, None, false);
    let failed = Input::PreparationFailed(SessionTrouble::Cancelled);
    assert!(!asked(&fsm.step(failed)).1);
}

proptest! {
    /// Whatever happens: one thing is under way at a time, and it never ends
    /// twice.
    #[test]
    fn never_two_followers_and_never_two_ends(
        steps in prop::collection::vec(0u8..10, 0..100),
        known in prop_oneof![Just(Known::Unsent), Just(Known::Sent), Just(Known::Claimed)],
    ) {
        let (mut fsm, mut effects) = SessionFsm::begin(known, None, false);
        let (mut request, mut follower, mut pause) = (None, None, None);
        let (mut order, mut ends) = (None, 0);
        for step in steps {
            for effect in effects.drain(..) {
                match effect {
                    Effect::RequestChannel { epoch, .. } => {
                        prop_assert!(request.is_none() && follower.is_none());
                        request = Some(epoch);
                    }
                    Effect::RunFollower { epoch, .. } => {
                        prop_assert!(follower.is_none());
                        follower = Some(epoch);
                    }
                    Effect::Pause { epoch, .. } => pause = Some(epoch),
                    Effect::CarryOut { epoch, .. } => order = Some(epoch),
                    Effect::End(_) => ends += 1,
                    _ => {}
                }
            }
            let input = match (step, request, follower, pause, order) {
                (0, ..) => Input::Prepared,
                (1, Some(epoch), ..) => { request = None; Input::Granted { epoch } }
                (2, Some(epoch), ..) => {
                    request = None;
                    Input::Denied { epoch, trouble: LinkTrouble::Refused }
                }
                (3, _, Some(epoch), ..) => Input::Claimed { epoch },
                (4, _, Some(epoch), ..) => {
                    follower = None;
                    Input::FollowerEnded { epoch, how: FollowEnd::Cut { held: true } }
                }
                (5, _, Some(epoch), ..) => {
                    follower = None;
                    Input::FollowerEnded { epoch, how: FollowEnd::AlreadyClaimed }
                }
                (6, _, _, Some(epoch), _) => { pause = None; Input::PauseElapsed { epoch } }
                (7, .., Some(epoch)) => Input::OrderDone { epoch, how: OrderEnd::Cut },
                (8, ..) => Input::StopOrdered(stop()),
                (_, _, Some(epoch), ..) => {
                    follower = None;
                    let how = FollowEnd::Ended(Ending::Ran(Exit::Code(0)));
                    Input::FollowerEnded { epoch, how }
                }
                _ => continue,
            };
            effects = fsm.step(input);
            prop_assert!(ends <= 1);
        }
    }
}
