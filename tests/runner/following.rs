//! Following a session: midway, again, several at once, and not at all.

use std::fs;

use longhaul::runner::program::Program;
use rustix::process::Signal;

use crate::bench::Bench;
use crate::processes;
use crate::wait::{eventually, eventually_or, holds_within};

under_every_shell! {
    a_follower_that_comes_midway_gets_everything_once
    a_session_that_ends_as_it_is_asked_for_doubles_nothing
    a_reader_that_goes_leaves_the_command_and_nothing_else
    a_second_follower_gets_exactly_the_rest
    a_session_that_has_ended_can_be_read_again
    two_followers_get_the_same
    of_two_starts_one_starts
    followers_of_a_dead_wrapper_do_not_wait_for_each_other
    a_follower_without_a_spool_says_so
    a_killed_listener_doubles_nothing
}

fn a_follower_that_comes_midway_gets_everything_once(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let mut talk = bench.start_script(&format!(
        "echo early; echo e1 >&2; until [ -e {} ]; do sleep 0.05; done; echo late; echo e2 >&2; exit 4",
        go.display()
    ));
    talk.line("claimed");
    let pid = bench.pid();
    assert_eq!(talk.out_so_far(), "", "nothing is sent that was not asked for");
    talk.write(b"follow\n");
    assert_eq!(talk.line("started"), format!("started {pid}"));
    talk.await_out("early\n");
    fs::write(go, "").unwrap();
    let said = talk.hear_out();
    assert_eq!((said.out().as_str(), said.err().as_str()), ("early\nlate\n", "e1\ne2\n"));
    assert_eq!(said.lines.last().unwrap(), "fin");
    assert_eq!(said.lines[said.lines.len() - 2], "end yes code 4 run");
    assert_eq!(said.err_lines, ["begin", "end", "fin"]);
}

/// The end may come before, between and after the tails.
fn a_session_that_ends_as_it_is_asked_for_doubles_nothing(bench: &mut Bench) {
    for hundredths in 0..10 {
        let script = format!("echo out; echo err >&2; sleep 0.0{hundredths}");
        let mut talk = bench.start_script(&script);
        bench.pid();
        talk.ask_to_stream();
        let said = talk.hear_out();
        assert_eq!((said.out().as_str(), said.err().as_str()), ("out\n", "err\n"), "{said:?}");
        bench.next_session();
    }
}

/// Waits until of the bench's processes only the wrapper and the command are
/// there.
fn only_the_session_is_left(bench: &Bench) {
    let pid = bench.pid();
    let names = || {
        let all = processes::belonging_to(bench.dir());
        let parent = processes::look_at(pid).map(|command| command.parent);
        all.into_iter()
            .filter(|p| p.pid != pid && Some(p.pid) != parent && p.parent != pid)
            .collect()
    };
    let gone = holds_within(std::time::Duration::from_secs(5), || Vec::is_empty(&names()));
    assert!(gone, "besides the session:\n{}", processes::listing(&names()));
}

fn a_reader_that_goes_leaves_the_command_and_nothing_else(bench: &mut Bench) {
    // Longer than any wait here: what waits for the session's end must not pass.
    let mut idle = bench.start(&bench.command(&["sleep", "600"]));
    idle.line("claimed");
    idle.close();
    // Cut off before anything ran, the start goes on none the less.
    only_the_session_is_left(bench);
    for streaming in [false, true] {
        let mut talk = bench.follow(0, 0);
        talk.line("claimed");
        if streaming {
            talk.write(b"follow\n");
            talk.line("started");
        }
        talk.close();
        let all = || processes::listing(&processes::belonging_to(bench.dir()));
        eventually_or("the follower ends", || talk.has_ended(), all);
        only_the_session_is_left(bench);
    }
    // Nothing that still runs holds the streams that the reader was given.
    eventually("the start ends", || idle.has_ended());
    idle.finish();
    assert!(processes::is_alive(bench.pid()));
    assert_eq!(bench.stop(5), ["stopped"]);
}

fn a_second_follower_gets_exactly_the_rest(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let mut first = bench.start_script(&format!(
        "echo one; echo e >&2; until [ -e {} ]; do sleep 0.05; done; echo two; exit 6",
        go.display()
    ));
    first.line("claimed");
    first.write(b"follow\n");
    first.await_out("one\n");
    first.close();
    eventually("the first ends", || first.has_ended());
    let mut second = bench.follow(2, 2);
    second.line("claimed");
    second.write(b"follow\n");
    second.await_out("e\n");
    fs::write(go, "").unwrap();
    let said = second.hear_out();
    assert_eq!((said.out().as_str(), said.err().as_str()), ("e\ntwo\n", ""));
    assert_eq!(said.record(), "code 6 run");
}

fn a_session_that_has_ended_can_be_read_again(bench: &mut Bench) {
    bench.start_script("echo out; echo err >&2; exit 9").finish();
    for (out, err, rest) in [(0, 0, ("out\n", "err\n")), (2, 4, ("t\n", "")), (4, 1, ("", "rr\n"))]
    {
        let said = bench.follow(out, err).finish();
        assert_eq!((said.out().as_str(), said.err().as_str()), rest);
        assert_eq!((said.record(), said.err_lines.len()), ("code 9 run", 2));
    }
}

fn two_followers_get_the_same(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let starter =
        bench.start_script(&format!("until [ -e {} ]; do sleep 0.05; done; echo x", go.display()));
    starter.line("claimed");
    let mut followers = [starter, bench.follow(0, 0), bench.follow(0, 0)];
    for talk in &mut followers {
        talk.line("claimed");
    }
    followers[1].write(b"follow\n");
    followers[1].line("started");
    fs::write(go, "").unwrap();
    for talk in followers {
        let said = talk.hear_out();
        assert_eq!((said.out().as_str(), said.record()), ("x\n", "code 0 run"));
    }
}

fn of_two_starts_one_starts(bench: &mut Bench) {
    let ran = bench.dir().join("ran");
    let script = format!("echo ran >>{}", ran.display());
    let talks: Vec<_> = (0..4).map(|_| bench.start_script(&script)).collect();
    let said: Vec<_> = talks.into_iter().map(|talk| talk.finish()).collect();
    let refused = said.iter().filter(|said| said.lines == ["fail claimed"]).count();
    assert_eq!(refused, 3, "{said:?}");
    assert_eq!(fs::read_to_string(ran).unwrap(), "ran\n");
}

/// Each opens the FIFO that nobody holds any more.
fn followers_of_a_dead_wrapper_do_not_wait_for_each_other(bench: &mut Bench) {
    bench.start_script("echo x").finish();
    fs::remove_file(bench.spool("exit")).unwrap();
    for _ in 0..5 {
        let talks: Vec<_> = (0..4).map(|_| bench.follow(0, 0)).collect();
        for talk in talks {
            let said = talk.finish();
            assert_eq!((said.record(), said.out().as_str()), ("lost killed", "x\n"));
        }
    }
}

fn a_follower_without_a_spool_says_so(bench: &mut Bench) {
    assert_eq!(bench.follow(0, 0).finish().lines, ["fail gone"]);
    for program in [Program::Input, Program::Stop] {
        assert_eq!(bench.control(program, bench.session()), ["fail gone"]);
    }
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
}

/// Its tails go on, and only the reader knows what came of them.
fn a_killed_listener_doubles_nothing(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let script = format!("echo one; until [ -e {} ]; do sleep 0.05; done; echo two", go.display());
    let mut talk = bench.start_script(&script);
    bench.pid();
    talk.write(b"follow\n");
    talk.await_out("one\n");
    let tails = || {
        let mut found = processes::belonging_to(bench.dir());
        found.retain(|process| process.arguments.starts_with("tail -c"));
        found
    };
    eventually("both tails run", || tails().len() == 2);
    let listener = tails()[0].parent;
    assert_ne!(listener, talk.id());
    processes::signal(listener, Signal::KILL);
    fs::write(go, "").unwrap();
    eventually("the program is gone", || talk.has_ended());
    eventually("the tails go on", || talk.out_so_far() == "one\ntwo\n");
    talk.says_no_end();
    // What a link does that is closed; tails that see no closed pipe see a write fail.
    for tail in tails() {
        processes::signal(tail.pid, Signal::KILL);
    }
    let said = bench.follow(4, 0).finish();
    assert_eq!((said.record(), said.out().as_str()), ("code 0 run", "two\n"));
}
