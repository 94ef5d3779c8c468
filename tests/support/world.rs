//! Both sides: a client home whose configuration has one remote, `box`, which
//! is a real sshd.

use super::client_home::ClientHome;
use super::command::{Finished, Running};
use super::config::{Config, Entry};
use super::must::Must;
use super::processes::{self, Process};
use super::sshd::{Setup, Sshd};

/// What `run` is told to run somewhere: on the remote, and here.
pub(crate) const PLACES: [&[&str]; 2] = [&["--on", "box"], &["--local"]];

/// Whether the remote is reached by the system's `ssh`: the same tests are run
/// over both transports, by two binaries.
pub(crate) const OVER_SSH: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"e2e_openssh");

/// A control side and a remote side. Fields are dropped in this order: the
/// sessions are ended while their server is still there.
#[derive(Debug)]
pub(crate) struct World {
    /// The control side.
    pub(crate) home: ClientHome,
    /// The remote side.
    pub(crate) sshd: Sshd,
}

impl World {
    /// A server of OpenSSH's defaults with bash behind it.
    pub(crate) fn new() -> Self {
        Self::with(&Setup::default())
    }

    /// A server set up otherwise.
    pub(crate) fn with(setup: &Setup) -> Self {
        let world = Self { home: ClientHome::new(), sshd: Sshd::with(setup) };
        if OVER_SSH {
            world.home.be_the_home_of_ssh();
        }
        world.home.configure(&Config::default().with_remote(world.remote()));
        world
    }

    /// The remote `box`, to add to.
    pub(crate) fn remote(&self) -> Entry {
        self.remote_behind(self.sshd.port())
    }

    /// The remote `box`, reached through another port.
    pub(crate) fn remote_behind(&self, port: u16) -> Entry {
        let remote = Entry::remote("box", port, &self.home.identity());
        if OVER_SSH { remote.raw("transport", "OpenSsh") } else { remote }
    }

    /// Starts `longhaul run --on box ARGS`.
    pub(crate) fn start_on_box(&self, args: &[&str]) -> Running {
        let args: Vec<_> = ["run", "--on", "box"].iter().chain(args).copied().collect();
        self.home.start(&args)
    }

    /// Runs `longhaul run --on box ARGS` to its end.
    #[track_caller]
    pub(crate) fn on_box(&self, args: &[&str]) -> Finished {
        self.start_on_box(args).finish()
    }

    /// Runs `sh -c SCRIPT` on the remote to its end.
    #[track_caller]
    pub(crate) fn script(&self, script: &str) -> Finished {
        self.on_box(&["--", "sh", "-c", script])
    }

    /// Runs `longhaul run PLACE ARGS` to its end.
    #[track_caller]
    pub(crate) fn run(&self, place: &[&str], args: &[&str]) -> Finished {
        let args: Vec<_> = ["run"].iter().chain(place).chain(args).copied().collect();
        self.home.longhaul(&args)
    }

    /// How the connection to `box` is, by its state's name.
    #[track_caller]
    pub(crate) fn link_state(&self) -> String {
        let remotes = self.home.json(&["remote", "ls"]);
        let remotes = remotes.as_array().must("`remote ls --json` is a list");
        let remote = remotes.iter().find(|remote| remote["name"] == "box").must("find the box");
        remote["link"]["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Processes behind the server whose arguments hold `text`.
    pub(crate) fn remote_processes_with(&self, text: &str) -> Vec<Process> {
        let mut found = self.sshd.session_processes();
        found.retain(|process| process.arguments.contains(text));
        found
    }

    /// Processes whose working directory is a session's spool: its wrapper and
    /// whoever follows it.
    pub(crate) fn in_the_spool_of(&self, session: &str) -> Vec<Process> {
        let mut found = processes::all();
        found.retain(|process| {
            let cwd = std::fs::read_link(format!("/proc/{}/cwd", process.pid));
            cwd.is_ok_and(|cwd| cwd.ends_with(session))
        });
        found
    }

    /// Starts `sh -c SCRIPT` on the remote, detached, and gives its id.
    #[track_caller]
    pub(crate) fn detached_script(&self, script: &str) -> String {
        self.home.detached(&["--on", "box", "--", "sh", "-c", script])
    }

    /// Everything that was logged, for a failure message.
    pub(crate) fn logs(&self) -> String {
        format!("{}--- sshd\n{}", self.home.logs(), self.sshd.log())
    }
}
