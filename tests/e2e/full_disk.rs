//! This machine's disk is full, while sessions run elsewhere.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::checksum::{self, DataFile, MIB};
use crate::support::small_disk::SmallDisk;
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// A world whose state is on a disk of its own. Fields are dropped in this
/// order: the daemon has gone when its disk does.
struct Cramped {
    world: World,
    disk: SmallDisk,
}

impl Cramped {
    fn with_mebibytes(size: u32) -> Option<Self> {
        let disk = SmallDisk::with_mebibytes(size)?;
        let world = World::new();
        let state = disk.path().join("state");
        fs::create_dir(&state).unwrap();
        symlink(&state, world.home.state_dir()).unwrap();
        Some(Self { world, disk })
    }

    fn status(&self) -> Value {
        self.world.home.json(&["status"])
    }

    #[track_caller]
    fn eventually(&self, what: &str, holds: impl FnMut() -> bool) {
        eventually_or(what, holds, || self.world.logs());
    }
}

const PART: u64 = 2 * MIB;
const IN_TWO_PARTS: &str = "echo started >> starts; cat data1; \
     until [ -e go ]; do sleep 0.05; done; cat data2 & cat data3 >&2; wait";

#[test]
fn mirrors_pause_and_say_so_and_go_on_when_there_is_room() {
    let Some(cramped) = Cramped::with_mebibytes(16) else { return };
    let Cramped { world, disk } = &cramped;
    let data = ["data1", "data2", "data3"].map(|name| {
        let seed = u64::from(name.as_bytes()[4]);
        DataFile::create(&world.sshd.home().join(name), seed, PART)
    });
    let out =
        [fs::read(world.sshd.home().join("data1")), fs::read(world.sshd.home().join("data2"))]
            .map(Result::unwrap)
            .concat();
    let large: Vec<String> = (0..2).map(|_| world.detached_script(IN_TWO_PARTS)).collect();
    let small = world.detached_script("until [ -e go ]; do sleep 0.05; done; exit 3");
    for id in &large {
        cramped.eventually("the first part is here", || world.home.inspect(id)["stdout"] == PART);
    }
    world.home.await_state(&small, "running");
    let daemon = world.home.daemon_pid();
    let attached = world.home.start(&["attach", &large[0]]);
    disk.fill();
    world.sshd.write("go", "");
    cramped.eventually("the sessions have ended there", || {
        world.remote_processes_with("until [ -e go ]").is_empty()
    });
    cramped.eventually("both mirrors are paused", || {
        let paused =
            |id: &String| world.home.inspect(id)["mirror_paused"]["code"] == "local.disk-full";
        large.iter().all(paused)
    });
    assert_eq!(cramped.status()["disk"]["code"], "local.disk-full");
    for id in &large {
        cramped.eventually("how much waits is known", || {
            let view = world.home.inspect(id);
            let here = view["stdout"].as_u64().zip(view["stderr"].as_u64());
            let lacks = here.map(|(out, err)| 3 * PART - out - err);
            lacks.is_some() && view["mirror_behind"].as_u64() == lacks
        });
    }
    let status = world.home.longhaul(&["status"]).exited(0).out();
    assert!(status.contains("running, mirror paused: local.disk-full"), "{status}");
    assert!(status.contains("there is no room in "), "{status}");
    let inspect = world.home.longhaul(&["inspect", &large[0]]).exited(0).out();
    assert!(inspect.contains("no space left for "), "{inspect}");
    // Nothing new is begun, here or there.
    world.on_box(&["--", "touch", "ran"]).exited(125).says("local.disk-full").says("df -h");
    world.home.longhaul(&["run", "--local", "--", "true"]).exited(125).says("local.disk-full");
    assert!(!world.sshd.home().join("ran").exists());
    assert_eq!(world.home.daemon_pid(), daemon, "{}", world.logs());

    disk.empty();
    for id in &large {
        world.home.longhaul(&["wait", id]).exited(0);
        let said = world.home.longhaul(&["logs", id, "--raw"]).exited(0);
        assert_eq!(checksum::sha256(&said.stdout), checksum::sha256(&out), "{}", world.logs());
        assert_eq!(checksum::sha256(&said.stderr), data[2].sha256, "{}", world.logs());
        assert!(world.home.inspect(id)["mirror_paused"].is_null());
        assert!(world.home.inspect(id)["mirror_behind"].is_null());
    }
    let attached = attached.finish().exited(0);
    assert_eq!(checksum::sha256(&attached.stdout), checksum::sha256(&out));
    attached.says("local.disk-full").says("there is room again");
    world.home.longhaul(&["wait", &small]).exited(3);
    assert_eq!(world.sshd.read("starts"), "started\nstarted\n");
    cramped.eventually("the status is clean", || cramped.status()["disk"].is_null());
    world.on_box(&["--", "true"]).exited(0);
    assert_eq!(world.home.daemon_pid(), daemon, "{}", world.logs());
    // The registry says the same to the next daemon.
    let known = || {
        let all = world.home.json(&["ps", "-a"]);
        let told = |s: &Value| (s["id"].clone(), s["state"].clone(), s["exit"].clone());
        all.as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let before = known();
    assert_eq!(before.len(), 4);
    world.home.kill_daemon();
    assert_eq!(known(), before);
}

#[test]
fn removing_a_session_makes_room_on_a_full_disk() {
    let Some(cramped) = Cramped::with_mebibytes(16) else { return };
    let Cramped { world, disk } = &cramped;
    let id = world.detached_script("head -c 4000000 /dev/zero");
    world.home.longhaul(&["wait", &id]).exited(0);
    disk.fill();
    cramped.eventually("it is told", || cramped.status()["disk"].is_object());
    world.home.longhaul(&["rm", &id]).exited(0);
    assert_eq!(world.home.json(&["ps", "-a"]), json!([]));
    cramped.eventually("there is room", || cramped.status()["disk"].is_null());
    world.on_box(&["--", "true"]).exited(0);
}
