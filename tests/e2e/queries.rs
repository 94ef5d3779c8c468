//! Finding sessions again: ps, inspect, logs, wait, rm, events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::client_home::ClientHome;
use crate::support::wait::{eventually, eventually_or};
use crate::support::world::World;

/// A session here that ran to its end, by its name.
fn ran(home: &ClientHome, name: &str, script: &str) {
    home.longhaul(&["run", "--local", "--name", name, "--", "sh", "-c", script]);
}

fn field(sessions: &Value, name: &str) -> Vec<String> {
    let text = |session: &Value| session[name].as_str().unwrap_or_default().to_owned();
    sessions.as_array().unwrap().iter().map(text).collect()
}

#[test]
fn ps_shows_the_live_and_with_all_the_ended_too() {
    let world = World::new();
    world.on_box(&["--name", "ended", "--", "true"]).exited(0);
    let id = world.home.detached(&["--on", "box", "--name", "live", "--", "sleep", "1000"]);
    world.home.await_state(&id, "running");
    let live = world.home.json(&["ps"]);
    assert_eq!(field(&live, "name"), ["live"]);
    let session = &live[0];
    assert_eq!(session["id"], json!(id));
    assert_eq!(session["place"], "box");
    assert_eq!(session["host"], "127.0.0.1");
    assert_eq!(session["link"]["state"], "connected");
    assert_eq!(session["command"], json!(["sleep", "1000"]));
    eventually("its process id is known", || world.home.inspect(&id)["pid"].is_u64());
    let all = world.home.json(&["ps", "-a"]);
    assert_eq!(field(&all, "name"), ["live", "ended"], "newest first");
    let table = world.home.longhaul(&["ps"]).exited(0).out();
    for word in [id.as_str(), "live", "box", "127.0.0.1", "running"] {
        assert!(table.contains(word), "no {word} in\n{table}");
    }
}

#[test]
fn a_name_is_taken_while_its_session_lives() {
    let home = ClientHome::new();
    let id = home.detached(&["--local", "--name", "mine", "--", "sleep", "1000"]);
    // One that has not started yet would be taken back by `kill`.
    home.await_state(&id, "running");
    home.longhaul(&["run", "--local", "--name", "mine", "--", "true"])
        .exited(125)
        .says("mine")
        .says(&id);
    assert_eq!(home.json(&["ps", "-a"]).as_array().unwrap().len(), 1);
    home.longhaul(&["kill", &id]).exited(0);
    home.longhaul(&["wait", &id]).exited(143);
    home.longhaul(&["run", "--local", "--name", "mine", "--", "true"]).exited(0);
}

#[test]
fn names_that_cannot_be_names_are_refused() {
    let home = ClientHome::new();
    for name in ["", "-x", "a b", "a/b", &"x".repeat(65)] {
        let name = format!("--name={name}");
        home.longhaul(&["run", "--local", &name, "--", "true"]).refused();
    }
}

#[test]
fn a_prefix_names_a_session_where_it_fits_one_and_both_where_it_fits_two() {
    let home = ClientHome::new();
    let mut by_first: BTreeMap<char, String> = BTreeMap::new();
    // Ids have 32 letters, so the 33rd shares its first with another.
    let (one, other) = loop {
        let id = home.detached(&["--local", "--", "true"]);
        let first = id.chars().next().unwrap();
        if let Some(earlier) = by_first.insert(first, id.clone()) {
            break (earlier, id);
        }
    };
    home.longhaul(&["wait", &one, &other]).exited(0);
    home.longhaul(&["inspect", &one[..1]]).refused().says(&one).says(&other);
    assert_eq!(home.inspect(&one[..9])["id"], json!(one));
    home.longhaul(&["inspect", "no-such-session"]).refused().says("no-such-session");
}

#[test]
fn logs_give_each_stream_to_its_own_or_one_alone() {
    let home = ClientHome::new();
    ran(&home, "s", "for n in 1 2 3; do echo out $n; echo err $n >&2; done");
    let both = home.longhaul(&["logs", "s"]).exited(0);
    assert_eq!(both.out(), "out 1\nout 2\nout 3\n");
    assert_eq!(both.err(), "err 1\nerr 2\nerr 3\n");
    let out = home.longhaul(&["logs", "s", "--stdout"]).exited(0);
    assert_eq!((out.out().as_str(), out.err().as_str()), ("out 1\nout 2\nout 3\n", ""));
    let err = home.longhaul(&["logs", "s", "--stderr"]).exited(0);
    assert!(!format!("{}{}", err.out(), err.err()).contains("out"), "{err}");
    let tail = home.longhaul(&["logs", "s", "--stdout", "--tail", "1"]).exited(0);
    assert_eq!(tail.out(), "out 3\n");
}

#[test]
fn logs_follow_until_the_end() {
    let world = World::new();
    let id = world.detached_script("echo one; until [ -e go ]; do sleep 0.1; done; echo two");
    let following = world.home.start(&["logs", "-f", &id]);
    eventually_or("the first line", || following.stdout() == b"one\n", || world.logs());
    world.sshd.write("go", "");
    assert_eq!(following.finish().exited(0).out(), "one\ntwo\n");
}

#[test]
fn attach_shows_what_was_and_what_comes_and_exits_as_the_session() {
    let world = World::new();
    let id =
        world.detached_script("echo one; until [ -e go ]; do sleep 0.1; done; echo two; exit 6");
    let attached = world.home.start(&["attach", &id]);
    eventually_or("the first line", || attached.stdout() == b"one\n", || world.logs());
    world.sshd.write("go", "");
    assert_eq!(attached.finish().exited(6).out(), "one\ntwo\n");
}

#[test]
fn wait_exits_as_the_session_did_whenever_it_is_called() {
    let home = ClientHome::new();
    ran(&home, "three", "exit 3");
    home.longhaul(&["wait", "three"]).exited(3);
    home.longhaul(&["wait", "three"]).exited(3);
    home.longhaul(&["wait", "no-such-session"]).exited(125);
}

#[test]
fn rm_removes_the_ended_and_refuses_the_living() {
    let home = ClientHome::new();
    ran(&home, "s", "echo hello");
    let mirror = home.inspect("s")["mirror"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&mirror).join("out").exists());
    home.longhaul(&["rm", "s"]).exited(0);
    assert!(!std::path::Path::new(&mirror).exists());
    home.longhaul(&["inspect", "s"]).refused();
    let id = home.detached(&["--local", "--", "sleep", "1000"]);
    home.longhaul(&["rm", &id]).refused();
    assert_eq!(home.inspect(&id)["id"], json!(id));
}

#[test]
fn sessions_and_their_output_outlive_the_daemon() {
    let home = ClientHome::new();
    ran(&home, "s", "echo kept; exit 9");
    let before = home.inspect("s");
    home.kill_daemon();
    let after = home.inspect("s");
    for name in ["id", "state", "exit", "command", "created_at", "ended_at", "stdout"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert_eq!(home.longhaul(&["logs", "s"]).exited(0).out(), "kept\n");
}

#[test]
fn events_tell_a_sessions_life_in_order_and_go_on_from_a_cursor() {
    let world = World::new();
    world.on_box(&["--name", "s", "--", "sh", "-c", "exit 3"]).exited(3);
    let id = world.home.inspect("s")["id"].clone();
    let events = world.home.longhaul(&["events", "--since", "0", "--json"]).exited(0).json_lines();
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let of_session: Vec<_> = events.iter().filter(|event| event["session"] == id).collect();
    assert_eq!(of_session.first().unwrap()["event"], "session-created");
    let last = of_session.last().unwrap();
    assert_eq!(last["event"], "session-changed");
    assert_eq!(last["state"], "exited");
    assert_eq!(last["exit"], json!({ "code": 3 }));
    let linked = |event: &Value| event["event"] == "link-changed" && event["state"] == "connected";
    assert!(events.iter().any(linked), "{events:?}");
    let cursor = numbers[numbers.len() / 2];
    let args = ["events", "--since", &cursor.to_string(), "--json"];
    let later = world.home.longhaul(&args).exited(0).json_lines();
    assert!(later.iter().all(|event| event["seq"].as_u64().unwrap() > cursor));
    assert!(!later.is_empty());
}

#[test]
fn bad_usage_exits_with_2() {
    let home = ClientHome::new();
    for args in [
        &["run"][..],
        &["run", "--on", "box", "--local", "--", "true"],
        &["run", "--timeout", "soon", "--", "true"],
        &["no-such-verb"],
        &["inspect"],
    ] {
        home.longhaul(args).exited(2);
    }
}
