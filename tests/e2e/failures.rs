//! What cannot work says why, and is not tried where that does harm.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::config::Config;
use crate::support::keys::KeyPair;
use crate::support::ports::free_port;
use crate::support::wait::{eventually, eventually_or};
use crate::support::world::World;

/// A run that may try for a few seconds and would leave a file behind if it
/// ever ran, here or there.
const RUN: [&str; 5] = ["--start-within", "5s", "--", "touch", "ran"];

#[track_caller]
fn nothing_ran(world: &World) {
    assert!(!world.sshd.home().join("ran").exists());
    assert!(!world.home.path().join("ran").exists());
}

#[test]
fn a_port_where_nothing_listens_is_refused() {
    let world = World::new();
    world.home.configure(&Config::default().with_remote(world.remote_behind(free_port())));
    world.on_box(&RUN).exited(125).says("ssh.connect.refused").says("127.0.0.1");
    nothing_ran(&world);
}

#[test]
fn a_host_that_comes_up_in_time_is_reached() {
    let mut world = World::new();
    world.sshd.stop();
    let running = world.start_on_box(&["--start-within", "60s", "--", "echo", "at last"]);
    eventually_or("it is tried", || world.link_state() == "backing-off", || world.logs());
    world.sshd.restart();
    assert_eq!(running.finish().exited(0).out(), "at last\n");
}

#[test]
fn a_name_without_an_address_is_named() {
    let world = World::new();
    let remote = world.remote().text("host", "no-such-host.invalid");
    world.home.configure(&Config::default().with_remote(remote));
    let said = world.on_box(&RUN).exited(125);
    said.says("ssh.resolve.unknown-host").says("no-such-host.invalid");
    nothing_ran(&world);
}

#[test]
fn a_key_that_is_refused_is_offered_once_and_named_with_the_remedy() {
    let world = World::new();
    world.sshd.authorize(&[]);
    world.on_box(&RUN).exited(125).says("ssh.auth.denied").says("ssh-copy-id");
    nothing_ran(&world);
    let tries = || world.sshd.log_lines_with("Failed publickey for");
    eventually("the server has logged the try", || tries() > 0);
    assert_eq!(tries(), 1, "{}", world.sshd.log());
    assert_eq!(world.link_state(), "needs-attention");
    // Each session that a person asks for tries once more, as ssh would; nothing
    // tries by itself.
    world.on_box(&["--start-within", "2s", "--", "true"]).exited(125).says("ssh.auth.denied");
    eventually("the server has logged the second try", || tries() > 1);
    assert_eq!(tries(), 2, "{}", world.sshd.log());
    // Once a person has seen to it, it works.
    world.sshd.authorize(&[KeyPair::client()]);
    world.home.longhaul(&["remote", "test", "box"]).exited(0);
    world.on_box(&["--", "true"]).exited(0);
}

#[test]
fn a_changed_host_key_is_refused_and_nothing_is_sent() {
    let mut world = World::new();
    world.on_box(&["--", "true"]).exited(0);
    let known = world.home.path().join(".ssh/known_hosts");
    let before = fs::read(&known).unwrap();
    world.sshd.set_host_key(&KeyPair::generate(""));
    world.sshd.restart();
    eventually_or("the link is lost", || world.link_state() != "connected", || world.logs());
    let logins = world.sshd.log_lines_with("Accepted");
    world.on_box(&RUN).exited(125).says("ssh.host-key.changed").says("longhaul remote trust box");
    nothing_ran(&world);
    assert_eq!(world.sshd.log_lines_with("Accepted"), logins);
    assert_eq!(fs::read(&known).unwrap(), before);
}

#[test]
fn a_new_host_is_remembered_as_openssh_writes_it() {
    let world = World::new();
    // Some systems have names hashed.
    let ssh_config = world.home.path().join(".ssh/config");
    fs::write(&ssh_config, "HashKnownHosts no\n").unwrap();
    fs::set_permissions(&ssh_config, fs::Permissions::from_mode(0o600)).unwrap();
    world.on_box(&["--", "true"]).exited(0);
    let known = fs::read_to_string(world.home.path().join(".ssh/known_hosts")).unwrap();
    let key = KeyPair::host().public().split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    assert!(known.contains(&key), "{known}");
    assert!(known.starts_with(&format!("[127.0.0.1]:{} ", world.sshd.port())), "{known}");
}

#[test]
fn an_encrypted_key_that_nobody_unlocks_in_time_says_what_to_type() {
    let world = World::new();
    let locked = KeyPair::generate("a passphrase");
    let file = locked.write_to(&world.home.path().join(".ssh/locked"));
    world.sshd.authorize(&[&locked]);
    let remote = world.remote().text("identity_file", &file.to_string_lossy());
    world.home.configure(&Config::default().with_remote(remote));
    let said = world.on_box(&RUN).exited(125);
    said.says("session.start.timeout")
        .says("locked needs its passphrase")
        .says("longhaul attention box");
    nothing_ran(&world);
}

#[test]
fn one_broken_remote_is_no_trouble_to_another() {
    let world = World::new();
    let broken =
        crate::support::config::Entry::remote("broken", free_port(), &world.home.identity());
    world.home.configure(&Config::default().with_remote(world.remote()).with_remote(broken));
    let waiting = world.home.detached(&["--on", "broken", "--", "true"]);
    assert_eq!(world.on_box(&["--", "echo", "hello"]).exited(0).out(), "hello\n");
    assert!(world.home.inspect(&waiting)["exit"].is_null());
}

#[test]
fn every_code_that_a_test_here_names_can_be_explained() {
    let world = World::new();
    for code in [
        "remote.disabled",
        "session.command.not-found",
        "ssh.auth.denied",
        "ssh.auth.passphrase",
        "ssh.connect.refused",
        "ssh.host-key.changed",
        "ssh.resolve.unknown-host",
    ] {
        assert!(world.home.longhaul(&["explain", code]).exited(0).out().contains(code));
    }
    world.home.longhaul(&["explain", "no.such.code"]).refused();
}
