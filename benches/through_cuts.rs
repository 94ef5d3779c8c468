//! A gibibyte through twenty cuts, against the same without, in one run.
//!
//! Both come through a proxy, which is what cuts. Fails where a checksum is
//! another, or where the cuts cost more than a fifth of the rate.

#[expect(dead_code, unused_imports, reason = "the tests use more of it than the benchmark does")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

use support::checksum::{self, DataFile, MIB};
use support::config::Config;
use support::must::Must;
use support::proxy::Proxy;
use support::world::World;

/// Bytes of output.
const LENGTH: u64 = 1024 * MIB;
/// Cuts on the way.
const CUTS: u64 = 20;
/// Turns of each.
const TURNS: usize = 3;
/// The least part of the uncut rate that is left.
const GOAL: f64 = 0.8;

fn main() -> ExitCode {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let data = DataFile::create(&world.sshd.home().join("data"), 9, LENGTH);
    let (mut uncut, mut cut) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        uncut.push(stream(&world, &proxy, &data, 0));
        cut.push(stream(&world, &proxy, &data, CUTS));
    }
    let (uncut, cut) = (median(uncut), median(cut));
    let figure = uncut.as_secs_f64() / cut.as_secs_f64();
    let rate = |time: Duration| LENGTH as f64 / MIB as f64 / time.as_secs_f64();
    writeln!(
        io::stdout(),
        "1 GiB through {CUTS} cuts: {:.0} MiB/s; without: {:.0} MiB/s; {figure:.2} of the rate",
        rate(cut),
        rate(uncut),
    )
    .must("print the figure");
    if figure >= GOAL { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How long a session takes until all of its output is in its mirror.
fn stream(world: &World, proxy: &Proxy, data: &DataFile, cuts: u64) -> Duration {
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

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
