//! `remote doctor`, on machines made to have each finding: it is found, and once
//! what it says has been done it is gone.
//!
//! What it says to type is typed, as it stands, wherever that can be done to a
//! machine that tests run on. It cannot where it is about the machine as a whole:
//! sshd's own configuration and its service, the clock, logind, packages to install,
//! and a login at an agent's provider. There the test does the same to a server or a
//! program of its own.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::client_home::ClientHome;
use crate::support::config::{Config, Entry};
use crate::support::small_disk::SmallDisk;
use crate::support::sshd::{Setup, program};
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// What a doctor says of the box, from this home.
fn report(home: &ClientHome) -> Value {
    let said = home.longhaul(&["remote", "doctor", "box", "--json"]);
    let report = said.json();
    let fails = findings(&report).iter().any(|finding| finding["status"] == "fail");
    let bad = fails || !report["test"]["failure"].is_null();
    assert_eq!(said.code(), Some(i32::from(bad)), "{said}");
    report
}

fn findings(report: &Value) -> Vec<Value> {
    report["findings"].as_array().cloned().unwrap_or_default()
}

/// The finding of this id; none at all is as good as one that is well.
fn finding(home: &ClientHome, id: &str) -> Value {
    let report = report(home);
    let found = findings(&report).into_iter().find(|finding| finding["id"] == id);
    found.unwrap_or_else(|| serde_json::json!({ "id": id, "status": "ok" }))
}

/// Holds that it is found, and how; returns what to type.
#[track_caller]
fn found(world: &World, id: &str, status: &str) -> String {
    let finding = finding(&world.home, id);
    assert_eq!(finding["status"], status, "{finding:#}\n{}", world.logs());
    assert!(finding["why"].as_str().is_some_and(|why| !why.is_empty()), "{finding:#}");
    finding["command"].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn is_well(world: &World, id: &str) {
    let finding = finding(&world.home, id);
    assert_eq!(finding["status"], "ok", "{finding:#}\n{}", world.logs());
}

/// Types, on this side, what is to be typed; what it said.
#[track_caller]
fn type_it(world: &World, typed: &str) -> Output {
    world.home.be_the_home_of_ssh();
    let mut shell = Command::new("sh");
    shell.arg("-ec").arg(typed).env_clear().stdin(Stdio::null());
    for (name, value) in world.home.command(&[]).get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.current_dir(world.home.path()).output().unwrap()
}

/// [`type_it`], which has to go well; what it printed.
#[track_caller]
fn types_well(world: &World, typed: &str) -> String {
    let said = type_it(world, typed);
    assert!(said.status.success(), "{typed}\n{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

/// Makes a program in `~/bin` there, which is first in the PATH of every command.
fn stand_in(world: &World, name: &str, script: &str) {
    world.sshd.write(".bashrc", "PATH=~/bin:$PATH\n");
    let file = world.sshd.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_machine_with_nothing_wrong_is_well_and_looked_at_in_every_respect() {
    let world = World::new();
    let report = report(&world.home);
    assert!(report["test"]["failure"].is_null(), "{report:#}");
    let all = findings(&report);
    let ids: Vec<&str> = all.iter().filter_map(|finding| finding["id"].as_str()).collect();
    for id in [
        "rc-noise",
        "shell",
        "path",
        "setsid",
        "tail",
        "max-sessions",
        "clock",
        "spool",
        "disk",
        "network-home",
        "logout",
        "orphans",
        "agent.claude",
        "agent.codex",
        "agent.opencode",
    ] {
        assert!(ids.contains(&format!("doctor.{id}").as_str()), "no {id} in {ids:?}");
    }
    for id in ["rc-noise", "setsid", "tail", "max-sessions", "clock", "spool", "orphans"] {
        let finding = all.iter().find(|finding| finding["id"] == format!("doctor.{id}"));
        assert_eq!(finding.unwrap()["status"], "ok", "{finding:?}");
    }
    // What it tried has gone with its link.
    assert!(world.sshd.read(".local/state/longhaul/1").is_empty());
    eventually_or("nothing runs", || world.sshd.link_processes().is_empty(), || world.logs());
    let said = world.home.longhaul(&["remote", "doctor", "box"]);
    for id in ids {
        assert!(said.out().contains(id), "no {id}: {said}");
    }
}

#[test]
fn this_machine_is_examined_without_a_link() {
    let world = World::new();
    let report = world.home.longhaul(&["remote", "doctor", "local", "--json"]).json();
    assert!(report["test"]["failure"].is_null(), "{report:#}");
    let ids: Vec<Value> = findings(&report).iter().map(|finding| finding["id"].clone()).collect();
    assert!(ids.contains(&"doctor.setsid".into()), "{ids:?}");
    assert!(!ids.contains(&"doctor.max-sessions".into()), "{ids:?}");
}

#[test]
fn a_remote_that_cannot_be_reached_is_not_examined() {
    let world = World::new();
    world.sshd.authorize(&[]);
    let said = world.home.longhaul(&["remote", "doctor", "box", "--json"]);
    assert_eq!(said.code(), Some(1), "{said}");
    assert_eq!(said.json()["test"]["failure"]["code"], "ssh.auth.denied");
    assert!(findings(&said.json()).is_empty(), "{said}");
}

#[test]
fn a_start_up_file_that_prints_is_found_and_its_guard_helps() {
    for (shell, rc, guarded) in [
        (
            "fish",
            ".config/fish/config.fish",
            "if status is-interactive\n echo welcome\n echo here >&2\nend\n",
        ),
        ("bash", ".bashrc", "case $- in *i*) ;; *) return ;; esac\necho welcome\n"),
    ] {
        let world = World::with(&Setup { shell, ..Setup::default() });
        world.sshd.write(rc, "echo welcome\n");
        let typed = found(&world, "doctor.rc-noise", "note");
        assert!(typed.contains(rc.rsplit('/').next().unwrap()), "{typed}");
        world.sshd.write(rc, guarded);
        assert_eq!(types_well(&world, &typed), "", "it prints nothing then");
        is_well(&world, "doctor.rc-noise");
    }
}

#[test]
fn what_the_login_shell_alone_has_in_its_path_is_told() {
    let world = World::new();
    world.sshd.write(".profile", "PATH=/only/at/login:$PATH\n");
    let finding = finding(&world.home, "doctor.path");
    assert_eq!(finding["status"], "note", "{finding}");
    assert!(finding["what"].as_str().unwrap().contains("/only/at/login"), "{finding}");
    // Whatever the system's own profile adds is in this one as well.
    let all = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let all = format!("/only/at/login:{all}:/usr/local/games:/usr/games:/snap/bin");
    world.sshd.write(".bashrc", &format!("PATH={all}\n"));
    is_well(&world, "doctor.path");
    // A login shell that hangs tells of none.
    world.sshd.write(".profile", "sleep 600\n");
    found(&world, "doctor.path", "warn");
}

#[test]
fn a_server_with_one_channel_is_found_until_it_takes_more() {
    let mut world = World::with(&Setup { max_sessions: 1, ..Setup::default() });
    let typed = found(&world, "doctor.max-sessions", "warn");
    assert!(typed.contains("MaxSessions 10"), "{typed}");
    world.sshd.set_max_sessions(10);
    world.sshd.restart();
    is_well(&world, "doctor.max-sessions");
}

#[test]
fn a_clock_that_is_wrong_is_found_by_how_much() {
    let world = World::new();
    let date = program("date");
    stand_in(&world, "date", &format!("echo $(($({} +%s) - 7200))", date.display()));
    let behind = finding(&world.home, "doctor.clock");
    assert_eq!(behind["status"], "warn", "{behind}");
    assert!(behind["what"].as_str().unwrap().contains("behind"), "{behind}");
    assert!(behind["command"].as_str().unwrap().contains("set-ntp"), "{behind}");
    fs::remove_file(world.sshd.home().join("bin/date")).unwrap();
    is_well(&world, "doctor.clock");
}

#[test]
fn a_system_without_tail_is_found_until_it_is_installed() {
    let world = World::new();
    let needed = [
        "sh", "bash", "cat", "dd", "mkdir", "mkfifo", "rm", "mv", "ls", "sleep", "grep", "uname",
        "id", "date", "df", "stat", "tr", "readlink", "env",
    ];
    let few = world.sshd.home().join("few");
    fs::create_dir(&few).unwrap();
    for name in needed {
        symlink(program(name), few.join(name)).unwrap();
    }
    world.sshd.write(".bashrc", "PATH=~/few\n");
    let typed = found(&world, "doctor.tail", "fail");
    assert!(typed.contains("command -v tail"), "{typed}");
    assert!(!type_it(&world, &typed).status.success(), "{typed}");
    symlink(program("tail"), few.join("tail")).unwrap();
    assert!(types_well(&world, &typed).ends_with("/few/tail\n"), "{typed}");
    is_well(&world, "doctor.tail");
}

#[test]
fn a_machine_without_setsid_is_found_until_it_has_one() {
    let world = World::new();
    // In a mount namespace of its own, where nothing does what setsid does.
    let hide = "for file in /usr/bin/setsid /bin/setsid /usr/bin/perl /usr/bin/python3; do \
         if [ -f $file ]; then mount --bind /dev/null $file || exit 9; fi; done";
    let allowed = Command::new("unshare").args(["--mount", "/bin/sh", "-c", hide]).output();
    if !allowed.is_ok_and(|said| said.status.success()) {
        let words = b"NOT TRIED: a machine without setsid takes the right to mount\n";
        std::io::stderr().write_all(words).unwrap();
        return;
    }
    let rc = format!(
        "PATH=/usr/bin:/bin\n\
         if [ -z \"$HIDDEN\" ]; then\n\
         export HIDDEN=yes\n\
         exec unshare --mount /bin/sh -c '{hide}; exec /bin/bash -c \"$1\"' sh \"$BASH_EXECUTION_STRING\"\n\
         fi\n"
    );
    world.sshd.write(".bashrc", &rc);
    let typed = found(&world, "doctor.setsid", "fail");
    assert!(typed.contains("util-linux"), "{typed}");
    let report = report(&world.home);
    assert_eq!(report["test"]["failure"]["code"], "session.setsid.missing", "{report:#}");
    world.sshd.write(".bashrc", "");
    assert!(types_well(&world, &typed).ends_with("/setsid\n"), "{typed}");
    is_well(&world, "doctor.setsid");
}

#[test]
fn a_full_disk_is_found_until_there_is_room() {
    let Some(disk) = SmallDisk::with_mebibytes(16) else { return };
    let world = World::new();
    let spools = disk.path().join("spools");
    fs::create_dir(&spools).unwrap();
    fs::create_dir_all(world.sshd.home().join(".local/state")).unwrap();
    symlink(&spools, world.sshd.home().join(".local/state/longhaul")).unwrap();
    // So few megabytes are soon full.
    found(&world, "doctor.disk", "warn");
    disk.fill();
    let typed = found(&world, "doctor.disk", "fail");
    assert!(typed.contains("df -h") && typed.contains("longhaul gc"), "{typed}");
    assert!(types_well(&world, &typed).contains("100%"), "{typed}");
    let report = report(&world.home);
    assert_eq!(report["test"]["failure"]["code"], "session.spool.disk-full", "{report:#}");
    disk.empty();
    found(&world, "doctor.disk", "warn");
    is_well(&world, "doctor.spool");
}

#[test]
fn spools_on_a_network_file_system_are_found_until_they_are_elsewhere() {
    let world = World::new();
    let home = world.sshd.home().display().to_string();
    // The home is on another machine, and nothing else is.
    let (stat, real) = (program("stat"), program("readlink"));
    let script = format!(
        "for last; do :; done\ncase $({} -f \"$last\") in {home}*) echo nfs ;; *) exec {} \"$@\" ;; esac",
        real.display(),
        stat.display()
    );
    stand_in(&world, "stat", &script);
    let typed = found(&world, "doctor.network-home", "warn");
    assert!(typed.contains("ln -s") && typed.contains(".local/state/longhaul"), "{typed}");
    fs::remove_dir_all(world.sshd.home().join(".local/state/longhaul")).unwrap();
    // A user of its own, while it is typed: /var/tmp is everybody's.
    let user = format!("test-{}", std::process::id());
    stand_in(&world, "id", &format!("echo {user}"));
    let folder = Path::new("/var/tmp").join(format!("longhaul-{user}"));
    types_well(&world, &typed);
    fs::remove_file(world.sshd.home().join("bin/id")).unwrap();
    let link = fs::read_link(world.sshd.home().join(".local/state/longhaul")).unwrap();
    let finding = finding(&world.home, "doctor.network-home");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(link, folder, "{typed}");
    assert_eq!(finding["status"], "ok", "{finding:#}");
}

#[test]
fn a_session_that_no_registry_knows_is_found_until_it_is_adopted() {
    let world = World::new();
    let id = world.detached_script("until [ -e go ]; do sleep 0.05; done");
    world.home.await_state(&id, "running");
    is_well(&world, "doctor.orphans");
    // The same control machine, which has lost what it knew.
    let anew = ClientHome::new();
    let remote = Entry::remote("box", world.sshd.port(), &anew.identity());
    anew.configure(&Config::default().with_remote(remote));
    let orphan = finding(&anew, "doctor.orphans");
    assert_eq!(orphan["status"], "warn", "{orphan}");
    assert!(orphan["what"].as_str().unwrap().contains(&id), "{orphan}");
    let typed = orphan["command"].as_str().unwrap();
    let words: Vec<&str> = typed.strip_prefix("longhaul ").unwrap().split(' ').collect();
    anew.longhaul(&words).exited(0);
    assert_eq!(finding(&anew, "doctor.orphans")["status"], "ok");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
    anew.longhaul(&["wait", &id]).exited(0);
}

#[test]
fn a_process_of_no_session_is_found_until_it_is_killed() {
    let world = World::new();
    let mut stray = Command::new("sleep");
    stray.arg("600").env("LONGHAUL_SESSION", "7777777777").env("HOME", world.sshd.home());
    stray.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut stray = stray.spawn().unwrap();
    let typed = found(&world, "doctor.orphans", "warn");
    let kill = format!("kill {}", stray.id());
    assert!(typed.lines().any(|line| line.contains(&kill)), "{typed}");
    assert!(types_well(&world, &typed).contains("sleep 600"), "{typed}");
    stray.wait().unwrap();
    is_well(&world, "doctor.orphans");
}

#[test]
fn agents_are_found_with_what_each_of_them_lacks() {
    let world = World::new();
    let claude = || finding(&world.home, "doctor.agent.claude");
    let absent = claude();
    assert_eq!(absent["status"], "note", "{absent}");
    assert!(absent["command"].as_str().unwrap().contains("npm install"), "{absent}");
    stand_in(&world, "claude", "echo '2.1.0 (Claude Code)'");
    let file = world.sshd.home().join("bin/claude");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let typed = found(&world, "doctor.agent.claude", "warn");
    assert!(typed.contains("chmod +x"), "{typed}");
    types_well(&world, &typed);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o755);
    let logged_out = claude();
    assert_eq!(logged_out["status"], "warn", "{logged_out}");
    assert!(logged_out["what"].as_str().unwrap().contains("2.1.0"), "{logged_out}");
    world.sshd.write(".claude/.credentials.json", "{\"claudeAiOauth\": {}}\n");
    is_well(&world, "doctor.agent.claude");
    // A key of the configuration will do as well.
    fs::remove_file(world.sshd.home().join(".claude/.credentials.json")).unwrap();
    let remote = world.remote().raw("env", "{ \"ANTHROPIC_API_KEY\": \"sk-secret\" }");
    world.home.configure(&Config::default().with_remote(remote));
    world.home.longhaul(&["config", "reload"]).exited(0);
    let by_key = claude();
    assert_eq!(by_key["status"], "ok", "{by_key}");
    assert!(!by_key.to_string().contains("sk-secret"), "{by_key}");
}

#[test]
fn a_variable_without_a_value_is_found_until_it_has_one() {
    let world = World::new();
    let file = world.home.path().join("token");
    let from_file = format!("{{ \"TOKEN\": FromFile({:?}) }}", file.display().to_string());
    let remote = world.remote().raw("env", &from_file);
    world.home.configure(&Config::default().with_remote(remote));
    world.home.longhaul(&["config", "reload"]).exited(0);
    let typed = found(&world, "doctor.env", "fail");
    assert!(typed.contains("longhaul daemon"), "{typed}");
    let tested = world.home.longhaul(&["remote", "test", "box", "--json"]).exited(1).json();
    assert_eq!(tested["failure"]["code"], "session.env.unavailable", "{tested:#}");
    fs::write(&file, "secret\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    is_well(&world, "doctor.env");
    world.home.longhaul(&["remote", "test", "box"]).exited(0);
}

#[test]
fn every_finding_has_a_page() {
    let world = World::new();
    let explain = |id: &str| world.home.longhaul(&["explain", id]).exited(0).out();
    let list = world.home.longhaul(&["explain"]).exited(0).out();
    for finding in findings(&report(&world.home)) {
        let id = finding["id"].as_str().unwrap();
        let page = explain(id);
        let topic = page.split(':').next().unwrap();
        assert!(id.starts_with(topic) && page.contains("What to type"), "{page}");
        assert!(list.lines().any(|line| line.split(' ').next() == Some(topic)), "{topic}");
    }
    // What is not well says where to read more.
    world.sshd.write(".bashrc", "echo welcome\n");
    let said = world.home.longhaul(&["remote", "doctor", "box"]).out();
    assert!(said.contains("more: longhaul explain doctor.rc-noise"), "{said}");
}
