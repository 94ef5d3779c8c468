//! `rm`, whatever the session does and wherever its host is.

use std::fs;

use serde_json::{Value, json};

use super::retention::spool;
use crate::support::config::Config;
use crate::support::proxy::{Flow, Proxy};
use crate::support::wait::eventually_or;
use crate::support::world::{PLACES, World};

fn behind_a_proxy() -> (World, Proxy) {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    (world, proxy)
}

fn take_away(proxy: &Proxy) {
    proxy.set(Flow::Refuse);
    proxy.cut();
}

#[track_caller]
fn is_gone_from_the_list(world: &World, id: &str) {
    world.home.longhaul(&["inspect", id]).refused().says("no session");
    assert_eq!(world.home.json(&["ps", "-a"]), json!([]));
    assert!(!world.home.state_dir().join("sessions").join(id).exists());
}

#[test]
fn what_runs_is_refused_and_with_force_is_stopped_first() {
    let world = World::new();
    for place in PLACES {
        // A child in a session of its own, too.
        let script = "setsid sleep 4711 & echo up; sleep 4712";
        let id = world.home.detached(&[place, &["--", "sh", "-c", script]].concat());
        eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
        world.home.longhaul(&["rm", &id]).refused().says("rm --force");
        assert_eq!(world.home.inspect(&id)["state"], "running");
        world.home.longhaul(&["rm", "--force", &id]).exited(0);
        is_gone_from_the_list(&world, &id);
        let sleeps = |text: &str| world.remote_processes_with(text).len();
        assert_eq!((sleeps("sleep 4711"), sleeps("sleep 4712")), (0, 0));
        let spool = spool(&world, place, &id);
        eventually_or("the spool is gone", || !spool.exists(), || world.logs());
    }
}

#[test]
fn a_prompt_and_input_go_with_their_session() {
    let world = World::new();
    let id = world.home.detached(&["--on", "box", "-i", "--", "cat"]);
    world.home.longhaul(&["send", &id, "a secret"]).exited(0);
    eventually_or("it came back", || world.home.inspect(&id)["stdout"] == 9, || world.logs());
    world.home.longhaul(&["rm", "--force", &id]).exited(0);
    is_gone_from_the_list(&world, &id);
    let spool = spool(&world, &["--on", "box"], &id);
    eventually_or("the spool is gone", || !spool.exists(), || world.logs());
}

#[test]
fn a_session_whose_host_is_away_goes_at_once_and_its_spool_when_that_is_back() {
    let (world, proxy) = behind_a_proxy();
    let id = world.home.detached(&["--on", "box", "--", "echo", "hello"]);
    world.home.longhaul(&["wait", &id]).exited(0);
    take_away(&proxy);
    world.home.longhaul(&["rm", &id]).exited(0);
    is_gone_from_the_list(&world, &id);
    let gc = world.home.json(&["gc", "--dry-run"]);
    assert_eq!(gc["items"][0]["session"], json!(id), "{gc}");
    assert_eq!(
        (&gc["items"][0]["fate"], &gc["items"][0]["why"]),
        (&json!("waits"), &json!("asked"))
    );
    let spool = spool(&world, &["--on", "box"], &id);
    assert_eq!(fs::read_to_string(spool.join("out")).unwrap(), "hello\n");
    // It is remembered by the disk, and not by the daemon.
    world.home.kill_daemon();
    proxy.set(Flow::Pass);
    world.on_box(&["--", "true"]).exited(0);
    eventually_or("the spool is gone", || !spool.exists(), || world.logs());
    eventually_or(
        "nothing is left to do",
        || world.home.json(&["gc", "--dry-run"])["items"] == json!([]),
        || world.logs(),
    );
}

#[test]
fn a_running_session_that_is_removed_while_its_host_is_away_is_stopped_when_that_is_back() {
    let (world, proxy) = behind_a_proxy();
    let id = world.detached_script("echo up; sleep 4713");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    take_away(&proxy);
    world.home.longhaul(&["rm", "--force", &id]).exited(0);
    is_gone_from_the_list(&world, &id);
    assert!(!world.remote_processes_with("sleep 4713").is_empty(), "nobody could stop it yet");
    world.home.kill_daemon();
    proxy.set(Flow::Pass);
    world.on_box(&["--", "true"]).exited(0);
    let spool = spool(&world, &["--on", "box"], &id);
    eventually_or("the spool is gone", || !spool.exists(), || world.logs());
    assert!(world.remote_processes_with("sleep 4713").is_empty());
}

#[test]
fn a_removed_session_is_told_of_by_an_event() {
    let world = World::new();
    let id = world.home.detached(&["--local", "--", "true"]);
    world.home.longhaul(&["wait", &id]).exited(0);
    world.home.longhaul(&["rm", &id]).exited(0);
    eventually_or(
        "the event",
        || {
            let events = world.home.longhaul(&["events", "--since", "0", "--json"]).exited(0);
            let removed = |event: &Value| {
                event["event"] == "session-removed" && event["session"] == json!(id)
            };
            events.json_lines().iter().any(removed)
        },
        || world.logs(),
    );
}
