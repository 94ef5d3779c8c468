//! `remote test`: how far it gets, and how long each stage takes.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::command::Running;
use crate::support::config::{Config, Entry};
use crate::support::ports::free_port;
use crate::support::sshd::{Sshd, account};
use crate::support::wait::eventually_or;
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
    let passed: Vec<&str> = stages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        passed,
        [
            "config",
            "resolve",
            "connect",
            "key exchange",
            "host key",
            "authentication",
            "channel",
            "shell",
            "working directory",
            "command",
        ]
    );
    assert!(stages.iter().all(|(_, ok)| *ok), "{stages:?}");
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

#[test]
fn each_jump_is_a_stage_and_fails_as_one() {
    let world = World::new();
    let inner = Sshd::start();
    let config = |port: u16| {
        format!(
            "Host edge\n HostName 127.0.0.1\n Port {port}\n\
             Host far\n HostName 127.0.0.1\n Port {}\n ProxyJump edge\n\
             Host *\n User {}\n IdentityFile {}\n",
            inner.port(),
            account(),
            world.home.identity().display(),
        )
    };
    let file = world.home.path().join(".ssh/config");
    std::fs::write(&file, config(world.sshd.port())).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let far = Entry::named("far").text("host", "far");
    world.home.configure(&Config::default().with_remote(far));
    let edge = |port: u16| format!("jump {}@127.0.0.1:{port}", account());
    let report = world.home.json(&["remote", "test", "far"]);
    let names: Vec<String> = stages(&report).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["config".to_owned(), edge(world.sshd.port()), "connect".to_owned()]);
    let nobody = free_port();
    std::fs::write(&file, config(nobody)).unwrap();
    world.home.longhaul(&["config", "reload"]).exited(0);
    let said = world.home.longhaul(&["remote", "test", "far", "--json"]);
    let stages = stages(&said.json());
    assert_eq!(stages.last(), Some(&(edge(nobody), false)), "{said}");
}

#[test]
fn what_would_keep_a_session_from_its_command_fails_the_test_with_the_sessions_code() {
    let world = World::new();
    let test = |more: &[&str]| {
        let words = [&["remote", "test", "box", "--json"], more].concat();
        let said = world.home.longhaul(&words);
        assert_eq!(said.code(), Some(1), "{said}");
        let report = said.json();
        let last = stages(&report).pop().map(|(name, _)| name).unwrap_or_default();
        let code = report["failure"]["code"].as_str().unwrap_or_default().to_owned();
        (last, code)
    };
    let gone = world.remote().text("working_dir", "~/no/such");
    world.home.configure(&Config::default().with_remote(gone));
    let told = |stage: &str, code: &str| (stage.to_owned(), code.to_owned());
    assert_eq!(test(&[]), told("working directory", "session.cwd.missing"));
    let closed = world.sshd.write("closed", "#!/bin/sh\n");
    let broken = world.sshd.write("broken", "#!/usr/bin/env no-such-interpreter\n");
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    let agent = |name: &str, file: &std::path::Path| {
        Entry::named(name).raw("command", &format!("[{:?}]", file.display().to_string()))
    };
    let config = Config::default().with_remote(world.remote());
    let config = config.with_agent(agent("closed", &closed)).with_agent(agent("broken", &broken));
    world.home.configure(&config);
    world.home.longhaul(&["config", "reload"]).exited(0);
    let denied = told("command", "session.command.not-executable");
    assert_eq!(test(&["--agent", "closed"]), denied);
    let broken = told("agent version", "session.interpreter.missing");
    assert_eq!(test(&["--agent", "broken"]), broken);
    std::fs::remove_dir_all(world.sshd.home().join(".local/state/longhaul")).unwrap();
    world.sshd.write(".local/state/longhaul", "a file where a folder should be\n");
    assert_eq!(test(&[]), told("command", "session.spool.unusable"));
}

#[test]
fn this_machine_is_tested_without_a_link() {
    let world = World::new();
    let report = world.home.json(&["remote", "test", "local"]);
    let names: Vec<String> = stages(&report).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["config", "channel", "shell", "working directory", "command"]);
    assert_eq!(report["hostname"], hostname());
}

#[test]
fn a_stage_is_told_as_soon_as_it_is_over() {
    let world = World::new();
    // The login shell waits; everything before it has been told by then.
    world.sshd.write(".bashrc", "until [ -e ~/go ]; do sleep 0.05; done\n");
    let mut test = world.home.start(&["remote", "test", "box"]);
    let told = |test: &Running| String::from_utf8_lossy(&test.stdout()).into_owned();
    eventually_or(
        "the stages before the shell are told",
        || told(&test).contains("  channel "),
        || told(&test),
    );
    assert!(!told(&test).contains("  shell "), "{}", told(&test));
    assert!(!test.has_ended());
    world.sshd.write("go", "");
    assert!(test.finish().exited(0).out().contains("  command "));
}
