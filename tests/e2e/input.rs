//! Standard input of a session.

use crate::support::checksum;
use crate::support::command::{Finished, Input, Running};
use crate::support::config::Config;
use crate::support::proxy::Proxy;
use crate::support::wait::eventually_or;
use crate::support::world::{PLACES, World};

#[test]
fn ten_megabytes_of_input_arrive_with_their_end() {
    let world = World::new();
    let bytes = checksum::bytes(5, 10_000_000);
    for place in PLACES {
        let args: Vec<_> =
            ["run"].iter().chain(place).chain(&["--stdin", "-", "--", "cat"]).copied().collect();
        let said = world.home.longhaul_with_input(&args, &bytes).exited(0);
        assert_eq!(said.stdout.len(), bytes.len());
        assert_eq!(checksum::sha256(&said.stdout), checksum::sha256(&bytes));
    }
}

#[test]
fn input_may_come_from_a_file() {
    let world = World::new();
    let bytes = checksum::bytes(6, 100_000);
    let file = world.home.path().join("input");
    std::fs::write(&file, &bytes).unwrap();
    let said = world.on_box(&["--stdin", &file.to_string_lossy(), "--", "cat"]).exited(0);
    assert_eq!(said.stdout, bytes);
    world.on_box(&["--stdin", "/no/such/file", "--", "cat"]).refused().says("/no/such/file");
}

#[test]
fn without_input_the_command_reads_an_end_at_once() {
    let world = World::new();
    for place in PLACES {
        let said = world.run(place, &["--", "sh", "-c", "cat; echo ended"]).exited(0);
        assert_eq!(said.out(), "ended\n");
    }
}

#[test]
fn a_command_that_reads_only_the_start_of_its_input_ends_well() {
    let world = World::new();
    let bytes = vec![b'y'; 10_000_000];
    for place in PLACES {
        let args: Vec<_> = ["run"]
            .iter()
            .chain(place)
            .chain(&["--stdin", "-", "--", "head", "-c", "5"])
            .copied()
            .collect();
        let said = world.home.longhaul_with_input(&args, &bytes).exited(0);
        assert_eq!(said.out(), "yyyyy");
    }
}

#[test]
fn a_session_takes_input_until_its_end_is_sent() {
    let world = World::new();
    for place in PLACES {
        let args: Vec<_> = place.iter().chain(&["-i", "--", "cat"]).copied().collect();
        let id = world.home.detached(&args);
        world.home.longhaul(&["send", &id, "first"]).exited(0);
        eventually_or(
            "the first line is back",
            || world.home.longhaul(&["logs", &id]).exited(0).out() == "first\n",
            || world.logs(),
        );
        world.home.longhaul_with_input(&["send", &id], b"second, no newline").exited(0);
        world.home.longhaul(&["send", &id, "--eof"]).exited(0);
        world.home.longhaul(&["wait", &id]).exited(0);
        let said = world.home.longhaul(&["logs", &id]).exited(0);
        assert_eq!(said.out(), "first\nsecond, no newline");
        world.home.longhaul(&["send", &id, "too late"]).refused();
    }
}

#[test]
fn input_that_was_sent_while_the_host_was_away_arrives_once() {
    let mut world = World::new();
    let id = world.home.detached(&["--on", "box", "-i", "--", "cat"]);
    world.home.longhaul(&["send", &id, "one"]).exited(0);
    eventually_or("it is back", || world.home.inspect(&id)["stdout"] == 4, || world.logs());
    world.sshd.stop();
    eventually_or("the link is lost", || world.link_state() != "connected", || world.logs());
    world.home.longhaul(&["send", &id, "two"]).exited(0);
    world.sshd.restart();
    world.home.longhaul(&["send", &id, "three", "--eof"]).exited(0);
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "one\ntwo\nthree\n");
}

#[test]
fn a_session_that_takes_no_input_says_so() {
    let world = World::new();
    let id = world.detached_script("until [ -e go ]; do sleep 0.1; done");
    world.home.await_state(&id, "running");
    world.home.longhaul(&["send", &id, "hello"]).refused();
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
}

#[test]
fn input_that_was_acknowledged_survives_the_daemons_kill_with_its_end() {
    let mut world = World::new();
    let id = world.home.detached(&["--on", "box", "-i", "--", "cat"]);
    world.home.await_state(&id, "running");
    world.sshd.stop();
    for (line, more) in [("one", &[] as &[&str]), ("two", &[]), ("three", &["--eof"])] {
        world.home.longhaul(&[&["send", &id, line], more].concat()).exited(0);
        // At once: nothing but what was acknowledged can be there.
        world.home.kill_daemon();
    }
    world.home.longhaul(&["send", &id, "after the end"]).refused();
    world.sshd.restart();
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "one\ntwo\nthree\n");
}

#[test]
fn input_that_was_taken_as_the_daemon_died_is_known_to_be_taken() {
    let mut world = World::new();
    world.sshd.stop();
    let id = world.home.detached(&["--on", "box", "-i", "--", "cat"]);
    world.home.longhaul(&["send", &id, "one"]).exited(0);
    world.home.kill_daemon();
    // What the daemon had written when it died, and nobody else knows of.
    let taken = world.home.state_dir().join("sessions").join(&id).join("in");
    std::fs::write(taken, "one\ntwo\n").unwrap();
    assert_eq!(world.home.inspect(&id)["stdin"]["accepted"], 8);
    world.home.longhaul(&["send", &id, "three", "--eof"]).exited(0);
    world.sshd.restart();
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "one\ntwo\nthree\n");
}

/// Sends five megabytes by `verb`, with a cut after each and the daemon's kill
/// in the middle, and gives what `verb` said.
fn sent_through_trouble(world: &World, proxy: &Proxy, verb: &[&str], bytes: &[u8]) -> Finished {
    let mut sender = Running::start(world.home.command(verb), Input::Open);
    for (at, piece) in bytes.chunks(1_000_000).enumerate() {
        let before = proxy.passed();
        sender.write(piece);
        eventually_or("it flows", || proxy.passed() > before, || world.logs());
        if at == 2 {
            world.home.kill_daemon();
        }
        proxy.cut();
    }
    sender.close_input();
    sender.finish()
}

#[test]
fn binary_input_arrives_once_and_in_order_through_cuts_and_the_daemons_kill() {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let bytes = checksum::bytes(12, 5_000_000);
    let sum = checksum::sha256(&bytes);
    let script = "cat > got; sha256sum < got | cut -d' ' -f1; rm got";

    let id = world.home.detached(&["--on", "box", "-i", "--", "sh", "-c", script]);
    sent_through_trouble(&world, &proxy, &["send", &id, "--eof"], &bytes).exited(0);
    world.home.longhaul(&["wait", &id]).exited(0);
    let said = world.home.longhaul(&["logs", &id]).exited(0);
    assert_eq!(said.out(), format!("{sum}\n"), "{}", world.logs());

    let run = ["run", "--on", "box", "--stdin", "-", "--", "sh", "-c", script];
    let said = sent_through_trouble(&world, &proxy, &run, &bytes).exited(0);
    assert_eq!(said.out(), format!("{sum}\n"), "{}", world.logs());
}

#[test]
fn a_pipe_waits_while_there_is_no_room_and_a_line_is_refused() {
    const HELD: u64 = 16 * checksum::MIB;
    let mut world = World::new();
    let id = world.home.detached(&["--on", "box", "-i", "--", "sha256sum"]);
    world.home.await_state(&id, "running");
    world.sshd.stop();
    eventually_or("the link is lost", || world.link_state() != "connected", || world.logs());
    let bytes = checksum::bytes(13, 20_000_000);
    let send = world.home.command(&["send", &id, "--eof"]);
    let mut sender = Running::start(send, Input::Bytes(bytes.clone()));
    let accepted = |world: &World| world.home.inspect(&id)["stdin"]["accepted"].as_u64().unwrap();
    eventually_or("all the room is taken", || accepted(&world) == HELD, || world.logs());
    let line = world.home.longhaul(&["send", &id, "one more line"]).refused();
    line.says("bytes of input waiting").says("its host may be away");
    assert!(!sender.has_ended());
    assert_eq!(accepted(&world), HELD);
    world.sshd.restart();
    sender.finish().exited(0);
    world.home.longhaul(&["wait", &id]).exited(0);
    let said = world.home.longhaul(&["logs", &id]).exited(0);
    assert_eq!(said.out(), format!("{}  -\n", checksum::sha256(&bytes)));
}

#[test]
fn a_command_that_never_reads_holds_up_nobody() {
    let world = World::new();
    let bytes = checksum::bytes(14, 5_000_000);
    for place in PLACES {
        let deaf = [place, &["-i", "--", "sleep", "1000"]].concat();
        let deaf = world.home.detached(&deaf);
        // It ends, although nobody ever reads a byte of it.
        world.home.longhaul_with_input(&["send", &deaf, "--eof"], &bytes).exited(0);
        let heard = [&["run"], place, &["--stdin", "-", "--", "cat"]].concat();
        assert_eq!(world.home.longhaul_with_input(&heard, b"heard").exited(0).out(), "heard");
        world.home.longhaul(&["kill", &deaf]).exited(0);
        world.home.longhaul(&["rm", &deaf]).exited(0);
    }
}

#[test]
fn lines_of_many_senders_at_once_all_arrive_whole() {
    let world = World::new();
    let id = world.home.detached(&["--on", "box", "-i", "--", "cat"]);
    // All alike: none of them is another one's answer that was lost.
    let senders: Vec<_> = (0..8).map(|_| world.home.start(&["send", &id, "yes"])).collect();
    for sender in senders {
        sender.finish().exited(0);
    }
    world.home.longhaul(&["send", &id, "--eof"]).exited(0);
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "yes\n".repeat(8));
}
