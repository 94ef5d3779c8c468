//! How soon it notices that a host is back, or that a link is not there.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::script::{Bench, Step, locked_out};
use crate::actors::connection::ConnectionMsg;
use crate::domain::connection::LinkState;

#[tokio::test(start_paused = true)]
async fn a_host_that_was_away_for_minutes_is_dialled_within_a_second_of_its_return() {
    for minutes in [1, 5] {
        let mut bench = Bench::new([Step::Away]).await;
        let waits = bench.ask();
        sleep(Duration::from_secs(minutes * 60)).await;
        assert!(bench.script.dials() < 20 * minutes as usize, "{}", bench.script.dials());
        let back = Instant::now();
        bench.script.come_back();
        bench.until(LinkState::Connected).await;
        assert!(back.elapsed() <= Duration::from_secs(1), "{:?}", back.elapsed());
        assert!(waits.await.unwrap().is_ok());
        assert_eq!(bench.script.dials_on_reached(), 1, "the server sees one client, not two");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_looked_out_for_where_a_link_is_up_or_nobody_waits() {
    let mut bench = Bench::new([Step::Away]).await;
    let waits = bench.ask();
    sleep(Duration::from_secs(5)).await;
    bench.script.come_back();
    let granted = waits.await.unwrap().unwrap();
    let knocks = bench.script.knocks().len();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.script.knocks().len(), knocks, "the link is up");
    drop(granted);

    bench = Bench::new([Step::Away]).await;
    drop(bench.ask());
    sleep(Duration::from_secs(60)).await;
    let knocks = bench.script.knocks().len();
    sleep(Duration::from_secs(600)).await;
    assert_eq!((bench.script.knocks().len(), bench.state()), (knocks, LinkState::Idle));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_person_is_not_looked_out_for() {
    let mut bench = Bench::new([locked_out()]).await;
    let _waits = bench.ask();
    bench.until(LinkState::NeedsAttention).await;
    bench.script.come_back();
    bench.actor.cast(ConnectionMsg::Nudged).unwrap();
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!((bench.script.dials(), bench.script.knocks().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_network_ends_a_pause() {
    let mut bench = Bench::new([Step::Away]).await;
    let _waits = bench.ask();
    sleep(Duration::from_secs(300)).await;
    bench.until(LinkState::BackingOff).await;
    let dials = bench.script.dials();
    bench.actor.cast(ConnectionMsg::Nudged).unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.script.dials(), dials + 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_answers_stays_through_a_change_of_network() {
    let bench = Bench::new([Step::Reaches(10)]).await;
    let _used = bench.ask().await.unwrap().unwrap();
    for _ in 0..3 {
        bench.actor.cast(ConnectionMsg::Nudged).unwrap();
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!((bench.script.dials(), bench.state()), (1, LinkState::Connected));
}

#[tokio::test(start_paused = true)]
async fn an_outage_has_one_beginning_however_often_it_is_dialled() {
    let mut bench = Bench::new([Step::Reaches(10), Step::Away]).await;
    let used = bench.ask().await.unwrap().unwrap();
    assert_eq!(bench.report.borrow().view().unreachable_since, None);
    let waits = bench.ask();
    drop(waits.await);
    sleep(Duration::from_secs(20)).await;
    bench.script.link(0).close().await;
    drop(used);
    let waits = bench.ask();
    bench.until(LinkState::BackingOff).await;
    let first = bench.report.borrow().view();
    assert!(first.unreachable_since.is_some() && first.failure.is_some());
    sleep(Duration::from_secs(120)).await;
    let later = bench.report.borrow().view();
    assert_eq!(later.unreachable_since, first.unreachable_since);
    bench.script.come_back();
    assert!(waits.await.unwrap().is_ok());
    let back = bench.report.borrow().view();
    assert_eq!((back.unreachable_since, back.failure), (None, None));
}
