//! What a cap drops is told, to the byte; what is not told as dropped is here.

use std::fs;

use serde_json::{Value, json};

use crate::support::checksum;
use crate::support::config::{Config, Entry};
use crate::support::proxy::{Flow, Proxy};
use crate::support::wait::eventually_or;
use crate::support::world::{PLACES, World};

const HEAD: usize = 300_000;
const FLOOD: usize = 20_000_000;

/// Writes what a session prints, in two parts, and gives all of it.
fn data_in(home: &std::path::Path) -> Vec<u8> {
    let whole = checksum::bytes(11, HEAD + FLOOD);
    fs::write(home.join("head"), &whole[..HEAD]).unwrap();
    fs::write(home.join("flood"), &whole[HEAD..]).unwrap();
    whole
}

const IN_TWO_PARTS: &str = "cat head; until [ -e go ]; do sleep 0.05; done; cat flood; touch over";

/// The ranges of standard output that a session's view tells as dropped.
fn dropped(view: &Value) -> Vec<(usize, usize)> {
    let place = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let all = view["dropped"].as_array().unwrap();
    let of_stdout = all.iter().filter(|range| range["stream"] == "stdout");
    of_stdout.map(|range| (place(&range["from"]), place(&range["to"]))).collect()
}

/// Holds that what `logs` prints is `whole` without what is told as dropped, by
/// the view and on standard error alike; returns how much was dropped.
#[track_caller]
fn is_honest(world: &World, id: &str, whole: &[u8]) -> usize {
    let view = world.home.inspect(id);
    assert_eq!(view["stdout"], whole.len(), "{view}");
    let said = world.home.longhaul(&["logs", id, "--raw"]).exited(0);
    let (mut rest, mut told, mut at) = (Vec::new(), String::new(), 0);
    for (from, to) in dropped(&view) {
        rest.extend_from_slice(&whole[at..from]);
        at = to;
        told += &format!(
            "longhaul: bytes {from}–{} of standard output were dropped (max_output 1 MB)\n",
            to - 1
        );
    }
    rest.extend_from_slice(&whole[at..]);
    assert_eq!(said.stdout.len(), rest.len(), "{view}");
    assert_eq!(checksum::sha256(&said.stdout), checksum::sha256(&rest), "{view}");
    assert_eq!(said.err(), told);
    let gone = whole.len() - rest.len();
    assert_eq!(view["stdout_dropped"], gone);
    gone
}

#[test]
fn what_a_cap_dropped_while_the_link_was_down_is_told_to_the_byte() {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let whole = data_in(world.sshd.home());
    let args = ["--on", "box", "--max-output", "1MB", "--", "sh", "-c", IN_TWO_PARTS];
    let id = world.home.detached(&args);
    eventually_or(
        "the first part is here",
        || world.home.inspect(&id)["stdout"] == HEAD,
        || world.logs(),
    );
    proxy.set(Flow::Refuse);
    proxy.cut();
    eventually_or("the link is down", || world.link_state() != "connected", || world.logs());
    world.sshd.write("go", "");
    let over = world.sshd.home().join("over");
    eventually_or("the command has ended", || over.exists(), || world.logs());
    let spool = world.sshd.home().join(".local/state/longhaul/1").join(&id);
    eventually_or("its record is there", || spool.join("exit").exists(), || world.logs());
    let segments = fs::read_dir(spool.join("out.d")).unwrap();
    let kept: u64 = segments.map(|segment| segment.unwrap().metadata().unwrap().len()).sum();
    assert!(kept <= 1_000_000, "{kept} bytes are kept");
    // The mirror outlives the daemon, gaps and all.
    world.home.kill_daemon();
    proxy.set(Flow::Pass);
    world.home.longhaul(&["wait", &id]).exited(0);
    let gone = is_honest(&world, &id, &whole);
    assert_eq!(dropped(&world.home.inspect(&id)), [(HEAD, HEAD + gone)]);
    assert_eq!(gone as u64, FLOOD as u64 - kept);
    let inspected = world.home.longhaul(&["inspect", &id]).exited(0);
    for words in ["at most 1 MB of output there", &format!("of which bytes {HEAD}–")] {
        assert!(inspected.out().contains(words), "{inspected}");
    }
}

#[test]
fn a_flood_through_a_slow_link_is_here_or_told_as_dropped() {
    let world = World::new();
    let proxy = Proxy::to(world.sshd.port());
    world.home.configure(&Config::default().with_remote(world.remote_behind(proxy.port())));
    let whole = data_in(world.sshd.home());
    world.sshd.write("go", "");
    proxy.set(Flow::Throttle(1_000_000));
    let args = ["--max-output", "1MB", "--", "sh", "-c", IN_TWO_PARTS];
    let said = world.on_box(&args).exited(0);
    let sessions = world.home.json(&["ps", "-a"]);
    let id = sessions[0]["id"].as_str().unwrap().to_owned();
    let gone = is_honest(&world, &id, &whole);
    assert!(gone > 0, "the link was not slow");
    assert_eq!(said.stdout.len(), whole.len() - gone);
    assert_eq!(
        said.err().matches("were dropped (max_output 1 MB)").count(),
        dropped(&world.home.inspect(&id)).len()
    );
}

#[test]
fn a_session_below_its_cap_is_as_any_other() {
    let world = World::new();
    for place in PLACES {
        let script = "echo out; echo err >&2; read -r line; echo $line; exit 3";
        let args: Vec<_> = ["run"]
            .iter()
            .chain(place)
            .chain(&["--max-output", "64 KB", "--stdin", "-", "--", "sh", "-c", script])
            .copied()
            .collect();
        let said = world.home.longhaul_with_input(&args, b"word\n").exited(3);
        assert_eq!((said.out().as_str(), said.err().as_str()), ("out\nword\n", "err\n"));
    }
}

#[test]
fn a_capped_session_that_is_killed_and_removed_leaves_nothing() {
    let world = World::new();
    let script = "yes & yes >&2 & wait";
    let args = ["--on", "box", "--max-output", "64 KB", "--", "sh", "-c", script];
    let id = world.home.detached(&args);
    eventually_or(
        "more than the cap is here",
        || world.home.inspect(&id)["stdout"].as_u64() > Some(100_000),
        || world.logs(),
    );
    world.home.longhaul(&["kill", &id]).exited(0);
    world.home.longhaul(&["wait", &id]).exited(143);
    let spool = world.sshd.home().join(".local/state/longhaul/1").join(&id);
    assert!(spool.exists());
    world.home.longhaul(&["rm", &id]).exited(0);
    eventually_or("its spool is gone", || !spool.exists(), || world.logs());
    eventually_or(
        "its processes are gone",
        || !world.sshd.session_processes().iter().any(|process| process.name == "dd"),
        || world.logs(),
    );
}

#[test]
fn a_cap_is_the_configurations_unless_the_session_has_its_own() {
    let world = World::new();
    let agent =
        |name| Entry::named(name).raw("command", r#"["true"]"#).raw("remote", r#"On("box")"#);
    world.home.configure(
        &Config::default()
            .with_remote(world.remote().text("max_output", "3 MB"))
            .with_agent(agent("plain"))
            .with_agent(agent("capped").text("max_output", "2 MB")),
    );
    for (args, expected) in [
        (&["--on", "box", "--", "true"] as &[&str], json!(3_000_000)),
        (&["--agent", "plain"], json!(3_000_000)),
        (&["--agent", "capped"], json!(2_000_000)),
        (&["--agent", "capped", "--max-output", "1MiB"], json!(1_048_576)),
        (&["--local", "--", "true"], json!(null)),
    ] {
        let id = world.home.detached(args);
        world.home.longhaul(&["wait", &id]).exited(0);
        assert_eq!(world.home.inspect(&id)["max_output"], expected, "{args:?}");
    }
    world.home.longhaul(&["run", "--max-output", "9", "--", "true"]).exited(2).says("100 MB");
}
