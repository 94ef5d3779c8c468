use proptest::prelude::*;

use super::*;

const BOX: &str = "box";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn id(number: u64) -> QuestionId {
    QuestionId::new(number)
}

fn passphrase() -> Question {
    Question::Passphrase { file: "/home/ann/.ssh/id".into() }
}

fn password() -> Question {
    Question::Password { user: "ann".to_owned(), host: "box".to_owned() }
}

fn code() -> Question {
    Question::Prompt {
        user: "ann".to_owned(),
        host: "box".to_owned(),
        instruction: String::new(),
        text: "Code: ".to_owned(),
        echo: false,
    }
}

fn host_key() -> Question {
    Question::HostKey {
        name: "box".to_owned(),
        key_type: "ssh-ed25519".to_owned(),
        fingerprint: "SHA256:abc".to_owned(),
    }
}

fn touch() -> Question {
    Question::Touch { key: "yubi".to_owned() }
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn given(text: &str) -> Asked {
    Asked::Replied(Reply::Given(secret(text)))
}

/// A desk at which this is asked with the id 1, at the time 0.
fn asked(question: &Question) -> Desk {
    let mut desk = Desk::default();
    assert_eq!(desk.ask(BOX, question, false, id(1), at(0)), Asked::Waits(id(1)));
    desk
}

#[test]
fn all_who_ask_the_same_wait_for_one_answer() {
    let mut desk = asked(&passphrase());
    for other in 2..6 {
        assert_eq!(desk.ask(BOX, &passphrase(), false, id(other), at(1)), Asked::Waits(id(1)));
    }
    assert_eq!(desk.open().len(), 1);
    let taken = desk.answer(id(1), secret("sesame"), at(2)).unwrap();
    assert_eq!(taken, Taken { remote: BOX.to_owned(), dormant: false });
    for _ in 0..5 {
        desk.leave(id(1));
        let reply = desk.take(BOX, &passphrase(), at(3));
        assert_eq!(reply, Some(Reply::Given(secret("sesame"))));
    }
    assert!(desk.open().is_empty());
    let told: Vec<_> = desk.take_changes();
    assert!(
        matches!(told[..], [Change::Opened { .. }, Change::Settled { answered: true, .. }]),
        "{told:?}"
    );
}

#[test]
fn how_often_an_answer_does_depends_on_what_was_asked() {
    for (question, answer, again, after_two_minutes) in [
        (passphrase(), "sesame", true, true),
        (password(), "sesame", true, true),
        (code(), "123456", false, false),
        (host_key(), "yes", true, false),
        (host_key(), "SHA256:abc", true, false),
    ] {
        let answered = || {
            let mut desk = asked(&question);
            desk.answer(id(1), secret(answer), at(10)).unwrap();
            desk
        };
        let mut desk = answered();
        let first = desk.take(BOX, &question, at(11));
        assert_eq!(first, Some(Reply::Given(secret(answer))), "{question:?}");
        assert_eq!(desk.take(BOX, &question, at(12)).is_some(), again, "{question:?}");
        let late = answered().take(BOX, &question, at(10 + KEPT_FOR_S));
        assert_eq!(late.is_some(), after_two_minutes, "{question:?}");
        let other = answered().take("other", &question, at(11));
        assert_eq!(other, None, "an answer is one remote's");
    }
}

#[test]
fn a_question_that_nobody_waits_for_sleeps_until_it_is_answered_or_asked_again() {
    let mut desk = asked(&passphrase());
    desk.leave(id(1));
    assert_eq!(desk.of(BOX).unwrap().state, QuestionState::Dormant);
    assert_eq!(desk.ask(BOX, &passphrase(), false, id(2), at(200)), Asked::Waits(id(1)));
    assert_eq!(desk.of(BOX).unwrap().state, QuestionState::Asked);
    desk.leave(id(1));
    let taken = desk.answer(id(1), secret("sesame"), at(9000)).unwrap();
    assert!(taken.dormant);
    assert_eq!(desk.ask(BOX, &passphrase(), false, id(3), at(9001)), given("sesame"));
}

#[test]
fn another_question_takes_the_place_of_one_that_sleeps_and_waits_for_one_that_does_not() {
    let mut desk = asked(&passphrase());
    assert_eq!(desk.ask(BOX, &code(), false, id(2), at(1)), Asked::Busy);
    assert_eq!(desk.ask("other", &code(), false, id(3), at(1)), Asked::Waits(id(3)));
    desk.leave(id(1));
    assert_eq!(desk.ask(BOX, &code(), false, id(4), at(2)), Asked::Waits(id(4)));
    assert!(!desk.is_open(id(1)));
    assert_eq!(desk.answer(id(1), secret("late"), at(3)), Err(AnswerError::NotOpen));
}

#[test]
fn a_code_is_not_shared_by_two_who_ask_at_once() {
    let mut desk = asked(&code());
    assert_eq!(desk.ask(BOX, &code(), false, id(2), at(1)), Asked::Busy);
    desk.answer(id(1), secret("123456"), at(2)).unwrap();
    assert!(desk.take(BOX, &code(), at(3)).is_some());
    assert_eq!(desk.ask(BOX, &code(), false, id(3), at(3)), Asked::Waits(id(3)));
}

#[test]
fn a_refused_answer_is_forgotten_and_the_next_question_says_so() {
    for question in [passphrase(), password()] {
        let mut desk = asked(&question);
        desk.answer(id(1), secret("wrong"), at(1)).unwrap();
        desk.refuse(BOX, &question);
        assert_eq!(desk.ask(BOX, &question, true, id(2), at(2)), Asked::Waits(id(2)));
        assert!(desk.of(BOX).unwrap().again);
    }
}

#[test]
fn what_is_no_answer_changes_nothing() {
    for (question, answer, error) in [
        (host_key(), "", AnswerError::YesOrNo),
        (host_key(), "y", AnswerError::YesOrNo),
        (host_key(), "SHA256:other", AnswerError::YesOrNo),
        (touch(), "yes", AnswerError::TakesNone),
    ] {
        let mut desk = asked(&question);
        assert_eq!(desk.answer(id(1), secret(answer), at(1)), Err(error), "{question:?}");
        assert!(desk.is_open(id(1)));
        assert_eq!(desk.answer(id(2), secret("yes"), at(1)), Err(AnswerError::NotOpen));
    }
}

#[test]
fn a_no_is_given_once() {
    for (question, answer) in [(host_key(), "no"), (passphrase(), "")] {
        let mut desk = asked(&question);
        desk.answer(id(1), secret(answer), at(1)).unwrap();
        let declined = Asked::Replied(Reply::Declined);
        assert_eq!(desk.ask(BOX, &question, false, id(2), at(2)), declined);
        assert_eq!(desk.ask(BOX, &question, false, id(3), at(3)), Asked::Waits(id(3)));
    }
}

#[test]
fn a_touch_is_over_with_the_login_that_wants_it() {
    let mut desk = asked(&touch());
    desk.leave(id(1));
    assert!(desk.open().is_empty());
}

#[test]
fn a_link_that_came_up_without_takes_a_sleeping_question_back() {
    let mut desk = asked(&passphrase());
    desk.withdraw(BOX);
    assert!(desk.is_open(id(1)), "somebody waits");
    desk.leave(id(1));
    desk.withdraw(BOX);
    assert!(!desk.is_open(id(1)));
}

#[test]
fn nothing_is_known_of_a_remote_that_is_gone() {
    let mut desk = asked(&password());
    desk.answer(id(1), secret("sesame"), at(1)).unwrap();
    desk.forget(BOX);
    assert_eq!(desk.take(BOX, &password(), at(2)), None);
}

#[test]
fn an_id_is_read_as_it_is_shown_and_no_other_way() {
    assert_eq!(id(0xab).to_string(), "00000000000000ab");
    assert_eq!("00000000000000ab".parse(), Ok(id(0xab)));
    for odd in ["", "ab", "+0000000000000ab", "00000000000000g0", "000000000000000ab"] {
        assert_eq!(odd.parse::<QuestionId>(), Err(NoQuestionId), "{odd:?}");
    }
}

#[test]
fn no_answer_is_in_the_debug_form() {
    let mut desk = asked(&password());
    desk.answer(id(1), secret("hunter2"), at(1)).unwrap();
    assert!(!format!("{desk:?}").contains("hunter2"));
}

#[derive(Debug, Clone)]
enum Act {
    Ask(usize, usize),
    Answer(usize),
    Leave(usize),
    Refuse(usize, usize),
    Withdraw(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..2usize, 0..4usize).prop_map(|(remote, question)| Act::Ask(remote, question)),
        2 => (0..2usize).prop_map(Act::Answer),
        2 => (0..2usize).prop_map(Act::Leave),
        1 => (0..2usize, 0..4usize).prop_map(|(remote, question)| Act::Refuse(remote, question)),
        1 => (0..2usize).prop_map(Act::Withdraw),
    ]
}

proptest! {
    /// Whatever happens in whatever order: one question for each remote, a code
    /// for one use, an answer that was refused never again, and of each question
    /// one beginning and at most one end.
    #[test]
    fn no_order_of_events_breaks_the_desks_promises(acts in prop::collection::vec(act(), 1..80)) {
        let remotes = ["box", "hut"];
        let questions = [passphrase(), password(), code(), host_key()];
        let mut desk = Desk::default();
        let (mut ids, mut answers, mut codes) = (0, 0, Vec::new());
        let mut refused: Vec<(usize, usize, Secret)> = Vec::new();
        let mut last: BTreeMap<(usize, usize), Secret> = BTreeMap::new();
        let (mut opened, mut settled) = (Vec::new(), Vec::new());
        for (second, act) in acts.into_iter().enumerate() {
            let now = at(second as u64);
            match act {
                Act::Ask(remote, question) => {
                    ids += 1;
                    let asked = desk.ask(remotes[remote], &questions[question], false, id(ids), now);
                    if let Asked::Replied(Reply::Given(secret)) = asked {
                        let again = refused.contains(&(remote, question, secret.clone()));
                        prop_assert!(!again, "a refused answer came back");
                        prop_assert!(question != 2 || !codes.contains(&secret), "a code came twice");
                        codes.push(secret.clone());
                        last.insert((remote, question), secret);
                    }
                }
                Act::Answer(remote) => {
                    if let Some(open) = desk.of(remotes[remote]) {
                        answers += 1;
                        let is_key = matches!(open.question, Question::HostKey { .. });
                        let text = if is_key { "yes".to_owned() } else { format!("answer {answers}") };
                        desk.answer(open.id, Secret::new(text), now).unwrap();
                        prop_assert!(!desk.is_open(open.id));
                    }
                }
                Act::Leave(remote) => {
                    if let Some(open) = desk.of(remotes[remote]) {
                        desk.leave(open.id);
                    }
                }
                Act::Refuse(remote, question) => {
                    desk.refuse(remotes[remote], &questions[question]);
                    let said = last.remove(&(remote, question)).filter(|_| question != 3);
                    refused.extend(said.map(|secret| (remote, question, secret)));
                }
                Act::Withdraw(remote) => desk.withdraw(remotes[remote]),
            }
            for change in desk.take_changes() {
                match change {
                    Change::Opened { id, .. } => opened.push(id),
                    Change::Settled { id, .. } => settled.push(id),
                }
            }
            let open: Vec<_> = desk.open().into_iter().map(|open| open.id).collect();
            let unsettled: Vec<_> =
                opened.iter().filter(|id| !settled.contains(id)).copied().collect();
            prop_assert_eq!(open.len(), unsettled.len());
            prop_assert!(open.iter().all(|id| unsettled.contains(id)));
        }
    }
}
