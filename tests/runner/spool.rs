//! The folder of a session: where it is, whose it is, and when it cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use longhaul::domain::launch::Parameters;
use longhaul::runner::program::Program;

use crate::bench::{Bench, NotTried, nonce};
use crate::wait::{eventually, holds_within};

under_every_shell! {
    the_spool_is_below_the_home_directory_and_the_owners_alone
    an_account_without_home_in_its_environment_has_one
    a_spool_that_cannot_be_made_is_told_in_the_systems_words
    a_full_disk_refuses_a_start_and_leaves_no_claim
    a_disk_that_fills_up_during_the_run_is_named_and_the_end_is_kept
    a_signal_is_told_from_a_status_on_a_full_disk
    a_spool_that_vanishes_is_a_lost_session
    a_running_session_is_not_removed
    many_spools_go_in_one_run_and_one_that_runs_holds_up_none
}

fn the_spool_is_below_the_home_directory_and_the_owners_alone(bench: &mut Bench) {
    bench.root = None;
    assert_eq!(bench.start_script("echo kept").finish().out(), "kept\n");
    let spool = bench.home().join(".local/state/longhaul/1").join(bench.id.as_str());
    assert_eq!(fs::metadata(&spool).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(spool.join("exit")).unwrap(), "code 0 run\n");
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
    assert!(!spool.exists());
}

fn an_account_without_home_in_its_environment_has_one(bench: &mut Bench) {
    bench.environment.remove("HOME");
    let passwd = Command::new("sh").args(["-c", "eval echo ~$(id -un)"]).output().unwrap().stdout;
    // With the spools elsewhere nothing is written there.
    let said = bench.start(&bench.command(&["pwd"])).finish();
    assert_eq!(said.out, passwd);
}

fn a_spool_that_cannot_be_made_is_told_in_the_systems_words(bench: &mut Bench) {
    bench.environment.insert("LC_ALL".to_owned(), "C.UTF-8".into());
    let file = bench.dir().join("file");
    fs::write(&file, "").unwrap();
    bench.root = Some(file.join("spools"));
    let said = bench.start_script("exit 0").finish();
    assert!(said.lines[0].starts_with("fail spool "), "{said:?}");
    assert!(said.lines[0].ends_with("Not a directory"), "{said:?}");
    bench.become_nobody();
    let closed = bench.home().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    bench.root = Some(closed);
    let said = bench.start_script("exit 0").finish();
    assert!(said.lines[0].ends_with("Permission denied"), "{said:?}");
}

/// A small file system of the test's own, where that may be mounted.
pub(crate) fn mount_tmpfs(at: &std::path::Path) -> bool {
    fs::create_dir(at).unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(at);
    mount.output().is_ok_and(|done| done.status.success())
}

/// The last of a program's processes may still stand in it.
fn unmount(disk: &std::path::Path) {
    eventually("the file system is given up", || {
        Command::new("umount").arg(disk).output().is_ok_and(|done| done.status.success())
    });
}

#[expect(clippy::print_stderr, reason = "says what was tried")]
fn a_full_disk_refuses_a_start_and_leaves_no_claim(bench: &mut Bench) {
    let disk = bench.dir().join("disk");
    bench.root = Some(disk.clone());
    let mounted = mount_tmpfs(&disk);
    let filler = disk.join("filler");
    if mounted {
        fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    } else {
        eprintln!("may not mount a file system: a limit to files of no bytes stands in");
        bench.before = "trap '' XFSZ; ulimit -f 0; ".to_owned();
    }
    let said = bench.start_script("exit 0").finish();
    let claimed = bench.spool("").exists();
    bench.before.clear();
    let _ = fs::remove_file(filler);
    let again = bench.start_script("exit 0").finish();
    if mounted {
        unmount(&disk);
    }
    assert_eq!(said.lines.len(), 1, "{said:?}");
    // Of a builtin that cannot write some shells say no more than that.
    let words = if mounted { "no space left on device" } else { "file too large" };
    assert!(said.lines[0].starts_with("fail spool "), "{said:?}");
    assert!(said.lines[0].to_lowercase().contains(words), "{said:?}");
    assert!(!claimed, "the claim is left");
    assert_eq!(again.record(), "code 0 run");
}

fn a_disk_that_fills_up_during_the_run_is_named_and_the_end_is_kept(bench: &mut Bench) {
    let disk = bench.dir().join("disk");
    if !mount_tmpfs(&disk) {
        NotTried::here("it needs the right to mount a file system");
    }
    bench.root = Some(disk.clone());
    let mut talk = bench.start_script(
        "echo begun; head -c 1000000 /dev/zero 2>/dev/null; echo >\"$BENCH/full\"; exit 7",
    );
    talk.line("claimed");
    talk.write(b"follow\n");
    eventually("it is full", || bench.dir().join("full").exists());
    // No end can be written, and none is made up.
    assert!(!holds_within(std::time::Duration::from_secs(2), || talk.has_said("end ")));
    // Room for the record, and for little else.
    let out = fs::OpenOptions::new().write(true).open(bench.spool("out")).unwrap();
    out.set_len(out.metadata().unwrap().len() - 4096).unwrap();
    drop(out);
    let said = talk.hear_out();
    unmount(&disk);
    assert_eq!(said.record(), "code 7 full");
    assert!(said.out.starts_with(b"begun\n"));
}

#[expect(clippy::print_stderr, reason = "says what was not tried")]
fn a_signal_is_told_from_a_status_on_a_full_disk(bench: &mut Bench) {
    let disk = bench.dir().join("disk");
    bench.root = Some(disk.clone());
    if !mount_tmpfs(&disk) {
        eprintln!("may not mount a file system: nothing is tried");
        return;
    }
    // The exit record waits until there is room again.
    let script =
        r#"trap '' XFSZ; (sleep 1; rm "$0") & cat /dev/zero >"$0" 2>/dev/null; kill -SEGV $$"#;
    let filler = disk.join("filler");
    let launch = bench.command(&["/bin/sh", "-c", script, &filler.to_string_lossy()]);
    let said = bench.start(&launch).finish();
    let filled = !filler.exists();
    Command::new("umount").arg(&disk).status().unwrap();
    assert!(filled, "{said:?}");
    let expected = if bench.shell.tells_of_signals() { "signal 11 full" } else { "code 139 full" };
    assert_eq!(said.record(), expected);
}

fn a_spool_that_vanishes_is_a_lost_session(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let mut talk = bench.start_script(&format!(
        "echo here; echo e >&2; until [ -e {} ]; do sleep 0.05; done; echo there; exit 2",
        go.display()
    ));
    bench.pid();
    talk.write(b"follow\n");
    // busybox's tail looks once a second.
    talk.await_out("here\n");
    fs::remove_dir_all(bench.spool("")).unwrap();
    fs::write(go, "").unwrap();
    let said = talk.hear_out();
    assert_eq!(said.record(), "lost killed");
    assert!("e\n".starts_with(&said.err()), "{said:?}");
}

fn a_running_session_is_not_removed(bench: &mut Bench) {
    let talk = bench.start(&bench.command(&["sleep", "60"]));
    bench.pid();
    assert_eq!(bench.control(Program::Remove, bench.session()), ["fail running"]);
    assert_eq!(bench.stop(5), ["stopped"]);
    eventually("the exit record is there", || bench.spool("exit").exists());
    assert_eq!(talk.finish().record(), "signal 15 run");
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
}

fn many_spools_go_in_one_run_and_one_that_runs_holds_up_none(bench: &mut Bench) {
    let mut ids = Vec::new();
    let mut ran = |bench: &mut Bench, script: &str| {
        let talk = bench.start_script(script);
        ids.push(bench.id.to_string());
        talk
    };
    ran(bench, "exit 0").finish();
    bench.next_session();
    let running = ran(bench, "exec sleep 60");
    bench.pid();
    let alive = bench.spool("");
    bench.next_session();
    ran(bench, "exit 0").finish();
    let last = bench.spool("");
    // It is there no more, or never was.
    ids.push("0000000000".to_owned());
    let said = bench.control(Program::Remove, bench.session().search(None, &ids));
    let expected = [
        format!("removed {}", ids[0]),
        format!("kept {} running", ids[1]),
        format!("removed {}", ids[2]),
        format!("removed {}", ids[3]),
    ];
    assert_eq!(said, expected);
    assert!(alive.exists() && !last.exists());
    let signal = Parameters::new(&nonce())
        .session(&ids[1].parse().unwrap(), bench.root.as_ref().and_then(|root| root.to_str()))
        .signal("KILL", Some(5));
    assert_eq!(bench.control(Program::Stop, signal), ["stopped"]);
    running.finish();
}
