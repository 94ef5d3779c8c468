//! The effective settings of a destination: what was asked for, laid over
//! `ssh_config`(5), laid over the defaults.

mod jumps;
mod values;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use super::config_lines::ConfigWarning;
use super::config_lines::{Source, collect};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{
    HostKeyRules, KeepAlive, SshConfigUse, SshRequest, SshSettings, UnknownHost,
};
use values::{Agent, Tokens, Values};

/// The bound of each phase where `ConnectTimeout` sets none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Tried in this order where no `IdentityFile` is set, as with `ssh`.
const IDENTITY_FILES: [&str; 5] =
    ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];
/// The system's known_hosts files.
const GLOBAL_KNOWN_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

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

/// Settings, and what was passed over on the way to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// The settings.
    pub settings: SshSettings,
    /// For the user to see; nothing is wrong with the settings because of them,
    /// but `ssh` may come to others.
    pub warnings: Vec<ConfigWarning>,
}

/// The settings by which `request` is dialled; warnings go to the log.
///
/// Reads files: call it where blocking is allowed.
///
/// # Errors
///
/// [`LinkTrouble::SshConfig`] for a file that cannot be read or understood, a
/// `ProxyJump` that goes in a circle, or a `ProxyCommand`, which is not
/// supported (to dial past it could reach another machine).
pub fn effective(request: &SshRequest, env: &SshEnvironment) -> Result<SshSettings, LinkTrouble> {
    let Evaluated { settings, warnings } = evaluate(request, env)?;
    for ConfigWarning { file, line, detail } in warnings {
        tracing::warn!(host = %request.host, file = %file.display(), line, "{detail}");
    }
    Ok(settings)
}

/// [`effective`] with the warnings.
///
/// # Errors
///
/// As [`effective`].
pub fn evaluate(request: &SshRequest, env: &SshEnvironment) -> Result<Evaluated, LinkTrouble> {
    let mut warnings = Vec::new();
    let settings = jumps::resolve(request, env, &mut warnings)?;
    warnings.dedup();
    Ok(Evaluated { settings, warnings })
}

fn sources(request: &SshRequest, env: &SshEnvironment) -> Vec<Source> {
    let dot_ssh = env.home.join(".ssh");
    match &request.ssh_config {
        SshConfigUse::Off => Vec::new(),
        SshConfigUse::File(path) => {
            let path = expand_home(path, &env.home);
            vec![Source { path, folder: dot_ssh, required: true, private: false }]
        }
        SshConfigUse::On => {
            let user = Source {
                path: dot_ssh.join("config"),
                folder: dot_ssh,
                required: false,
                private: true,
            };
            let system = env.system_config.clone().map(|path| Source {
                folder: path.parent().map(Path::to_owned).unwrap_or_default(),
                path,
                required: false,
                private: false,
            });
            std::iter::once(user).chain(system).collect()
        }
    }
}

fn expand_home(path: &Path, home: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => path.to_owned(),
    }
}

/// The settings without the hops, and the values that name these.
fn one(
    request: &SshRequest,
    env: &SshEnvironment,
    warnings: &mut Vec<ConfigWarning>,
) -> Result<(SshSettings, Values), LinkTrouble> {
    let (lines, passed_over) = collect(&sources(request, env), &env.home, &request.host)?;
    warnings.extend(passed_over);
    let values = Values::first_of(&lines, &env.home)?;

    let host_name = match &values.host_name {
        Some(name) => name.expand_host(&request.host)?,
        None => request.host.clone(),
    };
    // As ssh does, whichever it is.
    let host_name = host_name.to_lowercase();
    let user = request.user.clone().or_else(|| values.user.clone());
    let user = user.unwrap_or_else(|| env.local_user.clone());
    let port = request.port.or(values.port).unwrap_or(22);
    let tokens = Tokens {
        home: &env.home,
        local_user: &env.local_user,
        given: &request.host,
        host: &host_name,
        host_key_alias: values.host_key_alias.as_deref(),
        port,
        user: &user,
    };

    let dot_ssh = env.home.join(".ssh");
    let mut identity_files = Vec::new();
    if let Some(file) = &request.identity_file {
        identity_files.push(tokens.expand_given(&expand_home(file, &env.home))?);
    }
    for file in tokens.files(&values.identity_files)? {
        if !identity_files.contains(&file) {
            identity_files.push(file);
        }
    }
    let identities_explicit = request.identity_file.is_some() || !values.identity_files.is_empty();
    if !identities_explicit {
        identity_files = IDENTITY_FILES.iter().map(|name| dot_ssh.join(name)).collect();
    }
    let keep_alive = KeepAlive {
        interval: match values.alive_interval {
            Some(interval) => Some(interval).filter(|interval| !interval.is_zero()),
            None => KeepAlive::default().interval,
        },
        count: values.alive_count.unwrap_or(KeepAlive::default().count),
    };
    let settings = SshSettings {
        host_key_name: host_name.clone(),
        host_key_alias: values.host_key_alias.clone(),
        port,
        identity_files,
        identities_explicit,
        identities_only: values.identities_only.unwrap_or(false),
        jumps: Vec::new(),
        keep_alive,
        connect_timeout: values.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
        unknown_host: values.unknown_host.unwrap_or(UnknownHost::AcceptNew),
        host_key_rules: HostKeyRules::default(),
        user_known_hosts: match &values.user_known_hosts {
            Some(files) => tokens.files(files)?,
            None => vec![dot_ssh.join("known_hosts"), dot_ssh.join("known_hosts2")],
        },
        global_known_hosts: match &values.global_known_hosts {
            Some(files) => tokens.files(files)?,
            None => GLOBAL_KNOWN_HOSTS.iter().map(PathBuf::from).collect(),
        },
        agent_socket: match &values.agent {
            None | Some(Agent::Environment) => env.ssh_auth_sock.clone(),
            Some(Agent::None) => None,
            Some(Agent::Socket(path)) => Some(tokens.expand(path)?),
        },
        system_ssh: None,
        host_name,
        user,
    };
    Ok((settings, values))
}
