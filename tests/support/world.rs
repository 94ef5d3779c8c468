//! Both sides: a client home whose configuration has one remote, `box`, which
//! is a real sshd.

use super::client_home::ClientHome;
use super::command::{Finished, Running};
use super::config::{Config, Entry};
use super::sshd::{Setup, Sshd};

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
        world.home.configure(&Config::default().with_remote(world.remote()));
        world
    }

    /// The remote `box`, to add to.
    pub(crate) fn remote(&self) -> Entry {
        self.remote_behind(self.sshd.port())
    }

    /// The remote `box`, reached through another port.
    pub(crate) fn remote_behind(&self, port: u16) -> Entry {
        Entry::remote("box", port, &self.home.identity())
    }

    /// Starts `longhaul run --on box ARGS`.
    pub(crate) fn start_on_box(&self, args: &[&str]) -> Running {
        self.home.start(&on_box("run", args))
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

fn on_box<'a>(verb: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [verb, "--on", "box"].into_iter().chain(args.iter().copied()).collect()
}
