//! One row, played: the same failure wherever one may look.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::bench::Bench;
use crate::row::{Fails, Place, Row, Told};
use crate::support::command::Finished;
use crate::support::wait::eventually_or;

/// More than any row takes with pauses that grow, and far less than one without.
const CONNECTIONS: usize = 60;
/// Lines that fit on a terminal of the usual size, with what was typed.
const SCREEN: usize = 22;

/// Plays a row to its end; panics where something is not told as it has to be.
pub(crate) fn play(row: &Row, bench: &Bench) {
    match row.fails {
        Fails::Request => is_refused(row, bench),
        Fails::Link | Fails::Session => in_the_session(row, bench),
    }
    if row.is_told_in(Place::Test) {
        in_the_test(row, bench);
    }
    if let Some(connections) = &row.connections {
        let taken = connections.load(Ordering::Relaxed);
        assert!((1..=CONNECTIONS).contains(&taken), "{row}: {taken} connections");
    }
}

/// The request's answer: nothing was taken in.
fn is_refused(row: &Row, bench: &Bench) {
    let run: Vec<_> = ["run", "--on", row.name].iter().chain(&row.run).copied().collect();
    let said = bench.home.longhaul(&run);
    assert_eq!(said.code(), Some(125), "{row}: {said}");
    for part in row.told.remedy.iter().chain(&row.told.message) {
        assert!(said.err().contains(part), "{row}: no {part:?}\n{said}");
    }
    assert!(said.err().contains(row.told.code), "{row}: {said}");
}

/// The session's record and `status`, as scripts and as people see them.
fn in_the_session(row: &Row, bench: &Bench) {
    let home = &bench.home;
    let run: Vec<_> = ["--on", row.name].iter().chain(&row.run).copied().collect();
    let id = home.detached(&run);
    let mut seen = Value::Null;
    eventually_or(
        &format!("{row}: session {id} has a failure"),
        || {
            seen = home.inspect(&id);
            failure_of(&seen).is_some()
        },
        || bench.logs(),
    );
    let failure = failure_of(&seen).unwrap_or(&Value::Null);
    holds(failure, row, "inspect --json");
    fits(&home.longhaul(&["inspect", &id]).exited(0), row, "inspect");
    if row.is_told_in(Place::Status) {
        in_the_status(row, &id, bench);
    }
    if row.fails == Fails::Link {
        // A connection that nobody waits for is of no interest, and tells nothing.
        home.longhaul(&["kill", &id]);
    }
    let ended = home.longhaul(&["wait", &id]);
    assert_ne!(ended.code(), Some(0), "{row}: it cannot run, and ended well\n{ended}");
}

/// The session's own failure, else its link's.
fn failure_of(session: &Value) -> Option<&Value> {
    [&session["failure"], &session["link"]["failure"]].into_iter().find(|found| !found.is_null())
}

/// The link beside all others, or the session beside others that failed.
fn in_the_status(row: &Row, id: &str, bench: &Bench) {
    let mut failure = Value::Null;
    // What is tried again is no failure while a try may yet be one that is good.
    eventually_or(
        &format!("{row}: status --json has a failure"),
        || {
            failure = in_status(&bench.home.json(&["status"]), row, id);
            !failure.is_null()
        },
        || bench.logs(),
    );
    holds(&failure, row, "status --json");
    let start = format!("{} ", row.name);
    let is_told = |line: &str| line.starts_with(&start) && line.contains(row.told.code);
    eventually_or(
        &format!("{row}: status has the code"),
        || bench.home.longhaul(&["status"]).exited(0).out().lines().any(is_told),
        || bench.logs(),
    );
}

/// The row's failure in what `status` tells; null where there is none.
fn in_status(status: &Value, row: &Row, id: &str) -> Value {
    let find = |list: &str, field: &str, value: &str| {
        let entries = status[list].as_array().into_iter().flatten();
        entries.filter(|entry| entry[field] == value).map(Value::clone).next().unwrap_or_default()
    };
    match row.fails {
        Fails::Link => find("remotes", "name", row.name)["link"]["failure"].clone(),
        Fails::Session | Fails::Request => find("failed", "session", id)["failure"].clone(),
    }
}

/// A test of the remote, which stops where it failed.
fn in_the_test(row: &Row, bench: &Bench) {
    let arguments = |more: &[&'static str]| {
        let start = ["remote", "test", row.name];
        start.iter().chain(&row.test).chain(more).copied().collect::<Vec<_>>()
    };
    let said = bench.home.longhaul(&arguments(&["--json"]));
    assert_ne!(said.code(), Some(0), "{row}: the test of what is broken ended well\n{said}");
    let report = said.json();
    holds(&report["failure"], row, "remote test --json");
    let stages = report["stages"].as_array().cloned().unwrap_or_default();
    let good: Vec<bool> = stages.iter().map(|stage| stage["ok"] == true).collect();
    let (last, before) = good.split_last().unwrap_or((&true, &[]));
    assert!(!last && before.iter().all(|good| *good), "{row}: stages: {stages:#?}");
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
    assert!(odd.is_empty(), "{row}, {place}:\n{odd}{failure:#}");
}

/// Whether a person reads it on one screen, with what to type.
fn fits(said: &Finished, row: &Row, place: &str) {
    let text = said.out();
    assert!(text.contains(row.told.code), "{row}, {place}: no {}\n{text}", row.told.code);
    let block = text.lines().skip_while(|line| !line.is_empty()).count();
    assert!(block <= SCREEN, "{row}, {place}: more than a screen\n{text}");
    for part in &row.told.remedy {
        assert!(text.contains(part.as_str()), "{row}, {place}: no {part:?}\n{text}");
    }
}
