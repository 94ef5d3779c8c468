//! All rows.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::bench::Bench;
use crate::play::play;
use crate::reach::{Kept, algorithms, connections, greetings, names};
use crate::request;
use crate::row::Row;
use crate::session::{commands, directories, environment, shells, userland};
use crate::trust::{channels, host_keys, logins};

/// Rows at a time. They wait more than they work.
const AT_ONCE: usize = 8;

#[test]
fn every_failure_is_told_by_its_code_with_what_to_type() {
    let mut bench = Bench::new();
    let mut kept = Kept::new();
    let mut rows = Vec::new();
    // What waits longest goes first.
    rows.extend(shells(&mut bench));
    rows.extend(greetings(&mut bench, &mut kept));
    rows.extend(connections(&mut bench, &mut kept));
    rows.extend(names(&mut bench));
    rows.extend(algorithms(&mut bench));
    rows.extend(host_keys(&mut bench));
    rows.extend(logins(&mut bench));
    rows.extend(channels(&mut bench));
    rows.extend(userland(&mut bench));
    rows.extend(directories(&mut bench, &mut kept));
    rows.extend(commands(&mut bench));
    rows.extend(environment(&mut bench));
    rows.extend(request::names(&mut bench));
    assert!(rows.len() >= 40, "only {} rows", rows.len());
    all_are_told(&rows, &mut bench);
}

#[test]
fn a_line_of_ssh_config_that_nobody_understands_is_told_by_its_code() {
    let mut bench = Bench::new();
    let rows = request::ssh_config(&mut bench);
    all_are_told(&rows, &mut bench);
}

fn all_are_told(rows: &[Row], bench: &mut Bench) {
    bench.start();
    let codes: BTreeSet<_> = rows.iter().map(|row| row.told.code).collect();
    for code in &codes {
        assert!(bench.home.longhaul(&["explain", code]).exited(0).out().contains(code));
    }
    let wrong = play_all(rows, bench);
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// Plays all rows, and gives what was wrong with some.
fn play_all(rows: &[Row], bench: &Bench) -> Vec<String> {
    let queue: Mutex<VecDeque<&Row>> = Mutex::new(rows.iter().collect());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(row) = next else { return };
                    let played = catch_unwind(AssertUnwindSafe(|| play(row, bench)));
                    let Err(panic) = played else { continue };
                    let words = panic.downcast_ref::<String>().map_or("a panic", String::as_str);
                    let line = format!("--- {row}: {words}");
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
    });
    wrong.into_inner().unwrap_or_else(PoisonError::into_inner)
}
