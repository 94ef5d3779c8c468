//! What the command line takes from the rest of the program without a daemon.
//!
//! One function each, so that this is the only file here that knows where they
//! come from.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use crate::daemon::{self, DaemonOptions};
use crate::demo;
use crate::domain::config::Remote;
use crate::domain::config::edit::Request;
use crate::domain::doctor::topic::{TOPICS, Topic};
use crate::domain::failure::Failure;
use crate::domain::failure::catalogue::Code;
use crate::domain::failure::classify::local_failure;
use crate::domain::failure::explain::page;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::ids::RemoteName;
use crate::domain::nearest::nearest;
use crate::domain::ssh_config::Query;
use crate::paths::Environment;
pub(super) use crate::ssh::settings::Offered;
use crate::ssh::settings::{Inspection, inspect, offered};
use crate::store::config_files::edit::change;
pub(super) use crate::store::config_files::edit::{Change, ChangeError};
use crate::store::config_files::{Snapshot, load_from_disk};

/// What a check of the configuration found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checked {
    /// It can be taken; each warning is a line or more.
    Good {
        /// What is odd, but no error.
        warnings: Vec<String>,
    },
    /// It cannot, and this is the whole report.
    Bad {
        /// All that is wrong, with file, line and column.
        report: String,
    },
}

/// Checks the configuration whose main file is `file`, with the fragments
/// beside it.
pub(super) fn check_config(file: &Path) -> Checked {
    let home = Environment::of_process().home;
    match load_from_disk(file, home.as_deref()) {
        Ok(loaded) => {
            Checked::Good { warnings: loaded.warnings.iter().map(ToString::to_string).collect() }
        }
        Err(report) => Checked::Bad { report: report.to_string() },
    }
}

/// That the configuration cannot be taken, as a failure.
pub(super) fn config_failure(report: &str) -> Failure {
    local_failure(&LocalTrouble::ConfigInvalid { detail: report.trim_end().to_owned() })
}

/// The remotes of the configuration as it stands, none where there is none; or
/// the report on why it cannot be taken.
pub(super) fn remotes_in(file: &Path) -> Result<BTreeMap<RemoteName, Remote>, String> {
    let home = Environment::of_process().home;
    let loaded = Snapshot::take(file, home.as_deref()).load(home.as_deref());
    loaded.map(|loaded| loaded.config.remotes).map_err(|report| report.to_string())
}

/// The default remote of the configuration as it stands; or the report on why it
/// cannot be taken.
pub(super) fn default_in(file: &Path) -> Result<Option<RemoteName>, String> {
    let home = Environment::of_process().home;
    let loaded = Snapshot::take(file, home.as_deref()).load(home.as_deref());
    loaded.map(|loaded| loaded.config.default_remote).map_err(|report| report.to_string())
}

/// Edits the configuration whose main file is `file`, or only tells what would
/// be different.
pub(super) fn change_config(
    file: &Path,
    request: &Request,
    dry: bool,
) -> Result<Change, ChangeError> {
    change(file, Environment::of_process().home.as_deref(), request, dry)
}

/// The hosts that `ssh_config` names.
pub(super) fn offered_hosts() -> Vec<Offered> {
    offered(&daemon::ssh_environment(&Environment::of_process()))
}

/// What `explain` says about a failure's code, or a doctor's finding; `None` where
/// there is no such code.
pub(super) fn explain(code: &str) -> Option<String> {
    let finding = || Topic::of(code).map(Topic::page);
    code.parse::<Code>().ok().map(page).or_else(finding)
}

/// All codes that `explain` knows, with what each means: failures in the order of
/// the way to a session, then what a doctor looks at.
pub(super) fn codes() -> Vec<(&'static str, &'static str)> {
    let failures = Code::all().map(|code| (code.as_str(), code.entry().title));
    failures.chain(TOPICS.iter().map(|topic| (topic.id, topic.title))).collect()
}

/// The codes that `given` was most likely meant to be: the one that is a slip
/// away, else those that it is a part of.
pub(super) fn nearest_codes(given: &str) -> Vec<&'static str> {
    let all: Vec<&'static str> = codes().into_iter().map(|(code, _)| code).collect();
    let part = given.to_lowercase();
    match nearest(given, all.iter().copied(), |code| code) {
        Some(code) => vec![code],
        None if part.is_empty() => Vec::new(),
        None => all.into_iter().filter(|code| code.contains(&part)).collect(),
    }
}

/// What `ssh_config` says about a destination, and warnings; or why nothing.
pub(super) fn ssh_settings(args: super::ssh_config::Args) -> Result<(String, Vec<String>), String> {
    let mut env = daemon::ssh_environment(&Environment::of_process());
    env.home = args.home.unwrap_or(env.home);
    env.local_user = args.local_user.unwrap_or(env.local_user);
    let inspection = Inspection {
        query: Query {
            destination: args.host,
            user: args.user,
            port: args.port,
            command: String::new(),
        },
        file: args.file,
        system_file: args.sysfile,
        host_name: args.local_host,
        expanded: args.expanded,
    };
    let (text, warnings) = inspect(&inspection, &env).map_err(|refusal| refusal.to_string())?;
    Ok((text, warnings.iter().map(ToString::to_string).collect()))
}

/// The demonstration, or a command of one of its servers.
pub(super) fn demo(exec: Option<&OsStr>) -> ExitCode {
    exec.map_or_else(demo::run, demo::lead)
}

/// The daemon itself, in this process.
pub(super) fn run_daemon(options: DaemonOptions) -> ExitCode {
    daemon::run(options)
}
