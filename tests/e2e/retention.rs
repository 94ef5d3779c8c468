//! What is kept of sessions that have ended, here and where they ran.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::config::Config;
use crate::support::wait::eventually_or;
use crate::support::world::{PLACES, World};

/// A world in which this much is kept.
fn keeping(retention: &str) -> World {
    let world = World::new();
    keep(&world, retention);
    world
}

fn keep(world: &World, retention: &str) {
    let config = Config::default().with("retention", retention).with_remote(world.remote());
    world.home.configure(&config);
}

/// Where a session's spool is, or was: on the remote, or here.
pub(crate) fn spool(world: &World, place: &[&str], id: &str) -> PathBuf {
    match place {
        ["--local"] => world.home.state_dir().join("spool/1").join(id),
        _ => world.sshd.home().join(".local/state/longhaul/1").join(id),
    }
}

#[track_caller]
fn await_gone(world: &World, path: &std::path::Path) {
    eventually_or(&format!("{} is gone", path.display()), || !path.exists(), || world.logs());
}

fn ids(sessions: &Value) -> Vec<String> {
    let id = |session: &Value| session["id"].as_str().unwrap_or_default().to_owned();
    sessions.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn a_spool_goes_after_its_grace_and_its_output_stays_here() {
    let world = keeping(r#"(spool_grace: "0s")"#);
    for place in PLACES {
        let args = [place, &["--", "echo", "hello"]].concat();
        let ended = world.home.detached(&args);
        let wait = ["--", "sh", "-c", "echo up; until [ -e go ]; do sleep 0.1; done"];
        let running = world.home.detached(&[place, &wait].concat());
        world.home.longhaul(&["wait", &ended]).exited(0);
        await_gone(&world, &spool(&world, place, &ended));
        eventually_or(
            "the session remembers it",
            || world.home.inspect(&ended)["spool_gone_at"].is_string(),
            || world.logs(),
        );
        assert_eq!(world.home.longhaul(&["logs", &ended]).exited(0).out(), "hello\n");
        assert!(spool(&world, place, &running).exists(), "a running session keeps its spool");
        assert!(world.home.inspect(&running)["spool_gone_at"].is_null());
        world.home.longhaul(&["kill", &running]).exited(0);
    }
}

#[test]
fn a_spool_is_kept_while_the_mirror_lacks_some_of_it() {
    let world = keeping(r#"(spool_grace: "never")"#);
    let id = world.home.detached(&["--on", "box", "--", "echo", "hello"]);
    world.home.longhaul(&["wait", &id]).exited(0);
    let mirror = world.home.state_dir().join("sessions").join(&id).join("out");
    fs::write(&mirror, "hel").unwrap();
    keep(&world, r#"(spool_grace: "0s")"#);
    eventually_or(
        "it is told",
        || world.home.logs().contains("its mirror is shorter than it was"),
        || world.logs(),
    );
    let spool = spool(&world, &["--on", "box"], &id);
    assert_eq!(fs::read_to_string(spool.join("out")).unwrap(), "hello\n");
    let gc = world.home.longhaul(&["gc"]).exited(1);
    assert!(gc.out().contains("NOT removed: its mirror is shorter"), "{gc}");
    fs::write(&mirror, "hello\n").unwrap();
    world.home.longhaul(&["gc"]).exited(0);
    assert!(!spool.exists());
}

#[test]
fn a_dry_run_changes_nothing_and_gc_asks_a_host_that_has_no_link() {
    let world = keeping(r#"(spool_grace: "never")"#);
    let id = world.home.detached(&["--on", "box", "--name", "s", "--", "echo", "hello"]);
    world.home.longhaul(&["wait", &id]).exited(0);
    let logins = world.sshd.log_lines_with("Accepted");
    // The next daemon has nothing to do there, and no link.
    world.home.kill_daemon();
    keep(&world, r#"(spool_grace: "0s")"#);
    let mut seen = Value::Null;
    eventually_or(
        "the spool is due",
        || {
            seen = world.home.json(&["gc", "--dry-run"]);
            seen["items"][0].is_object()
        },
        || world.logs(),
    );
    assert_eq!(seen["dry_run"], true);
    let item = json!({
        "session": id, "name": "s", "place": "box", "what": "spool", "why": "grace-over",
        "size": 6, "fate": "waits", "detail": null,
    });
    assert_eq!(seen["items"], json!([item]));
    let spool = spool(&world, &["--on", "box"], &id);
    assert!(spool.exists());
    assert_eq!(world.sshd.log_lines_with("Accepted"), logins, "no link for a spool's sake");
    eventually_or(
        "the status tells",
        || world.home.longhaul(&["status"]).exited(0).out().contains("1 to remove when"),
        || world.logs(),
    );
    let gc = world.home.json(&["gc"]);
    assert_eq!(gc["items"][0]["fate"], "removed", "{gc}");
    assert!(!spool.exists());
    assert_eq!(world.home.json(&["gc", "--dry-run"])["items"], json!([]));
    assert_eq!(world.home.longhaul(&["gc"]).exited(0).out(), "nothing to remove\n");
}

#[test]
fn a_session_that_is_old_goes_from_both_sides_and_a_running_one_stays() {
    let world = World::new();
    let wait = "echo up; until [ -e go ]; do sleep 0.1; done";
    let running = world.detached_script(wait);
    let id = world.home.detached(&["--on", "box", "--", "echo", "hello"]);
    world.home.longhaul(&["wait", &id]).exited(0);
    let mirror = world.home.state_dir().join("sessions").join(&id);
    assert!(mirror.exists());
    keep(&world, r#"(mirror_age: "0s")"#);
    await_gone(&world, &mirror);
    await_gone(&world, &spool(&world, &["--on", "box"], &id));
    assert_eq!(ids(&world.home.json(&["ps", "-a"])), [running.as_str()]);
    world.home.longhaul(&["inspect", &id]).refused();
    world.sshd.write("go", "");
}

#[test]
fn the_oldest_go_when_all_together_are_too_much() {
    let world = World::new();
    let kilobytes = |n: u32| format!("head -c {n}000 /dev/zero");
    let running = world.detached_script(&format!("{}; sleep 1000", kilobytes(300)));
    eventually_or(
        "it has written",
        || world.home.inspect(&running)["stdout"] == 300_000,
        || world.logs(),
    );
    let ended: Vec<String> = (0..3)
        .map(|_| {
            let id = world.detached_script(&kilobytes(100));
            world.home.longhaul(&["wait", &id]).exited(0);
            id
        })
        .collect();
    keep(&world, r#"(mirror_size: "450 KB")"#);
    eventually_or(
        "two have gone",
        || world.home.json(&["ps", "-a"]).as_array().unwrap().len() == 2,
        || world.logs(),
    );
    assert_eq!(ids(&world.home.json(&["ps", "-a"])), [ended[2].as_str(), running.as_str()]);
}
