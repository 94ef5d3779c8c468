//! The masters themselves, and which transport is taken.

use rustix::process::Signal;

use crate::support::config::Config;
use crate::support::processes::{self, Process};
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// The masters that belong to this world.
fn masters(world: &World) -> Vec<Process> {
    let port = world.sshd.port().to_string();
    let mut found = processes::belonging_to(world.home.path());
    found.retain(|it| it.name == "ssh" && it.arguments.contains(&format!("-p {port} ")));
    found
}

fn running(world: &World) -> String {
    let id = world.detached_script("echo up; until [ -e go ]; do sleep 0.1; done; echo end");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    id
}

fn ends_well(world: &World, id: &str) {
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", id]).exited(0).out(), "up\nend\n");
}

#[test]
fn the_status_says_that_sessions_go_over_the_systems_ssh_and_why() {
    let world = World::new();
    let id = running(&world);
    let transport = world.home.inspect(&id)["link"]["transport"].clone();
    assert_eq!(transport["kind"], "open-ssh", "{transport}");
    assert_eq!(transport["why"], "as configured");
    assert_eq!(masters(&world).len(), 1, "{}", world.logs());
    for verb in [&["status"][..], &["inspect", &id], &["remote", "show", "box"]] {
        let said = world.home.longhaul(verb).exited(0).out();
        assert!(said.contains("the system's ssh (as configured)"), "{said}");
    }
    ends_well(&world, &id);
}

#[test]
fn auto_takes_it_where_the_settings_need_it_and_says_so() {
    let world = World::new();
    let needs = "HostbasedAuthentication yes\n";
    std::fs::write(world.home.path().join(".ssh/config"), needs).unwrap();
    world.home.configure(&Config::default().with_remote(world.remote().raw("transport", "Auto")));
    let id = running(&world);
    let transport = world.home.inspect(&id)["link"]["transport"].clone();
    assert_eq!(transport["kind"], "open-ssh", "{transport}");
    let why = "Auto: HostbasedAuthentication needs the system's ssh";
    assert_eq!(transport["why"], why);
    let said = world.home.longhaul(&["status"]).exited(0).out();
    assert!(said.contains(why), "{said}");
    ends_well(&world, &id);
}

#[test]
fn a_daemon_that_is_killed_leaves_no_master() {
    let world = World::new();
    let id = running(&world);
    let before = masters(&world);
    assert_eq!(before.len(), 1, "{}", world.logs());
    world.home.kill_daemon();
    let gone = || processes::look_at(before[0].pid).is_none_or(|now| now.name != "ssh");
    eventually_or("the master has ended", gone, || world.logs());
    ends_well(&world, &id);
}

#[test]
fn a_master_that_dies_is_replaced() {
    let world = World::new();
    let id = running(&world);
    for master in masters(&world) {
        processes::signal(master.pid, Signal::KILL);
    }
    ends_well(&world, &id);
}

#[test]
fn a_change_of_the_transport_brings_new_sessions_onto_the_other() {
    let world = World::new();
    let id = running(&world);
    let built_in = world.remote().raw("transport", "BuiltIn");
    world.home.configure(&Config::default().with_remote(built_in));
    world.home.longhaul(&["config", "reload"]).exited(0);
    let other = running(&world);
    let kind = |id: &str| world.home.inspect(id)["link"]["transport"]["kind"].clone();
    assert_eq!((kind(&id), kind(&other)), ("open-ssh".into(), "built-in".into()));
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id, &other]).exited(0);
}
