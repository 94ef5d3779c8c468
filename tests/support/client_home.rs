//! The control side: a home of its own, a state folder, a socket, and whatever
//! daemon comes to life there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::command::{Finished, Input, Running};
use super::config::Config;
use super::keys::KeyPair;
use super::must::Must;
use super::processes::{self, Process};
use super::sshd::{account, program};
use super::wait::{PATIENCE, eventually_or, holds_within};

/// The binary under test.
pub(crate) const LONGHAUL: &str = env!("CARGO_BIN_EXE_longhaul");

/// A home that nothing of this machine's shines through.
#[derive(Debug)]
pub(crate) struct ClientHome {
    base: TempDir,
}

impl ClientHome {
    /// An empty configuration and a key pair in `~/.ssh`.
    pub(crate) fn new() -> Self {
        let base = tempfile::Builder::new().prefix("lh-home-").tempdir().must("make a folder");
        let home = Self { base };
        fs::create_dir_all(home.path().join(".ssh")).must("make ~/.ssh");
        fs::create_dir_all(home.config_path().parent().must("the config's folder"))
            .must("make the config's folder");
        KeyPair::client().write_to(&home.identity());
        home.configure(&Config::default());
        home
    }

    /// The home directory.
    pub(crate) fn path(&self) -> &Path {
        self.base.path()
    }

    /// The client key.
    pub(crate) fn identity(&self) -> PathBuf {
        self.path().join(".ssh/id_ed25519")
    }

    /// A folder that comes first on the PATH.
    pub(crate) fn bin(&self) -> PathBuf {
        self.path().join("bin")
    }

    /// Has `ssh` take this home for its user's, which it looks up in the user
    /// database and not in `HOME`.
    pub(crate) fn be_the_home_of_ssh(&self) {
        let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
        let (uid, gid) = (uid.as_raw(), gid.as_raw());
        let (home, account) = (self.path().display(), account());
        fs::create_dir_all(self.bin()).must("make a folder for programs");
        let file = |name: &str| self.bin().join(name);
        let passwd = format!("{account}:x:{uid}:{gid}::{home}:/bin/sh\n");
        fs::write(file("passwd"), passwd).must("write a user database");
        let group = format!("{account}:x:{gid}:\n");
        fs::write(file("group"), group).must("write a group database");
        let text = format!(
            "#!/bin/sh\nexport LD_PRELOAD=libnss_wrapper.so\n\
             export NSS_WRAPPER_PASSWD='{home}/bin/passwd' NSS_WRAPPER_GROUP='{home}/bin/group'\n\
             exec {} \"$@\"\n",
            program("ssh").display()
        );
        fs::write(file("ssh"), text).must("write ssh");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(file("ssh"), mode).must("make ssh a program");
    }

    /// The main configuration file.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.path().join(".config/longhaul/longhaul.ron")
    }

    /// The state folder.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.path().join("state")
    }

    /// The daemon's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join("sock")
    }

    /// Writes the configuration, as an editor that renames into place does.
    pub(crate) fn configure(&self, config: &Config) {
        self.configure_raw(config.ron().as_bytes());
    }

    /// Writes anything in the configuration's place.
    pub(crate) fn configure_raw(&self, bytes: &[u8]) {
        let new = self.config_path().with_extension("new");
        fs::write(&new, bytes).must("write the configuration");
        fs::rename(&new, self.config_path()).must("rename the configuration");
    }

    /// `longhaul ARGS`, in a clean environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(LONGHAUL);
        command
            .args(args)
            .env_clear()
            .env("HOME", self.path())
            .env("USER", account())
            .env("LOGNAME", account())
            .env("SHELL", "/bin/bash")
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin().display()))
            .env("LANG", "C.UTF-8")
            .env("LONGHAUL_STATE_DIR", self.state_dir())
            .env("LONGHAUL_SOCKET", self.socket())
            .current_dir(self.path());
        command
    }

    /// Starts `longhaul ARGS` with an empty standard input.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args), Input::Nothing)
    }

    /// Runs `longhaul ARGS` with an empty standard input, to its end.
    #[track_caller]
    pub(crate) fn longhaul(&self, args: &[&str]) -> Finished {
        self.start(args).finish()
    }

    /// Runs `longhaul ARGS` with `input` as its standard input, to its end.
    #[track_caller]
    pub(crate) fn longhaul_with_input(&self, args: &[&str], input: &[u8]) -> Finished {
        Running::start(self.command(args), Input::Bytes(input.to_vec())).finish()
    }

    /// What `longhaul ARGS --json` says; it exits with 0.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        self.longhaul(&args).exited(0).json()
    }

    /// `inspect --json` of a session.
    #[track_caller]
    pub(crate) fn inspect(&self, session: &str) -> Value {
        self.json(&["inspect", session])
    }

    /// Starts `longhaul run -d ARGS`, whose output is the id, and gives that.
    #[track_caller]
    pub(crate) fn detached(&self, args: &[&str]) -> String {
        let args: Vec<_> = ["run", "-d"].iter().chain(args).copied().collect();
        let said = self.longhaul(&args).exited(0);
        let id = said.out().trim().to_owned();
        assert_eq!(id.len(), 10, "`run -d` says the session's id and nothing else\n{said}");
        id
    }

    /// Waits until a session is in `state`.
    #[track_caller]
    pub(crate) fn await_state(&self, session: &str, state: &str) -> Value {
        let mut seen = Value::Null;
        eventually_or(
            &format!("session {session} is {state}"),
            || {
                seen = self.inspect(session);
                seen["state"] == state
            },
            || self.logs(),
        );
        seen
    }

    /// The one daemon, if it is there.
    pub(crate) fn daemon_pid(&self) -> Option<u32> {
        let daemons = self.daemons();
        assert!(daemons.len() < 2, "more than one daemon:\n{}", processes::listing(&daemons));
        daemons.first().map(|daemon| daemon.pid)
    }

    /// Processes of this home that run `longhaul daemon run`.
    pub(crate) fn daemons(&self) -> Vec<Process> {
        let binary = fs::canonicalize(LONGHAUL).must("find the binary");
        let mut found = processes::belonging_to(self.path());
        found.retain(|process| {
            process.arguments.contains("daemon run")
                && processes::program(process.pid).is_some_and(|program| program == binary)
        });
        // Between fork(2) and exec(2) a child looks like the daemon that made it.
        let pids: Vec<u32> = found.iter().map(|process| process.pid).collect();
        found.retain(|process| !pids.contains(&process.parent));
        found
    }

    /// Ends the daemon with KILL, and gives the id that it had.
    #[track_caller]
    pub(crate) fn kill_daemon(&self) -> u32 {
        let pid = self.daemon_pid().must("find the daemon");
        processes::signal(pid, Signal::KILL);
        eventually_or("the daemon is gone", || !processes::is_alive(pid), || self.logs());
        pid
    }

    /// The ends of all log files in the state folder.
    pub(crate) fn logs(&self) -> String {
        const SHOWN: usize = 8192;
        let mut text = String::new();
        let Ok(entries) = fs::read_dir(self.state_dir()) else { return text };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "log") {
                let bytes = fs::read(&path).unwrap_or_default();
                let tail = &bytes[bytes.len().saturating_sub(SHOWN)..];
                text.push_str(&format!(
                    "--- {}\n{}\n",
                    path.display(),
                    String::from_utf8_lossy(tail)
                ));
            }
        }
        text
    }

    /// Ends sessions that still live, through a daemon that may have to be
    /// started for it.
    fn end_sessions(&self) {
        let sessions = self.json(&["ps"]);
        let sessions = sessions.as_array().must("`ps --json` is a list");
        for id in sessions.iter().filter_map(|session| session["id"].as_str()) {
            // It may end by itself in between, which is as good.
            self.longhaul(&["kill", id]);
            self.longhaul(&["wait", id]);
        }
    }

    fn kill_all(&self) -> Vec<Process> {
        let left = processes::belonging_to(self.path());
        for process in &left {
            processes::signal(process.pid, Signal::KILL);
        }
        left
    }
}

impl Drop for ClientHome {
    /// Ends sessions and the daemon through the front door, and fails the test
    /// if that leaves processes.
    fn drop(&mut self) {
        if thread::panicking() {
            let logs = self.logs();
            if !logs.is_empty() {
                use std::io::Write as _;
                let _ = writeln!(std::io::stderr(), "{logs}");
            }
            self.kill_all();
            return;
        }
        if self.daemon_pid().is_some() {
            self.end_sessions();
            self.longhaul(&["daemon", "stop"]).exited(0);
        }
        let quiet = || processes::belonging_to(self.path()).is_empty();
        if !holds_within(PATIENCE, quiet) {
            let left = self.kill_all();
            panic!("processes outlived the daemon's stop:\n{}", processes::listing(&left));
        }
    }
}
