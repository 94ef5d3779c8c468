//! How soon a daemon that was killed follows its sessions again.
//!
//! Two hundred sessions run behind one sshd with OpenSSH's default
//! `MaxStartups`. Each prints a line while no daemon is there; the time is from
//! the next daemon's start until all the lines are here. Prints a Markdown
//! table and fails where the goal is missed.

#[expect(dead_code, reason = "the tests use more of it than the benchmark does")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use support::must::Must;
use support::processes;
use support::sshd::Setup;
use support::wait::eventually_or;
use support::world::World;

/// Sessions that run at once.
const SESSIONS: usize = 200;
/// The goal.
const WITHIN: Duration = Duration::from_secs(5);
/// Kills of the daemon for each figure.
const TURNS: usize = 3;

/// Prints a line at its start and at each USR1, and costs nothing in between.
const SCRIPT: &str = "trap 'echo more...' USR1; echo started; \
     sleep 100000 & while kill -0 $! 2>/dev/null; do wait $!; done";
/// What each line has.
const LINE: u64 = 8;

fn main() -> ExitCode {
    let mut met = true;
    let mut out = io::stdout().lock();
    writeln!(out, "| `MaxSessions` | adopted after | links | met |\n| --- | --- | --- | --- |")
        .must("print the table");
    for max_sessions in [10, 100] {
        let (took, links) = adopted_after(max_sessions);
        met &= took <= WITHIN;
        let word = if took <= WITHIN { "yes" } else { "**no**" };
        let seconds = took.as_secs_f64();
        writeln!(out, "| {max_sessions} | {seconds:.1} s | {links} | {word} |")
            .must("print the table");
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The median time to adoption, and the links that it took.
fn adopted_after(max_sessions: u16) -> (Duration, usize) {
    let setup = Setup { max_sessions, max_startups: "10:30:100", ..Setup::default() };
    let world = World::with(&setup);
    for _ in 0..SESSIONS {
        world.detached_script(SCRIPT);
    }
    let mirrors = mirrors(&world);
    let mut length = LINE;
    await_lengths(&world, &mirrors, length);
    let mut took = Vec::new();
    for _ in 0..TURNS {
        let commands = commands(&world);
        world.home.kill_daemon();
        eventually_or("no link is left", || world.sshd.connections().is_empty(), || world.logs());
        for pid in &commands {
            processes::signal(*pid, Signal::USR1);
        }
        length += LINE;
        let start = Instant::now();
        world.home.longhaul(&["daemon", "start"]).exited(0);
        await_lengths(&world, &mirrors, length);
        took.push(start.elapsed());
        writeln!(io::stderr(), "{max_sessions}: {:?}", start.elapsed()).must("tell");
    }
    let links = world.home.json(&["remote", "ls"])[0]["links"].as_u64().unwrap_or_default();
    // Through the front door it would take minutes.
    for process in world.sshd.session_processes() {
        processes::signal(process.pid, Signal::KILL);
    }
    let over = || world.home.json(&["ps"]).as_array().is_some_and(Vec::is_empty);
    eventually_or("all have ended", over, || world.logs());
    took.sort_unstable();
    (took.get(TURNS / 2).copied().must("find a median"), links as usize)
}

/// The files that hold the sessions' standard output here.
fn mirrors(world: &World) -> Vec<PathBuf> {
    let folder = world.home.state_dir().join("sessions");
    let sessions = fs::read_dir(folder).must("list the mirrors").flatten();
    sessions.map(|session| session.path().join("out")).collect()
}

fn await_lengths(world: &World, mirrors: &[PathBuf], length: u64) {
    let has = |file: &PathBuf| fs::metadata(file).is_ok_and(|meta| meta.len() == length);
    eventually_or("each line is here", || mirrors.iter().all(has), || world.logs());
}

/// The process ids of the commands.
fn commands(world: &World) -> Vec<u32> {
    let pids = || -> Vec<u32> {
        let sessions = world.home.json(&["ps"]);
        let sessions = sessions.as_array().cloned().unwrap_or_default();
        sessions.iter().filter_map(|one| u32::try_from(one["pid"].as_u64()?).ok()).collect()
    };
    eventually_or("each has its process id", || pids().len() == SESSIONS, || world.logs());
    pids()
}
