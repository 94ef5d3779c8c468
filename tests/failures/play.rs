//! One row, played: the same failure wherever one may look.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::bench::Bench;
use crate::row::{Row, Shows, Told};
use crate::support::command::Finished;
use crate::support::wait::eventually_or;

/// More than any row takes with pauses that grow, and far less than one without.
const CONNECTIONS: usize = 60;
/// Lines that fit on a terminal of the usual size, with what was typed.
const SCREEN: usize = 22;

/// Plays a row to its end; panics where something is not told as it has to be.
pub(crate) fn play(row: &Row, bench: &Bench) {
    if row.shows != Shows::Test {
        in_the_session(row, bench);
    }
    if row.shows != Shows::Session {
        in_the_test(row, bench);
    }
    if let Some(connections) = &row.connections {
        let taken = connections.load(Ordering::Relaxed);
        assert!((1..=CONNECTIONS).contains(&taken), "{taken} connections");
    }
}

/// The session's record, as scripts and as people see it.
fn in_the_session(row: &Row, bench: &Bench) {
    let home = &bench.home;
    let run: Vec<_> = ["--on", row.name].iter().chain(&row.run).copied().collect();
    let id = home.detached(&run);
    let mut seen = Value::Null;
    eventually_or(
        &format!("session {id} has a failure"),
        || {
            seen = home.inspect(&id);
            failure_of(&seen).is_some()
        },
        || bench.logs(),
    );
    let failure = failure_of(&seen).unwrap_or(&Value::Null);
    holds(failure, row, "inspect --json");
    fits(&home.longhaul(&["inspect", &id]).exited(0), row, "inspect");
    if row.shows == Shows::Link {
        // A connection that nobody waits for is of no interest, and tells nothing.
        in_the_status(row, bench);
        home.longhaul(&["kill", &id]);
    }
    let ended = home.longhaul(&["wait", &id]);
    assert_ne!(ended.code(), Some(0), "a session that cannot run ended well\n{ended}");
}

/// The session's own failure, else its link's.
fn failure_of(session: &Value) -> Option<&Value> {
    [&session["failure"], &session["link"]["failure"]].into_iter().find(|found| !found.is_null())
}

/// The link, beside all others.
fn in_the_status(row: &Row, bench: &Bench) {
    let status = bench.home.json(&["status"]);
    let remotes = status["remotes"].as_array().cloned().unwrap_or_default();
    let remote = remotes.iter().find(|remote| remote["name"] == row.name);
    let link = remote.map(|remote| remote["link"].clone()).unwrap_or_default();
    holds(&link["failure"], row, "status --json");
    let said = bench.home.longhaul(&["status"]).exited(0).out();
    let line = said.lines().find(|line| line.starts_with(&format!("{} ", row.name)));
    let line = line.unwrap_or_default();
    assert!(line.contains(row.told.code), "no {} in status: {line:?}", row.told.code);
}

/// A test of the remote, which stops where it failed.
fn in_the_test(row: &Row, bench: &Bench) {
    let arguments = |more: &[&'static str]| {
        let start = ["remote", "test", row.name];
        start.iter().chain(&row.test).chain(more).copied().collect::<Vec<_>>()
    };
    let said = bench.home.longhaul(&arguments(&["--json"]));
    assert_ne!(said.code(), Some(0), "the test of what is broken ended well\n{said}");
    let report = said.json();
    holds(&report["failure"], row, "remote test --json");
    let stages = report["stages"].as_array().cloned().unwrap_or_default();
    let good: Vec<bool> = stages.iter().map(|stage| stage["ok"] == true).collect();
    let (last, before) = good.split_last().unwrap_or((&true, &[]));
    assert!(!last && before.iter().all(|good| *good), "stages: {stages:#?}");
}

/// Whether a failure is told as the row says.
fn holds(failure: &Value, row: &Row, place: &str) {
    let Told { code, stage, disposition, message, remedy } = &row.told;
    let text = |field: &str| failure[field].as_str().unwrap_or_default().to_owned();
    let mut odd = String::new();
    for (field, wanted) in [("code", code), ("stage", stage), ("disposition", disposition)] {
        if text(field) != **wanted {
            let _ = writeln!(odd, "{field} is not {wanted}");
        }
    }
    for (field, parts) in [("message", message), ("remedy", remedy)] {
        for part in parts.iter().filter(|part| !text(field).contains(part.as_str())) {
            let _ = writeln!(odd, "{field} lacks {part:?}");
        }
    }
    assert!(odd.is_empty(), "{place}:\n{odd}{failure:#}");
}

/// Whether a person reads it on one screen, with what to type.
fn fits(said: &Finished, row: &Row, place: &str) {
    let text = said.out();
    assert!(text.contains(row.told.code), "{place}: no {}\n{text}", row.told.code);
    let block = text.lines().skip_while(|line| !line.is_empty()).count();
    assert!(block <= SCREEN, "{place}: more than a screen\n{text}");
    for part in &row.told.remedy {
        assert!(text.contains(part.as_str()), "{place}: no {part:?}\n{text}");
    }
}
