//! Nothing is lost, doubled or started twice, whatever dies in between.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::support::checksum::{self, DataFile, MIB};
use crate::support::config::Config;
use crate::support::processes;
use crate::support::proxy::{Flow, Proxy};
use crate::support::wait::eventually_or;
use crate::support::world::{PLACES, World};

/// A command that says when it starts, sends a first part, waits for a word
/// and sends the rest, on both streams.
const IN_TWO_PARTS: &str = "echo started >> starts; cat data1; \
     until [ -e go ]; do sleep 0.05; done; cat data2 & cat data3 >&2; wait";

/// The data of [`IN_TWO_PARTS`], and what has to come of it.
struct Parts {
    out: String,
    err: String,
}

const PART: u64 = 8 * MIB;

impl Parts {
    fn in_home(home: &Path) -> Self {
        for (name, seed) in [("data1", 1), ("data2", 2)] {
            DataFile::create(&home.join(name), seed, PART);
        }
        let err = DataFile::create(&home.join("data3"), 3, PART).sha256;
        let mut out = fs::read(home.join("data1")).unwrap();
        out.extend(fs::read(home.join("data2")).unwrap());
        Self { out: checksum::sha256(&out), err }
    }

    /// Holds that the session has ended well, with all of its output, once.
    #[track_caller]
    fn are_all_there(&self, world: &World, session: &str, home: &Path) {
        world.home.longhaul(&["wait", session]).exited(0);
        let said = world.home.longhaul(&["logs", session, "--raw"]).exited(0);
        assert_eq!(checksum::sha256(&said.stdout), self.out, "{}", world.logs());
        assert_eq!(checksum::sha256(&said.stderr), self.err, "{}", world.logs());
        let starts = fs::read_to_string(home.join("starts")).unwrap();
        assert_eq!(starts, "started\n", "the command was started once");
    }
}

#[track_caller]
fn await_first_part(world: &World, session: &str) {
    eventually_or(
        "the first part is here",
        || world.home.inspect(session)["stdout"] == PART,
        || world.logs(),
    );
}

#[test]
fn twenty_sessions_run_at_once_where_a_link_has_ten_channels() {
    let world = World::new();
    let script = |n: usize| format!("echo {n:07}; until [ -e go ]; do sleep 0.1; done; echo end");
    let ids: Vec<String> = (0..20).map(|n| world.detached_script(&script(n))).collect();
    for id in &ids {
        eventually_or(
            "each of the twenty has sent its first line",
            || world.home.inspect(id)["stdout"] == 8,
            || world.logs(),
        );
    }
    // The first is still there, so all have been at once.
    assert_eq!(world.home.inspect(&ids[0])["state"], "running");
    world.sshd.write("go", "");
    let wait: Vec<_> = ["wait"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    world.home.longhaul(&wait).exited(0);
    for (n, id) in ids.iter().enumerate() {
        let said = world.home.longhaul(&["logs", id]).exited(0);
        assert_eq!(said.out(), format!("{n:07}\nend\n"));
    }
}

#[test]
fn a_remote_session_outlives_the_daemons_kill_between_two_parts() {
    let world = World::new();
    let parts = Parts::in_home(world.sshd.home());
    let id = world.detached_script(IN_TWO_PARTS);
    await_first_part(&world, &id);
    let before = world.home.kill_daemon();
    world.sshd.write("go", "");
    parts.are_all_there(&world, &id, world.sshd.home());
    assert_ne!(world.home.daemon_pid(), Some(before));
}

#[test]
fn a_local_session_outlives_the_daemons_kill() {
    let world = World::new();
    let parts = Parts::in_home(world.home.path());
    let id = world.home.detached(&["--local", "--cwd", "~", "--", "sh", "-c", IN_TWO_PARTS]);
    await_first_part(&world, &id);
    world.home.kill_daemon();
    fs::write(world.home.path().join("go"), "").unwrap();
    parts.are_all_there(&world, &id, world.home.path());
}

#[test]
fn a_session_that_ended_while_no_daemon_was_there_is_found_ended() {
    let world = World::new();
    let parts = Parts::in_home(world.sshd.home());
    let id = world.detached_script(IN_TWO_PARTS);
    await_first_part(&world, &id);
    world.home.kill_daemon();
    world.sshd.write("go", "");
    eventually_or(
        "the command has ended by itself",
        || world.remote_processes_with("until [ -e go ]").is_empty(),
        || world.logs(),
    );
    parts.are_all_there(&world, &id, world.sshd.home());
}

/// Starts 48 MiB through a slow proxy, breaks something in the middle of the
/// stream, and holds that all of it arrives.
fn survives_in_full_flow(broken: impl Fn(&World, &Proxy)) {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let data = DataFile::create(&world.sshd.home().join("data"), 7, 48 * MIB);
    proxy.set(Flow::Throttle(16 * MIB));
    let id = world.detached_script("echo started >> starts; cat data");
    eventually_or("the stream flows", || proxy.passed() > 8 * MIB, || world.logs());
    broken(&world, &proxy);
    proxy.set(Flow::Pass);
    world.home.longhaul(&["wait", &id]).exited(0);
    let said = world.home.longhaul(&["logs", &id, "--raw"]).exited(0);
    assert_eq!(said.stdout.len() as u64, 48 * MIB);
    assert_eq!(checksum::sha256(&said.stdout), data.sha256);
    assert_eq!(world.sshd.read("starts"), "started\n");
}

#[test]
fn the_stream_resumes_after_the_daemons_kill() {
    survives_in_full_flow(|world, _| {
        world.home.kill_daemon();
    });
}

#[test]
fn the_stream_resumes_after_the_kill_of_sshds_connection() {
    survives_in_full_flow(|world, _| assert!(world.sshd.kill_connections() > 0));
}

#[test]
fn the_stream_resumes_after_a_cut() {
    survives_in_full_flow(|_, proxy| proxy.cut());
}

#[test]
fn the_stream_resumes_after_a_reset() {
    survives_in_full_flow(|_, proxy| proxy.reset());
}

#[test]
fn the_stream_resumes_after_many_cuts() {
    survives_in_full_flow(|world, proxy| {
        for _ in 0..5 {
            let (links, bytes) = (proxy.connections(), proxy.passed());
            proxy.cut();
            eventually_or(
                "a new link carries data",
                || proxy.connections() > links && proxy.passed() > bytes + MIB,
                || world.logs(),
            );
        }
    });
}

#[test]
fn a_flood_comes_whole_through_twenty_cuts() {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let data = DataFile::create(&world.sshd.home().join("data"), 8, 100 * MIB);
    let id = world.detached_script("cat data");
    proxy.cut_along(100 * MIB, 20);
    world.home.longhaul(&["wait", &id]).exited(0);
    let said = world.home.longhaul(&["logs", &id, "--raw"]).exited(0);
    assert_eq!(checksum::sha256(&said.stdout), data.sha256);
}

#[test]
fn the_stream_resumes_after_the_host_was_down() {
    survives_in_full_flow(|world, proxy| {
        proxy.set(Flow::Refuse);
        proxy.cut();
        eventually_or(
            "the link waits to be tried again",
            || world.link_state() == "backing-off",
            || world.logs(),
        );
    });
}

#[test]
fn a_link_that_went_silent_is_noticed_and_replaced() {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    let quick = "Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 3\n";
    fs::write(world.home.path().join(".ssh/config"), quick).unwrap();
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let parts = Parts::in_home(world.sshd.home());
    let id = world.detached_script(IN_TWO_PARTS);
    await_first_part(&world, &id);
    proxy.set(Flow::BlackHole);
    world.sshd.write("go", "");
    eventually_or(
        "the silent link is given up",
        || world.link_state() != "connected",
        || world.logs(),
    );
    // What is held up in the old connections shall not come to life again.
    proxy.cut();
    proxy.set(Flow::Pass);
    parts.are_all_there(&world, &id, world.sshd.home());
}

#[test]
fn losing_the_terminal_only_detaches() {
    let world = World::new();
    let parts = Parts::in_home(world.sshd.home());
    let running = world.start_on_box(&["--name", "s", "--", "sh", "-c", IN_TWO_PARTS]);
    eventually_or(
        "the first part is on stdout",
        || running.stdout_length() as u64 == PART,
        || world.logs(),
    );
    running.signal(Signal::HUP);
    running.finish().says("longhaul attach");
    assert_eq!(world.home.inspect("s")["state"], "running");
    world.sshd.write("go", "");
    parts.are_all_there(&world, "s", world.sshd.home());
}

#[test]
fn sessions_go_on_while_the_daemon_is_stopped_and_started() {
    let world = World::new();
    let parts = Parts::in_home(world.sshd.home());
    let id = world.detached_script(IN_TWO_PARTS);
    await_first_part(&world, &id);
    world.home.longhaul(&["daemon", "stop"]).exited(0);
    assert_eq!(world.home.daemon_pid(), None);
    assert!(!world.remote_processes_with("until [ -e go ]").is_empty());
    world.home.longhaul(&["daemon", "start"]).exited(0);
    world.sshd.write("go", "");
    parts.are_all_there(&world, &id, world.sshd.home());
}

#[test]
fn a_session_whose_processes_were_killed_there_is_lost_and_says_so() {
    let world = World::new();
    let id = world.detached_script("echo up; sleep 1000");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    world.home.kill_daemon();
    for process in world.sshd.session_processes() {
        processes::signal(process.pid, Signal::KILL);
    }
    eventually_or(
        "nothing of it is left",
        || world.sshd.session_processes().is_empty(),
        || world.logs(),
    );
    world.home.longhaul(&["wait", &id]).exited(125);
    let seen = world.home.inspect(&id);
    assert_eq!(seen["state"], "lost");
    assert!(seen["exit"].is_null());
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "up\n");
}

#[test]
fn a_follower_that_is_killed_is_replaced() {
    for place in PLACES {
        let world = World::new();
        let home = if place == ["--local"] { world.home.path() } else { world.sshd.home() };
        let parts = Parts::in_home(home);
        let args = [place, &["--cwd", "~", "--", "sh", "-c", IN_TWO_PARTS]].concat();
        let id = world.home.detached(&args);
        await_first_part(&world, &id);
        // Its own process only: what it has started goes on, and holds its streams.
        let at_work = world.in_the_spool_of(&id);
        let followers: Vec<_> = at_work
            .iter()
            .filter(|one| at_work.iter().all(|other| other.pid != one.parent))
            .collect();
        assert_eq!(followers.len(), 1, "{at_work:?}");
        processes::signal(followers[0].pid, Signal::KILL);
        fs::write(home.join("go"), "").unwrap();
        parts.are_all_there(&world, &id, home);
    }
}
