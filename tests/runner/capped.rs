//! A session whose output is capped: the newest stays, and what went is told.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use longhaul::domain::launch::{Launch, Stdin, one_line};
use longhaul::domain::max_output::MaxOutput;
use longhaul::runner::program::Program;
use rustix::process::Signal;

use crate::bench::Bench;
use crate::processes;
use crate::talk::Said;
use crate::wait::eventually;

under_every_shell! {
    below_its_cap_everything_arrives
    any_byte_arrives_as_it_is_from_any_offset
    the_newest_output_is_kept_and_the_rest_is_told_as_dropped
    a_flood_on_one_stream_leaves_the_other_alone
    a_follower_that_is_outrun_gets_each_byte_at_its_offset
    many_tiny_writes_arrive
    nothing_that_was_written_before_the_end_is_left_in_a_pipe
    what_a_command_leaves_behind_does_not_hold_up_its_end
    a_capped_session_is_stopped_and_says_its_last_words
    a_capped_session_takes_input
    a_command_that_never_ran_leaves_nobody
    what_still_writes_to_a_removed_session_ends
    the_output_of_a_killed_wrapper_is_all_there
    a_killed_mover_ends_the_command
    a_second_follower_of_a_capped_session_goes_on_where_the_first_was_cut
    a_full_disk_drops_more_and_tells_so
    offsets_beyond_what_a_shell_can_count_are_right
}

const CAP: u64 = 64_000;

fn capped(bench: &Bench, script: &str) -> Launch {
    let max_output = MaxOutput::of_bytes(CAP).ok();
    Launch { max_output, ..bench.command(&["/bin/sh", "-c", script]) }
}

/// What `seq 100000 N` prints, of seven bytes a line.
fn numbers(last: u32) -> Vec<u8> {
    (100_000..=last).flat_map(|n| format!("{n}\n").into_bytes()).collect()
}

/// The bytes of both streams that the spool holds.
fn spooled(bench: &Bench) -> [u64; 2] {
    ["out.d", "err.d"].map(|dir| {
        let segments = fs::read_dir(bench.spool(dir)).unwrap();
        // One may be dropped while this looks.
        segments.map(|segment| segment.unwrap().metadata().map_or(0, |found| found.len())).sum()
    })
}

/// Holds that what came of a stream is `whole` apart from what is told as
/// dropped, and returns how much came.
#[track_caller]
fn is_honest(pieces: &[(u64, Vec<u8>)], whole: &[u8]) -> usize {
    let mut at = 0;
    for (offset, bytes) in pieces {
        let offset = usize::try_from(*offset).unwrap();
        assert!(offset >= at, "goes back from {at} to {offset}");
        at = offset + bytes.len();
        assert!(whole.get(offset..at) == Some(bytes), "{offset}..{at} is not what was written");
    }
    assert_eq!(at, whole.len(), "ends where the stream does");
    pieces.iter().map(|(_, bytes)| bytes.len()).sum()
}

#[track_caller]
fn came(said: &Said, out: &[u8], err: &[u8]) -> [usize; 2] {
    [is_honest(&said.pieces[0], out), is_honest(&said.pieces[1], err)]
}

fn below_its_cap_everything_arrives(bench: &mut Bench) {
    for wait in ["", "sleep 0.5; "] {
        let script = format!("{wait}seq 100000 102999; seq 100000 101999 >&2; exit 3");
        let mut talk = bench.start(&capped(bench, &script));
        talk.line("claimed");
        talk.ask_to_stream();
        let said = talk.hear_out();
        assert_eq!(came(&said, &numbers(102_999), &numbers(101_999)), [21_000, 14_000]);
        assert_eq!(said.record(), "code 3 run");
        bench.next_session();
    }
}

fn any_byte_arrives_as_it_is_from_any_offset(bench: &mut Bench) {
    let data: Vec<u8> = (0..=255).cycle().map(|byte: u8| byte ^ 0x1e).take(30_000).collect();
    let file = bench.dir().join("data");
    fs::write(&file, &data).unwrap();
    bench.start(&capped(bench, &format!("cat {}", file.display()))).finish();
    for from in [0, 1, 255, 3999, 4000, 4001, 12_345, 29_999, 30_000] {
        let said = bench.follow(from, 0).finish();
        let from = usize::try_from(from).unwrap();
        assert_eq!(said.pieces[0][0].0, from as u64);
        assert!(said.out == data[from..], "from {from}: {} bytes", said.out.len());
    }
}

fn the_newest_output_is_kept_and_the_rest_is_told_as_dropped(bench: &mut Bench) {
    let said = bench.start(&capped(bench, "seq 100000 399999")).finish();
    let whole = numbers(399_999);
    let [kept, _] = came(&said, &whole, b"");
    assert_eq!(spooled(bench), [kept as u64, 0]);
    assert!(kept as u64 <= CAP && kept as u64 > CAP / 2, "{kept} bytes are kept");
    // Once more, and from a place that is there no more.
    for from in [0, 77_777] {
        let said = bench.follow(from, 0).finish();
        assert_eq!(came(&said, &whole, b"")[0], kept);
    }
}

fn a_flood_on_one_stream_leaves_the_other_alone(bench: &mut Bench) {
    let script = "seq 100000 101999; seq 100000 199999 >&2; seq 100000 199999 >&2";
    let said = bench.start(&capped(bench, script)).finish();
    let twice = [numbers(199_999), numbers(199_999)].concat();
    let [out, err] = came(&said, &numbers(101_999), &twice);
    assert_eq!(out, 14_000);
    assert!((out + err) as u64 <= CAP, "{out} and {err} bytes");
}

fn a_follower_that_is_outrun_gets_each_byte_at_its_offset(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let script = format!(
        "seq 100000 101999; until [ -e {0} ]; do sleep 0.05; done; seq 102000 299999",
        go.display()
    );
    let mut talk = bench.start(&capped(bench, &script));
    talk.line("claimed");
    talk.write(b"follow\n");
    talk.await_out("101999\n");
    fs::write(go, "").unwrap();
    let said = talk.hear_out();
    assert_eq!(said.record(), "code 0 run");
    let [out, _] = came(&said, &numbers(299_999), b"");
    assert!(out >= 14_000);
    assert!(spooled(bench)[0] <= CAP);
}

fn many_tiny_writes_arrive(bench: &mut Bench) {
    let script = "n=100000; while [ $n -lt 103000 ]; do echo $n; n=$((n + 1)); done";
    let mut talk = bench.start(&capped(bench, script));
    talk.line("claimed");
    talk.ask_to_stream();
    let said = talk.hear_out();
    assert_eq!(came(&said, &numbers(102_999), b"")[0], 21_000);
}

/// The command has gone when the last of it is still in the pipes.
fn nothing_that_was_written_before_the_end_is_left_in_a_pipe(bench: &mut Bench) {
    for _ in 0..5 {
        let said = bench.start(&capped(bench, "seq 100000 104285; seq 100000 104285 >&2")).finish();
        let whole = numbers(104_285);
        came(&said, &whole, &whole);
        bench.next_session();
    }
}

fn what_a_command_leaves_behind_does_not_hold_up_its_end(bench: &mut Bench) {
    for left in ["sleep 600 &", "yes &"] {
        let script = format!("echo out; echo err >&2; {left} exit 5");
        let said = bench.start(&capped(bench, &script)).finish();
        assert_eq!((said.err().as_str(), said.record()), ("err\n", "code 5 run"));
        assert!(left.starts_with("yes") || said.out() == "out\n", "{said:?}");
        assert_eq!(bench.stop(5), ["stopped"]);
        bench.next_session();
    }
}

fn a_capped_session_is_stopped_and_says_its_last_words(bench: &mut Bench) {
    // A stop sends TERM to the group and to each process.
    let script = "trap 'trap \"\" TERM; seq 100000 100999; exit 3' TERM; echo 99999; while :; do sleep 0.1; done";
    let mut talk = bench.start(&capped(bench, script));
    talk.line("claimed");
    talk.write(b"follow\n");
    talk.await_out("99999\n");
    assert_eq!(bench.stop(20), ["stopped"]);
    let said = talk.hear_out();
    assert_eq!(said.record(), "code 3 run");
    let expected = [b"99999\n".to_vec(), numbers(100_999)].concat();
    let places: Vec<_> = said.pieces[0].iter().map(|(at, bytes)| (at, bytes.len())).collect();
    assert!(said.out == expected, "{places:?}");
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
}

fn a_capped_session_takes_input(bench: &mut Bench) {
    let mut launch = capped(bench, "cat; echo end");
    launch.stdin = Stdin::Open;
    let starter = bench.start(&launch);
    bench.pid();
    let mut input = bench.run(Program::Input, bench.session().input_ends_at(6));
    assert_eq!(input.line("have"), "have 0");
    input.write(b"words\n");
    input.close();
    input.finish();
    let said = starter.finish();
    assert_eq!((said.out().as_str(), said.record()), ("words\nend\n", "code 0 run"));
}

fn a_command_that_never_ran_leaves_nobody(bench: &mut Bench) {
    let max_output = MaxOutput::of_bytes(CAP).ok();
    let launch = Launch { max_output, ..bench.command(&["no-such-program"]) };
    let said = bench.start(&launch).finish();
    assert_eq!(said.record(), "code 127 program missing");
    assert_eq!((said.out(), said.err()), Default::default());
}

fn what_still_writes_to_a_removed_session_ends(bench: &mut Bench) {
    let script = "while echo x; do sleep 0.01; done & exit 0";
    assert_eq!(bench.start(&capped(bench, script)).finish().record(), "code 0 run");
    assert_eq!(bench.control(Program::Remove, bench.session()), ["removed"]);
    assert!(!bench.spool("").exists());
}

fn the_output_of_a_killed_wrapper_is_all_there(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let script = format!("until [ -e {} ]; do sleep 0.05; done; seq 100000 101999", go.display());
    let starter = bench.start(&capped(bench, &script));
    processes::signal(processes::look_at(bench.pid()).unwrap().parent, Signal::KILL);
    fs::write(go, "").unwrap();
    let said = starter.hear_out();
    assert_eq!(said.record(), "lost killed");
    eventually("all of it is there", || spooled(bench)[0] == 14_000);
    came(&bench.follow(0, 0).finish(), &numbers(101_999), b"");
}

fn a_killed_mover_ends_the_command(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let script =
        format!("seq 100000 100999; until [ -e {} ]; do sleep 0.05; done; yes", go.display());
    let starter = bench.start(&capped(bench, &script));
    bench.pid();
    eventually("it is moved", || spooled(bench)[0] == 7000);
    let movers: Vec<_> = processes::belonging_to(bench.dir())
        .into_iter()
        .filter(|process| process.name == "dd")
        .collect();
    assert_eq!(movers.len(), 2);
    for dd in movers {
        processes::signal(dd.parent, Signal::KILL);
        processes::signal(dd.pid, Signal::KILL);
    }
    fs::write(go, "").unwrap();
    let said = starter.finish();
    assert_ne!(said.record(), "code 0 run");
    assert!(said.out == numbers(100_999), "{said:?}");
}

fn a_second_follower_of_a_capped_session_goes_on_where_the_first_was_cut(bench: &mut Bench) {
    let go = bench.dir().join("go");
    let script = format!(
        "seq 100000 101999; until [ -e {} ]; do sleep 0.05; done; seq 102000 103999; exit 6",
        go.display()
    );
    let mut first = bench.start(&capped(bench, &script));
    first.line("claimed");
    first.write(b"follow\n");
    first.await_out("101999\n");
    first.close();
    eventually("the first ends", || first.has_ended());
    let mut second = bench.follow(14_000, 0);
    second.line("claimed");
    second.write(b"follow\n");
    second.line("started");
    fs::write(go, "").unwrap();
    let said = second.hear_out();
    assert_eq!(said.record(), "code 6 run");
    assert!(said.out == numbers(103_999)[14_000..], "{} bytes", said.out.len());
    assert_eq!(said.pieces[0][0].0, 14_000);
}

/// The cap is more than the disk has. What was lost in the middle of a move is
/// told by the most that it can have been.
#[expect(clippy::print_stderr, reason = "says what was tried")]
fn a_full_disk_drops_more_and_tells_so(bench: &mut Bench) {
    let disk = bench.dir().join("disk");
    bench.root = Some(disk.clone());
    if !crate::spool::mount_tmpfs(&disk) {
        eprintln!("may not mount a file system: only a roomy disk is tried");
    }
    let max_output = MaxOutput::of_bytes(4 * CAP).ok();
    let launch = Launch { max_output, ..capped(bench, "seq 100000 199999") };
    let said = bench.start(&launch).finish();
    let _ = Command::new("umount").arg(&disk).output();
    assert_eq!(said.record(), "code 0 run");
    let whole = numbers(199_999);
    let mut told = 0;
    for (at, bytes) in &said.pieces[0] {
        assert!(*at >= told);
        told = at + bytes.len() as u64;
        assert!(memchr_all(&whole, bytes), "{} bytes at {at} were never written", bytes.len());
    }
    assert!(told >= whole.len() as u64, "{told} bytes came or were dropped");
}

fn memchr_all(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

fn offsets_beyond_what_a_shell_can_count_are_right(bench: &mut Bench) {
    let spool = bench.spool("");
    for dir in ["out.d", "err.d"] {
        fs::create_dir_all(spool.join(dir)).unwrap();
    }
    let data = numbers(119_999);
    let base = 99_999_999_000_u64;
    for (from, to) in [(0, 70_000), (70_000, 140_000)] {
        let name = format!("out.d/{:015}", base + from as u64);
        fs::write(spool.join(name), &data[from..to]).unwrap();
    }
    fs::write(spool.join("err.d/000000000000000"), "").unwrap();
    fs::write(spool.join("exit"), "code 0 run\n").unwrap();
    for (from, skipped) in [(0, 0), (base, 0), (base + 69_999, 69_999), (base + 70_003, 70_003)] {
        let said = bench.follow(from, 0).finish();
        assert_eq!(said.pieces[0][0].0, from.max(base));
        assert!(said.out == data[skipped..], "from {from}: {} bytes", said.out.len());
    }
    let script = "for _name in 000000000000000 000000999999990 000004294967295 099999999000000; do
        advance 67108863; echo $_name; done";
    let program = one_line(&[include_str!("../../src/runner/offset.sh"), script]);
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(bench.shell.bootstrap(bench.dir()));
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(&program).unwrap();
    assert_eq!(
        String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap(),
        "000000067108863\n000001067108853\n000004362076158\n100000066108863\n"
    );
}
