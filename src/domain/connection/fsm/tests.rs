use proptest::prelude::*;

use super::*;
use crate::domain::failure::trouble::{LostHow, Phase};

const NOBODY: Waiting = Waiting { session: 0, control: 0 };

fn sessions(session: usize) -> Waiting {
    Waiting { session, control: 0 }
}

fn refused() -> LinkTrouble {
    LinkTrouble::Refused
}

fn lost() -> LinkTrouble {
    LinkTrouble::Lost { how: LostHow::Closed, detail: String::new() }
}

fn dials(effects: &[Effect]) -> Vec<Epoch> {
    let dial = |effect: &Effect| match effect {
        Effect::Dial(epoch) => Some(*epoch),
        _ => None,
    };
    effects.iter().filter_map(dial).collect()
}

fn dial_epoch(effects: &[Effect]) -> Epoch {
    let dials = dials(effects);
    assert_eq!(dials.len(), 1, "{effects:?}");
    dials[0]
}

/// A connection that `waiting` ask for, in the middle of its first dial.
fn dialling(waiting: Waiting) -> (ConnectionFsm, Epoch) {
    let mut fsm = ConnectionFsm::default();
    assert_eq!(fsm.step(Input::Wanted { asked: true }, waiting), [Effect::Serve]);
    let effects = fsm.step(Input::Served, waiting);
    let epoch = dial_epoch(&effects);
    (fsm, epoch)
}

fn connected() -> (ConnectionFsm, LinkId) {
    let (mut fsm, epoch) = dialling(sessions(1));
    let effects = fsm.step(Input::Dialled { epoch }, sessions(1));
    let Some(Effect::Keep(link)) = effects.first() else { panic!("{effects:?}") };
    (fsm, *link)
}

#[test]
fn dials_once_somebody_wants_a_channel_and_not_before() {
    let (fsm, _) = dialling(sessions(1));
    assert_eq!(fsm.state(), LinkState::Connecting);
    assert_eq!(ConnectionFsm::default().state(), LinkState::Idle);
}

#[test]
fn a_second_link_is_dialled_when_the_first_is_full() {
    let (mut fsm, _) = connected();
    while fsm.take(Purpose::Session).is_some() {}
    assert_eq!(fsm.step(Input::Served, NOBODY), []);
    dial_epoch(&fsm.step(Input::Served, sessions(3)));
    assert_eq!(fsm.step(Input::Served, sessions(4)), [], "one dial at a time");
}

#[test]
fn many_that_wait_get_a_few_links_at_a_time_once_the_first_is_up() {
    let mut fsm = ConnectionFsm::default();
    let _ = fsm.step(Input::Wanted { asked: true }, sessions(200));
    let epoch = dial_epoch(&fsm.step(Input::Served, sessions(200)));
    assert_eq!(fsm.step(Input::Served, sessions(200)), [], "one, until one is up");
    let _ = fsm.step(Input::Dialled { epoch }, sessions(200));
    while fsm.take(Purpose::Session).is_some() {}
    let dials = dials(&fsm.step(Input::Served, sessions(191)));
    assert_eq!(dials.len(), DIALS_AT_ONCE);
    assert_eq!(fsm.step(Input::Served, sessions(191)), []);
    // One comes up, whichever; another takes its place.
    let _ = fsm.step(Input::Dialled { epoch: dials[2] }, sessions(191));
    while fsm.take(Purpose::Session).is_some() {}
    dial_epoch(&fsm.step(Input::Served, sessions(182)));
    // No more than are needed.
    let _ = fsm.step(Input::Dialled { epoch: dials[0] }, sessions(20));
    while fsm.take(Purpose::Session).is_some() {}
    assert_eq!(fsm.step(Input::Served, sessions(11)), []);
}

#[test]
fn of_several_dials_that_fail_the_last_makes_the_pause() {
    let (mut fsm, _) = connected();
    while fsm.take(Purpose::Session).is_some() {}
    let dials = dials(&fsm.step(Input::Served, sessions(40)));
    let (last, first) = dials.split_last().unwrap();
    let failed = |epoch| Input::DialFailed { epoch, trouble: refused(), heals: true };
    for epoch in first {
        assert_eq!(fsm.step(failed(*epoch), sessions(40)), []);
    }
    let effects = fsm.step(failed(*last), sessions(40));
    assert!(matches!(effects[..], [Effect::RetryAfter { failures: 1, .. }]), "{effects:?}");
    assert_eq!(fsm.step(Input::Served, sessions(40)), [], "not at once");
}

#[test]
fn a_failure_that_heals_is_retried_after_a_pause_for_ever() {
    let (mut fsm, mut epoch) = dialling(sessions(1));
    for round in 1..50 {
        let failed = Input::DialFailed { epoch, trouble: refused(), heals: true };
        let effects = fsm.step(failed, sessions(1));
        let [Effect::RetryAfter { epoch: pause, failures, knocks: true }] = effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!((failures, fsm.state()), (round, LinkState::BackingOff));
        epoch = dial_epoch(&fsm.step(Input::RetryElapsed { epoch: pause }, sessions(1)));
    }
}

#[test]
fn what_only_a_person_can_mend_is_not_retried() {
    let (mut fsm, epoch) = dialling(sessions(1));
    let trouble = LinkTrouble::NoKeys { user: "u".into(), looked_for: vec![] };
    let failed = Input::DialFailed { epoch, trouble: trouble.clone(), heals: false };
    assert_eq!(fsm.step(failed, sessions(1)), [Effect::FailAsked(trouble.clone())]);
    assert_eq!(fsm.state(), LinkState::NeedsAttention);
    assert_eq!(fsm.trouble(), Some(&trouble));
    assert_eq!(fsm.step(Input::Wanted { asked: false }, sessions(1)), [Effect::Serve]);
    assert_eq!(fsm.step(Input::Served, sessions(1)), []);
}

#[test]
fn a_person_who_asks_gets_one_more_try() {
    for ask in [Input::Wanted { asked: true }, Input::ReconnectAsked] {
        let (mut fsm, epoch) = dialling(sessions(1));
        let trouble = LinkTrouble::NoKeys { user: "u".into(), looked_for: vec![] };
        let _ = fsm.step(Input::DialFailed { epoch, trouble, heals: false }, sessions(1));
        let mut effects = fsm.step(ask, sessions(1));
        effects.extend(fsm.step(Input::Served, sessions(1)));
        dial_epoch(&effects);
    }
}

#[test]
fn asking_ends_a_pause() {
    let (mut fsm, epoch) = dialling(sessions(1));
    let failed = Input::DialFailed { epoch, trouble: refused(), heals: true };
    let effects = fsm.step(failed, sessions(1));
    let [Effect::RetryAfter { epoch: pause, .. }] = effects[..] else { panic!("{effects:?}") };
    let mut run = fsm.clone();
    assert_eq!(run.step(Input::Wanted { asked: true }, sessions(1)), [Effect::Serve]);
    dial_epoch(&run.step(Input::Served, sessions(1)));
    dial_epoch(&fsm.step(Input::ReconnectAsked, sessions(1)));
    assert_eq!(fsm.step(Input::RetryElapsed { epoch: pause }, sessions(1)), [], "stale");
}

#[test]
fn a_lost_link_that_held_is_dialled_at_once() {
    let (mut fsm, link) = connected();
    let lost = Input::LinkLost { link, trouble: lost(), held: true };
    dial_epoch(&fsm.step(lost, sessions(1)));
}

#[test]
fn a_server_that_throws_us_out_again_and_again_is_not_dialled_in_a_circle() {
    let (mut fsm, link) = connected();
    let _ = fsm.take(Purpose::Session);
    let effects = fsm.step(Input::LinkLost { link, trouble: lost(), held: false }, sessions(1));
    assert!(matches!(effects[..], [Effect::RetryAfter { failures: 1, .. }]), "{effects:?}");
}

#[test]
fn an_idle_link_is_closed_and_a_used_one_is_not() {
    let (mut fsm, link) = connected();
    let mut used = fsm.clone();
    used.take(Purpose::Session);
    assert_eq!(used.step(Input::IdleElapsed { link }, NOBODY), []);
    let effects = used.step(Input::ChannelFreed { link }, NOBODY);
    assert_eq!(effects, [Effect::Serve, Effect::IdleAfter { link }]);
    assert_eq!(fsm.step(Input::IdleElapsed { link }, NOBODY), [Effect::Close(link)]);
    assert_eq!(fsm.state(), LinkState::Idle);
    dial_epoch(&fsm.step(Input::Served, sessions(1)));
}

#[test]
fn a_link_that_was_used_in_short_turns_still_closes_in_the_end() {
    let (mut fsm, link) = connected();
    for _ in 0..5 {
        fsm.take(Purpose::Session);
        let effects = fsm.step(Input::ChannelFreed { link }, NOBODY);
        assert_eq!(effects, [Effect::Serve], "the timer of the first turn runs");
    }
    assert_eq!(fsm.step(Input::IdleElapsed { link }, NOBODY), [Effect::IdleAfter { link }]);
    assert_eq!(fsm.step(Input::IdleElapsed { link }, NOBODY), [Effect::Close(link)]);
}

/// The server's word on a channel.
fn channel_refused(link: LinkId) -> Input {
    Input::ChannelRefused { link, trouble: no_channel() }
}

fn no_channel() -> LinkTrouble {
    LinkTrouble::ChannelRefused { detail: "open failed".to_owned() }
}

#[test]
fn a_server_that_opens_no_channel_is_dialled_again_after_a_pause() {
    let (mut fsm, link) = connected();
    fsm.take(Purpose::Session);
    let effects = fsm.step(channel_refused(link), sessions(1));
    let [
        Effect::Close(closed),
        Effect::FailAsked(_),
        Effect::RetryAfter { epoch, failures: 1, .. },
    ] = effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!((closed, fsm.state()), (link, LinkState::BackingOff));
    assert_eq!(fsm.trouble(), Some(&no_channel()));
    dial_epoch(&fsm.step(Input::RetryElapsed { epoch }, sessions(1)));
}

#[test]
fn a_server_that_answers_no_channel_in_time_is_told_of_and_nobody_fails_for_it() {
    let (mut fsm, link) = connected();
    fsm.take(Purpose::Session);
    fsm.take(Purpose::Control);
    let trouble = LinkTrouble::TimedOut { phase: Phase::Channel };
    let silent = || Input::ChannelRefused { link, trouble: trouble.clone() };
    assert_eq!(fsm.step(silent(), sessions(1)), [Effect::Serve], "another may be answered");
    let effects = fsm.step(silent(), sessions(1));
    let [Effect::Close(_), Effect::RetryAfter { failures: 1, .. }] = effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(fsm.trouble(), Some(&trouble));
}

#[test]
fn a_link_that_opens_nothing_fails_nobody_while_another_works() {
    let (mut fsm, _) = connected();
    while fsm.take(Purpose::Session).is_some() {}
    let epoch = dial_epoch(&fsm.step(Input::Served, sessions(1)));
    let effects = fsm.step(Input::Dialled { epoch }, sessions(1));
    let Some(Effect::Keep(second)) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(fsm.take(Purpose::Session), Some(*second));
    let effects = fsm.step(channel_refused(*second), sessions(1));
    assert!(matches!(
        effects[..],
        [Effect::Close(_), Effect::Serve, Effect::RetryAfter { failures: 1, .. }]
    ));
    assert_eq!(fsm.step(Input::Served, sessions(1)), [], "not at once");
}

#[test]
fn a_full_link_is_tried_beyond_its_refusal_after_a_while() {
    let (mut fsm, link) = connected();
    for _ in 0..3 {
        fsm.take(Purpose::Session);
    }
    let effects = fsm.step(channel_refused(link), NOBODY);
    assert_eq!(effects, [Effect::ForgetAfter { link }]);
    assert_eq!(fsm.take(Purpose::Session), None);
    assert_eq!(fsm.step(Input::RefusalAged { link }, NOBODY), [Effect::Serve]);
    assert_eq!(fsm.take(Purpose::Session), Some(link));
}

#[test]
fn asking_by_hand_mends_the_dial_of_a_second_link_too() {
    let (mut fsm, _) = connected();
    while fsm.take(Purpose::Session).is_some() {}
    let epoch = dial_epoch(&fsm.step(Input::Served, sessions(1)));
    let trouble = LinkTrouble::NoKeys { user: "u".into(), looked_for: vec![] };
    let _ = fsm.step(Input::DialFailed { epoch, trouble, heals: false }, sessions(1));
    dial_epoch(&fsm.step(Input::ReconnectAsked, sessions(1)));
}

#[test]
fn a_remote_that_is_enabled_again_is_no_longer_draining() {
    let (mut fsm, _) = connected();
    assert_eq!(fsm.step(Input::DrainAsked, NOBODY), []);
    assert_eq!(fsm.state(), LinkState::Draining);
    assert_eq!(fsm.step(Input::DrainRevoked, NOBODY), []);
    assert_eq!(fsm.state(), LinkState::Connected);
}

#[test]
fn failures_are_not_told_of_a_link_that_came_up() {
    let (mut fsm, epoch) = dialling(sessions(1));
    let failed = Input::DialFailed { epoch, trouble: refused(), heals: true };
    let effects = fsm.step(failed, sessions(1));
    let [Effect::RetryAfter { epoch, .. }] = effects[..] else { panic!("{effects:?}") };
    let epoch = dial_epoch(&fsm.step(Input::RetryElapsed { epoch }, sessions(1)));
    assert_eq!(fsm.failures(), 1);
    let _ = fsm.step(Input::Dialled { epoch }, sessions(1));
    assert_eq!(fsm.failures(), 0);
}

#[test]
fn a_dial_that_was_overtaken_says_nothing() {
    let (mut fsm, old) = dialling(sessions(1));
    let failed = Input::DialFailed { epoch: old, trouble: refused(), heals: true };
    let _ = fsm.step(failed, sessions(1));
    let _ = fsm.step(Input::ReconnectAsked, sessions(1));
    assert_eq!(fsm.step(Input::Dialled { epoch: old }, sessions(1)), []);
    assert_eq!(fsm.links(), 0);
}

#[test]
fn a_host_that_could_not_be_reached_is_looked_out_for_and_dialled_once_it_answers() {
    let (mut fsm, epoch) = dialling(sessions(1));
    let failed = Input::DialFailed { epoch, trouble: refused(), heals: true };
    let effects = fsm.step(failed, sessions(1));
    let [Effect::RetryAfter { epoch: pause, knocks: true, .. }] = effects[..] else {
        panic!("{effects:?}")
    };
    dial_epoch(&fsm.step(Input::Reached { epoch: pause }, sessions(1)));
    assert_eq!(fsm.step(Input::Reached { epoch: pause }, sessions(1)), [], "once");
}

#[test]
fn a_host_that_answers_and_fails_is_left_to_the_pause() {
    let (mut fsm, epoch) = dialling(sessions(1));
    let trouble = LinkTrouble::ClosedByPeer { phase: Phase::KeyExchange, said: None };
    let effects = fsm.step(Input::DialFailed { epoch, trouble, heals: true }, sessions(1));
    assert!(matches!(effects[..], [Effect::RetryAfter { knocks: false, .. }]), "{effects:?}");
}

#[test]
fn a_change_of_network_ends_a_pause_and_begins_the_backoff_anew() {
    let (mut fsm, mut epoch) = dialling(sessions(1));
    for _ in 0..9 {
        let failed = Input::DialFailed { epoch, trouble: refused(), heals: true };
        let _ = fsm.step(failed, sessions(1));
        epoch = dial_epoch(&fsm.step(Input::Nudged, sessions(1)));
    }
    let failed = Input::DialFailed { epoch, trouble: refused(), heals: true };
    let effects = fsm.step(failed, sessions(1));
    assert!(matches!(effects[..], [Effect::RetryAfter { failures: 1, .. }]), "{effects:?}");
}

#[test]
fn a_change_of_network_is_nothing_to_what_waits_for_a_person_or_for_nobody() {
    let (mut fsm, epoch) = dialling(sessions(1));
    let trouble = LinkTrouble::NoKeys { user: "u".into(), looked_for: vec![] };
    let _ = fsm.step(Input::DialFailed { epoch, trouble, heals: false }, sessions(1));
    assert_eq!(fsm.step(Input::Nudged, sessions(1)), []);
    assert_eq!(fsm.state(), LinkState::NeedsAttention);
    assert_eq!(ConnectionFsm::default().step(Input::Nudged, NOBODY), []);
}

#[test]
fn links_that_were_up_are_asked_after_a_change_of_network_and_for_a_person() {
    for input in [Input::Nudged, Input::ReconnectAsked] {
        let (mut fsm, link) = connected();
        assert_eq!(fsm.step(input, sessions(1)), [Effect::Probe(link)]);
        assert_eq!(fsm.state(), LinkState::Connected, "until it is known to be gone");
    }
}

#[test]
fn the_reason_is_told_while_the_next_dial_is_under_way_and_not_after_it() {
    let (mut fsm, link) = connected();
    assert_eq!(fsm.trouble(), None);
    let effects = fsm.step(Input::LinkLost { link, trouble: lost(), held: true }, sessions(1));
    assert_eq!(fsm.trouble(), Some(&lost()));
    let epoch = dial_epoch(&effects);
    let failed = Input::DialFailed { epoch, trouble: refused(), heals: true };
    let _ = fsm.step(failed, sessions(1));
    let epoch = dial_epoch(&fsm.step(Input::ReconnectAsked, sessions(1)));
    assert_eq!(fsm.trouble(), Some(&refused()));
    let _ = fsm.step(Input::Dialled { epoch }, sessions(1));
    assert_eq!(fsm.trouble(), None);
}

#[test]
fn what_went_wrong_before_is_not_told_of_a_link_that_is_wanted_anew() {
    let (mut fsm, link) = connected();
    let _ = fsm.step(Input::LinkLost { link, trouble: lost(), held: true }, NOBODY);
    let _ = fsm.step(Input::Wanted { asked: true }, sessions(1));
    dial_epoch(&fsm.step(Input::Served, sessions(1)));
    assert_eq!((fsm.state(), fsm.trouble()), (LinkState::Connecting, None));
}

proptest! {
    /// Whatever happens in whatever order: one dial at a time without a link and a
    /// few with one, and nobody waits while nothing is under way.
    #[test]
    fn few_dials_at_a_time_and_nobody_is_forgotten(
        steps in prop::collection::vec((0u8..12, 0usize..80), 1..200),
    ) {
        let mut fsm = ConnectionFsm::default();
        let (mut dials, mut pause): (Vec<Epoch>, Option<Epoch>) = (Vec::new(), None);
        let mut links: Vec<LinkId> = Vec::new();
        for (what, waiting) in steps {
            let waiting = sessions(waiting);
            let input = match (what, dials.first().copied(), pause, links.last().copied()) {
                (0, ..) => Input::Wanted { asked: true },
                (1, ..) => Input::Wanted { asked: false },
                (2, Some(epoch), ..) => Input::Dialled { epoch },
                (3, Some(epoch), ..) => {
                    Input::DialFailed { epoch, trouble: refused(), heals: true }
                }
                (4, _, Some(epoch), _) => Input::RetryElapsed { epoch },
                (5, .., Some(link)) => Input::LinkLost { link, trouble: lost(), held: true },
                (6, .., Some(link)) => Input::LinkLost { link, trouble: lost(), held: false },
                (7, .., Some(link)) => {
                    fsm.take(Purpose::Session);
                    channel_refused(link)
                }
                (8, .., Some(link)) => Input::IdleElapsed { link },
                (9, _, Some(epoch), _) => Input::Reached { epoch },
                (10, ..) => Input::Nudged,
                _ => Input::ReconnectAsked,
            };
            if let Input::LinkLost { link, .. } = &input {
                links.retain(|other| other != link);
            }
            if matches!(input, Input::Dialled { .. } | Input::DialFailed { .. }) {
                dials.remove(0);
            }
            let had_none = links.is_empty() && !matches!(input, Input::Dialled { .. });
            let mut todo = fsm.step(input, waiting);
            todo.extend(fsm.step(Input::Served, waiting));
            for effect in todo {
                match effect {
                    Effect::Dial(epoch) => {
                        prop_assert!(dials.is_empty() || !had_none, "two dials, and no link");
                        dials.push(epoch);
                        prop_assert!(dials.len() <= DIALS_AT_ONCE);
                        pause = None;
                    }
                    Effect::RetryAfter { epoch, .. } => pause = Some(epoch),
                    Effect::Keep(link) => links.push(link),
                    Effect::Close(link) => links.retain(|other| *other != link),
                    _ => {}
                }
            }
            let can_serve = !links.is_empty();
            prop_assert!(
                waiting.session == 0 || can_serve || !dials.is_empty() || pause.is_some(),
                "{:?}", fsm
            );
        }
    }
}
