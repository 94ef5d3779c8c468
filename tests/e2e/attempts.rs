//! Sessions that are started anew when they have failed or were lost.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::checksum;
use crate::support::config::{Config, Entry};
use crate::support::processes;
use crate::support::wait::eventually_or;
use crate::support::world::{PLACES, World};

/// Writes down that it was started, and as which session.
const SIGN: &str = "echo $LONGHAUL_SESSION >> ~/starts; n=$(grep -c . ~/starts)";

/// The ids that commands were started with behind the server, in their order.
fn starts(world: &World) -> Vec<String> {
    world.sshd.read("starts").lines().map(str::to_owned).collect()
}

fn ids(attempts: &Value) -> Vec<String> {
    let attempts = attempts.as_array().expect("a list of attempts");
    attempts.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_session_that_fails_is_started_anew_and_its_last_status_counts() {
    for place in PLACES {
        let world = World::new();
        let script = format!("{SIGN}; echo out $n; echo err $n >&2; exit $((4 - n))");
        let args = ["--restart", "on-failure:5:1s", "--name", "job", "--", "sh", "-c", &script];
        let said = world.run(place, &args).exited(0);
        assert_eq!(said.out(), "out 1\nout 2\nout 3\nout 4\n");
        for told in ["err 1\n", "err 4\n", "attempt 1 exited 3; attempt 2 of 6, starts in"] {
            assert!(said.err().contains(told), "{told:?}\n{said}");
        }
        let job = world.home.inspect("job");
        assert_eq!(job["attempt"]["number"], 4);
        let attempts = ids(&job["attempts"]);
        assert_eq!(attempts.len(), 4);
        assert_eq!(attempts.iter().collect::<BTreeSet<_>>().len(), 4, "each is a session");
        // One line for all of them, unless they are asked for.
        assert_eq!(ids(&world.home.json(&["ps", "-a"])), &attempts[3..]);
        assert_eq!(ids(&world.home.json(&["ps", "-a", "--attempts"])).len(), 4);
        // An earlier one leads on to the last, and its own output is its own.
        world.home.longhaul(&["wait", &attempts[0]]).exited(0);
        assert_eq!(world.home.longhaul(&["logs", &attempts[1]]).exited(0).out(), "out 2\n");
        let all = world.home.longhaul(&["logs", "-f", &attempts[1]]).exited(0);
        assert_eq!(all.out(), "out 2\nout 3\nout 4\n");
        world.home.longhaul(&["rm", &attempts[1]]).exited(0);
        assert_eq!(ids(&world.home.json(&["ps", "-a", "--attempts"])), Vec::<String>::new());
        assert_eq!(fs::read_dir(world.home.state_dir().join("sessions")).unwrap().count(), 0);
    }
}

#[test]
fn the_limit_holds_and_the_agent_may_say_it() {
    let world = World::new();
    let agent = Entry::named("flaky")
        .raw("command", &format!(r#"["sh", "-c", "{SIGN}; cat; exit 7"]"#))
        .raw("remote", r#"On("box")"#)
        .raw("restart", r#"OnFailure(limit: 2, backoff: "0s")"#);
    world.home.configure(&Config::default().with_remote(world.remote()).with_agent(agent));
    let said = world.home.longhaul(&["run", "--agent", "flaky", "do it\n"]).exited(7);
    assert_eq!(said.out(), "do it\ndo it\ndo it\n", "each attempt has the prompt");
    let said = world.home.longhaul(&["run", "--agent", "flaky", "--restart", "never", "x"]);
    assert_eq!(said.exited(7).out(), "x", "the session's own word counts");
}

#[test]
fn what_ends_well_or_was_never_there_is_not_started_anew() {
    let world = World::new();
    let policy = ["--restart", "on-failure:5:0s", "--"];
    world.on_box(&[&policy[..], &["true"]].concat()).exited(0);
    world.on_box(&[&policy[..], &["/no/such/program"]].concat()).exited(127);
    let on_lost = ["--restart", "on-lost:5:0s", "--", "sh", "-c", "exit 3"];
    world.on_box(&on_lost).exited(3);
    assert_eq!(ids(&world.home.json(&["ps", "-a", "--attempts"])).len(), 3);
}

/// Ends the first attempt's processes as if the machine had run out of memory.
fn lose_first_attempt(world: &World) {
    for process in world.sshd.session_processes() {
        processes::signal(process.pid, Signal::KILL);
    }
}

#[test]
fn a_session_that_was_lost_is_started_anew_with_its_environment_and_prompt() {
    let world = World::new();
    let script = format!("{SIGN}; cat; echo $TOKEN; [ $n = 2 ] || sleep 1000");
    let agent = Entry::named("echo")
        .raw("command", &format!("[\"sh\", \"-c\", {}]", crate::support::config::quoted(&script)))
        .raw("remote", r#"On("box")"#);
    world.home.configure(&Config::default().with_remote(world.remote()).with_agent(agent));
    let id = world.home.detached(&[
        "--agent",
        "echo",
        "--restart",
        "on-lost:1:1s",
        "-e",
        "TOKEN=hunter2",
        "the prompt\n",
    ]);
    let expected = "the prompt\nhunter2\n";
    eventually_or(
        "the first attempt runs",
        || world.home.longhaul(&["logs", &id]).exited(0).out() == expected,
        || world.logs(),
    );
    // The daemon is not there when it happens, and knows nothing of the launch
    // but what it wrote down.
    world.home.kill_daemon();
    lose_first_attempt(&world);
    world.home.longhaul(&["wait", &id]).exited(0);
    let attempts = ids(&world.home.inspect(&id)["attempts"]);
    assert_eq!(attempts.len(), 2);
    assert_eq!(world.home.inspect(&id)["state"], "lost");
    assert_eq!(world.home.longhaul(&["logs", &attempts[1]]).exited(0).out(), expected);
    assert_eq!(starts(&world), attempts);
    for attempt in attempts {
        let launch = world.home.state_dir().join("sessions").join(attempt).join("launch.json");
        assert!(!launch.exists(), "it is kept no longer than it can be needed");
    }
}

#[test]
fn kill_ends_the_attempt_that_runs_and_all_that_would_follow() {
    let world = World::new();
    let script = format!("{SIGN}; [ $n = 1 ] && exit 1; sleep 1000");
    let id = world.home.detached(&[
        "--on",
        "box",
        "--restart",
        "on-failure:5:0s",
        "--",
        "sh",
        "-c",
        &script,
    ]);
    eventually_or("the second runs", || starts(&world).len() == 2, || world.logs());
    // By the first one's id, which is what somebody has who started it.
    world.home.longhaul(&["kill", &id]).exited(0);
    world.home.longhaul(&["wait", &id]).exited(143);
    assert_eq!(starts(&world).len(), 2);
    assert_eq!(ids(&world.home.json(&["ps"])), Vec::<String>::new());
}

#[test]
fn an_attempt_that_waits_says_so_and_is_taken_back() {
    let world = World::new();
    let id = world.home.detached(&[
        "--on",
        "box",
        "--name",
        "job",
        "--restart",
        "on-failure:5:1h",
        "--",
        "sh",
        "-c",
        "exit 1",
    ]);
    eventually_or(
        "the second waits",
        || world.home.inspect("job")["attempt"]["number"] == 2,
        || world.logs(),
    );
    let waits = "waiting (attempt 2 of 6, starts in ";
    assert!(world.home.longhaul(&["ps"]).exited(0).out().contains(waits));
    // A daemon that starts again goes on waiting.
    world.home.kill_daemon();
    assert!(world.home.longhaul(&["ps"]).exited(0).out().contains(waits));
    let taken = world.home.longhaul(&["run", "-d", "--local", "--name", "job", "--", "true"]);
    taken.refused().says("the name job is taken");
    world.home.longhaul(&["rm", &id]).refused();
    world.home.longhaul(&["kill", "job"]).exited(0);
    assert_eq!(world.home.inspect("job")["state"], "cancelled");
    world.home.longhaul(&["rm", &id]).exited(0);
}

#[test]
fn ctrl_c_ends_the_policy_even_where_the_command_makes_a_status_of_it() {
    let world = World::new();
    let script = format!("{SIGN}; trap 'exit 9' INT; echo up; while :; do sleep 0.1; done");
    let running = world.start_on_box(&["--restart", "on-failure:5:0s", "--", "sh", "-c", &script]);
    eventually_or("it is up", || running.stdout() == b"up\n", || world.logs());
    running.signal(Signal::INT);
    running.finish().exited(9);
    assert_eq!(starts(&world).len(), 1);
    assert_eq!(ids(&world.home.json(&["ps"])), Vec::<String>::new());
}

#[test]
fn what_an_attempt_leaves_in_the_background_is_gone_before_the_next_starts() {
    let world = World::new();
    // A zombie, which some machines never reap, has an empty command line.
    let script = format!(
        "{SIGN}; [ $n = 1 ] || {{ grep -q . /proc/$(cat ~/left)/cmdline && exit 1; exit 0; }}; \
         setsid sleep 98765 & echo $! > ~/left; exit 1"
    );
    world.on_box(&["--restart", "on-failure:1:0s", "--", "sh", "-c", &script]).exited(0);
}

#[test]
fn every_attempt_is_started_once_however_often_the_daemon_is_killed() {
    let world = World::new();
    let script = format!("{SIGN}; [ $n -ge 12 ]");
    let id = world.home.detached(&[
        "--on",
        "box",
        "--restart",
        "on-failure:40:0s",
        "--",
        "sh",
        "-c",
        &script,
    ]);
    for at_least in [2, 4, 6, 8, 10] {
        eventually_or(
            "attempts go on",
            || {
                // Whoever looks starts a daemon where there is none.
                world.home.longhaul(&["ps"]).exited(0);
                starts(&world).len() >= at_least
            },
            || world.logs(),
        );
        if world.home.daemon_pid().is_some() {
            world.home.kill_daemon();
        }
    }
    world.home.longhaul(&["wait", &id]).exited(0);
    let started = starts(&world);
    assert_eq!(started, ids(&world.home.inspect(&id)["attempts"]), "{}", world.logs());
    assert_eq!(started.iter().collect::<BTreeSet<_>>().len(), started.len());
    assert_eq!(started.len(), 12);
}

#[test]
fn a_new_attempt_has_the_same_input_from_its_beginning() {
    let world = World::new();
    let bytes = checksum::bytes(11, 3_000_000);
    for place in PLACES {
        let script = "[ -e ~/once ] && exec cat; touch ~/once; head -c 5 >/dev/null; exit 1";
        let policy = ["--restart", "on-failure:1:0s", "--stdin", "-", "--", "sh", "-c", script];
        let args = [&["run"], place, &policy].concat();
        let said = world.home.longhaul_with_input(&args, &bytes).exited(0);
        assert_eq!(checksum::sha256(&said.stdout), checksum::sha256(&bytes), "{}", world.logs());
    }
}

#[test]
fn a_host_that_is_away_is_no_reason_for_a_new_attempt() {
    let mut world = World::new();
    let script = format!("{SIGN}; until [ -e ~/go ]; do sleep 0.1; done");
    let id = world.home.detached(&[
        "--on",
        "box",
        "--restart",
        "on-failure:5:0s",
        "--",
        "sh",
        "-c",
        &script,
    ]);
    eventually_or("it runs", || starts(&world).len() == 1, || world.logs());
    world.sshd.stop();
    eventually_or("the host is away", || world.link_state() == "backing-off", || world.logs());
    // Nor is a daemon that knows nothing but that it is away.
    world.home.kill_daemon();
    eventually_or(
        "it is tried",
        || {
            world.home.longhaul(&["ps"]).exited(0);
            world.link_state() == "backing-off"
        },
        || world.logs(),
    );
    let seen = world.home.inspect(&id);
    assert_eq!((&seen["state"], &seen["attempt"]["next"]), (&"running".into(), &Value::Null));
    world.sshd.restart();
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(starts(&world), [id]);
}

#[test]
fn an_attempt_whose_wrapper_was_killed_is_waited_for_while_its_command_lives() {
    let world = World::new();
    let script = format!(
        "{SIGN}; if [ $n = 1 ]; then until [ -e ~/go ]; do sleep 0.1; done; echo > ~/over; \
         else [ -e ~/over ]; fi"
    );
    let id = world.home.detached(&[
        "--on",
        "box",
        "--restart",
        "on-lost:1:0s",
        "--",
        "sh",
        "-c",
        &script,
    ]);
    eventually_or("it runs", || starts(&world).len() == 1, || world.logs());
    // All but the command and what it started: the wrapper and the followers.
    for process in world.sshd.session_processes() {
        let own = process.arguments.contains("until [ -e") || process.arguments.contains("sleep");
        if !own {
            processes::signal(process.pid, Signal::KILL);
        }
    }
    world.home.kill_daemon();
    assert_eq!(world.home.inspect(&id)["attempt"]["next"], Value::Null);
    world.sshd.write("go", "");
    // The second one finds that the first had ended.
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.inspect(&id)["state"], "lost");
    assert_eq!(starts(&world).len(), 2);
}

#[test]
fn an_attempt_that_runs_out_of_time_is_followed_by_another() {
    let world = World::new();
    let script = format!("{SIGN}; sleep 1000");
    let policy = ["--timeout", "1s", "--restart", "on-failure:1:0s", "--", "sh", "-c", &script];
    let said = world.on_box(&policy).exited(124);
    assert!(said.err().contains("attempt 1 timed-out; attempt 2 of 2"), "{said}");
    assert_eq!(starts(&world).len(), 2);
}
