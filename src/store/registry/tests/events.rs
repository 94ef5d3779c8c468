use super::super::worker::Access;
use super::*;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::SessionId;
use crate::domain::timestamp::Timestamp;

fn removed(id: u64) -> EventKind {
    EventKind::SessionRemoved { session: SessionId::from_bits(id) }
}

async fn append(registry: &Registry, id: u64) -> u64 {
    registry.append_event(Timestamp::from_millis(id), &removed(id)).await.unwrap()
}

/// Fills the registry with as many events as it keeps, numbered from 1.
async fn fill(registry: &Registry) {
    let kind = serde_json::to_string(&removed(0)).unwrap();
    registry
        .call(Access::Write, move |db| {
            let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?1) \
                       INSERT INTO events (at, kind) SELECT i, ?2 FROM n";
            Ok(db.prepare(sql)?.execute((KEPT_EVENTS as i64, &kind))?)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn what_an_agent_told_is_written_down_with_how_far_it_was_heard() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let record = crate::domain::session::SessionRecord::sample(7);
    let id = record.id.clone();
    registry.insert(record.clone()).await.unwrap();
    assert_eq!(registry.told(&id).await.unwrap(), 0);
    let at = Timestamp::from_millis(1);
    let seqs = registry.tell(at, &id, 90, &[removed(1), removed(2)]).await.unwrap();
    assert_eq!(seqs, [1, 2]);
    // A record that is saved meanwhile says nothing about it.
    registry.save(record).await.unwrap();
    assert_eq!(registry.told(&id).await.unwrap(), 90);
    let Events::Fresh(events) = registry.events(0, 9).await.unwrap() else {
        panic!("all are there")
    };
    assert_eq!(events.len(), 2);
    registry.remove(&id).await.unwrap();
    assert_eq!(registry.told(&id).await.unwrap(), 0);
}

#[tokio::test]
async fn events_come_back_in_order_from_the_cursor_on() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    assert_eq!(registry.last_event().await.unwrap(), 0);
    assert_eq!(registry.events(0, 10).await.unwrap(), Events::Fresh(vec![]));
    for id in 1..=4 {
        assert_eq!(append(&registry, id).await, id);
    }
    let event = |seq| Event { seq, at: Timestamp::from_millis(seq), kind: removed(seq) };
    let fresh = |seqs: &[u64]| Events::Fresh(seqs.iter().map(|seq| event(*seq)).collect());
    assert_eq!(registry.events(0, 10).await.unwrap(), fresh(&[1, 2, 3, 4]));
    assert_eq!(registry.events(1, 2).await.unwrap(), fresh(&[2, 3]));
    assert_eq!(registry.events(4, 10).await.unwrap(), fresh(&[]));
    assert_eq!(registry.last_event().await.unwrap(), 4);
}

#[tokio::test]
async fn numbers_go_on_growing_over_a_restart_and_after_all_events_are_gone() {
    let fixture = Fixture::new().await;
    append(&fixture.registry, 1).await;
    append(&fixture.registry, 2).await;
    let gone = |db: &rusqlite::Connection| Ok(db.execute("DELETE FROM events", [])?);
    fixture.registry.call(Access::Write, gone).await.unwrap();
    let fixture = fixture.reopen().await;
    assert_eq!(fixture.registry.last_event().await.unwrap(), 2);
    assert_eq!(fixture.registry.events(1, 9).await.unwrap(), Events::Stale { oldest: 3 });
    assert_eq!(fixture.registry.events(2, 9).await.unwrap(), Events::Fresh(vec![]));
    assert_eq!(append(&fixture.registry, 3).await, 3);
}

#[tokio::test]
async fn only_the_newest_are_kept_and_an_older_cursor_is_told_so() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    fill(&registry).await;
    assert!(matches!(registry.events(0, 1).await.unwrap(), Events::Fresh(_)), "nothing is gone");
    assert_eq!(append(&registry, 1).await, KEPT_EVENTS + 1);
    assert_eq!(append(&registry, 2).await, KEPT_EVENTS + 2);
    assert_eq!(registry.events(1, 1).await.unwrap(), Events::Stale { oldest: 3 });
    let Events::Fresh(kept) = registry.events(2, usize::MAX).await.unwrap() else {
        panic!("event 3 is kept, so a cursor at 2 misses nothing");
    };
    assert_eq!(kept.len() as u64, KEPT_EVENTS);
    assert!(kept.iter().map(|event| event.seq).eq(3..=KEPT_EVENTS + 2));
}

#[tokio::test]
async fn a_cursor_of_another_registry_is_stale() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    append(&registry, 1).await;
    for unknown in [2, u64::MAX] {
        assert_eq!(registry.events(unknown, 9).await.unwrap(), Events::Stale { oldest: 1 });
    }
}
