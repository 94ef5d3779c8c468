//! Stop means stopped.

use rustix::process::Signal;
use serde_json::json;

use crate::support::processes::Process;
use crate::support::wait::eventually_or;
use crate::support::world::{PLACES, World};

/// Children, grandchildren, and one that left the process group.
const FAMILY: &str = "sleep 7001 & sh -c 'sleep 7002 & wait' & setsid sleep 7003 & \
     setsid sh -c 'sleep 7004 & sleep 7005' & echo up; wait";

fn sleepers(world: &World) -> Vec<Process> {
    let mut found = crate::support::processes::belonging_to(world.home.path());
    found.extend(world.sshd.session_processes());
    found.retain(|process| process.name == "sleep" && process.arguments.starts_with("sleep 700"));
    found
}

#[test]
fn kill_leaves_no_process_of_the_tree() {
    let world = World::new();
    for place in PLACES {
        let args: Vec<_> = place.iter().chain(&["--", "sh", "-c", FAMILY]).copied().collect();
        let id = world.home.detached(&args);
        eventually_or("all five run", || sleepers(&world).len() == 5, || world.logs());
        world.home.longhaul(&["kill", &id]).exited(0);
        world.home.longhaul(&["wait", &id]).exited(143);
        let left = sleepers(&world);
        assert!(left.is_empty(), "{place:?}: {left:?}\n{}", world.logs());
    }
}

#[test]
fn a_command_that_ignores_term_is_killed_after_the_grace() {
    let world = World::new();
    let id = world.detached_script("trap '' TERM; echo up; while :; do sleep 0.1; done");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    world.home.longhaul(&["kill", &id]).exited(0);
    world.home.longhaul(&["wait", &id]).exited(137);
    assert_eq!(world.home.inspect(&id)["exit"], json!({ "signal": 9 }));
    assert!(world.remote_processes_with("trap ''").is_empty());
}

#[test]
fn another_signal_is_only_delivered() {
    let world = World::new();
    let script = "trap 'echo got it' USR1; echo up; until [ -e go ]; do sleep 0.1; done; exit 5";
    let id = world.detached_script(script);
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    world.home.longhaul(&["kill", "-s", "USR1", &id]).exited(0);
    eventually_or("it got the signal", || world.home.inspect(&id)["stdout"] == 10, || world.logs());
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(5);
    world.home.longhaul(&["kill", "-s", "NONSENSE", &id]).refused();
}

#[test]
fn ctrl_c_reaches_the_command_as_an_interrupt() {
    let world = World::new();
    let script = "trap 'echo bye; exit 7' INT; echo up; while :; do sleep 0.1; done";
    for place in PLACES {
        let args: Vec<_> =
            ["run"].iter().chain(place).chain(&["--", "sh", "-c", script]).copied().collect();
        let running = world.home.start(&args);
        eventually_or("it runs", || running.stdout() == b"up\n", || world.logs());
        running.signal(Signal::INT);
        assert_eq!(running.finish().exited(7).out(), "up\nbye\n");
    }
}

#[test]
fn a_third_ctrl_c_kills() {
    let world = World::new();
    let script = "trap 'echo INT' INT; trap 'echo TERM' TERM; echo up; while :; do sleep 0.1; done";
    let running = world.start_on_box(&["--", "sh", "-c", script]);
    for seen in ["up\n", "up\nINT\n", "up\nINT\nTERM\n"] {
        eventually_or(seen, || running.stdout() == seen.as_bytes(), || world.logs());
        running.signal(Signal::INT);
    }
    running.finish().exited(137);
    assert!(world.remote_processes_with("echo TERM").is_empty());
}

#[test]
fn a_timeout_stops_the_command_and_exits_with_124() {
    let world = World::new();
    for place in PLACES {
        let args = ["--name", "slow", "--timeout", "1s", "--", "sleep", "7009"];
        world.run(place, &args).exited(124);
        assert_eq!(world.home.inspect("slow")["state"], "timed-out");
        assert!(sleepers(&world).is_empty(), "{}", world.logs());
        world.home.longhaul(&["rm", "slow"]).exited(0);
    }
}

#[test]
fn what_waits_for_its_host_is_cancelled() {
    let mut world = World::new();
    world.sshd.stop();
    let id = world.detached_script("touch ran");
    assert!(["waiting", "starting"].contains(&world.home.inspect(&id)["state"].as_str().unwrap()));
    world.home.longhaul(&["kill", &id]).exited(0);
    world.home.await_state(&id, "cancelled");
    world.sshd.restart();
    world.on_box(&["--", "true"]).exited(0);
    assert!(!world.sshd.home().join("ran").exists());
}

#[test]
fn an_unreachable_host_gets_the_order_when_it_is_back() {
    let mut world = World::new();
    let id = world.detached_script("echo up; sleep 7001");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    world.sshd.stop();
    eventually_or("the link is lost", || world.link_state() != "connected", || world.logs());
    world.home.longhaul(&["kill", &id]).exited(0);
    assert_eq!(world.home.inspect(&id)["state"], "stopping");
    assert_eq!(sleepers(&world).len(), 1);
    world.sshd.restart();
    world.home.longhaul(&["wait", &id]).exited(143);
    assert!(sleepers(&world).is_empty());
}

#[test]
fn what_has_ended_cannot_be_killed() {
    let world = World::new();
    world.on_box(&["--name", "done", "--", "true"]).exited(0);
    world.home.longhaul(&["kill", "done"]).refused();
    assert_eq!(world.home.inspect("done")["state"], "exited");
}
