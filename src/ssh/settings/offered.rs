//! The hosts that `ssh_config`(5) offers, each with what it comes to.

use super::{Evaluation, SshEnvironment, System};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_config::{Host, hosts};
use crate::domain::target::{SshConfigUse, SshRequest};
use crate::domain::transport::TransportChoice;

/// A host that a `Host` line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its name, and where that is.
    pub host: Host,
    /// What `ssh` would do with the name, or why nothing.
    pub way: Result<Way, LinkTrouble>,
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What is connected to.
    pub host_name: String,
    /// The user there.
    pub user: String,
    /// The port there.
    pub port: u16,
    /// The hops of `ProxyJump`, as they are written.
    pub jumps: Vec<String>,
    /// `ProxyCommand`, expanded.
    pub proxy_command: Option<String>,
}

/// All hosts that the user's and the system's files name; reads files, and runs
/// what `Match exec` runs.
#[must_use]
pub fn offered(env: &SshEnvironment) -> Vec<Offered> {
    let machine = env.machine();
    let system = System { home: Some(machine.home.clone()) };
    let mut evaluation = Evaluation::new(env, machine, system);
    let asked = |host: String| SshRequest {
        host,
        port: None,
        user: None,
        identity_file: None,
        ssh_config: SshConfigUse::On,
        transport: TransportChoice::default(),
    };
    let sources = evaluation.sources(&asked(String::new()));
    let hosts = hosts(&sources, &evaluation.machine, &evaluation.system);
    let way = |host: Host| Offered { way: evaluation.way(&asked(host.name.clone())), host };
    hosts.into_iter().map(way).collect()
}

impl Evaluation<'_> {
    fn way(&mut self, request: &SshRequest) -> Result<Way, LinkTrouble> {
        // Only with its hops is it sure that there is a way.
        self.with_jumps(request)?;
        let one = self.one(request)?;
        let jumps = one.effective.way().map_err(|complaint| self.refused(&complaint.into()))?;
        Ok(Way {
            host_name: one.settings.host_name,
            user: one.settings.user,
            port: one.settings.port,
            jumps,
            proxy_command: one.settings.reach.proxy.map(|proxy| proxy.command),
        })
    }
}
