//! The effective settings of a destination for people to read: `ssh -G`, by
//! what is used here.

use std::path::PathBuf;

use super::system::System;
use super::{Evaluation, SshEnvironment, note};
use crate::domain::ssh_config::{Effective, Machine, Query, Refusal, Source, Warning, evaluate};
use crate::domain::target::{SshConfigUse, SshRequest};
use crate::domain::transport::TransportChoice;

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The destination and what goes before it.
    pub query: Query,
    /// The file that is read in place of the user's and, unless one is named,
    /// of the system's.
    pub file: Option<PathBuf>,
    /// The system's file, if it is another than usual; `file` is then the
    /// user's.
    pub system_file: Option<PathBuf>,
    /// The machine's name, if it is to be another.
    pub host_name: Option<String>,
    /// Whether key files, certificates and `ProxyCommand` are expanded, which
    /// `ssh -G` leaves as they are written.
    pub expanded: bool,
}

/// The settings in `ssh -G`'s form, and what was passed over.
///
/// # Errors
///
/// What OpenSSH refuses too, with file and line.
pub fn inspect(
    inspection: &Inspection,
    env: &SshEnvironment,
) -> Result<(String, Vec<Warning>), Refusal> {
    let mut machine = env.machine();
    if let Some(name) = &inspection.host_name {
        machine.host_name.clone_from(name);
    }
    let sources = sources(inspection, env);
    let system = System::default();
    let effective = evaluate(&inspection.query, &sources, &machine, &system)?;
    let named = if inspection.expanded { Some(effective.named(&machine, &system)?) } else { None };
    let text = effective.print(named.as_ref())?;
    Ok((text, told(&effective, env, machine)))
}

/// What was passed over, and what of it is not done as ssh does it.
fn told(effective: &Effective, env: &SshEnvironment, machine: Machine) -> Vec<Warning> {
    let warnings = effective.warnings.clone();
    let system = System::default();
    let mut evaluation = Evaluation::new(env, machine, system);
    evaluation.warnings = warnings;
    if let Ok(named) = effective.named(&evaluation.machine, &evaluation.system) {
        let asked = SshRequest {
            host: effective.destination.clone(),
            port: None,
            user: None,
            identity_file: None,
            ssh_config: SshConfigUse::On,
            transport: TransportChoice::Auto,
        };
        // What is refused here is not what was asked.
        let _ = evaluation.settings(&asked, effective, named);
    }
    note(&mut evaluation.warnings, evaluation.not_done);
    evaluation.warnings
}

fn sources(inspection: &Inspection, env: &SshEnvironment) -> Vec<Source> {
    let is_none = |file: &PathBuf| file.as_os_str().eq_ignore_ascii_case("none");
    let system = inspection.system_file.clone();
    match (&inspection.file, system) {
        (Some(file), None) if is_none(file) => Vec::new(),
        (Some(file), None) => vec![Source::named(file.clone())],
        (user, system) => {
            let user = user.clone().unwrap_or_else(|| env.home.join(".ssh/config"));
            let system = system.or_else(|| env.system_config.clone());
            std::iter::once(Source::user(user)).chain(system.map(Source::system)).collect()
        }
    }
}
