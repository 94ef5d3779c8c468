//! Outputs and statuses, exactly as the command had them.

use serde_json::json;

use crate::support::checksum::{self, DataFile, MIB};
use crate::support::world::{PLACES, World};

#[test]
fn exit_statuses_are_the_commands_own() {
    let world = World::new();
    for place in PLACES {
        for code in [0, 1, 3, 124, 125, 127, 255] {
            let script = format!("exit {code}");
            world.run(place, &["--", "sh", "-c", &script]).exited(code);
        }
    }
}

#[test]
fn death_by_signal_is_told_from_an_exit_status() {
    let world = World::new();
    for place in PLACES {
        let place_name = place.concat();
        for (name, number) in [("INT", 2), ("KILL", 9), ("SEGV", 11), ("TERM", 15)] {
            let session = format!("by-{name}{place_name}");
            let script = format!("kill -{name} $$; sleep 1000");
            let args = ["--name", &session, "--", "sh", "-c", &script];
            world.run(place, &args).exited(128 + number);
            let seen = world.home.inspect(&session);
            assert_eq!(seen["state"], "signalled", "{name} {place_name}");
            assert_eq!(seen["exit"], json!({ "signal": number }), "{name} {place_name}");
        }
        let session = format!("by-itself{place_name}");
        world.run(place, &["--name", &session, "--", "sh", "-c", "exit 143"]).exited(143);
        let seen = world.home.inspect(&session);
        assert_eq!(seen["state"], "exited");
        assert_eq!(seen["exit"], json!({ "code": 143 }));
    }
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let world = World::new();
    for place in PLACES {
        let said = world.run(place, &["--name", "missing", "--", "no-such-program-here"]);
        said.exited(127).says("no-such-program-here").says("session.command.not-found");
        let seen = world.home.inspect("missing");
        assert_eq!(seen["failure"]["code"], "session.command.not-found");
        world.home.longhaul(&["rm", "missing"]).exited(0);
    }
}

#[test]
fn a_program_that_exits_with_127_by_itself_is_no_missing_command() {
    let world = World::new();
    for place in PLACES {
        let args = ["--name", "own", "--", "sh", "-c", "exit 127"];
        world.run(place, &args).exited(127);
        assert!(world.home.inspect("own")["failure"].is_null());
        world.home.longhaul(&["rm", "own"]).exited(0);
    }
}

#[test]
fn a_missing_working_directory_is_named_and_nothing_runs() {
    let world = World::new();
    for place in PLACES {
        let args = ["--cwd", "/no/such/folder", "--", "sh", "-c", "echo ran"];
        let said = world.run(place, &args).refused().says("/no/such/folder");
        assert_eq!(said.out(), "");
    }
}

#[test]
fn a_script_whose_interpreter_is_missing_is_named() {
    let world = World::new();
    let script = world.sshd.write("tool", "#!/usr/bin/env no-such-node\n");
    std::process::Command::new("chmod").arg("+x").arg(script).status().unwrap();
    world.on_box(&["--", "./tool"]).refused().says("no-such-node");
}

#[test]
fn the_streams_stay_apart() {
    let world = World::new();
    for place in PLACES {
        let said = world.run(place, &["--", "sh", "-c", "echo out; echo err >&2"]).exited(0);
        assert_eq!(said.out(), "out\n");
        assert_eq!(said.err(), "err\n");
    }
}

#[test]
fn output_may_be_empty_or_lack_its_last_newline() {
    let world = World::new();
    for place in PLACES {
        let nothing = world.run(place, &["--", "true"]).exited(0);
        assert_eq!((nothing.out(), nothing.err()), (String::new(), String::new()));
        let bare = world.run(place, &["--", "printf", "a\\nb"]).exited(0);
        assert_eq!(bare.out(), "a\nb");
    }
}

#[test]
fn every_byte_value_passes_on_both_streams() {
    let world = World::new();
    let all: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    for (place, home) in PLACES.iter().zip([world.sshd.home(), world.home.path()]) {
        std::fs::write(home.join("bytes"), &all).unwrap();
        let said = world.run(place, &["--", "sh", "-c", "cat bytes; cat bytes >&2"]).exited(0);
        assert_eq!(said.stdout, all);
        assert_eq!(said.stderr, all);
    }
}

#[test]
fn output_that_is_not_utf8_is_in_logs_as_it_was() {
    let world = World::new();
    let bytes = [b'a', 0xff, 0xfe, 0xc3, 0x28, b'\n'];
    std::fs::write(world.sshd.home().join("bytes"), bytes).unwrap();
    world.on_box(&["--name", "odd", "--", "cat", "bytes"]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", "odd", "--raw"]).exited(0).stdout, bytes);
}

#[test]
fn one_line_of_100_mb_passes() {
    let world = World::new();
    let script = "head -c 100000000 /dev/zero | tr '\\0' x";
    let said = world.script(script).exited(0);
    assert_eq!(said.stdout.len(), 100_000_000);
    assert!(said.stdout.iter().all(|byte| *byte == b'x'));
}

#[test]
fn sixty_four_megabytes_on_both_streams_at_once_keep_their_checksums() {
    let world = World::new();
    for (place, home) in PLACES.iter().zip([world.sshd.home(), world.home.path()]) {
        let out = DataFile::create(&home.join("data1"), 1, 64 * MIB);
        let err = DataFile::create(&home.join("data2"), 2, 64 * MIB);
        let script = "cat data1 & cat data2 >&2; wait";
        let said = world.run(place, &["--", "sh", "-c", script]).exited(0);
        assert_eq!(checksum::sha256(&said.stdout), out.sha256, "stdout {place:?}");
        assert_eq!(checksum::sha256(&said.stderr), err.sha256, "stderr {place:?}");
    }
}

#[test]
fn output_is_seen_while_the_command_runs() {
    let world = World::new();
    let running =
        world.start_on_box(&["--", "sh", "-c", "echo early; until [ -e go ]; do sleep 0.1; done"]);
    crate::support::wait::eventually_or(
        "the first line is here before the command has ended",
        || running.stdout() == b"early\n",
        || world.logs(),
    );
    world.sshd.write("go", "");
    running.finish().exited(0);
}
