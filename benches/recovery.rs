//! How soon all is as it was: after an outage, and after the daemon's death.
//!
//! A host is refused for a minute, and its session's output is awaited from the
//! moment on in which it is let in again. A host falls silent, and is to be shown
//! so within `ServerAliveInterval` × `ServerAliveCountMax`. And two hundred
//! sessions run behind one sshd with OpenSSH's default `MaxStartups`: each prints a
//! line while no daemon is there, and the time is from the next daemon's start
//! until all the lines are here.
//!
//! Prints a Markdown table and fails where a goal is missed.

#[expect(dead_code, unused_imports, reason = "the tests use more of it than the benchmark does")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use support::config::Config;
use support::must::Must;
use support::processes;
use support::proxy::{Flow, Proxy};
use support::sshd::Setup;
use support::wait::eventually_or;
use support::world::World;

/// How long the host is refused, and how soon its output is to flow afterwards.
const OUTAGE: Duration = Duration::from_secs(60);
const BACK_WITHIN: Duration = Duration::from_secs(1);
/// Seconds and count of the keep-alive of the host that falls silent.
const KEEP_ALIVE: (u32, u32) = (2, 3);
/// Sessions that run at once, and how soon all are to be followed.
const SESSIONS: usize = 200;
const ADOPTED_WITHIN: Duration = Duration::from_secs(5);
/// Turns for each figure.
const TURNS: usize = 3;

/// Prints a line at its start and at each USR1, and costs nothing in between.
const SCRIPT: &str = "trap 'echo more...' USR1; echo started; \
     sleep 100000 & while kill -0 $! 2>/dev/null; do wait $!; done";
/// What each line has.
const LINE: u64 = 8;

fn main() -> ExitCode {
    let mut table = Table::default();
    let after = OUTAGE.as_secs();
    table.add(&format!("output flows after an outage of {after} s"), back_after(), BACK_WITHIN);
    let (interval, count) = KEEP_ALIVE;
    // Probes go out from the last sign of life on; a timer may be late by a little.
    let bound = Duration::from_secs(u64::from(interval * count)) + Duration::from_millis(500);
    let what = format!("a silent host is shown, keep-alive {interval} s × {count}");
    table.add(&what, shown_after(), bound);
    for max_sessions in [10, 100] {
        let (took, links) = adopted_after(max_sessions);
        let what = format!("{SESSIONS} sessions, `MaxSessions` {max_sessions}: {links} links");
        table.add(&what, took, ADOPTED_WITHIN);
    }
    let rows = &table.rows;
    let head = "| what | took | goal | met |\n| --- | --- | --- | --- |";
    writeln!(io::stdout().lock(), "{head}\n{}", rows.join("\n")).must("print the table");
    if table.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The figures, as rows of Markdown.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<String>,
    missed: bool,
}

impl Table {
    fn add(&mut self, what: &str, took: Duration, goal: Duration) {
        let word = if took <= goal { "yes" } else { "**no**" };
        self.missed |= took > goal;
        let (took, goal) = (took.as_secs_f64(), goal.as_secs_f64());
        self.rows.push(format!("| {what} | {took:.2} s | {goal:.1} s | {word} |"));
    }
}

/// A world whose remote is behind a proxy, and a session there whose output flows.
fn flowing(ssh_config: &str) -> (World, Proxy, PathBuf) {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    fs::write(world.home.path().join(".ssh/config"), ssh_config).must("write ssh_config");
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    world.detached_script("while :; do echo tick; sleep 0.02; done");
    let mirror = mirrors(&world).pop().must("find the mirror");
    let flows = || fs::metadata(&mirror).is_ok_and(|meta| meta.len() > 0);
    eventually_or("it flows", flows, || world.logs());
    (world, proxy, mirror)
}

/// How soon output flows once the host is let in again.
fn back_after() -> Duration {
    let (world, proxy, mirror) = flowing("");
    let mut took = Vec::new();
    for _ in 0..TURNS {
        proxy.set(Flow::Refuse);
        proxy.cut();
        std::thread::sleep(OUTAGE);
        let length = || fs::metadata(&mirror).must("look at the mirror").len();
        let before = length();
        let start = Instant::now();
        proxy.set(Flow::Pass);
        eventually_or("it flows again", || length() > before, || world.logs());
        took.push(start.elapsed());
    }
    end_all(&world);
    median(took)
}

/// How soon a silent host is shown as unreachable.
fn shown_after() -> Duration {
    let (interval, count) = KEEP_ALIVE;
    let keep_alive =
        format!("Host *\n  ServerAliveInterval {interval}\n  ServerAliveCountMax {count}\n");
    let (world, proxy, _) = flowing(&keep_alive);
    let away = || world.home.json(&["ps"])[0]["link"]["unreachable_since"].is_string();
    let mut took = Vec::new();
    for _ in 0..TURNS {
        let start = Instant::now();
        proxy.set(Flow::BlackHole);
        eventually_or("it is shown", away, || world.logs());
        took.push(start.elapsed());
        proxy.cut();
        proxy.set(Flow::Pass);
        eventually_or("it is back", || !away(), || world.logs());
    }
    end_all(&world);
    median(took)
}

/// Ends what runs there; through the front door two hundred would take minutes.
fn end_all(world: &World) {
    for process in world.sshd.session_processes() {
        processes::signal(process.pid, Signal::KILL);
    }
    let over = || world.home.json(&["ps"]).as_array().is_some_and(Vec::is_empty);
    eventually_or("all have ended", over, || world.logs());
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took.get(took.len() / 2).copied().must("find a median")
}

/// The median time to adoption, and the links that it took.
fn adopted_after(max_sessions: u16) -> (Duration, u64) {
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
    }
    let links = world.home.json(&["remote", "ls"])[0]["links"].as_u64().unwrap_or_default();
    end_all(&world);
    (median(took), links)
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
