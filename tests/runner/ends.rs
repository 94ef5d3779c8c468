//! How a session ended is told as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use longhaul::domain::launch::Stdin;
use longhaul::runner::program::Program;
use rustix::process::Signal;

use crate::bench::Bench;
use crate::processes;
use crate::wait::eventually;

under_every_shell! {
    an_exit_status_is_told_as_it_is
    a_death_by_a_signal_is_told_as_one
    a_signal_that_was_sent_is_told_by_every_shell
    interrupts_and_broken_pipes_look_like_their_exit_statuses
    a_working_directory_that_is_missing_is_named
    a_working_directory_that_is_no_directory_is_named
    a_working_directory_that_is_denied_is_named
    a_program_for_another_machine_is_named
    a_program_that_cannot_run_is_named
    the_shells_own_words_are_no_programs
    a_file_that_cannot_run_hides_none_that_can
    closed_streams_end_no_session
    a_session_ends_with_its_command
    a_killed_wrapper_is_told_once_the_command_is_gone
    a_stopped_wrapper_outlives_the_shell_that_started_it
}

fn an_exit_status_is_told_as_it_is(bench: &mut Bench) {
    for status in [0, 1, 3, 126, 127, 137, 143, 255] {
        let said = bench.start_script(&format!("exit {status}")).finish();
        assert_eq!(said.record(), format!("code {status} run"));
        bench.next_session();
    }
}

fn a_death_by_a_signal_is_told_as_one(bench: &mut Bench) {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11), ("HUP", 1)] {
        let said = bench.start_script(&format!("kill -{name} $$")).finish();
        let signal = format!("signal {number} run");
        let code = format!("code {} run", 128 + number);
        assert_eq!(said.record(), if bench.shell.tells_of_signals() { signal } else { code });
        assert_eq!((said.out(), said.err()), Default::default());
        bench.next_session();
    }
}

fn a_signal_that_was_sent_is_told_by_every_shell(bench: &mut Bench) {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("HUP", 1), ("INT", 2), ("PIPE", 13)] {
        let talk = bench.start(&bench.command(&["sleep", "60"]));
        bench.pid();
        // Before the command is there the shell that becomes it takes the signal.
        eventually("sleep runs", || {
            processes::look_at(bench.pid()).is_some_and(|process| process.name == "sleep")
        });
        assert_eq!(bench.signal(name), ["sent"]);
        assert_eq!(talk.finish().record(), format!("signal {number} run"));
        bench.next_session();
    }
}

/// The limit of what a shell knows: these two deaths leave no word anywhere.
fn interrupts_and_broken_pipes_look_like_their_exit_statuses(bench: &mut Bench) {
    for (script, record) in [
        ("kill -INT $$", "signal 2 run"),
        ("exit 130", "signal 2 run"),
        ("kill -PIPE $$", "signal 13 run"),
        ("exit 141", "signal 13 run"),
    ] {
        assert_eq!(bench.start_script(script).finish().record(), record, "{script}");
        bench.next_session();
    }
}

fn a_working_directory_that_is_missing_is_named(bench: &mut Bench) {
    for cwd in ["/nowhere/at all", "~/nowhere", "nowhere", "-"] {
        let mut launch = bench.command(&["pwd"]);
        launch.cwd = Some(cwd.to_owned());
        let said = bench.start(&launch).finish();
        assert_eq!(said.record(), "code 126 cwd missing", "{cwd}");
        assert_eq!((said.out(), said.err()), Default::default());
        bench.next_session();
    }
}

fn a_working_directory_that_is_no_directory_is_named(bench: &mut Bench) {
    fs::write(bench.home().join("a file"), "").unwrap();
    for cwd in ["a file", "~/a file", "a file/inner"] {
        let mut launch = bench.command(&["pwd"]);
        launch.cwd = Some(cwd.to_owned());
        assert_eq!(bench.start(&launch).finish().record(), "code 126 cwd file", "{cwd}");
        bench.next_session();
    }
}

/// Whatever the shell makes of it, which some take for a script of theirs.
fn a_program_for_another_machine_is_named(bench: &mut Bench) {
    let mut head = vec![0; 64];
    // elf(5): 64 bits, most significant byte first, version 1; a program for MIPS.
    head[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 2, 1]);
    head[16..20].copy_from_slice(&[0, 2, 0, 8]);
    let file = bench.home().join("foreign");
    fs::write(&file, &head).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let said = bench.start(&bench.command(&["./foreign"])).finish();
    let record = said.record();
    assert!(record.starts_with("code ") && record.ends_with(" program foreign"), "{record}");
}

fn a_working_directory_that_is_denied_is_named(bench: &mut Bench) {
    bench.become_nobody();
    let closed = bench.home().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let mut launch = bench.command(&["pwd"]);
    launch.cwd = Some("closed".to_owned());
    assert_eq!(bench.start(&launch).finish().record(), "code 126 cwd denied");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

fn a_program_that_cannot_run_is_named(bench: &mut Bench) {
    let plain = bench.dir().join("plain");
    fs::write(&plain, "echo no").unwrap();
    let folder = bench.home();
    for (program, record) in [
        ("no-such-program", "code 127 program missing"),
        ("/no/such/program", "code 127 program missing"),
        ("", "code 127 program missing"),
        (plain.to_str().unwrap(), "code 126 program denied"),
        (folder.to_str().unwrap(), "code 126 program denied"),
    ] {
        let said = bench.start(&bench.command(&[program, "argument"])).finish();
        assert_eq!(said.record(), record, "{program}");
        assert_eq!((said.out(), said.err()), Default::default());
        bench.next_session();
    }
}

/// Its functions and builtins are not what the user asked for.
fn the_shells_own_words_are_no_programs(bench: &mut Bench) {
    for word in ["say", "finish", "become", "ulimit", "export", "if"] {
        let said = bench.start(&bench.command(&[word])).finish();
        assert_eq!(said.record(), "code 127 program missing", "{word}");
        bench.next_session();
    }
}

fn a_file_that_cannot_run_hides_none_that_can(bench: &mut Bench) {
    let (first, second) = (bench.home().join("first"), bench.home().join("second"));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&second).unwrap();
    fs::write(first.join("tool"), "no program").unwrap();
    fs::rename(bench.script("tool", "echo found"), second.join("tool")).unwrap();
    let mut launch = bench.command(&["tool"]);
    launch.path = Some(format!("{}:{}:/usr/bin:/bin", first.display(), second.display()));
    assert_eq!(bench.start(&launch).finish().out(), "found\n");
}

fn closed_streams_end_no_session(bench: &mut Bench) {
    let mut talk = bench.start_script("echo first; exec >&- 2>&- <&-; sleep 0.5; exit 4");
    talk.line("claimed");
    talk.write(b"follow\n");
    let said = talk.hear_out();
    assert_eq!((said.record(), said.lines.last().unwrap().as_str()), ("code 4 run", "fin"));
}

fn a_session_ends_with_its_command(bench: &mut Bench) {
    let said = bench.start_script("sleep 60 & echo $!; exit 5").finish();
    assert_eq!(said.record(), "code 5 run");
    let left = said.out().trim().parse().unwrap();
    assert!(processes::is_alive(left));
    // What the command has left is ended on request, the command's death or not.
    assert_eq!(bench.stop(5), ["stopped"]);
    assert!(!processes::is_alive(left));
}

fn a_killed_wrapper_is_told_once_the_command_is_gone(bench: &mut Bench) {
    let mut starter = bench.start_script("echo begun; read -r _ </dev/null; sleep 60");
    let pid = bench.pid();
    let wrapper = processes::look_at(pid).unwrap().parent;
    assert_ne!(wrapper, starter.id());
    processes::signal(wrapper, Signal::KILL);
    let mut follower = bench.follow(0, 0);
    follower.line("claimed");
    // A follower that took the wrapper's end for the session's would speak now.
    eventually("the wrapper is gone", || !processes::is_alive(wrapper));
    for _ in 0..3 {
        let refusal = bench.control(Program::Remove, bench.session());
        assert_eq!(refusal, ["fail running"]);
    }
    assert!(!starter.has_ended() && !follower.has_ended());
    processes::signal(pid, Signal::KILL);
    assert_eq!(bench.stop(5), ["stopped"]);
    for talk in [starter, follower] {
        let said = talk.hear_out();
        assert_eq!((said.record(), said.out().as_str()), ("lost killed", "begun\n"));
    }
}

/// The kernel sends HUP to a group in which somebody is stopped when the last
/// parent outside of it dies.
fn a_stopped_wrapper_outlives_the_shell_that_started_it(bench: &mut Bench) {
    let mut launch = bench.command(&["/bin/sh", "-c", "echo begun; cat; exit 6"]);
    launch.stdin = Stdin::Open;
    let mut starter = bench.start(&launch);
    let wrapper = processes::look_at(bench.pid()).unwrap().parent;
    let out = bench.spool("out");
    eventually("the command runs", || fs::read(&out).is_ok_and(|out| out == b"begun\n"));
    processes::signal(wrapper, Signal::STOP);
    let stat = || fs::read_to_string(format!("/proc/{wrapper}/stat")).unwrap();
    eventually("the wrapper is stopped", || stat().contains(") T "));
    processes::signal(starter.id(), Signal::KILL);
    eventually("the shell is gone", || starter.has_ended());
    let parameters = bench.session().input_ends_at(6);
    let mut sender = bench.run(Program::Input, parameters);
    sender.line("have");
    sender.write(b"input\n");
    sender.close();
    assert_eq!(sender.finish().lines.last().unwrap(), "have 6");
    let said = bench.follow(0, 0).finish();
    assert_eq!((said.record(), said.out().as_str()), ("code 6 run", "begun\ninput\n"));
}
