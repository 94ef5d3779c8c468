//! Machines with systemd: the session's scope, and what logind does at logout.
//!
//! The cgroups are the kernel's own; `busctl` is a stand-in, which does in them
//! what the user's service manager does on `StartTransientUnit`, and tells of
//! logind what a test wants told.

use std::fs;
use std::path::{Path, PathBuf};

use longhaul::domain::launch::Parameters;
use longhaul::runner::program::Program;

use crate::bench::{Bench, NotTried, nonce};
use crate::processes;
use crate::wait::{eventually, holds_within};
use crate::world::World;

under_every_shell! {
    stop_ends_all_that_is_in_a_lingering_users_scope
    a_scope_that_is_refused_keeps_no_session_from_running
    without_linger_there_is_no_scope_and_nobody_is_asked
    a_session_that_logout_would_kill_says_so
    a_probe_says_whether_logout_would_kill
}

/// `call … StartTransientUnit …` answers before it is done, as the manager does.
const BUSCTL: &str = r#"
world=${0%/bin/busctl}
echo "$*" >>"$world/calls"
case $* in
  *StartTransientUnit*)
    if [ -e "$world/refuses" ]; then echo "Call failed: Access denied" >&2; exit 1; fi
    while [ "$1" != "ssa(sv)a(sa(sv))" ]; do shift; done
    scope=$(cat "$world/cgroup")/$2
    while [ "$1" != PIDs ]; do shift; done
    (sleep 0.2; mkdir "$scope"; echo "$4" >"$scope/cgroup.procs") >/dev/null 2>&1 &
    echo 'o "/org/freedesktop/systemd1/job/31"'
    ;;
  *"get-property org.freedesktop.login1 "*) cat "$world/logind" ;;
  *) exit 1 ;;
esac"#;

/// A machine under systemd, and the cgroup in which its scopes are made.
struct Systemd {
    world: PathBuf,
    cgroup: PathBuf,
}

impl Systemd {
    /// Makes it, and moves the bench there.
    fn boot(bench: &mut Bench, linger: bool) -> Self {
        let world = World::make(
            "systemd",
            "mount -t tmpfs none /run; mkdir -p /run/systemd/system
             mkdir -p /var/lib/systemd; mount -t tmpfs none /var/lib/systemd
             mkdir /var/lib/systemd/linger",
        );
        let cgroup = own_cgroup(bench);
        world.program("busctl", BUSCTL);
        fs::write(world.dir().join("cgroup"), cgroup.to_str().unwrap()).unwrap();
        let folder = world.dir().to_owned();
        if linger {
            let file = "/var/lib/systemd/linger/$(id -un)";
            let mut touch = world.command();
            touch.args(["/bin/sh", "-c", &format!(": >{file}")]);
            assert!(touch.status().unwrap().success());
        }
        bench.move_to(world);
        bench.systemd = true;
        Self { world: folder, cgroup }
    }

    /// What `busctl get-property` tells of logind.
    fn logind(&self, kills: bool, spared: &[&str], only: &[&str]) {
        let list = |names: &[&str]| {
            let quoted: String = names.iter().map(|name| format!(" \"{name}\"")).collect();
            format!("as {}{quoted}", names.len())
        };
        let text = format!("b {kills}\n{}\n{}\n", list(spared), list(only));
        fs::write(self.world.join("logind"), text).unwrap();
    }

    /// From here on the programs run in the scope of a login.
    fn log_in(&self, bench: &mut Bench) {
        let login = self.cgroup.join("session-5.scope");
        fs::create_dir_all(&login).unwrap();
        bench.before = format!("echo $$ >{}/cgroup.procs; ", login.display());
    }

    fn was_asked(&self) -> bool {
        self.world.join("calls").exists()
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        let emptied = || remove_cgroup(&self.cgroup);
        if !std::thread::panicking() {
            assert!(holds_within(crate::wait::PATIENCE, emptied), "{:?} is in use", self.cgroup);
        }
    }
}

fn remove_cgroup(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return true };
    let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    folders.for_each(|folder| _ = remove_cgroup(&folder));
    fs::remove_dir(dir).is_ok()
}

/// A cgroup of the bench's own, in the hierarchy that systemd would use.
fn own_cgroup(bench: &Bench) -> PathBuf {
    let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd"];
    let name = format!("longhaul-test-{}", bench.id.as_str());
    let root = roots.iter().find(|root| Path::new(root).join("cgroup.procs").exists());
    let made =
        root.map(|root| Path::new(root).join(name)).filter(|dir| fs::create_dir(dir).is_ok());
    made.unwrap_or_else(|| NotTried::here("it needs the right to make a cgroup, which root has"))
}

fn stop_ends_all_that_is_in_a_lingering_users_scope(bench: &mut Bench) {
    let systemd = Systemd::boot(bench, true);
    // It has no mark, and another session: nothing but its cgroup tells whose it is.
    let talk =
        bench.start_script("(env -i setsid sleep 61 &); env -i setsid -f sleep 62; sleep 63");
    bench.pid();
    let scope = systemd.cgroup.join(format!("longhaul-{}.scope", bench.id.as_str()));
    assert_eq!(fs::read_to_string(bench.spool("cgroup")).unwrap().trim(), scope.to_str().unwrap());
    let members = || {
        let text = fs::read_to_string(scope.join("cgroup.procs")).unwrap();
        let pids = text.lines().map(|line| line.parse::<u32>().unwrap());
        let sleep = |pid: &u32| processes::look_at(*pid).is_some_and(|p| p.name == "sleep");
        pids.filter(sleep).collect::<Vec<_>>()
    };
    eventually("all run", || members().len() == 3);
    let before = members();
    // A cgroup of the session's own making.
    fs::create_dir(scope.join("inner")).unwrap();
    fs::write(scope.join("inner/cgroup.procs"), before[0].to_string()).unwrap();
    assert_eq!(bench.stop(5), ["stopped"]);
    assert!(before.iter().all(|pid| !processes::is_alive(*pid)));
    // The wrapper was in there as well, and lived to tell.
    assert_eq!(talk.finish().record(), "signal 15 run");
    drop(systemd);
}

fn a_scope_that_is_refused_keeps_no_session_from_running(bench: &mut Bench) {
    let systemd = Systemd::boot(bench, true);
    fs::write(systemd.world.join("refuses"), "").unwrap();
    let said = bench.start_script("echo out; exit 3").finish();
    assert_eq!(
        (said.record(), said.out().as_str(), said.err().as_str()),
        ("code 3 run", "out\n", "")
    );
    let why = fs::read_to_string(bench.spool("scope")).unwrap();
    assert_eq!(why, "Call failed: Access denied\n");
    assert!(!bench.spool("cgroup").exists());
}

fn without_linger_there_is_no_scope_and_nobody_is_asked(bench: &mut Bench) {
    let systemd = Systemd::boot(bench, false);
    assert_eq!(bench.start_script("exit 3").finish().record(), "code 3 run");
    assert!(!systemd.was_asked());
    assert!(!bench.spool("cgroup").exists() && !bench.spool("scope").exists());
}

/// Streams a session, and finds out whether it tells of its end at logout.
#[track_caller]
fn expect_note(bench: &mut Bench, expected: bool) {
    let go = bench.dir().join(bench.id.as_str());
    let mut talk =
        bench.start_script(&format!("until [ -e {} ]; do sleep 0.05; done", go.display()));
    talk.line("claimed");
    talk.write(b"follow\n");
    talk.line("started");
    if expected {
        assert_eq!(talk.line("note "), "note logout-kills");
    } else {
        assert!(!holds_within(std::time::Duration::from_secs(1), || talk.has_said("note ")));
    }
    fs::write(go, "").unwrap();
    assert_eq!(talk.hear_out().record(), "code 0 run");
    bench.next_session();
}

fn a_session_that_logout_would_kill_says_so(bench: &mut Bench) {
    let me = if rustix::process::geteuid().is_root() { "root" } else { "somebody" };
    bench.environment.insert("USER".to_owned(), me.into());
    let systemd = Systemd::boot(bench, false);
    systemd.logind(true, &[], &[]);
    // No login's scope.
    expect_note(bench, false);
    assert!(!systemd.was_asked());
    systemd.log_in(bench);
    expect_note(bench, true);
    systemd.logind(true, &["other", me], &[]);
    expect_note(bench, false);
    systemd.logind(false, &["other"], &[me]);
    expect_note(bench, true);
    systemd.logind(true, &[], &["other"]);
    expect_note(bench, false);
    systemd.logind(false, &[], &[]);
    expect_note(bench, false);
    bench.before.clear();
    drop(systemd);
}

fn a_probe_says_whether_logout_would_kill(bench: &mut Bench) {
    let word = "logout kills".to_owned();
    for linger in [false, true] {
        let systemd = Systemd::boot(bench, linger);
        systemd.logind(true, &[], &[]);
        systemd.log_in(bench);
        let said = bench.control(Program::Probe, Parameters::new(&nonce()));
        assert_eq!(said.contains(&word), !linger, "{said:?}");
        bench.before.clear();
        drop(systemd);
        bench.next_session();
    }
}
