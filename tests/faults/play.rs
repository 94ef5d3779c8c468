//! Plays schedules, several at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::disk::SmallDisk;
use crate::driver::{Driven, drive};
use crate::schedule::{Means, Schedule, TROUBLE_MILLIS};
use crate::stage::Stage;
use crate::support::must::Must;
use crate::trouble::{Chronicle, heal, perform};
use crate::verdict::judge;

/// The seeds that are always played.
const FIXED: u64 = 24;
/// Where new seeds begin, unless one is given.
const FIRST_NEW: u64 = 1_000;

/// What was played.
#[derive(Debug, Default)]
struct Tally {
    schedules: AtomicU64,
    sessions: AtomicU64,
    failed: Mutex<Vec<u64>>,
}

#[test]
fn nothing_is_lost_doubled_or_left_behind_whatever_goes_wrong() {
    let means = Means { disks: SmallDisk::can_be_mounted() };
    if !means.disks {
        println!("disks cannot be mounted here (that takes root): no schedule fills one");
    }
    let minutes = variable("LONGHAUL_SOAK_MINUTES");
    let deadline = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let first =
        variable("LONGHAUL_SOAK_SEED").unwrap_or(if minutes.is_some() { FIRST_NEW } else { 0 });
    let next = AtomicU64::new(first);
    let tally = Tally::default();
    let turn = || {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        let goes_on = match deadline {
            Some(deadline) => Instant::now() < deadline,
            None => seed < first + FIXED,
        };
        goes_on.then_some(seed)
    };
    thread::scope(|scope| {
        for _ in 0..variable("LONGHAUL_SOAK_PARALLEL").unwrap_or(4) {
            scope.spawn(|| {
                while let Some(seed) = turn() {
                    play(&Schedule::of(seed, means), &tally);
                }
            });
        }
    });
    let failed = tally.failed.into_inner().unwrap_or_default();
    println!(
        "{} schedules with {} sessions were played; failed: {failed:?}",
        tally.schedules.into_inner(),
        tally.sessions.into_inner()
    );
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().must(&format!("{name} is a number")))
}

fn play(schedule: &Schedule, tally: &Tally) {
    // A stage ends what is left on it when a panic passes.
    let played = catch_unwind(AssertUnwindSafe(|| play_on_a_stage(schedule)));
    tally.schedules.fetch_add(1, Ordering::Relaxed);
    tally.sessions.fetch_add(schedule.roles.len() as u64, Ordering::Relaxed);
    let mut failed = tally.failed.lock().must("the list of what failed");
    match played {
        Ok(line) => println!("seed {}: {line}", schedule.seed),
        Err(_) => failed.push(schedule.seed),
    }
}

fn play_on_a_stage(schedule: &Schedule) -> String {
    let stage = Stage::of(schedule);
    let chronicle = Chronicle::default();
    let started = Instant::now();
    let driven = perform_all(&stage, schedule, &chronicle, started);
    let ended = started.elapsed();
    let faulty = catch_unwind(AssertUnwindSafe(|| judge(&stage, schedule, &chronicle, &driven)));
    let wrong = match faulty {
        Ok(faulty) => faulty.0,
        Err(_) => vec!["the judge could not judge: see the panic above".to_owned()],
    };
    if !wrong.is_empty() {
        let kept = stage.keep(schedule.seed);
        let refusals: Vec<_> = driven.iter().flat_map(|driven| driven.refusals.clone()).collect();
        panic!(
            "{}\n--- schedule\n{schedule}\n--- what happened\n{}\n--- refusals\n{}\n{}\n\
             again: LONGHAUL_SOAK_SEED={} LONGHAUL_SOAK_MINUTES=1 LONGHAUL_SOAK_PARALLEL=1\n\
             kept: {}",
            wrong.join("\n"),
            chronicle.text(),
            refusals.join("\n"),
            stage.logs(),
            schedule.seed,
            kept.display(),
        );
    }
    let refusals = driven.iter().map(|driven| driven.refusals.len()).sum::<usize>();
    stage.end();
    format!(
        "{} sessions, over after {:.1} s, {refusals} refusals, {} KiB at most",
        schedule.roles.len(),
        ended.as_secs_f64(),
        chronicle.peak_kib()
    )
}

/// Runs all sessions and all faults; all of them are over when it returns.
fn perform_all(
    stage: &Stage,
    schedule: &Schedule,
    chronicle: &Chronicle,
    started: Instant,
) -> Vec<Driven> {
    thread::scope(|scope| {
        let drivers: Vec<_> = schedule
            .roles
            .iter()
            .map(|role| scope.spawn(move || drive(stage, role, started)))
            .collect();
        let faults: Vec<_> = schedule
            .faults
            .iter()
            .map(|timed| scope.spawn(move || perform(stage, chronicle, started, *timed)))
            .collect();
        for fault in faults {
            fault.join().map_err(|_| "a panic, see above").must("make a fault happen");
        }
        thread::sleep(Duration::from_millis(TROUBLE_MILLIS).saturating_sub(started.elapsed()));
        heal(stage, schedule.reconnects);
        drivers
            .into_iter()
            .map(|driver| driver.join().map_err(|_| "a panic, see above").must("drive a session"))
            .collect()
    })
}
