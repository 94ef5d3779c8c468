//! The registry and the state directory, killed, cut, spoilt and removed.

use std::fs;
use std::path::PathBuf;
use std::thread;

use crate::support::client_home::ClientHome;
use crate::support::command::{Input, Running};
use crate::support::wait::eventually_or;
use crate::support::world::World;

const WAITS: &str = "echo first; until [ -e go ]; do sleep 0.05; done; echo last; exit 7";

/// Registries that were set aside.
fn set_aside(home: &ClientHome) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.state_dir()).unwrap().map(|entry| entry.unwrap().path());
    let damaged = |path: &PathBuf| path.to_string_lossy().contains(".damaged-");
    entries.filter(damaged).collect()
}

/// Puts these bytes in the registry's place. Its log would mend them: SQLite
/// replays it.
fn overwrite(home: &ClientHome, bytes: &[u8]) {
    for log in ["registry.sqlite-wal", "registry.sqlite-shm"] {
        let _ = fs::remove_file(home.state_dir().join(log));
    }
    fs::write(home.state_dir().join("registry.sqlite"), bytes).unwrap();
}

/// Sessions are asked for by several at once while the daemon is killed again
/// and again; each has a key, so that asking twice is asking once.
#[test]
fn every_acknowledged_session_survives_kills_in_the_middle_of_writes() {
    const ROUNDS: usize = 10;
    let home = ClientHome::new();
    let mut acknowledged = Vec::new();
    for _ in 0..ROUNDS {
        home.longhaul(&["daemon", "start"]).exited(0);
        let mirrors = || home.state_dir().join("sessions").read_dir().unwrap().count();
        let before = mirrors();
        let asked = thread::scope(|scope| {
            let ask = || {
                let said = home.start(&["run", "-d", "--local", "--", "true"]).finish();
                (said.code() == Some(0)).then(|| said.out().trim().to_owned())
            };
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            // Amid the writes of the first that are through.
            eventually_or("one is taken in", || mirrors() > before, || home.logs());
            // The one that a client starts in its place is not to be killed.
            home.kill_daemon();
            asking.into_iter().filter_map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        acknowledged.extend(asked);
    }
    assert!(acknowledged.len() >= ROUNDS, "only {acknowledged:?}");
    for id in &acknowledged {
        home.longhaul(&["wait", id]).exited(0);
    }
    let all = home.json(&["ps", "-a"]);
    let all: Vec<_> = all.as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert!(acknowledged.iter().all(|id| all.iter().any(|one| *one == id.as_str())));
    assert_eq!(set_aside(&home), Vec::<PathBuf>::new(), "it was never damaged");
}

#[test]
fn a_damaged_registry_is_set_aside_and_its_sessions_are_found_again() {
    let world = World::new();
    let running = world.home.detached(&["--on", "box", "--name", "job", "--", "sh", "-c", WAITS]);
    eventually_or("it runs", || world.home.inspect("job")["stdout"] == 6, || world.logs());
    let ended = world.home.detached(&["--local", "--", "sh", "-c", "echo here; exit 3"]);
    world.home.longhaul(&["wait", &ended]).exited(3);
    world.home.longhaul(&["daemon", "stop"]).exited(0);
    let registry = world.home.state_dir().join("registry.sqlite");
    let whole = fs::read(&registry).unwrap();
    let kinds: [(&str, Vec<u8>); 3] = [
        ("garbage", b"garbage\n".repeat(999)),
        ("cut short", whole[..whole.len() / 2].to_vec()),
        ("cut to nothing", Vec::new()),
    ];
    for (kind, bytes) in kinds {
        overwrite(&world.home, &bytes);
        world.home.longhaul(&["daemon", "start"]).exited(0);
        let said = world.home.longhaul(&["status"]).exited(0);
        assert!(said.out().contains("notice  ") && said.out().contains("longhaul adopt"), "{said}");
        let seen = world.home.inspect("job");
        let expected = (&running.as_str().into(), &"running".into());
        assert_eq!((&seen["id"], &seen["state"]), expected, "{kind}");
        world.home.longhaul(&["wait", &ended]).exited(3);
        assert_eq!(world.home.longhaul(&["logs", &ended]).exited(0).out(), "here\n");
        world.home.longhaul(&["daemon", "stop"]).exited(0);
    }
    assert!(!set_aside(&world.home).is_empty(), "the damaged one is kept");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", "job"]).exited(7);
    assert_eq!(world.home.longhaul(&["logs", "job"]).exited(0).out(), "first\nlast\n");
}

#[test]
fn a_state_directory_that_is_removed_under_the_daemon_ends_it_and_adopt_finds_what_runs() {
    let world = World::new();
    let id = world.detached_script(WAITS);
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 6, || world.logs());
    let daemon = world.home.daemon_pid();
    fs::remove_dir_all(world.home.state_dir()).unwrap();
    // What nobody would find again is not taken in.
    let args = ["run", "-d", "--on", "box", "--", "true"];
    let said = Running::start(world.home.command(&args), Input::Nothing).finish();
    if world.home.daemon_pid() == daemon {
        said.refused().says("was removed while the daemon ran");
    }
    eventually_or(
        "the daemon that lost it is gone",
        || world.home.daemon_pid() != daemon,
        || world.logs(),
    );
    world.home.longhaul(&["adopt", "box"]).exited(0).says("taken in from box");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(7);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "first\nlast\n");
}

#[test]
fn a_state_directory_of_a_later_version_is_refused_and_left_alone() {
    let home = ClientHome::new();
    home.longhaul(&["run", "--local", "--", "true"]).exited(0);
    home.longhaul(&["daemon", "stop"]).exited(0);
    let registry = home.state_dir().join("registry.sqlite");
    let mut bytes = fs::read(&registry).unwrap();
    // `user_version` in the header of an SQLite database: four bytes at 60.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    overwrite(&home, &bytes);
    let said = home.longhaul(&["ps"]).refused();
    said.says("has format 99").says("a later one");
    assert_eq!(fs::read(&registry).unwrap(), bytes);
    assert_eq!(home.daemon_pid(), None, "and no daemon tries again and again");
}
