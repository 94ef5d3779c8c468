//! What `ssh_config` says about host keys.

use std::path::{Path, PathBuf};

use super::Evaluation;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_config::{Effective, Keyword, Settings};
use crate::domain::target::{HostKeyRules, UnknownHost, Update};

/// The system's known_hosts files.
const GLOBAL_KNOWN_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

impl Evaluation<'_> {
    /// What decides besides `StrictHostKeyChecking` and the files.
    pub(super) fn host_key_rules(
        &mut self,
        effective: &Effective,
    ) -> Result<HostKeyRules, LinkTrouble> {
        let set = &effective.settings;
        if set.choice(Keyword::VerifyHostKeyDNS).is_some_and(|value| value != "false") {
            let instead = "no key is looked up in the DNS; known_hosts decides alone";
            let value = set.choice(Keyword::VerifyHostKeyDNS).unwrap_or_default();
            self.warn(effective, Keyword::VerifyHostKeyDNS, "VerifyHostKeyDNS", value, instead);
        }
        let command =
            effective.known_hosts_command().map_err(|complaint| self.refused(&complaint.into()))?;
        let revoked = set.list(Keyword::RevokedHostKeys).unwrap_or_default();
        Ok(HostKeyRules {
            hash_names: set.flag(Keyword::HashKnownHosts).unwrap_or(false),
            // Settled by then: on with the usual file only, unless it is set.
            update: match set.choice(Keyword::UpdateHostKeys) {
                Some("true") => Update::Yes,
                Some("ask") => Update::Ask,
                _ => Update::No,
            },
            check_ip: set.flag(Keyword::CheckHostIP).unwrap_or(false),
            revoked: revoked.iter().map(PathBuf::from).collect(),
            command,
        })
    }
}

/// `StrictHostKeyChecking`; where nobody sets anything a new host is trusted,
/// since often nobody is there to be asked.
pub(super) fn unknown_host(set: &Settings) -> UnknownHost {
    match set.choice(Keyword::StrictHostKeyChecking) {
        Some("ask") => UnknownHost::Ask,
        Some("true") => UnknownHost::Refuse,
        Some("false") => UnknownHost::AcceptAny,
        _ => UnknownHost::AcceptNew,
    }
}

/// `UserKnownHostsFile`.
pub(super) fn user_files(set: &Settings, dot_ssh: &Path) -> Vec<PathBuf> {
    match set.list(Keyword::UserKnownHostsFile) {
        Some(files) => files.iter().map(PathBuf::from).collect(),
        None => vec![dot_ssh.join("known_hosts"), dot_ssh.join("known_hosts2")],
    }
}

/// `GlobalKnownHostsFile`.
pub(super) fn global_files(set: &Settings) -> Vec<PathBuf> {
    match set.list(Keyword::GlobalKnownHostsFile) {
        Some(files) => files.iter().map(PathBuf::from).collect(),
        None => GLOBAL_KNOWN_HOSTS.iter().map(PathBuf::from).collect(),
    }
}
