//! `kill -9` in the middle of writes.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::domain::event::EventKind;
use crate::domain::ids::SessionId;
use crate::domain::timestamp::Timestamp;

/// Set in the process that writes and is killed: its registry's folder.
const VICTIM: &str = "LONGHAUL_TEST_KILLED_REGISTRY";
/// Its concurrent writers.
const WRITERS: u64 = 8;
/// Acknowledged writes after which it is killed.
const ENOUGH: usize = 500;

/// The test starts this very test in a second process, which writes and says
/// what it was told is written, until it is killed.
#[test]
fn what_was_acknowledged_survives_a_kill_in_the_middle_of_writes() {
    if let Some(dir) = env::var_os(VICTIM) {
        write_for_ever(dir.into());
    }
    let dir = tempfile::tempdir().unwrap();
    let acknowledged = kill_amid_writes(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(check(&dir, &acknowledged));
}

/// The last number that each session was acknowledged with.
fn kill_amid_writes(dir: &TempDir) -> BTreeMap<SessionId, u64> {
    let own_name = std::thread::current().name().unwrap().to_owned();
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", &own_name, "--nocapture", "--test-threads", "1"])
        .env(VICTIM, dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = BTreeMap::new();
    let mut lines = 0;
    let output = BufReader::new(victim.stdout.take().unwrap());
    // The pipe ends when the victim is dead and all that it said is read.
    for line in output.split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        let Some((id, n)) = line.strip_prefix("saved ").and_then(|said| said.split_once(' '))
        else {
            continue;
        };
        // The line that the kill cut short may have lost digits, never gained.
        let Ok(n) = n.parse::<u64>() else { continue };
        let last: &mut u64 = acknowledged.entry(id.parse().unwrap()).or_default();
        *last = n.max(*last);
        lines += 1;
        if lines == ENOUGH {
            victim.kill().unwrap();
        }
    }
    victim.wait().unwrap();
    assert!(lines >= ENOUGH, "the writer died by itself after {lines} writes");
    acknowledged
}

async fn check(dir: &TempDir, acknowledged: &BTreeMap<SessionId, u64>) {
    let registry = Registry::open(file_in(dir)).await.unwrap();
    let mut events = 0;
    for (id, said) in acknowledged {
        let record = registry.get(id).await.unwrap().unwrap();
        assert!(record.stdout >= *said, "{id}: {} of {said}", record.stdout);
        // Each save came after its event was acknowledged.
        events += said;
    }
    assert!(registry.last_event().await.unwrap() >= events);
    let intact: String = registry
        .call(super::super::worker::Access::Read, |db| {
            Ok(db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(intact, "ok");
    registry.insert(SessionRecord::sample(WRITERS)).await.unwrap();
}

fn write_for_ever(dir: PathBuf) -> ! {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let file = dir.join("state").join("registry.sqlite");
        let registry = Registry::open(file).await.unwrap();
        let writers = (0..WRITERS).map(|id| tokio::spawn(write_one(registry.clone(), id)));
        futures_util::future::join_all(writers.collect::<Vec<_>>()).await
    });
    unreachable!("the writers go on until they are killed")
}

async fn write_one(registry: Registry, id: u64) {
    let mut record = SessionRecord::sample(id);
    let event = EventKind::SessionRemoved { session: record.id.clone() };
    registry.insert(record.clone()).await.unwrap();
    loop {
        registry.append_event(Timestamp::from_millis(0), &event).await.unwrap();
        record.stdout += 1;
        registry.save(record.clone()).await.unwrap();
        println!("saved {} {}", record.id, record.stdout);
    }
}
