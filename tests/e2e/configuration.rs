//! The configuration, edited while everything runs.

use std::fs;

use serde_json::Value;

use crate::support::config::{Config, Entry};
use crate::support::wait::eventually_or;
use crate::support::world::World;

fn remote_names(world: &World) -> Vec<String> {
    let remotes = world.home.json(&["remote", "ls"]);
    let name = |remote: &Value| remote["name"].as_str().unwrap_or_default().to_owned();
    remotes.as_array().unwrap().iter().map(name).collect()
}

fn rejected(world: &World) -> Value {
    world.home.json(&["status"])["config"]["rejected"].clone()
}

#[track_caller]
fn await_rejection(world: &World) -> String {
    let mut report = Value::Null;
    eventually_or(
        "the edit is refused",
        || {
            report = rejected(world);
            report.is_string()
        },
        || world.logs(),
    );
    report.as_str().unwrap().to_owned()
}

#[test]
fn a_new_remote_is_there_without_a_restart_and_disturbs_nobody() {
    let world = World::new();
    let id = world.detached_script("echo up; until [ -e go ]; do sleep 0.1; done");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    let (daemon, logins) = (world.home.daemon_pid(), world.sshd.log_lines_with("Accepted"));
    let second = Entry::remote("second", world.sshd.port(), &world.home.identity());
    world.home.configure(&Config::default().with_remote(world.remote()).with_remote(second));
    eventually_or(
        "the second remote is known",
        || remote_names(&world) == ["box", "second"],
        || world.logs(),
    );
    assert_eq!(world.link_state(), "connected");
    assert_eq!(world.sshd.log_lines_with("Accepted"), logins);
    let said = world.home.longhaul(&["run", "--on", "second", "--", "echo", "hello"]).exited(0);
    assert_eq!(said.out(), "hello\n");
    assert_eq!(world.home.daemon_pid(), daemon);
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
}

#[test]
fn a_bad_edit_leaves_the_last_good_one_in_force_until_it_is_mended() {
    let world = World::new();
    world.on_box(&["--", "true"]).exited(0);
    let good = fs::read(world.home.config_path()).unwrap();
    let half = &good[..good.len() / 2];
    let cases: [(&str, &[u8]); 4] = [
        ("empty", b""),
        ("binary", &[0, 159, 146, 150, 255, 0]),
        ("half-written", half),
        ("misspelt", b"(version: 1, remotes: {\"box\": (hots: \"127.0.0.1\")})"),
    ];
    for (what, bytes) in cases {
        world.home.configure_raw(bytes);
        let report = await_rejection(&world);
        assert!(report.contains("longhaul.ron"), "{what}: {report}");
        world.on_box(&["--", "true"]).exited(0);
        assert_eq!(remote_names(&world), ["box"], "{what}");
        world.home.configure_raw(&good);
        eventually_or("it is mended", || rejected(&world).is_null(), || world.logs());
    }
}

#[test]
fn a_folder_in_the_configurations_place_is_a_bad_edit() {
    let world = World::new();
    world.on_box(&["--", "true"]).exited(0);
    let good = fs::read(world.home.config_path()).unwrap();
    fs::remove_file(world.home.config_path()).unwrap();
    fs::create_dir(world.home.config_path()).unwrap();
    await_rejection(&world);
    world.on_box(&["--", "true"]).exited(0);
    fs::remove_dir(world.home.config_path()).unwrap();
    world.home.configure_raw(&good);
    eventually_or("it is mended", || rejected(&world).is_null(), || world.logs());
}

#[test]
fn edits_in_place_and_swapped_links_are_seen() {
    let world = World::new();
    world.on_box(&["--", "true"]).exited(0);
    let with = |name: &str| {
        let more = Entry::remote(name, world.sshd.port(), &world.home.identity());
        Config::default().with_remote(world.remote()).with_remote(more).ron()
    };
    fs::write(world.home.config_path(), with("in-place")).unwrap();
    eventually_or("in place", || remote_names(&world) == ["box", "in-place"], || world.logs());
    let target = world.home.path().join("elsewhere.ron");
    fs::write(&target, with("linked")).unwrap();
    let link = world.home.config_path().with_extension("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    fs::rename(&link, world.home.config_path()).unwrap();
    eventually_or("linked", || remote_names(&world) == ["box", "linked"], || world.logs());
}

#[test]
fn check_tells_good_from_bad_by_its_status_and_names_every_problem() {
    let world = World::new();
    let file = world.home.path().join("candidate.ron");
    let path = file.to_string_lossy().into_owned();
    let check = |text: &[u8]| {
        fs::write(&file, text).unwrap();
        world.home.longhaul(&["config", "check", &path])
    };
    check(fs::read(world.home.config_path()).unwrap().as_slice()).exited(0);
    for bad in [&b""[..], b"\xff\x00\xfe", b"(version: 1, remotes: {", b"(version: 99)"] {
        check(bad).refused();
    }
    let many = br#"(version: 1, default_remote: "nowhere", remotes: {
    "gpu-box": (host: "gpu", prot: 22),
    "twice": (host: "a"),
    "twice": (host: "b", port: 99999),
})"#;
    let said = check(many).refused();
    let all = format!("{}{}", said.out(), said.err());
    for words in ["nowhere", "prot", "port", "twice", "remotes.gpu-box", "candidate.ron"] {
        assert!(all.contains(words), "nothing of {words:?}\n{said}");
    }
    world.home.longhaul(&["config", "check", "/no/such/file.ron"]).refused();
    let folder = world.home.path().to_string_lossy().into_owned();
    world.home.longhaul(&["config", "check", &folder]).refused();
    assert_eq!(world.home.daemon_pid(), None, "a check needs no daemon");
}

#[test]
fn a_disabled_remote_takes_no_session() {
    let world = World::new();
    world.home.configure(&Config::default().with_remote(world.remote().raw("enabled", "false")));
    let marker = world.home.path().join("ran");
    let touch = marker.to_string_lossy().into_owned();
    world.on_box(&["--", "touch", &touch]).exited(125).says("remote.disabled");
    assert!(!marker.exists());
}

#[test]
fn a_remote_that_is_disabled_finishes_what_runs_there() {
    let world = World::new();
    let id = world.detached_script("echo up; until [ -e go ]; do sleep 0.1; done; exit 4");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    world.home.configure(&Config::default().with_remote(world.remote().raw("enabled", "false")));
    world.home.longhaul(&["config", "reload"]).exited(0);
    world.on_box(&["--", "true"]).exited(125).says("remote.disabled");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(4);
}

#[test]
fn an_unknown_remote_is_refused_with_the_nearest_name_and_never_runs_here() {
    let world = World::new();
    let marker = world.home.path().join("ran");
    let touch = marker.to_string_lossy().into_owned();
    let args = ["run", "--on", "box1", "--start-within", "2s", "--", "touch", &touch];
    world.home.longhaul(&args).exited(125).says("box");
    assert!(!marker.exists());
}

#[test]
fn a_daemon_that_starts_on_a_bad_configuration_says_so_and_runs_nothing_remote() {
    let world = World::new();
    world.home.configure_raw(b"(version: 1, remotes: {");
    world.on_box(&["--start-within", "2s", "--", "true"]).exited(125);
    await_rejection(&world);
    world.home.configure(&Config::default().with_remote(world.remote()));
    eventually_or("it is mended", || rejected(&world).is_null(), || world.logs());
    world.on_box(&["--", "true"]).exited(0);
}

#[test]
fn fragments_beside_the_main_file_are_merged() {
    let world = World::new();
    let folder = world.home.config_path().with_file_name("conf.d");
    fs::create_dir(&folder).unwrap();
    let more = Entry::remote("from-fragment", world.sshd.port(), &world.home.identity());
    fs::write(folder.join("10-more.ron"), Config::default().with_remote(more).ron()).unwrap();
    assert_eq!(remote_names(&world), ["box", "from-fragment"]);
    let args = ["run", "--on", "from-fragment", "--", "echo", "hello"];
    assert_eq!(world.home.longhaul(&args).exited(0).out(), "hello\n");
}

#[test]
fn an_edit_by_command_is_in_force_when_the_command_ends() {
    let world = World::new();
    world.on_box(&["--", "true"]).exited(0);
    let port = world.sshd.port().to_string();
    let key = world.home.identity().display().to_string();
    let words = ["remote", "add", "second", "--host", "127.0.0.1", "--port", &port, "-i", &key];
    let added = world.home.longhaul(&words).exited(0);
    assert!(added.err().contains("the daemon has taken it\n"), "{}", added.err());
    assert_eq!(remote_names(&world), ["box", "second"]);
    let id = world.home.detached(&[
        "--on",
        "second",
        "--",
        "sh",
        "-c",
        "until [ -e go ]; do sleep 0.1; done",
    ]);
    eventually_or("it runs", || world.home.inspect(&id)["state"] == "running", || world.logs());
    let refused = world.home.longhaul(&["remote", "rm", "second"]).exited(1);
    assert!(refused.err().contains("longhaul remote rm second --force"), "{}", refused.err());
    world.home.longhaul(&["remote", "disable", "second"]).exited(0);
    let refused = world.home.longhaul(&["run", "--on", "second", "--", "true"]).exited(125);
    assert!(refused.err().contains("longhaul remote enable second"), "{}", refused.err());
    world.home.longhaul(&["remote", "rm", "second", "--force"]).exited(0);
    assert_eq!(remote_names(&world)[0], "box");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
}
