//! A host that is away: shown as such, and used again as soon as it is back.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::support::client_home::LONGHAUL;
use crate::support::command::{Input, Running};
use crate::support::config::Config;
use crate::support::processes;
use crate::support::proxy::{Flow, Proxy};
use crate::support::wait::{eventually_or, holds_within};
use crate::support::world::{OVER_SSH, World};

/// A line every tenth of a second, until it is told to end.
const TICKS: &str = "until [ -e go ]; do echo tick; sleep 0.1; done";

/// A world whose remote is behind a proxy, with these lines in `ssh_config`.
fn behind_a_proxy(ssh_config: &str) -> (World, Proxy) {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    fs::write(world.home.path().join(".ssh/config"), ssh_config).unwrap();
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    (world, proxy)
}

fn await_output(world: &World, id: &str) {
    let flows = || world.home.inspect(id)["stdout"].as_u64() > Some(20);
    eventually_or("it flows", flows, || world.logs());
}

fn is_unreachable(world: &World, id: &str) -> bool {
    world.home.inspect(id)["link"]["unreachable_since"].is_string()
}

/// Ends an outage, and the session, which must have lost nothing.
fn ends_well(world: &World, id: &str) {
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", id]).exited(0);
    let said = world.home.longhaul(&["logs", id]).exited(0).out();
    assert!(said.lines().all(|line| line == "tick"), "{said}");
}

/// One login, and no connection that was left. The system's ssh connects by itself, so
/// that the one on which the host was seen to be back is left there.
#[track_caller]
fn came_back_on_one(world: &World, proxy: &Proxy, taken: usize) {
    let more = proxy.connections() - taken;
    assert!(more == 1 || OVER_SSH && more == 2, "{more} connections\n{}", world.logs());
}

#[test]
fn a_stream_is_back_at_once_when_the_host_is() {
    let (world, proxy) = behind_a_proxy("");
    let id = world.detached_script(TICKS);
    await_output(&world, &id);
    proxy.set(Flow::Refuse);
    proxy.cut();
    // By now a pause between two dials takes several seconds.
    let failures = || world.home.inspect(&id)["link"]["failures"].as_u64();
    eventually_or("it was tried again", || failures() >= Some(5), || world.logs());
    let before = world.home.inspect(&id)["stdout"].as_u64();
    let (taken, back) = (proxy.connections(), Instant::now());
    proxy.set(Flow::Pass);
    let flows = || world.home.inspect(&id)["stdout"].as_u64() > before;
    eventually_or("it flows again", flows, || world.logs());
    // The figure is the benchmark's; a pause would have taken longer than this.
    assert!(back.elapsed() < Duration::from_secs(6), "{:?}\n{}", back.elapsed(), world.logs());
    came_back_on_one(&world, &proxy, taken);
    ends_well(&world, &id);
}

#[test]
fn sessions_that_lost_a_link_together_come_back_on_one() {
    let (world, proxy) = behind_a_proxy("");
    let ids: Vec<_> = (0..8).map(|_| world.detached_script(TICKS)).collect();
    ids.iter().for_each(|id| await_output(&world, id));
    for _ in 0..2 {
        proxy.set(Flow::Refuse);
        proxy.cut();
        eventually_or("it is noticed", || is_unreachable(&world, &ids[0]), || world.logs());
        let taken = proxy.connections();
        let before: Vec<_> =
            ids.iter().map(|id| world.home.inspect(id)["stdout"].as_u64()).collect();
        proxy.set(Flow::Pass);
        for (id, before) in ids.iter().zip(before) {
            let flows = || world.home.inspect(id)["stdout"].as_u64() > before;
            eventually_or("each flows again", flows, || world.logs());
        }
        came_back_on_one(&world, &proxy, taken);
    }
    ids.iter().for_each(|id| ends_well(&world, id));
}

#[test]
fn what_is_unreachable_is_shown_everywhere_with_the_reason_and_the_next_try() {
    let (world, proxy) = behind_a_proxy("");
    let id = world.detached_script(TICKS);
    await_output(&world, &id);
    assert!(!is_unreachable(&world, &id));
    proxy.set(Flow::Refuse);
    proxy.cut();
    let waits = || {
        let link = &world.home.inspect(&id)["link"];
        link["next_try_ms"].as_u64() > Some(1_000) && link["failures"].as_u64() > Some(2)
    };
    eventually_or("it waits for the next try", waits, || world.logs());
    let since = world.home.inspect(&id)["link"]["unreachable_since"].clone();
    assert_eq!(world.home.inspect(&id)["link"]["failure"]["code"], "ssh.connect.refused");
    for verb in [&["ps"][..], &["status"]] {
        let said = world.home.longhaul(verb).exited(0).out();
        let line = said.lines().find(|line| line.contains(&id)).unwrap_or_default();
        assert!(line.contains("running (unreachable "), "{said}");
        assert!(line.contains(": ssh.connect.refused, "), "{said}");
    }
    let said = world.home.longhaul(&["inspect", &id]).exited(0).out();
    assert!(said.contains(&format!("unreachable since {}", since.as_str().unwrap())), "{said}");
    assert!(said.contains("ssh.connect.refused"), "{said}");
    // However often it was tried since.
    assert_eq!(world.home.inspect(&id)["link"]["unreachable_since"], since);
    proxy.set(Flow::Pass);
    eventually_or("it is back", || !is_unreachable(&world, &id), || world.logs());
    assert!(world.home.inspect(&id)["link"]["failure"].is_null());
    ends_well(&world, &id);
}

#[test]
fn a_black_hole_is_shown_within_the_keep_alives_bound() {
    let quick = "Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 3\n  ConnectTimeout 5\n";
    let (world, proxy) = behind_a_proxy(quick);
    let id = world.detached_script(TICKS);
    await_output(&world, &id);
    let start = Instant::now();
    proxy.set(Flow::BlackHole);
    eventually_or("it is shown", || is_unreachable(&world, &id), || world.logs());
    // 3 s, on a machine that may be busy.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    // While a dial hangs in the same hole it is no less away.
    assert!(holds_within(Duration::from_secs(30), || world.link_state() == "connecting"));
    assert!(is_unreachable(&world, &id));
    proxy.cut();
    proxy.set(Flow::Pass);
    ends_well(&world, &id);
}

/// Much later than a probe is answered, and sooner than the default keep-alive
/// would tell.
const BEFORE_THE_KEEP_ALIVE: Duration = Duration::from_secs(40);

#[test]
fn a_link_that_is_only_believed_to_be_up_is_found_out_when_a_person_asks() {
    let (world, proxy) = behind_a_proxy("");
    let id = world.detached_script(TICKS);
    await_output(&world, &id);
    world.home.longhaul(&["remote", "reconnect", "box"]).exited(0);
    proxy.set(Flow::BlackHole);
    world.home.longhaul(&["remote", "reconnect", "box"]).exited(0);
    assert!(
        holds_within(BEFORE_THE_KEEP_ALIVE, || is_unreachable(&world, &id)),
        "{}",
        world.logs()
    );
    proxy.cut();
    proxy.set(Flow::Pass);
    ends_well(&world, &id);
}

/// A daemon that is stopped for a while finds its clocks as one on a machine that
/// slept does.
#[test]
fn a_link_that_was_up_before_the_machine_slept_is_not_believed_afterwards() {
    let (world, proxy) = behind_a_proxy("");
    let id = world.detached_script(TICKS);
    await_output(&world, &id);
    let daemon = world.home.daemon_pid().unwrap();
    processes::signal(daemon, Signal::STOP);
    proxy.set(Flow::BlackHole);
    std::thread::sleep(Duration::from_secs(9));
    processes::signal(daemon, Signal::CONT);
    assert!(
        holds_within(BEFORE_THE_KEEP_ALIVE - Duration::from_secs(9), || is_unreachable(
            &world, &id
        )),
        "{}",
        world.logs()
    );
    proxy.cut();
    proxy.set(Flow::Pass);
    ends_well(&world, &id);
}

#[test]
fn a_log_gets_a_line_when_the_host_goes_and_one_when_it_is_back() {
    let (world, proxy) = behind_a_proxy("");
    let running = world.start_on_box(&["--name", "s", "--", "sh", "-c", TICKS]);
    eventually_or("it flows", || running.stdout_length() > 20, || world.logs());
    proxy.set(Flow::Refuse);
    proxy.cut();
    let failures = || world.home.inspect("s")["link"]["failures"].as_u64();
    eventually_or("it was tried again", || failures() >= Some(3), || world.logs());
    let before = running.stdout_length();
    proxy.set(Flow::Pass);
    eventually_or("it flows again", || running.stdout_length() > before, || world.logs());
    world.sshd.write("go", "");
    let said = running.finish().exited(0).err();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("longhaul: box: unreachable: "), "{said}");
    assert_eq!(lines[1], "longhaul: box: connected again");
}

#[test]
fn a_terminal_gets_one_line_that_goes_away() {
    let (world, proxy) = behind_a_proxy("");
    // util-linux's script(1) gives it a terminal, and says what that shows.
    let mut command = Command::new("script");
    let env = world.home.command(&[]);
    command.env_clear().current_dir(world.home.path());
    for (name, value) in env.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("TERM", "xterm");
    let run = format!("{LONGHAUL} run --on box --name s -- sh -c '{TICKS}'");
    command.args(["-q", "-e", "-c", &run, "/dev/null"]);
    let running = Running::start(command, Input::Open);
    eventually_or("it flows", || running.stdout_length() > 20, || world.logs());
    proxy.set(Flow::Refuse);
    proxy.cut();
    let shown = || String::from_utf8_lossy(&running.stdout()).matches("next try in ").count();
    eventually_or("the countdown moves", || shown() >= 3, || world.logs());
    proxy.set(Flow::Pass);
    let ticks_again = || {
        let screen = running.stdout();
        let screen = String::from_utf8_lossy(&screen);
        screen.rsplit_once("\x1b[?7h").is_some_and(|(_, rest)| rest.contains("tick"))
    };
    eventually_or("it flows again", ticks_again, || world.logs());
    world.sshd.write("go", "");
    let screen = running.finish().exited(0).out();
    let (before, after) = screen.rsplit_once("\x1b[?7h").unwrap();
    assert!(after.starts_with("\r\x1b[K"), "the line is taken away: {after:?}");
    assert!(!after.contains("box: "), "nothing is left of it: {after:?}");
    assert!(before.contains("box: unreachable for "), "{before:?}");
}
