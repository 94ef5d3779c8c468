use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;

use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::super::error::Fault;
use super::super::schema;
use super::super::sessions::{self, Entry};
use super::super::worker::Access;
use super::*;

async fn open(dir: &TempDir) -> Result<Registry, RegistryError> {
    Registry::open(file_in(dir)).await
}

/// A folder with this as its registry.
fn with_file(content: &[u8]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(file_in(&dir).parent().unwrap()).unwrap();
    fs::write(file_in(&dir), content).unwrap();
    dir
}

#[tokio::test]
async fn files_and_folder_are_the_owners_alone() {
    let Fixture { registry, dir } = Fixture::new().await;
    registry.insert(SessionRecord::sample(1)).await.unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let folder = file_in(&dir).parent().unwrap().to_owned();
    assert_eq!(mode(folder.clone()), 0o700);
    for file in ["registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm"] {
        assert_eq!(mode(folder.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_with_a_remedy_and_left_as_it_is() {
    let garbage = b"this was a registry once, before the disk lied about it\n".repeat(99);
    let dir = with_file(&garbage);
    let error = open(&dir).await.unwrap_err();
    assert!(matches!(&error, RegistryError::Corrupt { file, .. } if *file == file_in(&dir)));
    assert!(error.remedy().unwrap().contains(file_in(&dir).to_str().unwrap()));
    assert_eq!(fs::read(file_in(&dir)).unwrap(), garbage);
}

#[tokio::test]
async fn damage_inside_the_database_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let record = SessionRecord::sample(1);
    // Closing brings the log into the database: nothing hides the damage.
    let db = schema::open(&file_in(&dir)).unwrap();
    sessions::insert(&db, &Entry::new(record.clone()).unwrap()).unwrap();
    db.close().unwrap();
    let mut bytes = fs::read(file_in(&dir)).unwrap();
    // All but the first page, which has the schema.
    bytes[4_096..].fill(0xff);
    fs::write(file_in(&dir), bytes).unwrap();
    let error = open(&dir).await.unwrap_err();
    assert!(matches!(error, RegistryError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_registry_of_a_later_version_is_left_alone() {
    let fixture = Fixture::new().await;
    let later = |db: &rusqlite::Connection| Ok(db.execute_batch("PRAGMA user_version = 99")?);
    fixture.registry.call(Access::Write, later).await.unwrap();
    let Fixture { registry, dir } = fixture;
    drop(registry);
    let error = open(&dir).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooNew { found: 99, known: 3, .. }), "{error:?}");
}

#[tokio::test]
async fn a_folder_in_the_files_place_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(file_in(&dir)).unwrap();
    let error = open(&dir).await.unwrap_err();
    assert!(matches!(error, RegistryError::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_named() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    registry.insert(SessionRecord::sample(1)).await.unwrap();
    let spoil = |db: &rusqlite::Connection| Ok(db.execute("UPDATE sessions SET record = '{'", [])?);
    registry.call(Access::Write, spoil).await.unwrap();
    let error = registry.live().await.unwrap_err();
    assert!(
        matches!(&error, RegistryError::Entry { entry, .. } if entry == "0000000001"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_full_disk_fails_what_writes_and_heals_when_there_is_room() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let small = SessionRecord::sample(1);
    registry.insert(small.clone()).await.unwrap();
    let room = |pages: i64| {
        move |db: &rusqlite::Connection| {
            let set = db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
            Ok(set?)
        }
    };
    registry.call(Access::Read, room(1)).await.unwrap();
    let large = SessionRecord { command: vec!["x".repeat(1 << 20)], ..SessionRecord::sample(2) };
    let (written, read) = tokio::join!(registry.insert(large.clone()), registry.get(&small.id));
    assert!(matches!(written, Err(RegistryError::DiskFull { .. })), "{written:?}");
    assert_eq!(read.unwrap(), Some(small.clone()));
    assert_eq!(registry.live().await.unwrap(), std::slice::from_ref(&small));
    registry.call(Access::Read, room(1 << 20)).await.unwrap();
    registry.insert(large.clone()).await.unwrap();
    assert_eq!(registry.live().await.unwrap(), [large, small]);
}

#[tokio::test]
async fn a_registry_that_may_not_be_written_can_still_be_read() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    registry.insert(SessionRecord::sample(1)).await.unwrap();
    let close = |db: &rusqlite::Connection| Ok(db.pragma_update(None, "query_only", true)?);
    registry.call(Access::Read, close).await.unwrap();
    let error = registry.insert(SessionRecord::sample(2)).await.unwrap_err();
    assert!(matches!(error, RegistryError::ReadOnly { .. }), "{error:?}");
    assert_eq!(registry.live().await.unwrap(), [SessionRecord::sample(1)]);
}

/// Calls that wait for the disk together share a transaction; one that fails
/// must not take the others along.
#[tokio::test]
async fn a_call_that_fails_fails_alone() {
    let Fixture { registry, dir: _dir } = Fixture::new().await;
    let (say_shut, is_shut) = oneshot::channel();
    let (mut say_shut, (open_gate, gate)) = (Some(say_shut), mpsc::channel::<()>());
    let shut = registry.call(Access::Read, move |_| {
        say_shut.take().unwrap().send(()).unwrap();
        gate.recv().unwrap();
        Ok(())
    });
    // Few enough that one poll queues all of them: tokio has a task yield
    // after some 128 steps.
    let saves = join_all((0..20).map(|id| registry.insert(SessionRecord::sample(id))));
    let mut runs = 0;
    let counting = registry.call(Access::Write, move |_| {
        runs += 1;
        Ok(runs)
    });
    let failing = registry.call(Access::Write, |db| {
        // Half of its work is done when it fails.
        db.execute("DELETE FROM sessions", [])?;
        Err::<(), _>(Fault::from(db.execute("INSERT INTO nowhere VALUES (1)", []).unwrap_err()))
    });
    let queued_behind = async {
        is_shut.await.unwrap();
        // They are polled in this order, so all are queued when it opens.
        let open = async { open_gate.send(()).unwrap() };
        tokio::join!(saves, counting, failing, open)
    };
    let (opened, (saved, counted, failed, ())) = tokio::join!(shut, queued_behind);
    opened.unwrap();
    assert!(saved.iter().all(Result::is_ok), "{saved:?}");
    assert!(matches!(failed, Err(RegistryError::Sqlite { .. })), "{failed:?}");
    assert_eq!(counted.unwrap(), 2, "it shared the transaction that failed, and ran once more");
    assert_eq!(registry.live().await.unwrap().len(), 20);
}
