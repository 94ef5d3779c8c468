//! One daemon, where it should be, or a clear word why not.

use std::fs;

use crate::support::client_home::ClientHome;
use crate::support::command::{Finished, Input, Running};
use crate::support::wait::eventually_or;

/// Runs `longhaul ARGS` with a variable of its own.
fn with_var(home: &ClientHome, name: &str, value: &str, args: &[&str]) -> Finished {
    let mut command = home.command(args);
    command.env(name, value);
    Running::start(command, Input::Nothing).finish()
}

#[test]
fn commands_that_come_at_once_start_one_daemon() {
    let home = ClientHome::new();
    let run = ["run", "--local", "--", "true"];
    let at_once: Vec<_> = (0..8).map(|_| home.start(&run)).collect();
    for command in at_once {
        command.finish().exited(0);
    }
    assert_eq!(home.daemons().len(), 1);
}

/// What it still has to write may be a while in coming.
#[test]
fn who_has_stopped_the_daemon_may_touch_its_files() {
    let home = ClientHome::new();
    for _ in 0..5 {
        home.longhaul(&["run", "--local", "--", "seq", "9999"]).exited(0);
        let daemon = home.daemon_pid();
        home.longhaul(&["daemon", "stop"]).exited(0);
        let lock = fs::File::open(home.state_dir().join("daemon.lock")).unwrap();
        assert!(daemon.is_some() && lock.try_lock().is_ok(), "it still runs");
    }
}

#[test]
fn a_second_daemon_refuses_and_leaves_the_first_alone() {
    let home = ClientHome::new();
    home.longhaul(&["daemon", "start"]).exited(0);
    let first = home.daemon_pid();
    assert!(first.is_some());
    home.longhaul(&["daemon", "run"]).refused();
    assert_eq!(home.daemon_pid(), first);
    home.longhaul(&["ps"]).exited(0);
    // Starting what runs is no error: it is how a script makes sure.
    home.longhaul(&["daemon", "start"]).exited(0);
    assert_eq!(home.daemon_pid(), first);
}

#[test]
fn daemon_status_tells_by_its_exit_status_and_starts_nothing() {
    let home = ClientHome::new();
    assert_ne!(home.longhaul(&["daemon", "status"]).code(), Some(0));
    assert_eq!(home.daemon_pid(), None);
    home.longhaul(&["daemon", "start"]).exited(0);
    home.longhaul(&["daemon", "status"]).exited(0);
    home.longhaul(&["daemon", "stop"]).exited(0);
    assert_eq!(home.daemon_pid(), None);
    assert_ne!(home.longhaul(&["daemon", "status"]).code(), Some(0));
}

#[test]
fn a_stale_socket_is_taken_over() {
    let home = ClientHome::new();
    home.longhaul(&["daemon", "start"]).exited(0);
    let dead = home.kill_daemon();
    assert!(home.socket().exists(), "a killed daemon leaves its socket");
    home.longhaul(&["ps"]).exited(0);
    assert_ne!(home.daemon_pid(), Some(dead));
    assert!(home.daemon_pid().is_some());
}

#[test]
fn a_file_in_the_sockets_place_is_not_overwritten() {
    let home = ClientHome::new();
    fs::write(home.socket(), "precious").unwrap();
    home.longhaul(&["run", "--local", "--", "true"]).refused().says("is in the way");
    assert_eq!(fs::read_to_string(home.socket()).unwrap(), "precious");
}

#[test]
fn a_socket_path_that_is_too_long_is_named() {
    let home = ClientHome::new();
    let long = home.path().join("x".repeat(120)).to_string_lossy().into_owned();
    with_var(&home, "LONGHAUL_SOCKET", &long, &["ps"]).refused().says("local.socket-path-too-long");
}

#[test]
fn a_state_folder_that_cannot_be_made_is_named() {
    let home = ClientHome::new();
    fs::write(home.path().join("file"), "").unwrap();
    // Permission bits do not stop root; a file in the way stops everybody.
    let inside = home.path().join("file/state").to_string_lossy().into_owned();
    let said = with_var(&home, "LONGHAUL_STATE_DIR", &inside, &["daemon", "start"]).refused();
    said.says("file/state");
}

#[test]
fn a_daemon_in_the_foreground_ends_on_term_and_leaves_no_socket() {
    let home = ClientHome::new();
    let daemon = home.start(&["daemon", "run"]);
    eventually_or(
        "it answers",
        || home.longhaul(&["daemon", "status"]).code() == Some(0),
        || home.logs(),
    );
    assert_eq!(home.daemon_pid(), Some(daemon.pid()));
    daemon.signal(rustix::process::Signal::TERM);
    daemon.finish().exited(0);
    assert!(!home.socket().exists());
}

#[test]
fn a_log_that_cannot_be_written_ends_no_daemon() {
    let home = ClientHome::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut daemon = home.command(&["daemon", "run"]).stderr(full).spawn().unwrap();
    eventually_or(
        "it answers",
        || home.longhaul(&["daemon", "status"]).code() == Some(0),
        || home.logs(),
    );
    home.longhaul(&["run", "--local", "--", "true"]).exited(0);
    assert_eq!(home.daemon_pid(), Some(daemon.id()));
    home.longhaul(&["daemon", "stop"]).exited(0);
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

#[test]
fn two_homes_have_two_daemons_that_know_nothing_of_each_other() {
    let (one, other) = (ClientHome::new(), ClientHome::new());
    one.longhaul(&["run", "--local", "--name", "mine", "--", "true"]).exited(0);
    other.longhaul(&["daemon", "start"]).exited(0);
    assert_eq!(other.json(&["ps", "-a"]).as_array().unwrap().len(), 0);
    assert_ne!(one.daemon_pid(), other.daemon_pid());
    one.longhaul(&["daemon", "stop"]).exited(0);
    other.longhaul(&["daemon", "status"]).exited(0);
}
