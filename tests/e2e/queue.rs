//! Limits, and those who wait for their turn.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::client_home::ClientHome;
use crate::support::config::{Config, Entry};
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// Runs until `go` and its number is there.
fn until_told(number: usize) -> String {
    format!("until [ -e go{number} ]; do sleep 0.1; done")
}

/// Sessions on the box, each of which waits to be told to end.
fn on_box(world: &World, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| world.detached_script(&until_told(number))).collect()
}

fn limited(world: &World, most: u32) -> Config {
    let remote = world.remote().raw("max_sessions", &most.to_string());
    Config::default().with_remote(remote)
}

fn place(home: &ClientHome, session: &str) -> Value {
    home.inspect(session)["queue"]["place"].clone()
}

fn running(home: &ClientHome) -> BTreeSet<String> {
    let sessions = home.json(&["ps"]);
    let runs = |session: &&Value| session["state"] == "running";
    let id = |session: &Value| session["id"].as_str().unwrap_or_default().to_owned();
    sessions.as_array().unwrap().iter().filter(runs).map(id).collect()
}

#[track_caller]
fn await_running(world: &World, ids: &[&String]) {
    let expected: BTreeSet<String> = ids.iter().copied().cloned().collect();
    eventually_or("these run and no others", || running(&world.home) == expected, || world.logs());
}

#[test]
fn what_does_not_fit_waits_in_the_order_of_its_coming() {
    let world = World::new();
    world.home.configure(&limited(&world, 2));
    let ids = on_box(&world, 0..5);
    await_running(&world, &[&ids[0], &ids[1]]);
    let view = world.home.inspect(&ids[3]);
    assert_eq!(view["state"], "waiting");
    let waits_for = json!({ "limit": "remote", "remote": "box", "most": 2 });
    assert_eq!(view["queue"], json!({ "place": 2, "of": 3, "waits_for": waits_for }));
    let table = world.home.longhaul(&["ps"]).exited(0).out();
    assert!(table.contains("waiting (1 of 3 in the queue: box takes 2 at once)"), "{table}");
    world.sshd.write("go0", "");
    await_running(&world, &[&ids[1], &ids[2]]);
    assert_eq!(place(&world.home, &ids[3]), 1);
    // What is taken back leaves its place to the next, and was never there.
    world.home.longhaul(&["kill", &ids[3]]).exited(0);
    assert_eq!(world.home.inspect(&ids[3])["state"], "cancelled");
    assert_eq!(place(&world.home, &ids[4]), 1);
    for number in [1, 2, 4] {
        world.sshd.write(&format!("go{number}"), "");
    }
    for id in [&ids[1], &ids[2], &ids[4]] {
        world.home.longhaul(&["wait", id]).exited(0);
    }
    world.home.longhaul(&["wait", &ids[3]]).exited(125);
    assert!(world.home.inspect(&ids[4])["queue"].is_null());
}

#[test]
fn the_queue_is_the_same_after_the_daemon_was_killed() {
    let world = World::new();
    world.home.configure(&limited(&world, 1));
    let first = world.detached_script(&until_told(0));
    await_running(&world, &[&first]);
    let low = world.home.detached(&["--on", "box", "--priority", "low", "--", "true"]);
    let rest = on_box(&world, 1..3);
    let high = ["--on", "box", "--priority", "high", "--", "sh", "-c", &until_told(3)];
    let high = world.home.detached(&high);
    let places = || [&high, &rest[0], &rest[1], &low].map(|id| place(&world.home, id));
    let expected = [1, 2, 3, 4].map(Value::from);
    assert_eq!(places(), expected);
    world.home.kill_daemon();
    // The command starts another daemon.
    assert_eq!(places(), expected);
    await_running(&world, &[&first]);
    world.sshd.write("go0", "");
    await_running(&world, &[&high]);
    for number in 1..4 {
        world.sshd.write(&format!("go{number}"), "");
    }
    world.home.longhaul(&["wait", &low]).exited(0);
}

#[test]
fn a_reload_that_changes_a_limit_takes_effect_at_once() {
    let world = World::new();
    world.home.configure(&limited(&world, 1));
    let ids = on_box(&world, 0..4);
    await_running(&world, &[&ids[0]]);
    world.home.configure(&limited(&world, 3));
    await_running(&world, &[&ids[0], &ids[1], &ids[2]]);
    // Nobody is stopped by a lower one, and nobody starts until there is room.
    world.home.configure(&limited(&world, 1).with("max_sessions", "7"));
    let limit = || world.home.inspect(&ids[3])["queue"]["waits_for"]["most"].clone();
    eventually_or("the lower limit holds", || limit() == 1, || world.logs());
    world.sshd.write("go0", "");
    await_running(&world, &[&ids[1], &ids[2]]);
    world.home.configure(&Config::default().with_remote(world.remote()));
    await_running(&world, &[&ids[1], &ids[2], &ids[3]]);
    for number in 1..4 {
        world.sshd.write(&format!("go{number}"), "");
    }
    world.home.longhaul(&["wait", &ids[3]]).exited(0);
}

#[test]
fn agents_have_limits_of_their_own_and_all_have_one_together() {
    let home = ClientHome::new();
    let agent = Entry::named("sleeper")
        .raw("command", "[\"sleep\"]")
        .raw("remote", "Local")
        .raw("max_sessions", "1");
    home.configure(&Config::default().with_agent(agent).with("max_sessions", "2"));
    let agent = ["--agent", "sleeper", "--", "1000"];
    let first = home.detached(&agent);
    home.await_state(&first, "running");
    let second = home.detached(&agent);
    let expected = json!({ "limit": "agent", "agent": "sleeper", "most": 1 });
    assert_eq!(home.inspect(&second)["queue"]["waits_for"], expected);
    // It goes past the one that waits for its agent.
    let plain = home.detached(&["--local", "--", "sleep", "1000"]);
    home.await_state(&plain, "running");
    let last = home.detached(&["--local", "--", "true"]);
    let expected = json!({ "limit": "all", "most": 2 });
    assert_eq!(home.inspect(&last)["queue"]["waits_for"], expected);
    home.longhaul(&["kill", &first, &plain]).exited(0);
    home.longhaul(&["wait", &last]).exited(0);
    home.await_state(&second, "running");
}

#[test]
fn turns_go_round_between_those_who_ask() {
    let home = ClientHome::new();
    home.configure(&Config::default().with("max_sessions", "1"));
    let asked = |client: &str, script: &str| {
        home.detached(&["--local", "--client", client, "--cwd", "~", "--", "sh", "-c", script])
    };
    let first = asked("ci", &until_told(0));
    home.await_state(&first, "running");
    let of_ci = [1, 2, 3].map(|_| asked("ci", "true"));
    let of_ann = asked("ann", "true");
    assert_eq!(place(&home, &of_ann), 1);
    assert_eq!(of_ci.each_ref().map(|id| place(&home, id)), [2, 3, 4].map(Value::from));
    std::fs::write(home.path().join("go0"), "").unwrap();
    home.longhaul(&["wait", &of_ci[2], &of_ann]).exited(0);
}

/// The time for a start is for a host that does not answer.
#[test]
fn waiting_for_its_turn_costs_a_session_no_time_for_its_start() {
    let world = World::new();
    let remote = world.remote().raw("max_sessions", "1").text("start_within", "2s");
    world.home.configure(&Config::default().with_remote(remote));
    let first = world.detached_script(&until_told(0));
    await_running(&world, &[&first]);
    let patient = world.detached_script("true");
    let hasty = ["--on", "box", "--start-within", "3", "--", "true"];
    let hasty = world.home.detached(&hasty);
    // Its own limit is over, so the other's, which is shorter, would be, too.
    world.home.await_state(&hasty, "failed");
    assert_eq!(world.home.inspect(&patient)["state"], "waiting");
    world.home.kill_daemon();
    world.sshd.write("go0", "");
    world.home.longhaul(&["wait", &patient]).exited(0);
}

#[test]
fn whoever_follows_one_that_waits_is_told_why() {
    let world = World::new();
    world.home.configure(&limited(&world, 1));
    let first = world.detached_script(&until_told(0));
    await_running(&world, &[&first]);
    let second = world.start_on_box(&["--", "echo", "mine"]);
    let told = "box: waits for its turn: box takes 1 at once";
    let said = || String::from_utf8_lossy(&second.stderr()).into_owned();
    eventually_or("it is told", || said().contains(told), || world.logs());
    world.sshd.write("go0", "");
    assert_eq!(second.finish().exited(0).out(), "mine\n");
}
