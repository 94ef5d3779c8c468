//! Who gets a channel, and on which link.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::script::{Bench, Step};
use crate::actors::connection::Granted;
use crate::domain::connection::{LinkState, Purpose};

async fn granted(bench: &Bench, count: usize) -> Vec<Granted> {
    let asked: Vec<_> = (0..count).map(|_| bench.ask()).collect();
    join_all(asked).await.into_iter().map(|answer| answer.unwrap().unwrap()).collect()
}

/// A connection with a link whose probe is over: until then that has a channel.
async fn probed(steps: impl Into<Vec<Step>>) -> Bench {
    let bench = Bench::new(steps).await;
    drop(bench.ask().await.unwrap().unwrap());
    sleep(Duration::from_secs(40)).await;
    bench
}

#[tokio::test(start_paused = true)]
async fn more_links_come_up_when_the_first_is_full_and_a_few_at_once() {
    let bench = Bench::new([Step::Reaches(10)]).await;
    let all = granted(&bench, 30).await;
    assert_eq!((all.len(), bench.links()), (30, 4));
    assert_eq!(bench.script.dials(), 4);
    assert!(bench.script.most_dials_at_once() <= 3, "those that were needed");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_opens_fewer_gets_more_links() {
    let bench = Bench::new([Step::Reaches(3)]).await;
    let all = granted(&bench, 9).await;
    assert_eq!(all.len(), 9);
    assert!((3..=5).contains(&bench.links()), "{}", bench.links());
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_free_for_others() {
    let bench = probed([Step::Reaches(10)]).await;
    for _ in 0..20 {
        drop(granted(&bench, 9).await);
    }
    assert_eq!((bench.script.dials(), bench.links()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_taken_back_costs_no_channel() {
    let bench = probed([Step::Reaches(10)]).await;
    for _ in 0..20 {
        for _ in 0..9 {
            drop(bench.ask());
        }
    }
    assert_eq!(granted(&bench, 9).await.len(), 9);
    assert_eq!(bench.links(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kill_finds_a_channel_where_sessions_have_all_others() {
    let bench = probed([Step::Reaches(10), Step::Hangs]).await;
    let _all = granted(&bench, 9).await;
    let _waits = bench.ask();
    assert!(bench.ask_for(Purpose::Control, false).await.unwrap().is_ok());
    assert_eq!(bench.links(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_opens_nothing_is_not_dialled_in_a_circle() {
    let mut bench = Bench::new([Step::Reaches(0)]).await;
    let _follows = bench.ask();
    let started = bench.ask_for(Purpose::Session, true);
    assert!(started.await.unwrap().is_err(), "whoever asked is told");
    bench.until(LinkState::BackingOff).await;
    sleep(Duration::from_secs(600)).await;
    assert!((10..60).contains(&bench.script.dials()), "{}", bench.script.dials());
    let failure = bench.report.borrow().failure.clone();
    assert!(failure.is_some() || bench.state() == LinkState::Connecting);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_channel_gets_one_on_the_next_link() {
    let bench = Bench::new([Step::Reaches(10)]).await;
    let first = bench.ask().await.unwrap().unwrap();
    bench.script.link(0).close().await;
    let second = bench.ask().await.unwrap().unwrap();
    assert_eq!(bench.links(), 1);
    // The slot of the link that is gone is no slot of the new one.
    drop(first);
    sleep(Duration::from_secs(40)).await;
    let _all = granted(&bench, 8).await;
    assert_eq!(bench.links(), 1);
    drop(second);
}
