//! When it dials, and when it does not.

use std::future::Future as _;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Wake};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::script::{Bench, Step, locked_out, refused};
use crate::actors::connection::{ConnectionMsg, LinkReport};
use crate::domain::connection::{LinkState, Purpose};

#[tokio::test(start_paused = true)]
async fn a_host_that_is_down_is_dialled_ever_less_often_and_for_ever() {
    let bench = Bench::new([refused()]).await;
    let _waits = bench.ask();
    sleep(Duration::from_secs(3_600)).await;
    let pauses = bench.script.pauses();
    for (n, pause) in pauses.iter().enumerate() {
        let full = Duration::from_millis(500 << n.min(6)).min(Duration::from_secs(30));
        assert!(*pause >= full / 2 && *pause <= full + full / 10, "{n}: {pause:?}");
    }
    assert!(pauses.len() > 100, "an hour has more than {} pauses", pauses.len());
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_hangs_holds_up_nothing_and_is_the_only_one() {
    let mut bench = Bench::new([Step::Hangs]).await;
    let _waits: Vec<_> = (0..30).map(|_| bench.ask()).collect();
    bench.until(LinkState::Connecting).await;
    bench.actor.cast(ConnectionMsg::Reconnect).unwrap();
    bench.actor.cast(ConnectionMsg::Drain).unwrap();
    bench.until(LinkState::Draining).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!((bench.script.dials(), bench.script.dials_under_way()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_person_is_not_dialled_for_a_day_and_then_by_hand() {
    let mut bench = Bench::new([locked_out(), Step::Reaches(10)]).await;
    let follows = bench.ask();
    let started = bench.ask_for(Purpose::Session, true);
    assert!(started.await.unwrap().is_err(), "whoever asked is told");
    bench.until(LinkState::NeedsAttention).await;
    sleep(Duration::from_secs(24 * 3_600)).await;
    assert_eq!((bench.script.dials(), bench.state()), (1, LinkState::NeedsAttention));
    bench.actor.cast(ConnectionMsg::Reconnect).unwrap();
    assert!(follows.await.unwrap().is_ok(), "whoever follows has waited");
    assert_eq!(bench.state(), LinkState::Connected);
}

/// Reads the report at the very moment in which an answer is there.
struct Reader {
    report: watch::Receiver<LinkReport>,
    read: OnceLock<LinkReport>,
}

impl Wake for Reader {
    fn wake(self: Arc<Self>) {
        self.read.get_or_init(|| self.report.borrow().clone());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_told_of_a_failure_reads_in_the_report_where_it_was_tried() {
    let mut bench = Bench::new([locked_out()]).await;
    let report = bench.report.clone();
    let reader = Arc::new(Reader { report, read: OnceLock::new() });
    let mut answer = pin!(bench.ask_for(Purpose::Session, true));
    let waker = Arc::clone(&reader).into();
    assert!(answer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    bench.until(LinkState::NeedsAttention).await;
    let read = reader.read.get().expect("the answer came");
    assert!(read.at.destination.is_some() && read.trouble.is_some(), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_panics_is_one_that_failed() {
    let bench = Bench::new([Step::Panics, Step::Reaches(10)]).await;
    assert!(bench.ask().await.unwrap().is_ok());
    assert_eq!(bench.script.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_stopped_gives_its_dial_up() {
    let mut bench = Bench::new([Step::Hangs]).await;
    let waits = bench.ask();
    bench.until(LinkState::Connecting).await;
    while bench.script.dials_under_way() == 0 {
        tokio::task::yield_now().await;
    }
    bench.actor.stop_and_wait(None, None).await.unwrap();
    assert!(waits.await.is_err(), "the request went with it");
    // The aborted task is dropped by the runtime, in its own time.
    while bench.script.dials_under_way() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_link_is_closed_and_opened_again_on_demand() {
    let mut bench = Bench::new([Step::Reaches(10)]).await;
    for round in 1..=3 {
        for _ in 0..4 {
            drop(bench.ask().await.unwrap().unwrap());
        }
        assert_eq!((bench.script.dials(), bench.links()), (round, 1));
        bench.until(LinkState::Idle).await;
        bench.script.link(round - 1).lost().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_in_use_is_not_closed() {
    let bench = Bench::new([Step::Reaches(10)]).await;
    let _used = bench.ask().await.unwrap().unwrap();
    sleep(Duration::from_secs(24 * 3_600)).await;
    assert_eq!((bench.script.dials(), bench.links()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_fails_leaves_no_link_behind() {
    let bench = Bench::new([Step::Reaches(10)]).await;
    let _used = bench.ask().await.unwrap().unwrap();
    bench.actor.cast(ConnectionMsg::Crash).unwrap();
    bench.script.link(0).lost().await;
}
