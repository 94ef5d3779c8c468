//! A gibibyte through twenty cuts, against the same without, in one run.
//!
//! All of it comes through a proxy, which is what cuts. Beside longhaul stands
//! what `ssh` makes of the same: started anew after each cut, it goes on at the
//! length of its file. On a line of 1 Gbit/s no more than a fifth of the rate may
//! go; over loopback, where a gibibyte takes less time than twenty logins may take,
//! a cut may cost no more than it costs `ssh`. Fails where that is missed, or where
//! a checksum is another.

#[expect(dead_code, unused_imports, reason = "the tests use more of it than the benchmark does")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::process::{ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use support::checksum::{self, DataFile, MIB};
use support::config::Config;
use support::must::Must;
use support::plain_ssh::PlainSsh;
use support::proxy::{Flow, Proxy};
use support::world::World;

/// Bytes of output.
const LENGTH: u64 = 1024 * MIB;
/// Cuts on the way.
const CUTS: u64 = 20;
/// Turns of each.
const TURNS: usize = 3;
/// The least part of the uncut rate that is left on a line.
const GOAL: f64 = 0.8;
/// Bytes per second of the line.
const GIGABIT: u64 = 125_000_000;
/// Logins by `ssh` that are timed.
const LOGINS: usize = 15;

fn main() -> ExitCode {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let data = DataFile::create(&world.sshd.home().join("data"), 9, LENGTH);
    let bench = Bench { ssh: PlainSsh::to(&world, proxy.port()), world, proxy, data };
    let [ours, by_ssh] = pairs([Bench::by_longhaul, Bench::by_ssh], &bench);
    bench.proxy.set(Flow::Throttle(GIGABIT));
    let [on_a_line] = pairs([Bench::by_longhaul], &bench);
    bench.proxy.set(Flow::Pass);
    let login = bench.login();

    let head = format!(
        "| 1 GiB | uncut | through {CUTS} cuts | of the rate | a cut costs |\n\
         | --- | --- | --- | --- | --- |"
    );
    let rows = [
        ours.row("longhaul, loopback"),
        by_ssh.row("`ssh` started anew, loopback"),
        on_a_line.row("longhaul, 1 Gbit/s"),
    ];
    writeln!(
        io::stdout(),
        "{head}\n{}\n\nA login by `ssh` takes {} ms.",
        rows.join("\n"),
        login.as_millis(),
    )
    .must("print the figures");
    let met = on_a_line.left() >= GOAL && (ours.left() >= GOAL || ours.cost() <= by_ssh.cost());
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The medians of each, which take turns: a machine that is busy for a while is
/// busy for all.
fn pairs<const N: usize>(ways: [fn(&Bench, u64) -> Duration; N], bench: &Bench) -> [Pair; N] {
    let mut took = ways.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..TURNS {
        for (way, (uncut, cut)) in ways.iter().zip(&mut took) {
            uncut.push(way(bench, 0));
            cut.push(way(bench, CUTS));
        }
    }
    took.map(|(uncut, cut)| Pair { uncut: median(uncut), cut: median(cut) })
}

/// How long a gibibyte took.
#[derive(Debug, Clone, Copy)]
struct Pair {
    uncut: Duration,
    cut: Duration,
}

impl Pair {
    /// What is left of the rate.
    fn left(self) -> f64 {
        self.uncut.as_secs_f64() / self.cut.as_secs_f64()
    }

    /// What one cut costs.
    fn cost(self) -> Duration {
        self.cut.saturating_sub(self.uncut) / CUTS as u32
    }

    fn row(self, what: &str) -> String {
        let rate = |time: Duration| LENGTH as f64 / MIB as f64 / time.as_secs_f64();
        let (uncut, cut) = (rate(self.uncut), rate(self.cut));
        let (left, cost) = (self.left(), self.cost().as_millis());
        format!("| {what} | {uncut:.0} MiB/s | {cut:.0} MiB/s | {left:.2} | {cost} ms |")
    }
}

struct Bench {
    world: World,
    proxy: Proxy,
    ssh: PlainSsh,
    data: DataFile,
}

impl Bench {
    /// How long a session takes until all of its output is in its mirror.
    fn by_longhaul(&self, cuts: u64) -> Duration {
        let Self { world, proxy, data, .. } = self;
        // What an earlier turn leaves for the disk to write is not this one's.
        rustix::fs::sync();
        // So that neither pays for the first connection.
        world.on_box(&["--", "true"]).exited(0);
        let started = Instant::now();
        let id = world.home.detached(&["--on", "box", "--", "cat", "data"]);
        proxy.cut_along(LENGTH, cuts);
        world.home.longhaul(&["wait", &id]).exited(0);
        let took = started.elapsed();
        let said = world.home.longhaul(&["logs", &id, "--raw"]).exited(0);
        assert_eq!(checksum::sha256(&said.stdout), data.sha256);
        world.home.longhaul(&["rm", &id]).exited(0);
        took
    }

    /// How long `ssh` takes to bring the file, started anew at its length as often
    /// as it ends too soon.
    fn by_ssh(&self, cuts: u64) -> Duration {
        rustix::fs::sync();
        let here = self.world.home.path().join("by-ssh");
        let file = File::create(&here).must("create a file");
        let length = || fs::metadata(&here).must("look at a file").len();
        let started = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| self.proxy.cut_along(LENGTH, cuts));
            while length() < LENGTH {
                let from = length();
                let rest = format!("{{ dd bs=1 skip={from} count=0 2>/dev/null; cat; }} <data");
                let out = file.try_clone().must("share a file");
                let mut ssh = self.ssh.fresh(&rest);
                ssh.stdin(Stdio::null()).stdout(out).stderr(Stdio::null());
                // It fails with each cut.
                let _ = ssh.status().must("start ssh");
            }
        });
        let took = started.elapsed();
        let said = fs::read(&here).must("read a file");
        assert_eq!(checksum::sha256(&said), self.data.sha256);
        fs::remove_file(&here).must("remove a file");
        took
    }

    /// How long a login by `ssh` takes that does nothing.
    fn login(&self) -> Duration {
        let took = (0..LOGINS).map(|_| {
            let mut ssh = self.ssh.fresh("true");
            ssh.stdin(Stdio::null());
            let started = Instant::now();
            assert!(ssh.status().must("start ssh").success());
            started.elapsed()
        });
        median(took.collect())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
