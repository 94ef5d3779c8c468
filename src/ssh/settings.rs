//! The effective settings of a destination: what was asked for, laid over
//! `ssh_config`(5), laid over the defaults.

use std::path::PathBuf;

use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{SshRequest, SshSettings};

/// What of this machine and user the settings depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshEnvironment {
    /// The user's home directory.
    pub home: PathBuf,
    /// The user's name on this machine: the default for the name on others.
    pub local_user: String,
    /// The agent's socket, where there is one (`SSH_AUTH_SOCK`).
    pub ssh_auth_sock: Option<PathBuf>,
    /// The system's file, usually `/etc/ssh/ssh_config`.
    pub system_config: Option<PathBuf>,
}

/// The settings by which `request` is dialled.
///
/// Reads files: call it where blocking is allowed.
///
/// # Errors
///
/// [`LinkTrouble::SshConfig`] for a file that cannot be read or understood.
pub fn effective(request: &SshRequest, env: &SshEnvironment) -> Result<SshSettings, LinkTrouble> {
    defaults::settings(request, env)
}

mod defaults {
    use super::*;
    use crate::domain::target::{KeepAlive, UnknownHost};
    use std::time::Duration;

    pub(super) fn settings(
        request: &SshRequest,
        env: &SshEnvironment,
    ) -> Result<SshSettings, LinkTrouble> {
        let dot_ssh = env.home.join(".ssh");
        let keys = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];
        Ok(SshSettings {
            host_name: request.host.clone(),
            host_key_name: request.host.to_lowercase(),
            host_key_alias: None,
            port: request.port.unwrap_or(22),
            user: request.user.clone().unwrap_or_else(|| env.local_user.clone()),
            identity_files: match &request.identity_file {
                Some(file) => vec![file.clone()],
                None => keys.iter().map(|key| dot_ssh.join(key)).collect(),
            },
            identities_explicit: request.identity_file.is_some(),
            identities_only: false,
            jumps: Vec::new(),
            keep_alive: KeepAlive::default(),
            connect_timeout: Duration::from_secs(15),
            unknown_host: UnknownHost::AcceptNew,
            user_known_hosts: vec![dot_ssh.join("known_hosts"), dot_ssh.join("known_hosts2")],
            global_known_hosts: vec![
                "/etc/ssh/ssh_known_hosts".into(),
                "/etc/ssh/ssh_known_hosts2".into(),
            ],
            agent_socket: env.ssh_auth_sock.clone(),
        })
    }
}
