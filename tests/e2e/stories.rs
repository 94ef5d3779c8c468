//! What users of other tools that run agents far away have suffered, tried here.
//!
//! Some of it is held by facts elsewhere:
//!
//! | story | fact |
//! | --- | --- |
//! | a reconnect starts the agent a second time | `exactly_once`, `survival` |
//! | ten tries are burnt while the network comes up, and then it is dead | `domain::connection::fsm`: `a_failure_that_heals_is_retried_after_a_pause_for_ever` |
//! | tries are given back though the link never held | the same: `a_server_that_throws_us_out_again_and_again_is_not_dialled_in_a_circle` |
//! | a refused login is tried until the address is banned | `failures::a_key_that_is_refused_is_offered_once_and_named_with_the_remedy` |
//! | output is lost when the client, the link or the service dies | `survival` |
//! | events in a gap are lost | `queries::events_tell_a_sessions_life_in_order_and_go_on_from_a_cursor` |
//! | the process lives on after stop | `stopping::kill_leaves_no_process_of_the_tree` |
//! | an order to stop is lost while the host is away | `stopping::an_unreachable_host_gets_the_order_when_it_is_back` |
//! | a prompt or input arrives twice, or a line is missing | `input` |
//! | input that nobody reads blocks everybody | `input::a_command_that_never_reads_holds_up_nobody` |
//! | it runs here since the remote is not configured | `configuration::an_unknown_remote_is_refused_with_the_nearest_name_and_never_runs_here` |
//! | an upgrade or a restart of the service kills what runs | `survival::sessions_go_on_while_the_daemon_is_stopped_and_started` |
//! | a PATH behind an early `return` of an rc file is not seen | `login_shells` |
//! | one broken host breaks the list of all | `failures::one_broken_remote_is_no_trouble_to_another` |
//! | a session dies some minutes after its client | `survival::losing_the_terminal_only_detaches`: there is no such limit |

use std::process::Stdio;

use rustix::process::Signal;

use crate::support::checksum::{self, DataFile, MIB};
use crate::support::command::{Input, Running};
use crate::support::config::Config;
use crate::support::keys::KeyPair;
use crate::support::processes;
use crate::support::proxy::{Flow, Proxy};
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// Signs, says one line, waits for a word, says another.
const TWO_LINES: &str =
    "echo $LONGHAUL_SESSION >> starts; echo one; until [ -e go ]; do sleep 0.1; done; echo two";

/// A world whose remote is behind a proxy, and sessions of [`TWO_LINES`] on it
/// that have said their first line.
fn with_sessions(count: usize) -> (World, Proxy, Vec<String>) {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let ids: Vec<String> = (0..count).map(|_| world.detached_script(TWO_LINES)).collect();
    for id in &ids {
        let said = || world.home.inspect(id)["stdout"] == 4;
        eventually_or("each has said its first line", said, || world.logs());
    }
    (world, proxy, ids)
}

/// Lets the sessions end, and holds that each was started once and is whole.
#[track_caller]
fn all_end_well(world: &World, ids: &[String]) {
    world.sshd.write("go", "");
    for id in ids {
        world.home.longhaul(&["wait", id]).exited(0);
        assert_eq!(world.home.longhaul(&["logs", id]).exited(0).out(), "one\ntwo\n");
    }
    let mut started: Vec<String> = world.sshd.read("starts").lines().map(str::to_owned).collect();
    let mut expected = ids.to_vec();
    started.sort();
    expected.sort();
    assert_eq!(started, expected, "each was started once");
}

#[test]
fn a_blip_kills_none_of_ten_sessions_and_starts_none_anew() {
    let (world, proxy, ids) = with_sessions(10);
    proxy.reset();
    eventually_or("the link is back", || proxy.connections() > 1, || world.logs());
    for id in &ids {
        assert_eq!(world.home.inspect(id)["state"], "running");
    }
    all_end_well(&world, &ids);
}

#[test]
fn many_sessions_come_back_without_a_storm_of_connections() {
    let (world, proxy, ids) = with_sessions(20);
    let before = proxy.connections();
    assert!(before <= 3, "twenty sessions share {before} connections");
    proxy.set(Flow::Refuse);
    proxy.cut();
    eventually_or("it waits", || world.link_state() == "backing-off", || world.logs());
    proxy.set(Flow::Pass);
    all_end_well(&world, &ids);
    let again = proxy.connections() - before;
    assert!(again <= before + 1, "{again} connections for what {before} carried");
}

#[test]
fn what_happened_while_the_laptop_slept_is_there_when_it_wakes() {
    let (world, proxy, ids) = with_sessions(3);
    // Nothing of the daemon runs, and the world moves on.
    let daemon = world.home.daemon_pid().unwrap();
    processes::signal(daemon, Signal::STOP);
    proxy.reset();
    world.sshd.write("go", "");
    let over = || world.remote_processes_with("until [ -e go ]").is_empty();
    eventually_or("all have ended there", over, || world.logs());
    processes::signal(daemon, Signal::CONT);
    all_end_well(&world, &ids);
    assert_eq!(world.home.daemon_pid(), Some(daemon));
}

#[test]
fn no_follower_is_left_behind_however_often_the_link_is_cut() {
    let (world, proxy, ids) = with_sessions(3);
    let followers = || world.remote_processes_with("tail -c").len();
    let at_first = followers();
    assert!(at_first > 0, "{:?}", world.sshd.session_processes());
    for _ in 0..4 {
        let links = proxy.connections();
        proxy.cut();
        let back = || proxy.connections() > links && world.link_state() == "connected";
        eventually_or("the link is back", back, || world.logs());
    }
    let as_before = || followers() == at_first;
    eventually_or("only those of now are there", as_before, || {
        processes::listing(&world.sshd.session_processes())
    });
    all_end_well(&world, &ids);
    let gone = || world.remote_processes_with("tail -c").is_empty();
    eventually_or("none is left", gone, || world.logs());
}

#[test]
fn a_server_that_is_starved_loses_and_doubles_nothing() {
    let (world, proxy, ids) = with_sessions(5);
    // It takes connections and answers none of them.
    let starved: Vec<u32> = world.sshd.connections().iter().map(|process| process.pid).collect();
    for pid in &starved {
        processes::signal(*pid, Signal::STOP);
    }
    world.sshd.write("go", "");
    let over = || world.remote_processes_with("until [ -e go ]").is_empty();
    eventually_or("the commands end all the same", over, || world.logs());
    proxy.cut();
    for pid in &starved {
        processes::signal(*pid, Signal::CONT);
    }
    all_end_well(&world, &ids);
}

#[test]
fn a_status_of_255_is_the_commands_and_a_dead_link_has_none() {
    let (world, proxy, _) = with_sessions(0);
    let id = world.detached_script("echo up; until [ -e go ]; do sleep 0.1; done; exit 255");
    let up = || world.home.inspect(&id)["stdout"] == 3;
    eventually_or("it is up", up, || world.logs());
    proxy.set(Flow::Refuse);
    proxy.cut();
    eventually_or("the link is lost", || world.link_state() == "backing-off", || world.logs());
    let seen = world.home.inspect(&id);
    assert_eq!((seen["state"].as_str(), seen["exit"].is_null()), (Some("running"), true));
    world.sshd.write("go", "");
    proxy.set(Flow::Pass);
    world.home.longhaul(&["wait", &id]).exited(255);
}

#[test]
fn a_host_key_that_changes_in_between_is_shown_and_is_no_lost_connection() {
    let mut world = World::new();
    let id = world.detached_script(TWO_LINES);
    let said = |world: &World| world.home.inspect(&id)["stdout"] == 4;
    eventually_or("it has said its first line", || said(&world), || world.logs());
    world.sshd.set_host_key(&KeyPair::generate(""));
    world.sshd.restart();
    eventually_or(
        "it waits for a person",
        || world.link_state() == "needs-attention",
        || world.logs(),
    );
    let row = world.home.longhaul(&["ps"]).exited(0).out();
    assert!(row.contains("running") && row.contains("ssh.host-key.changed"), "{row}");
    // The person has looked into it; the session was never in doubt.
    world.sshd.set_host_key(KeyPair::host());
    world.sshd.restart();
    world.home.longhaul(&["remote", "reconnect", "box"]).exited(0);
    all_end_well(&world, &[id]);
}

#[test]
fn a_host_that_is_away_is_a_row_and_no_error() {
    let mut world = World::new();
    let id = world.detached_script(TWO_LINES);
    let said = |world: &World| world.home.inspect(&id)["stdout"] == 4;
    eventually_or("it has said its first line", || said(&world), || world.logs());
    world.sshd.stop();
    eventually_or("it is away", || world.link_state() == "backing-off", || world.logs());
    for verb in [&["ps"] as &[&str], &["status"], &["remote", "ls"]] {
        let said = world.home.longhaul(verb).exited(0).out();
        let away = said.contains("unreachable") || said.contains("backing-off");
        assert!(said.contains("box") && away, "{verb:?}\n{said}");
    }
    // What is here of it can be read.
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "one\n");
    world.sshd.restart();
    all_end_well(&world, &[id]);
}

#[test]
fn what_is_printed_right_before_the_end_is_not_lost_on_a_pipe() {
    let world = World::new();
    let data = DataFile::create(&world.sshd.home().join("data"), 15, 4 * MIB);
    // Far more than a pipe holds, and gone at once.
    let said = world.script("exec cat data").exited(0);
    assert_eq!(checksum::sha256(&said.stdout), data.sha256);
}

#[test]
fn a_session_ends_with_its_command_though_a_child_holds_its_output_open() {
    let world = World::new();
    let said = world.script("sleep 1000 & echo $! > left; echo result").exited(0);
    assert_eq!(said.out(), "result\n");
    let left: u32 = world.sshd.read("left").trim().parse().unwrap();
    assert!(processes::is_alive(left), "what it left in the background is its own");
    processes::signal(left, Signal::KILL);
}

#[test]
fn a_reader_that_stands_still_holds_up_neither_its_session_nor_others() {
    let world = World::new();
    let data = DataFile::create(&world.sshd.home().join("data"), 16, 16 * MIB);
    let mut still = world.home.command(&["run", "--on", "box", "--name", "s", "--", "cat", "data"]);
    let mut still = still.stdout(Stdio::piped()).spawn().unwrap();
    // Started by now, since it has its name; nobody reads a byte of its output.
    let ended = || {
        let seen = world.home.json(&["ps", "-a"]);
        seen[0]["state"] == "exited"
    };
    eventually_or("it has ended", ended, || world.logs());
    assert_eq!(world.script("echo other").exited(0).out(), "other\n");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut still.stdout.take().unwrap(), &mut bytes).unwrap();
    assert_eq!(still.wait().unwrap().code(), Some(0));
    assert_eq!(checksum::sha256(&bytes), data.sha256);
}

#[test]
fn what_happened_to_be_in_the_services_environment_reaches_no_session() {
    let world = World::new();
    let mut start = world.home.command(&["daemon", "start"]);
    start.env("CLAUDECODE", "1").env("NODE_OPTIONS", "--inspect");
    Running::start(start, Input::Nothing).finish().exited(0);
    for place in crate::support::world::PLACES {
        let said = world.run(place, &["--", "env"]).exited(0).out();
        assert!(said.contains("HOME=") && !said.contains("CLAUDECODE"), "{said}");
        assert!(!said.contains("NODE_OPTIONS"), "{said}");
    }
}

#[test]
fn an_event_that_somebody_missed_is_told_when_they_come_back() {
    let world = World::new();
    let first = world.on_box(&["-d", "--", "true"]).exited(0).out();
    world.home.longhaul(&["wait", first.trim()]).exited(0);
    let seen = world.home.longhaul(&["events", "--json"]).exited(0).json_lines();
    let last = seen.last().unwrap()["seq"].to_string();
    // Nobody listens, and nobody is even there.
    world.home.kill_daemon();
    let second = world.on_box(&["-d", "--", "true"]).exited(0).out();
    world.home.longhaul(&["wait", second.trim()]).exited(0);
    let missed = world.home.longhaul(&["events", "--since", &last, "--json"]).exited(0);
    let missed = missed.json_lines();
    assert!(missed.iter().all(|event| event["session"] != first.trim()));
    let mut states = missed.iter().filter(|event| event["session"] == second.trim());
    assert!(states.next_back().is_some_and(|event| event["state"] == "exited"), "{missed:?}");
}
