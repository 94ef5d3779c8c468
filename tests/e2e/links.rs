//! How many links a remote gets, and what is kept of them for control.

use crate::support::config::Config;
use crate::support::sshd::Setup;
use crate::support::wait::eventually_or;
use crate::support::world::World;

fn links(world: &World) -> u64 {
    let remotes = world.home.json(&["remote", "ls"]);
    remotes[0]["links"].as_u64().unwrap_or_default()
}

fn running(world: &World) -> usize {
    let sessions = world.home.json(&["ps"]);
    sessions.as_array().unwrap().iter().filter(|one| one["state"] == "running").count()
}

/// Sleeping sessions that all run.
#[track_caller]
fn sleepers(world: &World, count: usize) -> Vec<String> {
    let ids = (0..count).map(|_| world.detached_script("exec sleep 1000")).collect();
    eventually_or("all of them run", || running(world) == count, || world.logs());
    ids
}

#[test]
fn as_few_links_as_the_server_bears_and_none_once_they_idle() {
    let world = World::with(&Setup { max_sessions: 4, ..Setup::default() });
    let config = Config::default().with("idle_link", "\"1s\"").with_remote(world.remote());
    world.home.configure(&config);
    let ids = sleepers(&world, 9);
    // Four channels on a link, one of them kept for control once that is learned.
    let most = world.sshd.log_lines_with("Accepted publickey");
    assert!((3..=5).contains(&most), "{most} links for 9 sessions of 4 channels");
    for id in &ids {
        world.home.longhaul(&["kill", id]).exited(0);
    }
    eventually_or("idle links are closed", || links(&world) == 0, || world.logs());
}

#[test]
fn stopping_works_when_every_channel_is_taken() {
    let world = World::with(&Setup { max_sessions: 2, ..Setup::default() });
    let ids = sleepers(&world, 3);
    for id in ids {
        world.home.longhaul(&["kill", &id]).exited(0);
        assert_eq!(world.home.inspect(&id)["state"], "signalled");
    }
    assert_eq!(world.remote_processes_with("sleep 1000").len(), 0);
}

/// The server turns away a login while two others are not done.
#[test]
fn no_more_logins_at_once_than_the_server_bears() {
    let world = World::with(&Setup { max_sessions: 3, max_startups: "2", ..Setup::default() });
    let ids = sleepers(&world, 8);
    let ids = ids.iter().map(String::as_str);
    let all: Vec<_> = ["kill"].into_iter().chain(ids).collect();
    world.home.longhaul(&all).exited(0);
}

/// All on one link, of which one session's output never ends.
#[test]
fn a_session_that_floods_its_link_holds_up_no_other() {
    let world = World::new();
    let flood = ["--on", "box", "--max-output", "1MB", "--", "sh", "-c", "exec cat /dev/zero"];
    let flood = world.home.detached(&flood);
    let length = || world.home.inspect(&flood)["stdout"].as_u64().unwrap_or_default();
    eventually_or("it floods", || length() > 10_000_000, || world.logs());
    for number in 0..5 {
        let text = format!("line {number}\n");
        assert_eq!(world.script(&format!("echo line {number}")).exited(0).out(), text);
    }
    assert_eq!(world.sshd.log_lines_with("Accepted publickey"), 1, "they shared a link");
    world.home.longhaul(&["kill", &flood]).exited(0);
}
