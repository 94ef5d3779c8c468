//! What it does while a person is needed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::script::{Bench, LONG, Step, refused};
use crate::actors::attention::Attention;
use crate::actors::connection::ConnectionMsg;
use crate::domain::attention::{Question, QuestionState, QuestionView};
use crate::domain::connection::{LinkState, Purpose};
use crate::domain::secret::Secret;
use crate::ssh::fake::Door;

const GUARDED: Step = Step::Guarded(Door::Password("sesame"));

/// The question, once it is one that `fits`.
async fn question(bench: &mut Bench, fits: impl Fn(&QuestionView) -> bool) -> QuestionView {
    let asked = bench.report.wait_for(|report| report.question.as_ref().is_some_and(&fits));
    let report = timeout(LONG, asked).await.expect("a question").unwrap();
    report.question.clone().unwrap()
}

fn answer(bench: &Bench, asked: &QuestionView, text: &str) -> bool {
    bench.attention.answer(asked.id, Secret::new(text)).unwrap().dormant
}

#[tokio::test(start_paused = true)]
async fn five_who_wait_are_one_question_and_go_on_with_one_answer() {
    let mut bench = Bench::new([GUARDED]).await;
    let waits: Vec<_> = (0..5).map(|_| bench.ask_for(Purpose::Session, true)).collect();
    let asked = question(&mut bench, |_| true).await;
    assert_eq!(asked.state, QuestionState::Asked);
    bench.until(LinkState::NeedsAttention).await;
    assert_eq!(bench.attention.open(), std::slice::from_ref(&asked));
    assert!(!answer(&bench, &asked, "sesame"), "a dial waits for it");
    for wait in waits {
        assert!(wait.await.unwrap().is_ok());
    }
    assert_eq!((bench.script.dials(), bench.state()), (1, LinkState::Connected));
    assert_eq!(bench.report.borrow().question, None);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_sleeps_and_its_answer_has_the_connection_dial() {
    let mut bench = Bench::new([GUARDED]).await;
    let waits = bench.ask_for(Purpose::Session, true);
    let first = question(&mut bench, |_| true).await;
    let sleeps = question(&mut bench, |view| view.state == QuestionState::Dormant).await;
    assert_eq!(first.id, sleeps.id);
    sleep(Duration::from_secs(24 * 3600)).await;
    let failure = bench.report.borrow().failure.clone().unwrap();
    assert_eq!((failure.code.as_str(), bench.script.dials()), ("ssh.auth.question", 1));
    assert_eq!(bench.state(), LinkState::NeedsAttention);
    // Whoever answers has it dialled.
    assert!(answer(&bench, &sleeps, "sesame"));
    bench.actor.cast(ConnectionMsg::Reconnect).unwrap();
    assert!(waits.await.unwrap().is_ok(), "whoever asked has waited");
    assert_eq!(bench.script.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_password_is_given_again_to_the_next_link_and_not_after_it_was_refused() {
    let steps = [GUARDED, GUARDED, Step::Guarded(Door::Password("changed"))];
    let mut bench = Bench::new(steps).await;
    let first = bench.ask();
    let asked = question(&mut bench, |_| true).await;
    answer(&bench, &asked, "sesame");
    assert!(first.await.unwrap().is_ok());
    // Links that last no time are dialled with pauses; these have lasted.
    sleep(Duration::from_secs(20)).await;
    bench.script.link(0).close().await;
    assert!(bench.ask().await.unwrap().is_ok(), "nobody was asked");
    sleep(Duration::from_secs(20)).await;
    bench.script.link(1).close().await;
    let third = bench.ask();
    let asked = question(&mut bench, |_| true).await;
    assert!(asked.again, "the old one was refused");
    answer(&bench, &asked, "changed");
    assert!(third.await.unwrap().is_ok());
    assert_eq!(bench.script.dials(), 3);
}

#[tokio::test(start_paused = true)]
async fn three_wrong_answers_fail_it_and_it_is_not_dialled_again_by_itself() {
    let mut bench = Bench::new([GUARDED]).await;
    let waits = bench.ask_for(Purpose::Session, true);
    let mut last = None;
    for _ in 0..3 {
        let asked = question(&mut bench, |view| Some(view.id) != last).await;
        last = Some(asked.id);
        answer(&bench, &asked, "wrong");
    }
    assert!(waits.await.unwrap().is_err());
    sleep(Duration::from_secs(24 * 3600)).await;
    let failure = bench.report.borrow().failure.clone().unwrap();
    assert_eq!((failure.code.as_str(), bench.script.dials()), ("ssh.auth.denied", 1));
    assert_eq!(bench.attention.open(), []);
    // And a try that a person wants asks that person.
    bench.actor.cast(ConnectionMsg::Reconnect).unwrap();
    question(&mut bench, |view| Some(view.id) != last).await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_given_late_does_for_the_next_dial_and_no_other() {
    let mut bench = Bench::new([Step::Guarded(Door::Code("123"))]).await;
    let waits = bench.ask();
    let sleeps = question(&mut bench, |view| view.state == QuestionState::Dormant).await;
    assert!(answer(&bench, &sleeps, "123"));
    bench.actor.cast(ConnectionMsg::Reconnect).unwrap();
    assert!(waits.await.unwrap().is_ok());
    sleep(Duration::from_secs(20)).await;
    bench.script.link(0).close().await;
    let _waits = bench.ask();
    question(&mut bench, |view| view.id != sleeps.id).await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_comes_up_without_takes_the_question_back() {
    let mut bench = Bench::new([GUARDED, Step::Reaches(10)]).await;
    let waits = bench.ask();
    question(&mut bench, |view| view.state == QuestionState::Dormant).await;
    bench.actor.cast(ConnectionMsg::Reconnect).unwrap();
    assert!(waits.await.unwrap().is_ok());
    assert_eq!(bench.attention.open(), []);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_down_leaves_the_question_as_it_is() {
    let mut bench = Bench::new([GUARDED, refused()]).await;
    let _waits = bench.ask();
    let asked = question(&mut bench, |view| view.state == QuestionState::Dormant).await;
    bench.actor.cast(ConnectionMsg::Reconnect).unwrap();
    bench.until(LinkState::BackingOff).await;
    assert_eq!(bench.attention.open(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_dies_with_the_connection_and_not_with_its_actor() {
    let question = Question::Password { user: "ann".to_owned(), host: "box".to_owned() };
    for (crash, kept) in [(true, true), (false, false)] {
        let bench = Bench::new([Step::Reaches(10)]).await;
        know(&bench.attention, &question).await;
        if crash {
            bench.actor.cast(ConnectionMsg::Crash).unwrap();
        } else {
            bench.actor.stop(None);
        }
        bench.actor.wait(Some(LONG)).await.unwrap();
        let prompter = bench.attention.prompter("box".to_owned());
        assert_eq!(timeout(LONG, prompter.ask(&question, false)).await.is_ok(), kept);
    }
}

/// Has a person asked, who answers at once.
async fn know(attention: &Attention, question: &Question) {
    let (desk, question) = (attention.clone(), question.clone());
    let prompter: Arc<_> = attention.prompter("box".to_owned());
    let asks = tokio::spawn(async move { prompter.ask(&question, false).await });
    let mut changed = desk.subscribe();
    while desk.open().is_empty() {
        changed.changed().await.unwrap();
    }
    desk.answer(desk.open()[0].id, Secret::new("sesame")).unwrap();
    assert!(asks.await.unwrap().is_some());
}
