//! `kill -9` of the daemon at the moments that matter, and what is found again.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use rustix::process::Signal;

use crate::support::checksum::{self, MIB};
use crate::support::client_home::LONGHAUL;
use crate::support::command::{Input, Running};
use crate::support::config::Config;
use crate::support::processes;
use crate::support::proxy::{Flow, Proxy};
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// A `mkdir` that makes a spool, and then holds the answer back until it may go.
const SLOW_CLAIM: &str = r#"#!/bin/sh
/bin/mkdir "$@" || exit
case "$*" in *700*) : >"$HOME/claimed"; until [ -e "$HOME/answer" ]; do sleep 0.05; done ;; esac
"#;

#[test]
fn killed_between_claim_and_answer_the_session_is_found_and_started_once() {
    let world = World::new();
    let mkdir = world.sshd.write("fake/mkdir", SLOW_CLAIM);
    fs::set_permissions(mkdir, fs::Permissions::from_mode(0o755)).unwrap();
    world.sshd.write(".bashrc", "PATH=$HOME/fake:$PATH\n");
    let id = world.detached_script("echo started >> starts; echo out; exit 7");
    let claimed = world.sshd.home().join("claimed");
    eventually_or("the spool is claimed", || claimed.exists(), || world.logs());
    world.home.kill_daemon();
    // The next daemon finds the claim while the first launch has not answered.
    world.home.longhaul(&["daemon", "start"]).exited(0);
    world.sshd.write("answer", "");
    world.home.longhaul(&["wait", &id]).exited(7);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "out\n");
    assert_eq!(world.sshd.read("starts"), "started\n", "{}", world.logs());
}

#[test]
fn killed_while_input_is_delivered_it_arrives_once_and_in_order() {
    const SIZE: u64 = 12 * MIB;
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let id = world.home.detached(&["--on", "box", "-i", "--", "sh", "-c", "cat > got"]);
    world.home.await_state(&id, "running");
    proxy.set(Flow::Throttle(4 * MIB));
    let bytes = checksum::bytes(11, usize::try_from(SIZE).unwrap());
    world.home.longhaul_with_input(&["send", &id], &bytes).exited(0);
    for part in 1..3 {
        let file = world.sshd.home().join("got");
        eventually_or(
            "a part of it is there",
            || fs::metadata(&file).is_ok_and(|got| got.len() > part * MIB),
            || world.logs(),
        );
        world.home.kill_daemon();
        world.home.longhaul(&["daemon", "start"]).exited(0);
    }
    proxy.set(Flow::Pass);
    world.home.longhaul(&["send", &id, "--eof"]).exited(0);
    world.home.longhaul(&["wait", &id]).exited(0);
    let got = fs::read(world.sshd.home().join("got")).unwrap();
    assert_eq!((got.len(), checksum::sha256(&got)), (bytes.len(), checksum::sha256(&bytes)));
}

#[test]
fn killed_during_a_stop_the_next_daemon_sees_it_through() {
    let world = World::new();
    let script = "trap '' TERM; echo up; while :; do sleep 0.1; done";
    let id = world.detached_script(script);
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    // It waits for the end, and asks the next daemon once this one is gone.
    let kill = world.home.start(&["kill", &id]);
    world.home.await_state(&id, "stopping");
    world.home.kill_daemon();
    kill.finish();
    world.home.longhaul(&["wait", &id]).exited(137);
    assert!(world.remote_processes_with("trap ''").is_empty(), "{}", world.logs());
}

#[test]
fn killed_between_the_exit_and_its_record_the_status_is_the_commands() {
    let world = World::new();
    let id = world.detached_script("echo up; until [ -e go ]; do sleep 0.05; done; exit 7");
    // It is told beside the output, and may come after it.
    let known = || world.home.inspect(&id)["pid"].is_u64();
    eventually_or("its process id is known", known, || world.logs());
    let command = world.home.inspect(&id)["pid"].as_u64().unwrap();
    let command = processes::look_at(u32::try_from(command).unwrap()).unwrap();
    // The wrapper writes the record; stopped, it does not come to it.
    processes::signal(command.parent, Signal::STOP);
    world.sshd.write("go", "");
    let ended = || world.remote_processes_with("until [ -e go ]").is_empty();
    eventually_or("the command has ended", ended, || world.logs());
    world.home.kill_daemon();
    world.home.longhaul(&["daemon", "start"]).exited(0);
    assert_eq!(world.home.inspect(&id)["state"], "running", "nobody knows better yet");
    processes::signal(command.parent, Signal::CONT);
    world.home.longhaul(&["wait", &id]).exited(7);
}

#[test]
fn a_new_binary_takes_over_with_sessions_and_readers_where_they_were() {
    let world = World::new();
    let script = "echo first; until [ -e go ]; do sleep 0.05; done; echo last; exit 7";
    let reader = world.start_on_box(&["--name", "job", "--", "sh", "-c", script]);
    eventually_or("it streams", || reader.stdout() == b"first\n", || world.logs());
    let last = |world: &World| {
        let events = world.home.longhaul(&["events", "--since", "0", "--json"]).exited(0);
        events.json_lines().last().unwrap()["seq"].as_u64().unwrap()
    };
    let cursor = last(&world);
    let before = world.home.daemon_pid();
    world.home.longhaul(&["daemon", "stop"]).exited(0);
    let new = world.home.path().join("longhaul-new");
    symlink(LONGHAUL, &new).unwrap();
    let old = world.home.command(&["daemon", "start"]);
    let mut start = Command::new(&new);
    start.args(["daemon", "start"]).env_clear();
    start.envs(old.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Running::start(start, Input::Nothing).finish().exited(0);
    assert_ne!(world.home.daemon_pid(), before);
    world.sshd.write("go", "");
    assert_eq!(reader.finish().exited(7).out(), "first\nlast\n");
    assert_eq!(world.home.longhaul(&["attach", "job"]).exited(7).out(), "first\nlast\n");
    // The cursor of before is one to go on from: nothing is stale or missing.
    let since = cursor.to_string();
    let events = world.home.longhaul(&["events", "--since", &since, "--json"]).exited(0);
    let events = events.json_lines();
    assert!(events.iter().all(|event| event["seq"].as_u64() > Some(cursor)), "{events:?}");
    assert!(last(&world) > cursor);
}

#[test]
fn after_a_reboot_of_the_control_machine_local_sessions_are_lost_in_it_and_remote_ones_go_on() {
    let world = World::new();
    let script = "echo up; until [ -e go ]; do sleep 0.05; done; exit 7";
    let remote = world.detached_script(script);
    let local = world.home.detached(&["--local", "--", "sh", "-c", "echo up; sleep 6002"]);
    for id in [&remote, &local] {
        eventually_or("it runs", || world.home.inspect(id)["stdout"] == 3, || world.logs());
    }
    // Everything here ends at once, and the next boot is another one.
    let all = || processes::belonging_to(world.home.path());
    for process in all() {
        processes::signal(process.pid, Signal::KILL);
    }
    eventually_or("nothing is left here", || all().is_empty(), || world.logs());
    let spool = world.home.state_dir().join("spool/1").join(&local);
    let pid = fs::read_to_string(spool.join("pid")).unwrap();
    let (process, _) = pid.trim_end().rsplit_once(' ').unwrap();
    fs::write(spool.join("pid"), format!("{process} another-boot\n")).unwrap();
    // A wrapper that was quicker than its own end.
    let _ = fs::remove_file(spool.join("exit"));
    world.home.longhaul(&["wait", &local]).exited(125);
    let seen = world.home.inspect(&local);
    assert_eq!(seen["state"], "lost");
    assert!(seen["failure"]["code"].as_str().unwrap().contains("lost"), "{seen}");
    assert_eq!(world.home.longhaul(&["logs", &local]).exited(0).out(), "up\n");
    assert_eq!(world.home.inspect(&remote)["state"], "running");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &remote]).exited(7);
}
