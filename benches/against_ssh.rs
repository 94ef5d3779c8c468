//! longhaul against OpenSSH's own client, on one sshd, in one run.
//!
//! Prints a Markdown table and fails where a goal is missed. What is compared
//! takes turns, so that a machine that is busy for a while is busy for all.

#[expect(dead_code, unused_imports, reason = "the tests use more of it than the benchmark does")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use support::must::Must;
use support::plain_ssh::PlainSsh;
use support::wait::eventually_or;
use support::world::World;

/// Turns of the short command.
const SHORT_TURNS: usize = 60;
/// Turns of the long output.
const LONG_TURNS: usize = 5;
/// Bytes of the long output.
const LONG: u64 = 1 << 30;
/// Sessions that run at once when memory is measured.
const SESSIONS: usize = 100;

fn main() -> ExitCode {
    let world = World::new();
    let client = Client::of(&world);
    let mut table = Table::default();
    idle_memory(&world, &mut table);
    short_commands(&world, &client, &mut table);
    long_output(&world, &client, &mut table);
    memory_of_sessions(&world, &mut table);
    let mut out = io::stdout().lock();
    write!(out, "{}\n\n{table}", machine()).must("print the table");
    if table.rows.iter().all(Row::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// (a) A command that does nothing, over what is already open, and not.
fn short_commands(world: &World, client: &Client, table: &mut Table) {
    let _master = client.open_master();
    let longhaul = || world.home.command(&["run", "--on", "box", "--", "true"]);
    timed(longhaul(), Stdio::null());
    let (mut ours, mut through_master, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SHORT_TURNS {
        ours.push(timed(longhaul(), Stdio::null()));
        through_master.push(timed(client.through_master("true"), Stdio::null()));
        fresh.push(timed(client.fresh("true"), Stdio::null()));
    }
    let (ours, through_master, fresh) = (median(ours), median(through_master), median(fresh));
    table.add(
        "warm `run -- true` against `ssh` through an open master",
        (millis(ours), millis(through_master)),
        (ours.as_secs_f64() / through_master.as_secs_f64(), "× its time"),
        Goal::AtMost(2.0),
    );
    table.add(
        "warm `run -- true` against a fresh `ssh`",
        (millis(ours), millis(fresh)),
        (fresh.as_secs_f64() / ours.as_secs_f64(), "× faster"),
        Goal::AtLeast(8.0),
    );
}

/// (b) A gibibyte into a file.
fn long_output(world: &World, client: &Client, table: &mut Table) {
    let file = world.home.path().join("long");
    let command = format!("head -c {LONG} /dev/zero");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..LONG_TURNS {
        // What one leaves for the disk to write is not the other's to wait for.
        rustix::fs::sync();
        let args = ["run", "--on", "box", "--name", "long", "--", "sh", "-c", &command];
        ours.push(timed_into(world.home.command(&args), &file));
        world.home.longhaul(&["rm", "long"]).exited(0);
        rustix::fs::sync();
        theirs.push(timed_into(client.fresh(&command), &file));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    table.add(
        "1 GiB of output to a file",
        (rate(ours), rate(theirs)),
        (theirs.as_secs_f64() / ours.as_secs_f64(), "× its rate"),
        Goal::AtLeast(0.9),
    );
}

/// (c) The daemon that has done nothing yet.
fn idle_memory(world: &World, table: &mut Table) {
    world.home.longhaul(&["daemon", "start"]).exited(0);
    let idle = resident_kib(world) as f64 / 1024.0;
    table.add(
        "idle daemon, resident",
        (format!("{idle:.1} MiB"), String::new()),
        (idle, "MiB"),
        Goal::AtMost(20.0),
    );
}

/// (c) What each session adds while it runs, its share of links included.
fn memory_of_sessions(world: &World, table: &mut Table) {
    world.on_box(&["--", "true"]).exited(0);
    let before = resident_kib(world);
    let ids: Vec<String> = (0..SESSIONS)
        .map(|_| world.home.detached(&["--on", "box", "--", "sleep", "1000"]))
        .collect();
    eventually_or(
        "all sessions run",
        || {
            let sessions = world.home.json(&["ps"]);
            let all = sessions.as_array().must("`ps --json` is a list");
            all.iter().filter(|session| session["state"] == "running").count() == SESSIONS
        },
        || world.logs(),
    );
    let added = resident_kib(world).saturating_sub(before) as f64 / SESSIONS as f64;
    let args: Vec<_> = ["kill"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    world.home.longhaul(&args).exited(0);
    table.add(
        "one of 100 running sessions, resident in the daemon",
        (format!("{added:.1} KiB"), String::new()),
        (added, "KiB"),
        Goal::AtMost(64.0),
    );
}

/// `ssh`, with and without a master.
struct Client(PlainSsh);

impl Client {
    fn of(world: &World) -> Self {
        Self(PlainSsh::to(world, world.sshd.port()))
    }

    fn fresh(&self, remote_command: &str) -> Command {
        self.0.fresh(remote_command)
    }

    fn through_master(&self, remote_command: &str) -> Command {
        let control = format!("-S{}", self.0.control.display());
        // Without the master it would fail, not connect by itself.
        self.0.command(&[&control, "-oProxyCommand=false", "127.0.0.1", remote_command])
    }

    fn open_master(&self) -> Master {
        let control = format!("-S{}", self.0.control.display());
        let mut command = self.0.command(&["-M", "-N", &control, "127.0.0.1"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let master = Master(command.spawn().must("start the master"));
        eventually_or("the master is open", || self.0.control.exists(), String::new);
        master
    }
}

/// The connection that `ControlMaster` keeps open, until this is dropped.
struct Master(Child);

impl Drop for Master {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How long a command takes that has to exit with 0.
fn timed(mut command: Command, stdout: Stdio) -> Duration {
    command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::inherit());
    let start = Instant::now();
    let status = command.status().must("start a command");
    let took = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    took
}

/// [`timed`], for the long output.
fn timed_into(command: Command, file: &Path) -> Duration {
    let took = timed(command, File::create(file).must("create a file").into());
    let length = fs::metadata(file).must("look at a file").len();
    assert_eq!(length, LONG, "not all of the output is there");
    fs::remove_file(file).must("remove a file");
    took
}

/// The daemon's resident memory, from the line `VmRSS` of `proc_pid_status`(5).
fn resident_kib(world: &World) -> u64 {
    let pid = world.home.daemon_pid().must("find the daemon");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).must("read the status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).must("find VmRSS");
    let number = line.split_whitespace().next().must("read VmRSS");
    number.parse().must("read VmRSS")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().must("find a median")
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn rate(time: Duration) -> String {
    format!("{:.0} MiB/s", LONG as f64 / (1024.0 * 1024.0) / time.as_secs_f64())
}

/// What the figures were measured on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("an unnamed processor", |(_, name)| name.trim());
    let said = Command::new("ssh").arg("-V").output().must("ask ssh for its version");
    let version = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    format!(
        "Measured on {cores} cores ({model}), Linux {}, {version}, over loopback; medians of \
         {SHORT_TURNS} turns for the short command and {LONG_TURNS} for the long output.",
        kernel.trim()
    )
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// One comparison.
#[derive(Debug)]
struct Row {
    what: &'static str,
    ours: String,
    theirs: String,
    figure: f64,
    unit: &'static str,
    goal: Goal,
}

impl Row {
    fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtMost(most) => self.figure <= most,
            Goal::AtLeast(least) => self.figure >= least,
        }
    }
}

/// All comparisons, as Markdown.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<Row>,
}

impl Table {
    fn add(
        &mut self,
        what: &'static str,
        (ours, theirs): (String, String),
        (figure, unit): (f64, &'static str),
        goal: Goal,
    ) {
        self.rows.push(Row { what, ours, theirs, figure, unit, goal });
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "| what | longhaul | ssh | figure | goal | met |")?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
        for row in &self.rows {
            let goal = match row.goal {
                Goal::AtMost(most) => format!("at most {most}"),
                Goal::AtLeast(least) => format!("at least {least}"),
            };
            let met = if row.is_met() { "yes" } else { "**no**" };
            let Row { what, ours, theirs, figure, unit, .. } = row;
            writeln!(f, "| {what} | {ours} | {theirs} | {figure:.2} {unit} | {goal} | {met} |")?;
        }
        Ok(())
    }
}
