//! `remote test`: how far it gets, and how long each stage takes.

use serde_json::Value;

use crate::support::config::{Config, Entry};
use crate::support::sshd::free_port;
use crate::support::world::World;

fn stages(report: &Value) -> Vec<(String, bool)> {
    let stage = |stage: &Value| {
        assert!(stage["took_ms"].as_f64().is_some_and(|took| took >= 0.0), "{stage}");
        (stage["name"].as_str().unwrap_or_default().to_owned(), stage["ok"] == true)
    };
    report["stages"].as_array().map(|all| all.iter().map(stage).collect()).unwrap_or_default()
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[test]
fn a_good_remote_passes_every_stage_and_tells_its_name() {
    let world = World::new();
    let report = world.home.json(&["remote", "test", "box"]);
    assert_eq!(report["remote"], "box");
    assert!(report["failure"].is_null());
    assert_eq!(report["hostname"], hostname());
    let stages = stages(&report);
    assert!(stages.len() >= 4 && stages.iter().all(|(_, ok)| *ok), "{stages:?}");
    let table = world.home.longhaul(&["remote", "test", "box"]).exited(0).out();
    assert!(table.contains(&hostname()), "{table}");
    for (stage, _) in stages {
        assert!(table.contains(&stage), "no {stage} in\n{table}");
    }
}

#[test]
fn a_stage_that_fails_is_the_last_and_makes_the_status() {
    let world = World::new();
    world.home.configure(&Config::default().with_remote(world.remote_behind(free_port())));
    let said = world.home.longhaul(&["remote", "test", "box", "--json"]);
    assert_ne!(said.code(), Some(0), "{said}");
    let report = said.json();
    assert_eq!(report["failure"]["code"], "ssh.connect.refused");
    let stages = stages(&report);
    let (last, before) = stages.split_last().unwrap();
    assert!(!last.1 && before.iter().all(|(_, ok)| *ok), "{stages:?}");
    world.sshd.authorize(&[]);
    world.home.configure(&Config::default().with_remote(world.remote()));
    world.home.longhaul(&["config", "reload"]).exited(0);
    let said = world.home.longhaul(&["remote", "test", "box", "--json"]);
    assert_ne!(said.code(), Some(0), "{said}");
    assert_eq!(said.json()["failure"]["code"], "ssh.auth.denied");
}

#[test]
fn an_agents_command_is_looked_for_on_the_remote() {
    let world = World::new();
    let tool = world.sshd.write("tools/agent-of-mine", "#!/bin/sh\necho agent-of-mine 1.2.3\n");
    std::process::Command::new("chmod").arg("+x").arg(tool).status().unwrap();
    world.sshd.write(".bashrc", "case $- in *i*) ;; *) return;; esac\nPATH=~/tools:$PATH\n");
    let there = Entry::named("there").raw("command", r#"["agent-of-mine"]"#);
    let absent = Entry::named("absent").raw("command", r#"["no-such-agent"]"#);
    let config = Config::default().with_remote(world.remote());
    world.home.configure(&config.with_agent(there).with_agent(absent));
    let said = world.home.longhaul(&["remote", "test", "box", "--agent", "there"]).exited(0);
    assert!(said.out().contains("1.2.3"), "{said}");
    let said = world.home.longhaul(&["remote", "test", "box", "--agent", "absent", "--json"]);
    assert_ne!(said.code(), Some(0), "{said}");
    assert_eq!(said.json()["failure"]["code"], "agent.not-found");
}

#[test]
fn an_unknown_remote_cannot_be_tested() {
    let world = World::new();
    world.home.longhaul(&["remote", "test", "bxo"]).refused().says("box");
    world.home.longhaul(&["remote", "test", "box", "--agent", "nobody"]).refused().says("nobody");
}
