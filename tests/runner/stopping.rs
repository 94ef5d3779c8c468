//! Stopped means stopped, and nobody else is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use longhaul::runner::program::Program;

use crate::bench::{Bench, NotTried};
use crate::processes;
use crate::wait::eventually;

under_every_shell! {
    the_whole_tree_ends
    who_ignores_term_is_killed_after_the_grace
    a_command_that_ends_in_time_says_its_last_words
    a_reused_process_id_is_never_signalled
    an_ended_session_takes_no_signal
    a_signal_without_grace_goes_to_the_group
    what_may_not_be_signalled_is_named_and_the_rest_ends
}

fn the_whole_tree_ends(bench: &mut Bench) {
    let talk = bench.start_script(
        "sleep 61 & (setsid sleep 62 &); setsid sh -c 'sleep 63 & sleep 64' & env -i sleep 65 & wait",
    );
    let sleepers = || {
        let all = processes::all().into_iter();
        let pid = bench.pid();
        let mine = processes::belonging_to(bench.dir());
        all.filter(|p| {
            p.name == "sleep" && (p.parent == pid || mine.iter().any(|m| m.pid == p.pid))
        })
        .map(|p| p.pid)
        .collect::<Vec<_>>()
    };
    eventually("all run", || sleepers().len() == 5);
    let before = sleepers();
    assert_eq!(bench.stop(5), ["stopped"]);
    let left: Vec<_> = before.into_iter().filter(|pid| processes::is_alive(*pid)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(talk.finish().record(), "signal 15 run");
}

/// One session, two users: the command is root's, and so is all of it that whoever
/// stops it may not signal.
fn what_may_not_be_signalled_is_named_and_the_rest_ends(bench: &mut Bench) {
    if !rustix::process::geteuid().is_root() {
        NotTried::here("only root has processes of two users");
    }
    let talk = bench.start_script(
        "/usr/bin/setpriv --reuid 65534 --clear-groups sleep 71 & echo \"$!\"; exec sleep 72",
    );
    let theirs = || fs::read_to_string(bench.spool("out")).unwrap_or_default();
    eventually("both run", || theirs().ends_with('\n'));
    let (root, nobody): (u32, u32) = (bench.pid(), theirs().trim().parse().unwrap());
    let folder: PathBuf = format!("/proc/{nobody}").into();
    eventually("it is another user's", || {
        fs::metadata(&folder).is_ok_and(|process| process.uid() == 65534)
    });
    bench.become_nobody();
    bench.give_spool_away();
    assert_eq!(bench.stop(1), [format!("fail left {root}")]);
    assert!(processes::is_alive(root) && !processes::is_alive(nobody));
    bench.as_nobody = false;
    assert_eq!(bench.stop(1), ["stopped"]);
    assert_eq!(talk.finish().record(), "signal 15 run");
}

fn who_ignores_term_is_killed_after_the_grace(bench: &mut Bench) {
    let talk = bench.start_script("trap '' TERM; echo deaf; while :; do sleep 1; done");
    eventually("it is deaf", || fs::read(bench.spool("out")).is_ok_and(|out| out == b"deaf\n"));
    let begun = tokio::time::Instant::now();
    assert_eq!(bench.stop(1), ["stopped"]);
    assert!(begun.elapsed().as_secs() >= 1, "the grace was not given");
    assert_eq!(talk.finish().record(), "signal 9 run");
}

fn a_command_that_ends_in_time_says_its_last_words(bench: &mut Bench) {
    let talk =
        bench.start_script("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done");
    eventually("it is up", || fs::read(bench.spool("out")).is_ok_and(|out| out == b"up\n"));
    assert_eq!(bench.stop(20), ["stopped"]);
    let said = talk.finish();
    assert_eq!((said.record(), said.out().as_str()), ("code 3 run", "up\nbye\n"));
}

/// A process that has nothing to do with the session, in a session of its own.
fn stranger() -> Child {
    Command::new("setsid")
        .args(["sh", "-c", "sleep 600 & wait"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .spawn()
        .unwrap()
}

fn a_reused_process_id_is_never_signalled(bench: &mut Bench) {
    bench.start_script("exit 0").finish();
    let record = fs::read_to_string(bench.spool("pid")).unwrap();
    let mut fields: Vec<&str> = record.split_whitespace().collect();
    // Who was born in one tick of the clock, a hundredth of a second, cannot be told
    // apart: no process id comes round that fast.
    let ticks = || {
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        seconds * 100.0 >= fields[1].parse::<f64>().unwrap() + 2.0
    };
    eventually("the clock has ticked", ticks);
    let mut stranger = stranger();
    let pid = stranger.id();
    eventually("it has a child", || !processes::descendants(pid).is_empty());
    let child = processes::descendants(pid)[0].pid;
    let id = pid.to_string();
    fields[0] = &id;
    fs::write(bench.spool("pid"), format!("{}\n", fields.join(" "))).unwrap();
    fs::remove_file(bench.spool("exit")).unwrap();
    assert_eq!(bench.signal("KILL"), ["fail ended"]);
    assert_eq!(bench.stop(1), ["stopped"]);
    assert!(processes::is_alive(pid) && processes::is_alive(child));
    assert_eq!(bench.follow(0, 0).finish().record(), "lost killed");
    // Its leader gone, the stranger's session is still nobody else's.
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(bench.stop(1), ["stopped"]);
    assert!(processes::is_alive(child));
    // Another boot's process ids say nothing at all.
    fields[2] = "another-boot";
    fs::write(bench.spool("pid"), format!("{}\n", fields.join(" "))).unwrap();
    assert_eq!(bench.stop(1), ["stopped"]);
    assert_eq!(bench.follow(0, 0).finish().record(), "lost rebooted");
    assert!(processes::is_alive(child));
    processes::signal(child, rustix::process::Signal::KILL);
}

fn an_ended_session_takes_no_signal(bench: &mut Bench) {
    bench.start_script("exit 0").finish();
    assert_eq!(bench.signal("TERM"), ["fail ended"]);
    assert_eq!(bench.stop(1), ["stopped"]);
    fs::remove_file(bench.spool("pid")).unwrap();
    assert_eq!(bench.stop(1), ["fail unsigned"]);
}

fn a_signal_without_grace_goes_to_the_group(bench: &mut Bench) {
    let script = "trap 'echo one' USR1; (trap 'echo two; exit' USR1; echo up; while :; do sleep 0.05; done) & \
                  while ! wait; do :; done; wait; exit 0";
    let talk = bench.start_script(script);
    eventually("it is up", || fs::read(bench.spool("out")).is_ok_and(|out| out == b"up\n"));
    // Neither has a trap before it is up, and the sleeps between die of it.
    assert_eq!(bench.signal("USR1"), ["sent"]);
    let said = talk.finish();
    let mut lines: Vec<String> = said.out().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["one", "two", "up"]);
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
}
