//! Formats: whoever comes from one of before arrives at the one of now.

use rusqlite::Connection;

use super::super::schema;
use super::*;

/// What each format was, from the first on, as a daemon of that time left it. A
/// new format adds its row; none is ever changed.
const FORMATS: &[(i64, &[&str])] =
    &[(1, &[FORMAT_1]), (2, &[FORMAT_1, FORMAT_2]), (3, &[FORMAT_1, FORMAT_2, FORMAT_3])];

const FORMAT_1: &str = "
    CREATE TABLE sessions (
        serial INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT, live INTEGER NOT NULL,
        idempotency_key TEXT, record TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX sessions_id ON sessions (id);
    CREATE UNIQUE INDEX sessions_key ON sessions (idempotency_key)
        WHERE idempotency_key IS NOT NULL;
    CREATE UNIQUE INDEX sessions_live_name ON sessions (name)
        WHERE live = 1 AND name IS NOT NULL;
    CREATE INDEX sessions_name ON sessions (name, live, serial) WHERE name IS NOT NULL;
    CREATE INDEX sessions_live ON sessions (serial) WHERE live = 1;
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL
    ) STRICT;
    INSERT INTO events (seq, at, kind) VALUES
        (41, 7, '{\"event\":\"session-removed\",\"session\":\"0000000009\"}');
    INSERT INTO sessions VALUES (5, '0000000007', 'job', 1, 'key',
        '{\"id\":\"0000000007\",\"name\":\"job\",\"agent\":null,\"command\":[\"true\"],
          \"place\":\"Local\",\"host\":null,\"cwd\":null,\"phase\":{\"running\":{\"pid\":7}},
          \"stop\":null,\"created_at\":7,\"started_at\":8,\"ended_at\":null,\"timeout_s\":null,
          \"start_within_s\":30,\"stdin\":{\"open\":false,\"accepted\":0,\"delivered\":0,
          \"eof\":false},\"stdout\":1,\"stderr\":2,\"idempotency_key\":\"key\"}');
    PRAGMA user_version = 1;
    ";

const FORMAT_2: &str = "
    CREATE TABLE removals (
        serial INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, removal TEXT NOT NULL
    ) STRICT;
    INSERT INTO removals VALUES (3, '0000000008',
        '{\"session\":\"0000000008\",\"place\":\"Local\",\"ssh\":null,\"size\":5,
          \"stop_grace_s\":null,\"ordered_at\":9}');
    UPDATE sessions SET record = json_set(record, '$.warnings', json('[]'),
        '$.max_output', 64000, '$.revision', 3, '$.spool_gone_at', NULL);
    PRAGMA user_version = 2;
    ";

const FORMAT_3: &str = "
    ALTER TABLE sessions ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
    UPDATE sessions SET told = 5;
    PRAGMA user_version = 3;
    ";

fn file_of(dir: &TempDir, left: &[&str]) -> PathBuf {
    let file = dir.path().join("registry.sqlite");
    let db = Connection::open(&file).unwrap();
    for sql in left {
        db.execute_batch(sql).unwrap();
    }
    db.close().unwrap();
    file
}

/// Tables and indices, with blanks that say nothing made one.
fn shape(db: &Connection) -> Vec<String> {
    let sql = "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let tidy = |text: String| {
        let text: Vec<_> = text.split_whitespace().collect();
        text.join(" ").replace("( ", "(").replace(" )", ")")
    };
    rows.map(|row| tidy(row.unwrap())).collect()
}

fn format(db: &Connection) -> i64 {
    db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn every_format_there_was_is_brought_up_to_date_and_keeps_what_it_held() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = schema::open(&dir.path().join("fresh.sqlite")).unwrap();
    let (newest, _) = FORMATS.last().unwrap();
    assert_eq!(format(&fresh), *newest, "a new format has its row here");
    for (version, left) in FORMATS {
        let dir = tempfile::tempdir().unwrap();
        let file = file_of(&dir, left);
        // A second time changes nothing.
        for _ in 0..2 {
            let db = schema::open(&file).unwrap();
            assert_eq!((format(&db), shape(&db)), (*newest, shape(&fresh)), "from {version}");
            db.close().unwrap();
        }
        let registry = Registry::open(&file).await.unwrap();
        let live = registry.live().await.unwrap();
        assert_eq!(live.len(), 1, "from {version}");
        assert_eq!((live[0].id.as_str(), live[0].pid()), ("0000000007", Some(7)));
        let removals = registry.removals().await.unwrap();
        assert_eq!(removals.len(), usize::from(*version > 1), "from {version}");
        let Events::Fresh(events) = registry.events(40, 9).await.unwrap() else {
            panic!("a cursor of before is one to go on from");
        };
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [41]);
    }
}

/// A migration that was cut short by a kill is done again from its beginning.
#[test]
fn a_migration_that_is_cut_short_leaves_the_format_of_before() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("registry.sqlite");
    let db = Connection::open(&file).unwrap();
    // As far as a transaction that never came to its end had got.
    db.execute_batch("BEGIN IMMEDIATE; CREATE TABLE sessions (serial INTEGER PRIMARY KEY)")
        .unwrap();
    drop(db);
    let db = schema::open(&file).unwrap();
    assert_eq!(format(&db), FORMATS.last().unwrap().0);
}
