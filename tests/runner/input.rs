//! Input that is added while the session runs.

use std::fs;

use longhaul::domain::launch::Stdin;
use longhaul::runner::program::Program;
use rustix::process::Signal;

use crate::bench::Bench;
use crate::processes;
use crate::talk::Talk;
use crate::wait::eventually;

under_every_shell! {
    input_arrives_in_order_and_ends_where_it_is_told
    a_sender_that_dies_midway_leaves_a_count_to_go_on_from
    a_sender_that_is_cut_off_adds_nothing_behind_the_next
    a_session_without_input_takes_none
    unread_input_outlives_no_session
}

fn start(bench: &Bench, script: &str, first: &[u8]) -> Talk {
    let mut launch = bench.command(&["/bin/sh", "-c", script]);
    launch.stdin = Stdin::Data(first.to_vec());
    launch.stdin = Stdin::Open;
    let talk = bench.start(&launch);
    bench.pid();
    if !first.is_empty() {
        assert_eq!(
            send(bench, first, None),
            ["have 0".to_owned(), format!("have {}", first.len())]
        );
    }
    talk
}

fn send(bench: &Bench, bytes: &[u8], ends_at: Option<u64>) -> Vec<String> {
    let mut parameters = bench.session();
    if let Some(length) = ends_at {
        parameters = parameters.input_ends_at(length);
    }
    let mut talk = bench.run(Program::Input, parameters);
    talk.line("have");
    talk.write(bytes);
    talk.close();
    talk.finish().lines
}

fn input_arrives_in_order_and_ends_where_it_is_told(bench: &mut Bench) {
    let talk = start(bench, "cat; echo over", b"zero\n");
    eventually("it is read", || fs::read(bench.spool("out")).is_ok_and(|out| out == b"zero\n"));
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(send(bench, &bytes, None), ["have 5", "have 261"]);
    // A length that is not reached is no end.
    assert_eq!(send(bench, b"x", Some(263)), ["have 261", "have 262"]);
    assert_eq!(send(bench, b"y", Some(263)), ["have 262", "have 263"]);
    // Told again, since the answer may have been lost.
    let said = talk.finish();
    assert_eq!(said.out, [b"zero\n".as_slice(), &bytes, b"xyover\n"].concat());
    assert_eq!(said.record(), "code 0 run");
    assert_eq!(send(bench, b"", Some(263)), ["have 263", "have 263"]);
}

fn a_sender_that_dies_midway_leaves_a_count_to_go_on_from(bench: &mut Bench) {
    let talk = start(bench, "cat", b"");
    let mut sender = bench.run(Program::Input, bench.session());
    sender.line("have 0");
    sender.write(b"half");
    eventually("half of it is there", || fs::read(bench.spool("in")).is_ok_and(|i| i == b"half"));
    processes::signal(sender.id(), Signal::KILL);
    drop(sender);
    assert_eq!(send(bench, b" and half", Some(13)), ["have 4", "have 13"]);
    assert_eq!(talk.finish().out(), "half and half");
}

/// Its bytes are in a pipe yet when the next one counts.
fn a_sender_that_is_cut_off_adds_nothing_behind_the_next(bench: &mut Bench) {
    let talk = start(bench, "cat", b"");
    let mut old = bench.run(Program::Input, bench.session());
    old.line("have 0");
    old.write(b"once ");
    eventually("it is there", || fs::read(bench.spool("in")).is_ok_and(|i| i == b"once "));
    assert_eq!(send(bench, b"and no more", Some(16)), ["have 5", "have 16"]);
    eventually("the old sender is gone", || old.has_ended());
    assert_eq!(talk.finish().out(), "once and no more");
}

fn a_session_without_input_takes_none(bench: &mut Bench) {
    bench.start_script("cat").finish();
    assert_eq!(bench.control(Program::Input, bench.session()), ["fail closed"]);
}

fn unread_input_outlives_no_session(bench: &mut Bench) {
    let talk = start(bench, "sleep 0.5", &vec![b'x'; 300_000]);
    assert_eq!(talk.finish().record(), "code 0 run");
}
