//! OpenSSH's own client, to measure longhaul against.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::keys::KeyPair;
use super::must::Must;
use super::sshd::account;
use super::world::World;

/// `ssh` to the world's server.
#[derive(Debug)]
pub(crate) struct PlainSsh {
    options: Vec<String>,
    /// Where the socket of a master is.
    pub(crate) control: PathBuf,
}

impl PlainSsh {
    /// By this port of 127.0.0.1.
    pub(crate) fn to(world: &World, port: u16) -> Self {
        let known = world.home.path().join("known_hosts");
        let line = format!("[127.0.0.1]:{port} {}\n", KeyPair::host().public());
        fs::write(&known, line).must("write known_hosts");
        let options = [
            "-F/dev/null".to_owned(),
            "-oBatchMode=yes".to_owned(),
            "-oIdentityAgent=none".to_owned(),
            "-oIdentitiesOnly=yes".to_owned(),
            format!("-oUserKnownHostsFile={}", known.display()),
            format!("-i{}", world.home.identity().display()),
            format!("-l{}", account()),
            format!("-p{port}"),
        ];
        Self { options: options.to_vec(), control: world.home.path().join("control") }
    }

    /// `ssh OPTIONS MORE…`.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.args(&self.options).args(more);
        command
    }

    /// A login of its own for this command.
    pub(crate) fn fresh(&self, remote_command: &str) -> Command {
        self.command(&["127.0.0.1", remote_command])
    }
}
