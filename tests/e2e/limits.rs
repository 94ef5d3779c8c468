//! What the system allows a process, and what becomes of sessions where that is
//! little.

use std::fs;
use std::process::Command;

use crate::support::client_home::{ClientHome, LONGHAUL};
use crate::support::command::{Input, Running};
use crate::support::wait::eventually_or;

/// Starts the daemon from a shell that first does `before`.
fn daemon_after(home: &ClientHome, wrapper: &[&str], before: &str) -> Running {
    let script = format!("{before}; exec \"$0\" daemon run");
    let words: Vec<&str> =
        wrapper.iter().copied().chain(["sh", "-c", script.as_str(), LONGHAUL]).collect();
    let ours = home.command(&[]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear().current_dir(home.path());
    for (name, value) in ours.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let daemon = Running::start(command, Input::Nothing);
    eventually_or(
        "it answers",
        || home.longhaul(&["daemon", "status"]).code() == Some(0),
        || String::from_utf8_lossy(&daemon.stdout()).into_owned(),
    );
    daemon
}

#[test]
fn the_daemon_takes_all_the_descriptors_it_may_and_sessions_get_the_usual() {
    let home = ClientHome::new();
    let daemon = daemon_after(&home, &[], "ulimit -S -n 321");
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|word| line.split_whitespace().nth(word).unwrap());
    assert_eq!(soft, hard, "{line}");
    let said = home.longhaul(&["run", "--local", "--", "sh", "-c", "ulimit -S -n; ulimit -H -n"]);
    assert_eq!(said.exited(0).out(), format!("321\n{hard}\n"));
    home.longhaul(&["daemon", "stop"]).exited(0);
    daemon.finish().exited(0);
}

/// A user namespace has limits of its own below the system's, so nobody else is
/// kept from watching files.
#[test]
fn without_inotify_a_local_session_is_followed_by_looking() {
    let home = ClientHome::new();
    let none = "echo 0 >/proc/sys/user/max_inotify_instances || exit";
    let allowed = Command::new("unshare").args(["-Ur", "sh", "-c", none]).status().unwrap();
    assert!(
        allowed.success(),
        "nothing was tested: this user may make no user namespace (unshare -Ur)"
    );
    let daemon = daemon_after(&home, &["unshare", "-Ur"], none);
    let script = "echo one; echo err >&2; until [ -e go ]; do sleep 0.1; done; echo two; exit 3";
    let running = home.start(&["run", "--local", "--cwd", "~", "--", "sh", "-c", script]);
    eventually_or("the first line", || running.stdout() == b"one\n", || home.logs());
    fs::write(home.path().join("go"), "").unwrap();
    let said = running.finish().exited(3);
    assert_eq!((said.out().as_str(), said.err().as_str()), ("one\ntwo\n", "err\n"));
    home.longhaul(&["daemon", "stop"]).exited(0);
    daemon.finish().exited(0);
}
