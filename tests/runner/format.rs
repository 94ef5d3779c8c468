//! Spools of format 1, as the version that made the format left them.
//!
//! These files are not to be changed. A program that cannot read them any more
//! has made another format, and a folder with another number.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};

use longhaul::runner::program::{Program, USUAL_SPOOLS};

use crate::bench::Bench;
use crate::processes;
use crate::wait::eventually;

under_every_shell! {
    an_earlier_versions_ended_session_is_read_and_removed
    an_earlier_versions_running_session_is_followed_to_its_end
    an_earlier_versions_session_of_another_boot_is_lost
}

/// Lays out a spool of format 1 as the session's.
fn lay_out(bench: &Bench, which: &str) {
    assert!(USUAL_SPOOLS.ends_with("/1"), "these spools are of another format");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runner/spool-1").join(which);
    fs::create_dir_all(bench.spool("")).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), bench.spool(entry.file_name().to_str().unwrap())).unwrap();
    }
    // A FIFO is nothing that a repository can hold.
    assert!(Command::new("mkfifo").arg(bench.spool("alive")).status().unwrap().success());
}

fn an_earlier_versions_ended_session_is_read_and_removed(bench: &mut Bench) {
    lay_out(bench, "ended");
    let said = bench.follow(1, 0).finish();
    assert_eq!(
        (said.record(), said.out().as_str(), said.err().as_str()),
        ("code 7 run", "ut\n", "err\n")
    );
    assert_eq!(bench.signal("TERM"), ["fail ended"]);
    assert_eq!(bench.stop(1), ["stopped"]);
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
}

fn an_earlier_versions_session_of_another_boot_is_lost(bench: &mut Bench) {
    lay_out(bench, "running");
    let said = bench.follow(0, 0).finish();
    assert_eq!((said.record(), said.out().as_str()), ("lost rebooted", "out so far\n"));
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
}

/// A process as that version would have started it, signed in the spool.
fn command(bench: &Bench) -> Child {
    let child = Command::new("setsid").args(["sleep", "600"]).spawn().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let since = stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().to_owned();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    fs::write(bench.spool("pid"), format!("{} {since} {boot}", child.id())).unwrap();
    eventually("sleep runs", || {
        processes::look_at(child.id()).is_some_and(|process| process.name == "sleep")
    });
    child
}

fn an_earlier_versions_running_session_is_followed_to_its_end(bench: &mut Bench) {
    lay_out(bench, "running");
    let mut command = command(bench);
    // This process is the wrapper.
    let alive = fs::OpenOptions::new().read(true).write(true).open(bench.spool("alive")).unwrap();
    let mut talk = bench.follow(0, 4);
    talk.line("claimed");
    talk.write(b"follow\n");
    assert_eq!(talk.line("started"), format!("started {}", command.id()));
    talk.await_out("out so far\n");
    assert_eq!(bench.control(Program::Remove, bench.session()), ["fail running"]);
    let mut out = fs::OpenOptions::new().append(true).open(bench.spool("out")).unwrap();
    out.write_all(b"and more\n").unwrap();
    talk.await_out("and more\n");
    assert_eq!(bench.signal("KILL"), ["sent"]);
    command.wait().unwrap();
    fs::write(bench.spool("exit"), "signal 9 run\n").unwrap();
    drop(alive);
    let said = talk.hear_out();
    assert_eq!((said.record(), said.out().as_str()), ("signal 9 run", "out so far\nand more\n"));
    assert_eq!(said.err(), "so far\n");
}
