use std::slice;

use futures_util::future::join_all;

use super::super::sessions::sql;
use super::super::worker::Access;
use super::*;

fn one(record: &SessionRecord) -> Found {
    Found::One(Box::new(record.clone()))
}

#[tokio::test]
async fn a_record_is_read_back_as_it_was_written_also_after_reopening() {
    let fixture = Fixture::new().await;
    let record = named(1, "nightly");
    assert_eq!(fixture.registry.insert(record.clone()).await.unwrap(), Inserted::New);
    let changed = SessionRecord { phase: Phase::Running { pid: Some(7) }, stdout: 9, ..record };
    fixture.registry.save(changed.clone()).await.unwrap();
    assert_eq!(fixture.registry.get(&changed.id).await.unwrap().as_ref(), Some(&changed));
    let fixture = fixture.reopen().await;
    assert_eq!(fixture.registry.get(&changed.id).await.unwrap().as_ref(), Some(&changed));
}

#[tokio::test]
async fn an_older_record_never_goes_over_a_newer_one() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let at = |revision| SessionRecord { revision, stdout: revision, ..SessionRecord::sample(1) };
    registry.insert(at(0)).await.unwrap();
    // A writer that was stuck on a full disk may come to it after its successor.
    for (revision, saved) in [
        (2, Saved::Written),
        (1, Saved::Stale),
        (2, Saved::Written),
        (5, Saved::Written),
        (4, Saved::Stale),
    ] {
        assert_eq!(registry.save(at(revision)).await.unwrap(), saved, "{revision}");
    }
    assert_eq!(registry.get(&at(0).id).await.unwrap(), Some(at(5)));
}

#[tokio::test]
async fn a_removed_session_is_not_brought_back_by_a_save() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let record = SessionRecord::sample(1);
    registry.insert(record.clone()).await.unwrap();
    registry.forget(&record.id, None).await.unwrap();
    let late = SessionRecord { revision: 9, ..record };
    assert_eq!(registry.save(late).await.unwrap(), Saved::Stale);
    assert_eq!(registry.list(Which::All, Page::WHOLE).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_left_of_a_forgotten_session_is_remembered_until_it_is_done() {
    let fixture = Fixture::new().await;
    let record = ended(SessionRecord::sample(1));
    let removal = Removal::of(&record, Some(5), Timestamp::from_millis(7));
    fixture.registry.insert(record.clone()).await.unwrap();
    assert!(fixture.registry.forget(&record.id, Some(&removal)).await.unwrap());
    // There is nothing to be done for what was never there.
    let other = Removal::of(&SessionRecord::sample(2), None, Timestamp::from_millis(7));
    assert!(!fixture.registry.forget(&other.session, Some(&other)).await.unwrap());
    let fixture = fixture.reopen().await;
    assert_eq!(fixture.registry.removals().await.unwrap(), std::slice::from_ref(&removal));
    let gone = fixture.registry.spools_gone(vec![record.id], Timestamp::from_millis(9));
    gone.await.unwrap();
    assert_eq!(fixture.registry.removals().await.unwrap(), []);
}

#[tokio::test]
async fn a_session_remembers_that_its_spool_is_gone() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let record = ended(SessionRecord::sample(1));
    registry.insert(record.clone()).await.unwrap();
    let at = Timestamp::from_millis(9);
    registry.spools_gone(vec![record.id.clone()], at).await.unwrap();
    registry.sync().await.unwrap();
    let found = registry.get(&record.id).await.unwrap().unwrap();
    assert_eq!(found, SessionRecord { spool_gone_at: Some(at), revision: 1, ..record });
}

#[tokio::test]
async fn a_live_sessions_name_is_taken_until_it_has_ended() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let first = named(1, "nightly");
    registry.insert(first.clone()).await.unwrap();
    let refused = registry.insert(named(2, "nightly")).await;
    assert!(
        matches!(&refused, Err(RegistryError::NameTaken { name, by })
            if name.as_str() == "nightly" && *by == first.id),
        "{refused:?}"
    );
    registry.save(ended(first)).await.unwrap();
    assert_eq!(registry.insert(named(2, "nightly")).await.unwrap(), Inserted::New);
}

#[tokio::test]
async fn a_save_cannot_take_a_live_sessions_name() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    registry.insert(named(1, "nightly")).await.unwrap();
    let refused = registry.save(named(2, "nightly")).await;
    assert!(matches!(refused, Err(RegistryError::NameTaken { .. })), "{refused:?}");
    assert_eq!(registry.live().await.unwrap(), [named(1, "nightly")]);
}

#[tokio::test]
async fn of_many_that_want_one_name_at_once_one_gets_it() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let all = join_all((0..100).map(|id| registry.insert(named(id, "nightly")))).await;
    let taken = all.iter().filter(|r| matches!(r, Err(RegistryError::NameTaken { .. }))).count();
    assert_eq!((all.iter().filter(|r| r.is_ok()).count(), taken), (1, 99));
}

#[tokio::test]
async fn a_known_idempotency_key_is_answered_with_its_session_even_once_that_has_ended() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let keyed = |id| SessionRecord { idempotency_key: Some("k".into()), ..named(id, "nightly") };
    assert_eq!(registry.insert(keyed(1)).await.unwrap(), Inserted::New);
    let existing = |record| Inserted::Existing(Box::new(record));
    assert_eq!(registry.insert(keyed(2)).await.unwrap(), existing(keyed(1)));
    registry.save(ended(keyed(1))).await.unwrap();
    assert_eq!(registry.insert(keyed(3)).await.unwrap(), existing(ended(keyed(1))));
    assert_eq!(registry.list(Which::All, Page::WHOLE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_that_hands_over_gives_up_its_name_and_its_successor_has_it() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let (first, second) = (named(1, "nightly"), named(2, "nightly"));
    registry.insert(first.clone()).await.unwrap();
    registry.hand_over(ended(first.clone()), second.clone()).await.unwrap();
    assert_eq!(registry.find("nightly").await.unwrap(), one(&second));
    assert_eq!(registry.live().await.unwrap(), slice::from_ref(&second));
    // Done again, after the successor has gone on: it is not set back.
    let running = SessionRecord { phase: Phase::Running { pid: Some(7) }, ..second.clone() };
    registry.save(running.clone()).await.unwrap();
    registry.hand_over(ended(first.clone()), second).await.unwrap();
    assert_eq!(registry.live().await.unwrap(), [running]);
    assert_eq!(registry.get(&first.id).await.unwrap(), Some(ended(first)));
}

#[tokio::test]
async fn an_id_is_given_once() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    registry.insert(named(1, "first")).await.unwrap();
    let refused = registry.insert(named(1, "second")).await;
    assert!(matches!(&refused, Err(RegistryError::IdTaken(id)) if *id == named(1, "x").id));
    assert_eq!(registry.live().await.unwrap(), [named(1, "first")]);
}

#[tokio::test]
async fn a_session_is_found_by_id_then_name_then_prefix() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    // The ids are 0000000001, 0000000002, 000000001y and 0000010000.
    let early = ended(named(1, "nightly"));
    let late = ended(named(2, "nightly"));
    let live = named(62, "nightly");
    // Its name is another one's id: the id goes first.
    let sly = named(1 << 20, early.id.as_str());
    for record in [&early, &live, &late, &sly] {
        registry.insert(record.clone()).await.unwrap();
    }
    for (given, found) in [
        ("0000000001", one(&early)),
        ("nightly", one(&live)),
        ("00000100", one(&sly)),
        ("000000001", one(&live)),
        ("00000000", Found::Ambiguous(vec![early.id.clone(), late.id.clone(), live.id.clone()])),
        ("1", Found::Nothing),
        ("", Found::Nothing),
        ("0%", Found::Nothing),
        ("night", Found::Nothing),
        ("00000000011", Found::Nothing),
    ] {
        assert_eq!(registry.find(given).await.unwrap(), found, "{given:?}");
    }
    registry.save(ended(live)).await.unwrap();
    assert_eq!(registry.find("nightly").await.unwrap(), one(&late), "the newest of the ended");
}

#[tokio::test]
async fn lists_are_newest_first_and_come_in_pages() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    // Taken in against the order of their clocks and ids.
    for id in [5, 4, 3, 2, 1] {
        let record = SessionRecord::sample(id);
        registry.insert(if id % 2 == 0 { ended(record) } else { record }).await.unwrap();
    }
    let ids = async |which, limit, offset| -> Vec<u64> {
        let page = registry.list(which, Page { limit, offset }).await.unwrap();
        page.iter().map(|record| record.created_at.as_millis()).collect()
    };
    assert_eq!(ids(Which::All, usize::MAX, 0).await, [1, 2, 3, 4, 5]);
    assert_eq!(ids(Which::All, 2, 1).await, [2, 3]);
    assert_eq!(ids(Which::Live, usize::MAX, 0).await, [1, 3, 5]);
    assert_eq!(ids(Which::Live, 1, 2).await, [5]);
    // A session keeps its place when it is saved.
    registry.save(ended(SessionRecord::sample(3))).await.unwrap();
    assert_eq!(ids(Which::All, usize::MAX, 0).await, [1, 2, 3, 4, 5]);
    assert_eq!(ids(Which::Live, usize::MAX, 0).await, [1, 5]);
}

#[tokio::test]
async fn a_removed_session_leaves_nothing_behind() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let record = SessionRecord { idempotency_key: Some("k".into()), ..named(1, "nightly") };
    registry.insert(record.clone()).await.unwrap();
    assert!(registry.remove(&record.id).await.unwrap());
    assert!(!registry.remove(&record.id).await.unwrap());
    assert_eq!(registry.find("nightly").await.unwrap(), Found::Nothing);
    assert_eq!(registry.insert(record).await.unwrap(), Inserted::New);
}

/// Ended sessions pile up; what is asked all the time must not go through them.
#[tokio::test]
async fn no_question_but_the_full_list_goes_through_all_sessions() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    for (sql, plan) in [
        (sql::BY_ID, "SEARCH sessions USING INDEX sessions_id (id=?)"),
        (sql::BY_KEY, "SEARCH sessions USING INDEX sessions_key (idempotency_key=?)"),
        (sql::BY_NAME, "SEARCH sessions USING INDEX sessions_name (name=?)"),
        (sql::LIVE_BY_NAME, "SEARCH sessions USING INDEX sessions_name (name=? AND live=?)"),
        (sql::BY_PREFIX, "SEARCH sessions USING COVERING INDEX sessions_id (id>? AND id<?)"),
        (sql::LIVE, "SCAN sessions USING INDEX sessions_live"),
        (sql::REMOVE, "SEARCH sessions USING INDEX sessions_id (id=?)"),
        // By rowid, backwards, and no further than the page.
        (sql::ALL, "SCAN sessions"),
    ] {
        let found: Vec<String> = registry
            .call(Access::Read, move |db| {
                let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                // Parameters stay unbound: only the plan is asked for.
                let steps = plan.raw_query().mapped(|row| row.get("detail"));
                Ok(steps.collect::<Result<_, _>>()?)
            })
            .await
            .unwrap();
        assert_eq!(found, [plan], "{sql}");
    }
}
