//! What many sessions at once cost, and how late their lines come.
//!
//! `cargo bench --bench scale -- SESSIONS REMOTES SECONDS` (100 on 5 for 10 s
//! unless told otherwise). Each remote is an sshd of its own behind a proxy, and
//! each session prints ten lines a second, with their number and the time in them.
//! The time of a line's way is from its write to the moment in which a follower
//! of the API has it. Then all links are cut at once, and the time is until every
//! session's output has come on. At the end every line is accounted for.
//!
//! Prints a Markdown table, and fails if a line is missing.

#[expect(dead_code, unused_imports, reason = "the tests use more of it than the benchmark does")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longhaul::api::client::{Client, OutputQuery};
use longhaul::api::types::{KillRequest, RunRequest, SessionState, SessionView, Stream, Where};
use support::client_home::ClientHome;
use support::config::{Config, Entry};
use support::must::Must;
use support::proxy::Proxy;
use support::sshd::Sshd;

/// Between two lines of a session.
const BEAT: Duration = Duration::from_millis(100);
/// How long anything may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == "print") {
        print_lines();
    }
    let number = |at: usize, usual| words.get(at).and_then(|w| w.parse().ok()).unwrap_or(usual);
    let size = Size { sessions: number(0, 100), remotes: number(1, 5), seconds: number(2, 10) };
    let runtime = tokio::runtime::Runtime::new().must("start a runtime");
    let rows = runtime.block_on(measure(size));
    let mut out = io::stdout().lock();
    writeln!(out, "| {} sessions on {} remotes | |\n| --- | --- |", size.sessions, size.remotes)
        .must("print");
    for (what, figure) in &rows.figures {
        writeln!(out, "| {what} | {figure} |").must("print");
    }
    if rows.missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Is one session: a line each beat, until somebody ends it.
fn print_lines() -> ! {
    let begun = Instant::now();
    for number in 0_u32.. {
        let due = begun + BEAT * number;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut out = io::stdout().lock();
        if writeln!(out, "{number} {}", micros()).and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    std::process::exit(1)
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[derive(Debug, Clone, Copy)]
struct Size {
    sessions: usize,
    remotes: usize,
    seconds: u64,
}

/// The table.
#[derive(Debug, Default)]
struct Rows {
    figures: Vec<(&'static str, String)>,
    missing: u64,
}

impl Rows {
    fn add(&mut self, what: &'static str, figure: String) {
        self.figures.push((what, figure));
    }
}

/// What a session's follower has seen.
#[derive(Debug, Default)]
struct Seen {
    /// Lines in order, from 0.
    lines: u64,
    /// Lines that did not come in order.
    missing: u64,
    /// When the newest line was written, in microseconds since the epoch.
    newest: u64,
    /// Microseconds of each line's way, while that is measured.
    ways: Vec<u64>,
}

type Shared = Arc<Mutex<Seen>>;

async fn measure(size: Size) -> Rows {
    let mut rows = Rows::default();
    let servers: Vec<Sshd> = (0..size.remotes).map(|_| Sshd::start()).collect();
    let proxies: Vec<Proxy> = servers.iter().map(|sshd| Proxy::to(sshd.port())).collect();
    let home = ClientHome::new();
    let remote = |(at, proxy): (usize, &Proxy)| {
        Entry::remote(&format!("r{at}"), proxy.port(), &home.identity())
    };
    let config = proxies.iter().enumerate().map(remote);
    home.configure(&config.fold(Config::default(), Config::with_remote));
    home.longhaul(&["daemon", "start"]).exited(0);
    let daemon = home.daemon_pid().must("find the daemon");
    let client = Client::new(home.socket());
    let idle = memory(daemon);

    let begun = Instant::now();
    let views = start_all(&client, size).await;
    rows.add("time to start all", seconds(begun.elapsed()));

    let seen: Vec<Shared> = views.iter().map(|_| Shared::default()).collect();
    let followers: Vec<_> = views
        .iter()
        .zip(&seen)
        .map(|(view, seen)| tokio::spawn(follow(client.clone(), view.clone(), seen.clone())))
        .collect();
    until_all(&seen, micros()).await;
    each(&seen, |seen| seen.ways.clear());
    let (cpu, at) = (cpu_time(daemon), Instant::now());
    tokio::time::sleep(Duration::from_secs(size.seconds)).await;
    let share = (cpu_time(daemon) - cpu).as_secs_f64() / at.elapsed().as_secs_f64();
    let mut ways: Vec<u64> = Vec::new();
    each(&seen, |seen| ways.append(&mut seen.ways));
    ways.sort_unstable();
    rows.add("lines measured", ways.len().to_string());
    rows.add("a line's way, p50", millis(&ways, 50));
    rows.add("a line's way, p99", millis(&ways, 99));
    let per = |total: f64| total / size.sessions.max(1) as f64;
    rows.add("CPU of the daemon", format!("{:.1} % of a core", share * 100.0));
    rows.add("per session", format!("{:.3} % of a core", per(share * 100.0)));
    let grown = memory(daemon).saturating_sub(idle) as f64;
    rows.add("memory of the idle daemon", format!("{} KiB", idle / 1024));
    rows.add("memory per session, with its follower", format!("{:.0} KiB", per(grown) / 1024.0));

    let cut = micros();
    let at = Instant::now();
    for proxy in &proxies {
        proxy.cut();
    }
    until_all(&seen, cut).await;
    rows.add("all came on after all links were cut", seconds(at.elapsed()));

    for view in &views {
        client.kill(view.id.as_str(), &KillRequest::default()).await.must("stop a session");
    }
    for follower in followers {
        follower.await.must("follow to the end");
    }
    let mut lines = 0;
    each(&seen, |seen| {
        lines += seen.lines;
        rows.missing += seen.missing;
    });
    rows.add("lines in all, missing", format!("{lines}, {}", rows.missing));
    rows
}

fn each(seen: &[Shared], mut then: impl FnMut(&mut Seen)) {
    for seen in seen {
        then(&mut seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

async fn start_all(client: &Client, size: Size) -> Vec<SessionView> {
    let program = std::env::current_exe().must("find this program");
    let mut asked = tokio::task::JoinSet::new();
    for at in 0..size.sessions {
        let request = RunRequest {
            command: vec![program.display().to_string(), "print".to_owned()],
            on: Some(Where::On(format!("r{}", at % size.remotes))),
            start_within_s: Some(PATIENCE.as_secs()),
            ..RunRequest::default()
        };
        let client = client.clone();
        asked.spawn(async move { client.run(&request).await.must("ask for a session") });
    }
    let views = asked.join_all().await;
    for view in &views {
        let mut pulses = client.watch(view.id.as_str()).await.must("watch a session");
        while let Some(pulse) = pulses.next().await.must("watch a session") {
            assert!(!pulse.state.has_ended(), "{:?}", pulse.failure);
            if pulse.state == SessionState::Running {
                break;
            }
        }
    }
    views
}

async fn follow(client: Client, view: SessionView, seen: Shared) {
    let query = OutputQuery { stream: Stream::Stdout, offset: 0, limit: None, follow: true };
    let mut bytes = client.output(view.id.as_str(), query).await.must("follow a session");
    let mut held = Vec::new();
    while let Some(more) = bytes.next().await.must("follow a session") {
        let now = micros();
        held.extend_from_slice(&more);
        let whole = held.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = held.split_off(whole);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        for line in String::from_utf8_lossy(&held).lines() {
            let (number, at) = line.split_once(' ').must("take a line apart");
            let (number, at): (u64, u64) = (number.parse().must("read"), at.parse().must("read"));
            seen.missing += u64::from(number != seen.lines);
            seen.lines = number + 1;
            seen.newest = at;
            seen.ways.push(now.saturating_sub(at));
        }
        held = rest;
    }
}

/// Until each has brought a line that was written after that moment.
async fn until_all(seen: &[Shared], since: u64) {
    let begun = Instant::now();
    loop {
        let mut all = true;
        each(seen, |seen| all &= seen.newest > since);
        if all {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "the output of some does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Bytes of memory that a process has now.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).must("look at the daemon");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).must("find its memory");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().must("read its memory");
    kib * 1024
}

/// Time on processors that a process has had.
fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).must("look at the daemon");
    let (_, fields) = stat.rsplit_once(')').must("find its times");
    let ticks = |at: usize| fields.split_whitespace().nth(at).and_then(|w| w.parse::<u64>().ok());
    // utime and stime, proc_pid_stat(5), in hundredths of a second on Linux.
    Duration::from_millis(10 * (ticks(11).must("utime") + ticks(12).must("stime")))
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn millis(sorted: &[u64], percent: usize) -> String {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    format!("{:.1} ms", sorted.get(at).copied().unwrap_or_default() as f64 / 1000.0)
}
