//! A request that is made again, and a launch whose answer is lost, start nothing
//! twice.

use std::collections::BTreeMap;

use longhaul::api::client::{Client, ClientError};
use longhaul::api::types::{RunRequest, SessionView, Where};
use tokio::runtime::Runtime;

use crate::support::wait::eventually_or;
use crate::support::world::World;

fn request(script: &str, key: &str) -> RunRequest {
    RunRequest {
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        on: Some(Where::On("box".to_owned())),
        env: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
        idempotency_key: Some(key.to_owned()),
        ..RunRequest::default()
    }
}

/// Asks the daemon, which is started where there is none.
fn ask(world: &World, request: &RunRequest) -> Result<SessionView, ClientError> {
    world.home.longhaul(&["daemon", "start"]).exited(0);
    let client = Client::new(world.home.socket());
    Runtime::new().unwrap().block_on(client.run(request))
}

const SIGN: &str = "echo started >> starts";

#[test]
fn a_key_stands_for_its_session_after_the_daemons_kill_and_the_sessions_end() {
    let world = World::new();
    let request = request(SIGN, "k");
    let first = ask(&world, &request).unwrap().id;
    world.home.kill_daemon();
    assert_eq!(ask(&world, &request).unwrap().id, first);
    world.home.longhaul(&["wait", first.as_str()]).exited(0);
    world.home.kill_daemon();
    let again = ask(&world, &request).unwrap();
    assert_eq!((again.id, again.state.as_str()), (first, "exited"));
    assert_eq!(world.sshd.read("starts"), "started\n");
}

#[test]
fn of_many_clients_at_once_with_one_key_all_get_one_session() {
    let world = World::new();
    world.home.longhaul(&["daemon", "start"]).exited(0);
    let ids = Runtime::new().unwrap().block_on(async {
        let ask = |_| {
            let client = Client::new(world.home.socket());
            tokio::spawn(async move { client.run(&request(SIGN, "k")).await.unwrap().id })
        };
        let asked: Vec<_> = (0..16).map(ask).collect();
        let mut ids = Vec::new();
        for one in asked {
            ids.push(one.await.unwrap());
        }
        ids
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    world.home.longhaul(&["wait", ids[0].as_str()]).exited(0);
    assert_eq!(world.sshd.read("starts"), "started\n");
}

#[test]
fn a_key_of_another_request_is_refused_and_its_digest_tells_nobody_anything() {
    let world = World::new();
    let first = ask(&world, &request(SIGN, "k")).unwrap().id;
    let mut other = request(SIGN, "k");
    other.env.insert("TOKEN".to_owned(), "hunter3".to_owned());
    let said = ask(&world, &other).unwrap_err();
    assert_eq!(said.word(), Some("key-taken"));
    assert!(said.to_string().contains(first.as_str()), "{said}");
    // The same after a restart: what tells them apart is kept.
    world.home.kill_daemon();
    assert_eq!(ask(&world, &other).unwrap_err().word(), Some("key-taken"));
    assert_eq!(ask(&world, &request(SIGN, "k")).unwrap().id, first);
    world.home.longhaul(&["wait", first.as_str()]).exited(0);
    for name in ["registry.sqlite", "registry.sqlite-wal"] {
        let bytes = std::fs::read(world.home.state_dir().join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("hunter"), "a value is in {name}");
    }
}

#[test]
fn a_key_still_answers_when_the_configuration_has_changed() {
    let world = World::new();
    let first = ask(&world, &request(SIGN, "k")).unwrap().id;
    world.home.longhaul(&["wait", first.as_str()]).exited(0);
    world.home.configure(&crate::support::config::Config::default());
    world.home.longhaul(&["config", "reload"]).exited(0);
    assert_eq!(ask(&world, &request(SIGN, "k")).unwrap().id, first);
    assert!(ask(&world, &request(SIGN, "new")).is_err());
}

/// A `mkdir` that makes its folder and then, once, waits: the spool is claimed,
/// and nobody has been told.
const SLOW_MKDIR: &str = "#!/bin/sh
/bin/mkdir \"$@\" || exit
case \"$*\" in *-m\\ 700*) ;; *) exit 0 ;; esac
[ -e ~/claimed ] && exit 0
echo > ~/claimed
until [ -e ~/go ]; do sleep 0.05; done
";

/// Cuts a launch off between the claim and the answer, and holds that it is
/// looked up: the command starts once, and is followed.
fn is_looked_up_after(cut: impl Fn(&World)) {
    let world = World::new();
    let bin = world.sshd.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    world.sshd.write("bin/mkdir", SLOW_MKDIR);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.join("mkdir"), mode).unwrap();
    // The remote's bash reads it for every command.
    world.sshd.write(".bashrc", "PATH=~/bin:$PATH\n");
    let id = world.detached_script("echo started >> starts; echo out");
    let claimed = world.sshd.home().join("claimed");
    eventually_or("the spool is claimed", || claimed.exists(), || world.logs());
    assert_eq!(world.home.inspect(&id)["state"], "starting");
    cut(&world);
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "out\n");
    assert_eq!(world.sshd.read("starts"), "started\n");
}

#[test]
fn a_launch_whose_answer_was_cut_off_after_the_claim_is_looked_up_and_not_repeated() {
    is_looked_up_after(|world| assert!(world.sshd.kill_connections() > 0));
}

#[test]
fn a_launch_that_was_claimed_when_the_daemon_was_killed_is_looked_up_and_not_repeated() {
    is_looked_up_after(|world| _ = world.home.kill_daemon());
}
