//! Sessions that are found on their host, and control machines that share one.

use std::fs;

use serde_json::Value;

use crate::retention::spool;
use crate::support::client_home::ClientHome;
use crate::support::command::{Finished, Input, Running};
use crate::support::config::{Config, Entry};
use crate::support::sshd::account;
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// A second control machine with the same remote, of a user who has another
/// name.
struct Other {
    home: ClientHome,
}

impl Other {
    fn beside(world: &World) -> Self {
        let home = ClientHome::new();
        let remote = Entry::remote("box", world.sshd.port(), &home.identity());
        home.configure(&Config::default().with_remote(remote));
        let other = Self { home };
        // The daemon keeps the name that it is started with.
        other.longhaul(&["daemon", "start"]).exited(0);
        other
    }

    /// Has it keep so much from now on.
    fn keep(&self, world: &World, retention: &str) {
        let remote = Entry::remote("box", world.sshd.port(), &self.home.identity());
        self.home.configure(&Config::default().with("retention", retention).with_remote(remote));
        self.longhaul(&["config", "reload"]).exited(0);
    }

    fn longhaul(&self, args: &[&str]) -> Finished {
        let mut command = self.home.command(args);
        command.env("USER", "somebody");
        Running::start(command, Input::Nothing).finish()
    }
}

const LATER: &str =
    "echo first; echo e >&2; until [ -e go ]; do sleep 0.05; done; echo last; exit 7";

#[track_caller]
fn has_all_of_it(world: &World, home: &ClientHome, session: &str) {
    home.longhaul(&["wait", session]).exited(7);
    let said = home.longhaul(&["logs", session, "--raw"]).exited(0);
    assert_eq!(
        (said.out(), said.err()),
        ("first\nlast\n".into(), "e\n".into()),
        "{}",
        world.logs()
    );
}

/// Takes the state directory away from under no daemon.
fn lose_the_state(world: &World) {
    world.home.longhaul(&["daemon", "stop"]).exited(0);
    fs::remove_dir_all(world.home.state_dir()).unwrap();
}

fn found(report: &Value) -> &Vec<Value> {
    report["sessions"].as_array().unwrap()
}

#[test]
fn a_lost_state_directory_is_made_good_from_the_host() {
    let world = World::new();
    let args = ["--on", "box", "--name", "nightly", "--timeout", "1h", "--", "sh", "-c", LATER];
    let running = world.home.detached(&args);
    let ended = world.home.detached(&["--on", "box", "--", "sh", "-c", "echo done; exit 3"]);
    world.home.longhaul(&["wait", &ended]).exited(3);
    let before = world.home.inspect("nightly");
    lose_the_state(&world);
    assert_eq!(world.home.json(&["ps", "-a"]), serde_json::json!([]));

    let dry = world.home.json(&["adopt", "box", "--dry-run"]);
    assert_eq!(found(&dry).len(), 2, "{dry}");
    assert_eq!(world.home.json(&["ps", "-a"]), serde_json::json!([]), "a dry run changes nothing");

    world.home.longhaul(&["adopt", "box"]).exited(0).says("2 taken in from box");
    let after = world.home.inspect("nightly");
    for field in ["id", "name", "command", "place", "host", "cwd", "created_at"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    world.home.longhaul(&["wait", &ended]).exited(3);
    assert_eq!(world.home.longhaul(&["logs", &ended]).exited(0).out(), "done\n");
    world.sshd.write("go", "");
    has_all_of_it(&world, &world.home, &running);
    let again = world.home.json(&["adopt", "box"]);
    assert_eq!((&again["known"], found(&again).len()), (&2.into(), 0), "a second time is none");
}

#[test]
fn input_goes_on_where_the_lost_daemon_left_it() {
    let world = World::new();
    let id = world.home.detached(&["--on", "box", "-i", "--", "cat"]);
    world.home.longhaul(&["send", &id, "one"]).exited(0);
    eventually_or("it is back", || world.home.inspect(&id)["stdout"] == 4, || world.logs());
    lose_the_state(&world);
    world.home.longhaul(&["adopt", "box"]).exited(0);
    world.home.longhaul(&["send", &id, "two", "--eof"]).exited(0);
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "one\ntwo\n");
}

#[test]
fn a_local_session_is_found_after_the_registry_is_gone() {
    let world = World::new();
    let id = world.home.detached(&["--local", "--cwd", "~", "--", "sh", "-c", LATER]);
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 6, || world.logs());
    world.home.longhaul(&["daemon", "stop"]).exited(0);
    fs::remove_file(world.home.state_dir().join("registry.sqlite")).unwrap();
    fs::remove_dir_all(world.home.state_dir().join("sessions")).unwrap();
    world.home.longhaul(&["adopt", "--local"]).exited(0).says("1 taken in from local");
    fs::write(world.home.path().join("go"), "").unwrap();
    has_all_of_it(&world, &world.home, &id);
}

#[test]
fn another_persons_sessions_are_named_and_taken_in_only_when_asked_for() {
    let world = World::new();
    let id = world.home.detached(&["--on", "box", "--name", "job", "--", "sh", "-c", LATER]);
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 6, || world.logs());
    let other = Other::beside(&world);
    let mine = other.home.detached(&["--on", "box", "--name", "job", "--", "sleep", "600"]);
    let said = other.longhaul(&["adopt", "box"]).exited(0);
    said.says("1 more belongs to ").says("longhaul adopt box --all takes it in");
    assert_eq!(other.home.json(&["ps", "-a"]).as_array().unwrap().len(), 1);
    other.longhaul(&["adopt", "box", "--all"]).exited(0).says("lost its name job");
    let from = other.home.inspect(&id)["adopted_from"].as_str().unwrap().to_owned();
    assert!(from.starts_with(&format!("{}@", account())), "{from}");
    world.sshd.write("go", "");
    // Both follow it, each to its end.
    has_all_of_it(&world, &world.home, &id);
    has_all_of_it(&world, &other.home, &id);
    // What one removes is gone for both, and each keeps what it has.
    other.longhaul(&["rm", &id]).exited(0);
    assert_eq!(world.home.inspect(&id)["state"], "exited");
    assert_eq!(other.home.inspect("job")["id"], mine.as_str());
}

#[test]
fn a_session_that_the_other_control_machine_removed_is_lost_and_says_so() {
    let world = World::new();
    let id = world.home.detached(&["--on", "box", "--", "sh", "-c", LATER]);
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 6, || world.logs());
    let other = Other::beside(&world);
    other.longhaul(&["adopt", "box", "--all"]).exited(0);
    world.home.kill_daemon();
    world.sshd.write("go", "");
    has_all_of_it(&world, &other.home, &id);
    other.longhaul(&["rm", &id]).exited(0);
    let spool = world.sshd.home().join(".local/state/longhaul/1").join(&id);
    eventually_or("the spool is gone", || !spool.exists(), || world.logs());
    world.home.longhaul(&["wait", &id]).exited(125);
    let seen = world.home.inspect(&id);
    assert_eq!(seen["state"], "lost");
    let message = seen["failure"]["message"].as_str().unwrap();
    assert!(message.contains("spool") || message.contains("removed"), "{message}");
}

#[test]
fn what_one_control_machine_keeps_is_not_for_the_other_to_expire() {
    let world = World::new();
    let id = world.home.detached(&["--on", "box", "--", "sh", "-c", "echo first; exit 7"]);
    world.home.longhaul(&["wait", &id]).exited(7);
    let other = Other::beside(&world);
    other.longhaul(&["adopt", "box", "--all"]).exited(0).says("1 taken in from box");
    let mine = other.home.detached(&["--on", "box", "--", "true"]);
    other.longhaul(&["wait", &id]).exited(7);
    other.longhaul(&["wait", &mine]).exited(0);
    let there = spool(&world, &["--on", "box"], &id);
    let is_whole = || fs::read_to_string(there.join("out")).is_ok_and(|out| out == "first\n");

    other.keep(&world, r#"(spool_grace: "0s")"#);
    let is_gone = |session| other.home.inspect(session)["spool_gone_at"].is_string();
    eventually_or("its own spool goes", || is_gone(&mine), || world.logs());
    assert_eq!(other.home.json(&["gc"])["items"], serde_json::json!([]));
    assert!(is_whole() && !is_gone(&id));

    // By age everything goes that the machine itself has of it.
    other.keep(&world, r#"(spool_grace: "0s", mirror_age: "0s")"#);
    let all = || other.home.json(&["ps", "-a"]);
    eventually_or("its sessions go", || all() == serde_json::json!([]), || world.logs());
    other.home.json(&["gc"]);
    assert!(is_whole());

    // So it can be taken in again, and goes when somebody says so.
    other.keep(&world, r#"(spool_grace: "never")"#);
    other.longhaul(&["adopt", "box", "--all"]).exited(0).says("1 taken in from box");
    other.longhaul(&["wait", &id]).exited(7);
    other.longhaul(&["rm", &id]).exited(0);
    eventually_or("the spool is gone", || !there.exists(), || world.logs());
}

#[test]
fn two_control_machines_on_one_account_never_touch_each_others_sessions() {
    let world = World::new();
    let other = Other::beside(&world);
    let homes = [&world.home, &other.home];
    let start = |home: &ClientHome, name: &str, script: &str| {
        home.detached(&["--on", "box", "--name", name, "--", "sh", "-c", script])
    };
    let wait_for_go = "echo up; until [ -e go ]; do sleep 0.05; done; echo down";
    for home in homes {
        start(home, "ends", "echo here");
        start(home, "stays", wait_for_go);
        start(home, "dies", "echo up; sleep 6001");
        home.longhaul(&["wait", "ends"]).exited(0);
        for name in ["stays", "dies"] {
            eventually_or("it runs", || home.inspect(name)["stdout"] == 3, || world.logs());
        }
    }
    let ids = |home: &ClientHome, name: &str| home.inspect(name)["id"].clone();
    for name in ["ends", "stays", "dies"] {
        assert_ne!(ids(homes[0], name), ids(homes[1], name));
    }
    // One kills and removes all that it can.
    world.home.longhaul(&["kill", "dies"]).exited(0);
    world.home.longhaul(&["wait", "dies"]).exited(143);
    world.home.longhaul(&["rm", "dies", "ends"]).exited(0);
    let spools =
        || fs::read_dir(world.sshd.home().join(".local/state/longhaul/1")).unwrap().count();
    eventually_or("the spools of one are gone", || spools() == 4, || world.logs());
    assert_eq!(world.remote_processes_with("sleep 6001").len(), 2, "a shell and its sleep");
    // The other has all of its own, and its host's word for it after a restart.
    other.home.kill_daemon();
    other.longhaul(&["daemon", "start"]).exited(0);
    assert_eq!(other.home.inspect("dies")["state"], "running");
    assert_eq!(other.longhaul(&["logs", "ends"]).exited(0).out(), "here\n");
    world.sshd.write("go", "");
    for home in homes {
        home.longhaul(&["wait", "stays"]).exited(0);
        assert_eq!(home.longhaul(&["logs", "stays"]).exited(0).out(), "up\ndown\n");
    }
}

#[test]
fn a_host_that_lies_is_read_with_bounds() {
    let world = World::new();
    let spools = ".local/state/longhaul/1";
    let meta = |extra: &str| {
        format!(
            "{{\"format\":1,\"command\":[\"true\"],\"created_at\":1,\"started_at\":1,\
             \"origin\":{{\"id\":\"{}\",\"who\":\"x@y\"}}{extra}}}\n",
            "0".repeat(32)
        )
    };
    for (id, meta) in [
        ("0000000001", meta(",\"name\":\"../../../etc\"")),
        ("0000000002", "not JSON\n".to_owned()),
        ("0000000003", "x".repeat(1 << 20)),
        ("0000000004", meta(",\"cwd\":\"\\u001b[2J\"")),
    ] {
        world.sshd.write(&format!("{spools}/{id}/out"), "");
        world.sshd.write(&format!("{spools}/{id}/exit"), "code 0 run\n");
        world.sshd.write(&format!("{spools}/{id}/meta"), &meta);
    }
    world.sshd.write(&format!("{spools}/..evil.../out"), "");
    let report = world.home.json(&["adopt", "box", "--all"]);
    assert_eq!(found(&report).len(), 4, "{report}");
    assert!(found(&report).iter().all(|found| found["name"].is_null()), "{report}");
    for id in ["0000000001", "0000000002", "0000000003", "0000000004"] {
        world.home.longhaul(&["wait", id]).exited(0);
        let said = world.home.longhaul(&["inspect", id]).exited(0);
        assert!(!said.out().contains('\u{1b}'), "{said}");
    }
}

#[test]
fn many_sessions_are_taken_in_at_once() {
    const MANY: u64 = 120;
    let world = World::new();
    for n in 0..MANY {
        let spool = format!(".local/state/longhaul/1/{n:010}");
        for (file, text) in [("out", "here\n"), ("err", ""), ("exit", "code 0 run\n"), ("note", "")]
        {
            world.sshd.write(&format!("{spool}/{file}"), text);
        }
    }
    let said = world.home.longhaul(&["adopt", "box"]).exited(0);
    said.says("no session to take in").says("120 more do not tell whose");
    world.home.longhaul(&["adopt", "box", "--all"]).exited(0).says("120 taken in");
    let ended = |world: &World| {
        let all = world.home.json(&["ps", "-a"]);
        let there = |one: &&Value| one["state"] == "exited" && one["stdout"] == 5;
        all.as_array().unwrap().iter().filter(there).count() as u64
    };
    eventually_or("all are here with their output", || ended(&world) == MANY, || world.logs());
}

#[test]
fn an_unknown_place_is_refused_and_a_dead_one_tells_why() {
    let world = World::new();
    world.home.longhaul(&["adopt", "bx"]).refused().says("remote.unknown");
    world.sshd.authorize(&[]);
    world.home.longhaul(&["adopt", "box"]).refused().says("ssh.auth");
}
