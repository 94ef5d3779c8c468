//! What a person is needed for: asked once, answered from anywhere, kept by
//! nobody but the daemon's memory.

use serde_json::Value;

use crate::support::config::Config;
use crate::support::keys::KeyPair;
use crate::support::wait::eventually_or;
use crate::support::world::World;

const PASSPHRASE: &str = "open sesame";

/// A world whose remote `box` takes an encrypted key and no other.
fn locked() -> World {
    let world = World::new();
    let key = KeyPair::generate(PASSPHRASE);
    let file = key.write_to(&world.home.path().join(".ssh/locked"));
    world.sshd.authorize(&[&key]);
    let remote = world.remote().text("identity_file", &file.to_string_lossy());
    world.home.configure(&Config::default().with_remote(remote));
    world
}

/// The one open question, once there is one that is not `before`.
fn question(world: &World, before: &str) -> Value {
    let mut seen = Value::Null;
    eventually_or(
        "a person is asked",
        || {
            let all = world.home.json(&["attention"]);
            assert!(all.as_array().unwrap().len() < 2, "more than one question: {all}");
            seen = all[0].clone();
            seen["id"].as_str().is_some_and(|id| id != before)
        },
        || world.logs(),
    );
    seen
}

fn answer(world: &World, text: &str) {
    let given = format!("{text}\n");
    let args = ["attention", "box", "--answer-file", "-"];
    world.home.longhaul_with_input(&args, given.as_bytes()).exited(0);
}

#[test]
fn a_locked_key_is_asked_for_once_and_all_who_wait_go_on() {
    let world = locked();
    let sessions: Vec<_> = (0..5)
        .map(|n| world.home.detached(&["--on", "box", "--", "echo", &format!("hello {n}")]))
        .collect();
    let asked = question(&world, "");
    assert_eq!(asked["question"]["kind"], "passphrase", "{asked}");
    assert_eq!(asked["remote"], "box");
    for session in &sessions {
        let view = world.home.await_state(session, "waiting");
        assert_eq!(view["link"]["state"], "needs-attention", "{view}");
        assert_eq!(view["link"]["question"]["id"], asked["id"], "{view}");
    }
    let status = world.home.longhaul(&["status"]).exited(0).out();
    assert!(status.contains("longhaul attention box"), "{status}");
    answer(&world, PASSPHRASE);
    for (n, session) in sessions.iter().enumerate() {
        world.home.longhaul(&["wait", session]).exited(0);
        let said = world.home.longhaul(&["logs", session]).exited(0);
        assert_eq!(said.out(), format!("hello {n}\n"));
    }
    assert_eq!(world.home.json(&["attention"]), Value::Array(Vec::new()));
    // The daemon has it in memory, so a new link needs nobody.
    assert!(world.sshd.kill_connections() > 0);
    world.script("echo again").exited(0);
    assert_eq!(world.sshd.log_lines_with("Accepted publickey"), 2);
}

#[test]
fn a_wrong_answer_is_asked_again_and_leaves_no_trace() {
    let world = locked();
    let session = world.home.detached(&["--on", "box", "--", "true"]);
    let first = question(&world, "");
    answer(&world, "quite-wrong");
    let second = question(&world, first["id"].as_str().unwrap());
    assert_eq!((&first["again"], &second["again"]), (&Value::Bool(false), &Value::Bool(true)));
    answer(&world, PASSPHRASE);
    world.home.longhaul(&["wait", &session]).exited(0);
    let events = world.home.longhaul(&["events"]).exited(0).out();
    assert!(events.contains("needs a person (passphrase)"), "{events}");
    let seen = events + &world.home.logs() + &world.home.inspect(&session).to_string();
    for secret in ["quite-wrong", PASSPHRASE] {
        assert!(!seen.contains(secret), "{secret} in\n{seen}");
    }
    let registry = std::fs::read_dir(world.home.state_dir()).unwrap().flatten();
    for file in registry.filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        for secret in ["quite-wrong", PASSPHRASE] {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {}", file.path().display());
        }
    }
}

#[test]
fn a_daemon_that_comes_back_asks_anew_and_the_session_runs_then() {
    let world = locked();
    let session = world.home.detached(&["--on", "box", "--", "true"]);
    let first = question(&world, "");
    world.home.kill_daemon();
    let second = question(&world, first["id"].as_str().unwrap());
    assert_eq!(first["question"], second["question"]);
    answer(&world, PASSPHRASE);
    world.home.longhaul(&["wait", &session]).exited(0);
}

#[test]
fn a_host_that_is_not_known_is_a_question_where_ssh_would_ask() {
    let world = World::new();
    let config = "StrictHostKeyChecking ask\n";
    std::fs::write(world.home.path().join(".ssh/config"), config).unwrap();
    let session = world.home.detached(&["--on", "box", "--", "true"]);
    let asked = question(&world, "");
    assert_eq!(asked["question"]["kind"], "host-key", "{asked}");
    let known = world.home.path().join(".ssh/known_hosts");
    assert!(!known.exists());
    let args = ["attention", "box", "--answer-file", "-"];
    world.home.longhaul_with_input(&args, b"maybe\n").refused().says("yes, no");
    let fingerprint = asked["question"]["fingerprint"].as_str().unwrap();
    assert!(fingerprint.starts_with("SHA256:"), "{asked}");
    answer(&world, fingerprint);
    world.home.longhaul(&["wait", &session]).exited(0);
    let written = std::fs::read_to_string(&known).unwrap();
    let host_key: Vec<_> = KeyPair::host().public().split(' ').collect();
    assert!(written.contains(host_key[1]), "{written}");
}

#[test]
fn a_host_key_that_a_person_denies_is_not_learned_and_fails_the_session() {
    let world = World::new();
    let config = "StrictHostKeyChecking ask\n";
    std::fs::write(world.home.path().join(".ssh/config"), config).unwrap();
    let session = world.home.detached(&["--on", "box", "--", "true"]);
    question(&world, "");
    answer(&world, "no");
    let view = world.home.await_state(&session, "failed");
    assert_eq!(view["failure"]["code"], "ssh.host-key.unknown", "{view}");
    assert!(!world.home.path().join(".ssh/known_hosts").exists());
}

#[test]
fn a_script_is_told_what_to_type_and_a_test_of_the_remote_asks_too() {
    let world = locked();
    let running = world.start_on_box(&["--", "echo", "done"]);
    question(&world, "");
    answer(&world, PASSPHRASE);
    let said = running.finish().exited(0);
    assert_eq!(said.out(), "done\n");
    said.says("longhaul attention box");
    world.home.longhaul(&["daemon", "stop"]).exited(0);
    let running = world.home.start(&["remote", "test", "box", "--json"]);
    question(&world, "");
    answer(&world, PASSPHRASE);
    assert!(running.finish().exited(0).json()["failure"].is_null());
}

#[test]
fn there_is_nothing_to_answer_where_nobody_is_asked() {
    let world = World::new();
    let args = ["attention", "box", "--answer-file", "-"];
    world.home.longhaul_with_input(&args, b"yes\n").refused().says("box has no open question");
    let said = world.home.longhaul(&["attention"]).exited(0);
    assert_eq!(said.out(), "nobody is needed\n");
}
