//! What the rows stand on: one daemon, and the servers that they break.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::support::client_home::ClientHome;
use crate::support::command::{Input, Running};
use crate::support::config::{Config, Entry};
use crate::support::must::Must;
use crate::support::sshd::{Setup, Sshd, account};
use crate::support::wait::eventually_or;

/// The control side, and what it is told to reach.
///
/// Fields are dropped in this order: sessions end while their servers are there.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) home: ClientHome,
    daemon: Option<Running>,
    sshds: Vec<Sshd>,
    config: Config,
    ssh_config: String,
    hosts: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            home: ClientHome::new(),
            daemon: None,
            sshds: Vec::new(),
            config: Config::default(),
            ssh_config: String::new(),
            hosts: String::new(),
        }
    }

    /// Starts a real sshd, and gives its port.
    pub(crate) fn sshd(&mut self, setup: &Setup) -> &Sshd {
        self.sshds.push(Sshd::with(setup));
        self.sshds.last().must("the server")
    }

    /// Adds a remote behind a port of this machine.
    pub(crate) fn remote(&mut self, name: &str, port: u16) {
        let entry = Entry::remote(name, port, &self.home.identity());
        self.add(entry);
    }

    /// Adds a remote.
    pub(crate) fn add(&mut self, remote: Entry) {
        self.config = std::mem::take(&mut self.config).with_remote(remote);
    }

    /// Adds a remote that is a `Host` of `~/.ssh/config`, with these settings.
    pub(crate) fn host(&mut self, name: &str, settings: &[&str]) {
        self.ssh_config.push_str(&format!("Host {name}\n"));
        for setting in settings {
            self.ssh_config.push_str(&format!("    {setting}\n"));
        }
        self.add(Entry::named(name).text("host", name).text("user", account()));
    }

    /// [`host()`](Self::host) behind a port of this machine, with the client's key.
    pub(crate) fn host_at(&mut self, name: &str, port: u16, settings: &[&str]) {
        let identity = format!("IdentityFile {}", self.home.identity().display());
        let port = format!("Port {port}");
        // The first one counts.
        let mut all = settings.to_vec();
        all.extend(["HostName 127.0.0.1", &port, &identity]);
        self.host(name, &all);
    }

    /// Adds an agent whose command is `program`.
    pub(crate) fn agent(&mut self, name: &str, program: &str) {
        let agent = Entry::named(name).raw("command", &format!("[{program:?}]"));
        self.config = std::mem::take(&mut self.config).with_agent(agent);
    }

    /// Has the resolver know a name by this address, and those that were added
    /// before.
    pub(crate) fn address(&mut self, name: &str, address: &str) {
        self.hosts.push_str(&format!("{address} {name}\n"));
    }

    /// A private file in `~/.ssh`.
    pub(crate) fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let file = self.home.path().join(".ssh").join(name);
        fs::write(&file, text).must("write a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).must("set its mode");
        file
    }

    /// Starts the daemon with all that was added.
    pub(crate) fn start(&mut self) {
        self.file("config", &self.ssh_config, 0o600);
        let hosts = self.file("hosts", &self.hosts, 0o600);
        self.home.configure(&self.config);
        let mut daemon = self.home.command(&["daemon", "run"]);
        // A resolver that knows other names than this machine's.
        daemon.env("LD_PRELOAD", "libnss_wrapper.so").env("NSS_WRAPPER_HOSTS", hosts);
        let daemon = Running::start(daemon, Input::Nothing);
        eventually_or(
            "the daemon answers",
            || self.home.longhaul(&["daemon", "status"]).code() == Some(0),
            || String::from_utf8_lossy(&daemon.stdout()).into_owned(),
        );
        self.daemon = Some(daemon);
    }

    /// Everything that was logged, for a failure message.
    pub(crate) fn logs(&self) -> String {
        self.home.logs()
    }
}
