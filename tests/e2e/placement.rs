//! Sessions on one of several remotes, and on each of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::config::{Config, Entry};
use crate::support::sshd::Sshd;
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// Three names for one server; two of them have the tag `web`.
fn three(world: &World) -> Config {
    let remote = |name| Entry::remote(name, world.sshd.port(), &world.home.identity());
    Config::default()
        .with_remote(remote("a").raw("tags", "[\"web\", \"gpu\"]").raw("slots", "2"))
        .with_remote(remote("b").raw("tags", "[\"web\"]").raw("slots", "2"))
        .with_remote(remote("c").raw("tags", "[\"db\"]"))
        .with_remote(remote("off").raw("tags", "[\"web\", \"off\"]").raw("enabled", "false"))
}

fn places(world: &World, args: &[&str], count: usize) -> Vec<String> {
    let place = |_| {
        let id = world.home.detached(&[args, &["--", "sleep", "1000"]].concat());
        world.home.inspect(&id)["place"].as_str().unwrap_or_default().to_owned()
    };
    (0..count).map(place).collect()
}

#[test]
fn any_takes_one_with_the_tag_and_fills_slots_evenly() {
    let world = World::new();
    world.home.configure(&three(&world));
    let mut found = places(&world, &["--on", "any:web"], 4);
    found.sort();
    assert_eq!(found, ["a", "a", "b", "b"], "two slots each, and none where it is disabled");
    assert_eq!(places(&world, &["--on", "any:gpu"], 1), ["a"], "full, and the only one");
    world
        .home
        .longhaul(&["run", "--on", "any:off", "--", "true"])
        .exited(125)
        .says("no remote that may be used has the tag off");
}

#[test]
fn spread_goes_by_the_number_of_sessions_over_all_remotes() {
    let world = World::new();
    world.home.configure(&three(&world));
    let mut found = places(&world, &["--spread"], 6);
    found.sort();
    assert_eq!(found, ["a", "a", "b", "b", "c", "c"]);
}

/// What a host tells is asked over its link.
#[test]
fn a_host_that_cannot_be_reached_comes_last() {
    let world = World::new();
    let mut gone = Sshd::start();
    let remote =
        |name, port| Entry::remote(name, port, &world.home.identity()).raw("tags", "[\"web\"]");
    let config = Config::default()
        .with_remote(remote("a", gone.port()))
        .with_remote(remote("b", world.sshd.port()));
    world.home.configure(&config);
    for name in ["a", "b"] {
        world.home.longhaul(&["run", "--on", name, "--", "true"]).exited(0);
    }
    gone.stop();
    let link = || {
        let remotes = world.home.json(&["remote", "ls"]);
        remotes[0]["link"]["state"].clone()
    };
    let id = world.home.detached(&["--on", "a", "--", "true"]);
    eventually_or("it is seen to be gone", || link() == "backing-off", || world.logs());
    let found: BTreeSet<_> = places(&world, &["--on", "any:web"], 3).into_iter().collect();
    assert_eq!(found, BTreeSet::from(["b".to_owned()]));
    world.home.longhaul(&["kill", &id]).exited(0);
}

#[test]
fn map_tells_what_came_of_each() {
    let world = World::new();
    world.home.configure(&three(&world));
    let said = world.home.longhaul(&["map", "--on", "all:web", "--", "echo", "hello"]).exited(0);
    let out = said.out();
    for remote in ["a", "b"] {
        assert!(out.contains(&format!("== {remote}: exited 0 (")), "{out}");
    }
    assert_eq!(out.matches(")\nhello\n").count(), 2, "{out}");
    said.says("2 remotes: 2 exited 0");
    // The same by names, in JSON, with different ends.
    let script = "echo out; echo err >&2; [ -e claimed ] && exit 3; : >claimed";
    let command = ["map", "--on", "c,a", "--json", "--", "sh", "-c", script];
    let said = world.home.longhaul(&command);
    let said = said.exited(1).says("exited 3: ");
    let lines: Vec<Value> =
        said.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let remotes: BTreeSet<_> = lines.iter().map(|line| line["remote"].as_str().unwrap()).collect();
    assert_eq!(remotes, BTreeSet::from(["a", "c"]));
    for line in &lines {
        assert_eq!(
            (&line["stdout_text"], &line["stderr_text"]),
            (&"out\n".into(), &"err\n".into())
        );
        assert_eq!(line["state"], "exited");
    }
}

#[test]
fn run_on_all_is_one_session_each_and_one_summary() {
    let world = World::new();
    world.home.configure(&three(&world));
    let args = ["run", "--on", "all:web", "--name", "up", "--", "true"];
    world.home.longhaul(&args).exited(0).says("2 remotes: 2 exited 0");
    let all = world.home.json(&["ps", "-a"]);
    let names: BTreeSet<_> =
        all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["up-a", "up-b"]));
    world.home.longhaul(&["run", "--on", "all:web", "-i", "--", "cat"]).exited(2);
    let said = world.home.longhaul(&["run", "-d", "--on", "all:web", "--", "true"]).exited(0);
    assert_eq!(said.out().lines().count(), 2);
}

#[test]
fn too_many_failures_stop_the_rest() {
    let world = World::new();
    let remote = |name: &str| {
        Entry::remote(name, world.sshd.port(), &world.home.identity())
            .raw("tags", "[\"web\"]")
            .raw("env", &format!("{{ \"WHO\": \"{name}\" }}"))
    };
    let config = Config::default().with_remote(remote("good")).with_remote(remote("bad"));
    world.home.configure(&config);
    let script = "[ $WHO = bad ] && exit 3; exec sleep 1000";
    let args = ["map", "--on", "all:web", "--max-failures", "0", "--", "sh", "-c", script];
    let said = world.home.longhaul(&args).exited(1);
    said.says("the rest is stopped").says("exited 3: bad");
    assert_eq!(world.home.json(&["ps"]).as_array().unwrap().len(), 0);
}
