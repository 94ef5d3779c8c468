//! The effective settings of a destination: what was asked for, laid over
//! `ssh_config`(5), laid over the defaults.

mod host_key;
mod inspect;
mod jumps;
mod login;
mod offer;
mod offered;
mod reach;
mod standing;
mod system;
mod transport;

#[cfg(test)]
mod held;
#[cfg(test)]
mod mapping_tests;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use inspect::{Inspection, inspect};
pub use offered::{Offered, Way, offered};

use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_config::{
    Complaint, Effective, Keyword, Machine, Named, PassedOver, Query, Refusal, Settings, Source,
    Warning, World as _,
};
use crate::domain::target::{KeepAlive, SshConfigUse, SshRequest, SshSettings};
use crate::domain::transport::{Chosen, Need, needs};
use system::System;

/// The bound of each phase where `ConnectTimeout` sets none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Tried in this order where no `IdentityFile` is set, as with `ssh`.
const IDENTITY_FILES: [&str; 5] =
    ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];

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

impl SshEnvironment {
    fn machine(&self) -> Machine {
        let host_name = nix::unistd::gethostname().unwrap_or_default();
        Machine {
            home: self.home.to_string_lossy().into_owned(),
            user: self.local_user.clone(),
            uid: rustix::process::getuid().as_raw(),
            host_name: host_name.to_string_lossy().into_owned(),
        }
    }
}

/// Settings, and what was come across on the way to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// The settings, or why there are none.
    pub settings: Result<SshSettings, LinkTrouble>,
    /// For the user to see; nothing is wrong with the settings because of them,
    /// but `ssh` may come to others.
    pub warnings: Vec<Warning>,
    /// Every file that was looked for, there or not: an edit of one may change
    /// the settings.
    pub files: Vec<PathBuf>,
}

/// The settings by which `request` is dialled; warnings go to the log.
///
/// Reads files: call it where blocking is allowed.
///
/// # Errors
///
/// [`LinkTrouble::SshConfig`] for a configuration that OpenSSH refuses too, a
/// `ProxyJump` that goes in a circle, or a list of algorithms of which none is
/// here.
pub fn effective(request: &SshRequest, env: &SshEnvironment) -> Result<SshSettings, LinkTrouble> {
    let Evaluated { settings, warnings, .. } = evaluate(request, env);
    for warning in warnings {
        tracing::warn!(host = %request.host, "{warning}");
    }
    settings
}

/// [`effective`] with all that was come across, whether or not it succeeds.
#[must_use]
pub fn evaluate(request: &SshRequest, env: &SshEnvironment) -> Evaluated {
    let machine = env.machine();
    let system = System { home: Some(machine.home.clone()) };
    let mut evaluation = Evaluation::new(env, machine, system);
    let settings = evaluation.with_transport(request);
    Evaluated { settings, warnings: evaluation.warnings, files: evaluation.files }
}

/// An evaluation of a destination and of its hops.
struct Evaluation<'a> {
    env: &'a SshEnvironment,
    machine: Machine,
    system: System,
    warnings: Vec<Warning>,
    /// What the built-in transport does not do as ssh does it.
    not_done: Vec<Warning>,
    /// What the system's `ssh` is not told.
    not_sent: Vec<Warning>,
    /// What the built-in one cannot do without.
    needs: Vec<Need>,
    /// Why it cannot be used at all.
    lacks: Option<LinkTrouble>,
    files: Vec<PathBuf>,
}

/// The settings without the hops, and what names these.
struct One {
    settings: SshSettings,
    effective: Effective,
}

impl<'a> Evaluation<'a> {
    fn new(env: &'a SshEnvironment, machine: Machine, system: System) -> Self {
        Self {
            env,
            machine,
            system,
            warnings: Vec::new(),
            not_done: Vec::new(),
            not_sent: Vec::new(),
            needs: Vec::new(),
            lacks: None,
            files: Vec::new(),
        }
    }

    fn sources(&self, request: &SshRequest) -> Vec<Source> {
        match &request.ssh_config {
            SshConfigUse::Off => Vec::new(),
            SshConfigUse::File(path) => vec![Source::named(expand_home(path, &self.env.home))],
            SshConfigUse::On => {
                let user = Source::user(self.env.home.join(".ssh/config"));
                let system = self.env.system_config.clone().map(Source::system);
                std::iter::once(user).chain(system).collect()
            }
        }
    }

    fn one(&mut self, request: &SshRequest) -> Result<One, LinkTrouble> {
        let query = Query {
            destination: request.host.clone(),
            user: request.user.clone(),
            port: request.port,
            command: String::new(),
        };
        let sources = self.sources(request);
        let evaluated =
            crate::domain::ssh_config::evaluate(&query, &sources, &self.machine, &self.system);
        let effective = match evaluated {
            Ok(effective) => effective,
            Err(refusal) => {
                note(&mut self.files, refusal.files.clone());
                return Err(self.refused(&refusal));
            }
        };
        note(&mut self.files, effective.files.clone());
        note(&mut self.warnings, effective.warnings.clone());
        let named = effective
            .named(&self.machine, &self.system)
            .map_err(|complaint| self.refused(&complaint.into()))?;
        let settings = self.settings(request, &effective, named)?;
        Ok(One { settings, effective })
    }

    fn settings(
        &mut self,
        request: &SshRequest,
        effective: &Effective,
        named: Named,
    ) -> Result<SshSettings, LinkTrouble> {
        let set = &effective.settings;
        let identities_explicit = request.identity_file.is_some() || named.identity_files.is_some();
        let keep_alive = KeepAlive {
            interval: match set.number(Keyword::ServerAliveInterval) {
                Some(seconds) => Some(Duration::from_secs(seconds)).filter(|it| !it.is_zero()),
                None => KeepAlive::default().interval,
            },
            count: set
                .number(Keyword::ServerAliveCountMax)
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(KeepAlive::default().count),
        };
        // Without a bound, or with none of ssh's own: ours stands.
        let timeout = set.number(Keyword::ConnectTimeout).filter(|&seconds| seconds != 0);
        let dot_ssh = self.env.home.join(".ssh");
        self.tell_what_is_not_done(effective);
        self.tell_what_is_not_sent(effective);
        let needs = needs(set, self.system.has_ticket());
        note(&mut self.needs, needs);
        let host_key_rules = self.host_key_rules(effective)?;
        let reach = self.reach(effective, &named)?;
        let login = self.login(effective, &named);
        let offer = self.offer(effective);
        Ok(SshSettings {
            host_name: effective.host.clone(),
            host_key_name: effective.host.clone(),
            host_key_alias: set.text(Keyword::HostKeyAlias).map(str::to_owned),
            port: effective.port,
            user: effective.user.clone(),
            identity_files: self.identity_files(request, effective, named)?,
            identities_explicit,
            identities_only: set.flag(Keyword::IdentitiesOnly).unwrap_or(false),
            jumps: Vec::new(),
            keep_alive,
            connect_timeout: timeout.map_or(CONNECT_TIMEOUT, Duration::from_secs),
            unknown_host: host_key::unknown_host(set),
            host_key_rules,
            user_known_hosts: host_key::user_files(set, &dot_ssh),
            global_known_hosts: host_key::global_files(set),
            reach,
            login,
            offer,
            env: self.session_env(set),
            transport: Chosen::default(),
            system_ssh: None,
            agent_socket: self.agent_socket(set),
            forward_agent: self.forward_agent(set),
        })
    }

    /// What was asked for, then what is set; else OpenSSH's usual files.
    fn identity_files(
        &self,
        request: &SshRequest,
        effective: &Effective,
        named: Named,
    ) -> Result<Vec<PathBuf>, LinkTrouble> {
        let mut files = Vec::new();
        if let Some(file) = &request.identity_file {
            let expanded = match file.to_str() {
                Some(text) => effective
                    .expand_path(text, &self.machine, &self.system)
                    .map(PathBuf::from)
                    .map_err(|fault| LinkTrouble::IdentityUnusable {
                        file: file.clone(),
                        detail: fault.to_string(),
                    })?,
                None => file.clone(),
            };
            files.push(expanded);
        }
        note(&mut files, named.identity_files.unwrap_or_default().into_iter().map(PathBuf::from));
        if files.is_empty() && effective.settings.identity_files().is_empty() {
            let dot_ssh = self.env.home.join(".ssh");
            files = IDENTITY_FILES.iter().map(|name| dot_ssh.join(name)).collect();
        }
        Ok(files)
    }

    /// `IdentityAgent`: a path, `$VARIABLE`, or the name of the usual one.
    fn agent_socket(&self, set: &Settings) -> Option<PathBuf> {
        match set.text(Keyword::IdentityAgent) {
            None | Some("SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK") => self.env.ssh_auth_sock.clone(),
            Some("none") => None,
            Some(text) => match text.strip_prefix('$') {
                Some(name) => self.system.variable(name).map(PathBuf::from),
                None => Some(text.into()),
            },
        }
    }

    /// `ForwardAgent`: as with `ssh` nothing is forwarded where there is no agent,
    /// or the variable is not set.
    fn forward_agent(&self, set: &Settings) -> Option<PathBuf> {
        if set.flag(Keyword::ForwardAgent) != Some(true) {
            return None;
        }
        match set.text(Keyword::ForwardAgentSocket) {
            None => self.agent_socket(set),
            Some("$SSH_AUTH_SOCK") => self.env.ssh_auth_sock.clone(),
            Some(text) => match text.strip_prefix('$') {
                Some(name) => self.system.variable(name).map(PathBuf::from),
                None => Some(text.into()),
            },
        }
    }

    /// Tells of a setting that the built-in transport does not do as ssh does it.
    fn warn(
        &mut self,
        effective: &Effective,
        of: Keyword,
        keyword: &'static str,
        value: &str,
        instead: &'static str,
    ) {
        let origin = effective.settings.get(of).and_then(|setting| setting.origin.as_ref());
        let usual = || self.env.home.join(".ssh/config");
        let warning = Warning {
            file: origin.map_or_else(usual, |origin| origin.file.to_path_buf()),
            line: origin.map(|origin| origin.line),
            what: PassedOver::Setting { keyword, value: value.to_owned(), instead },
        };
        note(&mut self.not_done, [warning]);
    }

    fn refused(&self, refusal: &Refusal) -> LinkTrouble {
        let Complaint { file, line, fault } = refusal.first.as_ref();
        let more = match refusal.others.len() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        LinkTrouble::SshConfig {
            file: file.clone().unwrap_or_else(|| self.env.home.join(".ssh/config")),
            line: *line,
            detail: format!("{fault}{more}"),
        }
    }

    fn trouble_at(&self, effective: &Effective, keyword: Keyword, detail: String) -> LinkTrouble {
        let origin = effective.settings.get(keyword).and_then(|setting| setting.origin.as_ref());
        let usual = || self.env.home.join(".ssh/config");
        LinkTrouble::SshConfig {
            file: origin.map_or_else(usual, |origin| origin.file.to_path_buf()),
            line: origin.map(|origin| origin.line),
            detail,
        }
    }
}

/// Adds what is not there yet.
fn note<T: PartialEq>(known: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for new in more {
        if !known.contains(&new) {
            known.push(new);
        }
    }
}

fn expand_home(path: &Path, home: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => path.to_owned(),
    }
}
