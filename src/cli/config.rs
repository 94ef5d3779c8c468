//! `config check|show|path|reload`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json, print_line, say, say_raw};
use super::parts::{self, Checked};
use super::render;
use super::status::look;
use crate::api::client::Client;
use crate::api::types::ConfigView;
use crate::domain::failure::catalogue::CONFIG_INVALID;
use crate::paths::Environment;

/// `longhaul config`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// Check a configuration, with the fragments beside it; needs no daemon.
    #[command(after_help = "\
Exits with 1 when it cannot be taken, and reports all that is wrong with it.

Examples:
  longhaul config check
  longhaul config check ./longhaul.ron")]
    Check {
        /// The main file; without it, the one that the daemon reads.
        file: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the configuration in force, and the edit that is not.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print where the main file is; needs no daemon.
    Path,
    /// Have the daemon read it again, now.
    Reload {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs what needs no daemon, and not even to know where its socket would be;
/// gives back what does.
pub(super) fn offline(
    verb: Verb,
    given: Option<&Path>,
    env: &Environment,
) -> Result<Result<Code, Verb>, CliError> {
    match verb {
        Verb::Check { file: Some(file), json } => check(&file, json).map(Ok),
        Verb::Check { file: None, json } => check(&env.config_file(given)?, json).map(Ok),
        Verb::Path => {
            print_line(&env.config_file(given)?.display().to_string())?;
            Ok(Ok(exit::OK))
        }
        Verb::Show { .. } | Verb::Reload { .. } => Ok(Err(verb)),
    }
}

/// Runs the rest.
pub(super) async fn online(verb: Verb, context: &Context) -> Result<Code, CliError> {
    match verb {
        Verb::Show { json } => show(json, context).await,
        Verb::Reload { json } => shown(&context.call(Client::reload).await?, json),
        // Taken by `offline`.
        Verb::Check { .. } | Verb::Path => Ok(exit::OK),
    }
}

/// Checks a configuration by the code that the daemon loads it with.
fn check(file: &Path, as_json: bool) -> Result<Code, CliError> {
    let checked = parts::check_config(file);
    let code = match &checked {
        Checked::Good { .. } => exit::OK,
        Checked::Bad { .. } => exit::FAILED,
    };
    match checked {
        Checked::Good { warnings } if as_json => {
            print_json(&json!({ "file": file, "ok": true, "warnings": warnings }))?;
        }
        Checked::Bad { report } if as_json => {
            print_json(&json!({
                "file": file,
                "ok": false,
                "report": report,
                "failure": parts::config_failure(&report),
            }))?;
        }
        Checked::Good { warnings } => {
            for warning in warnings {
                say(&format!("warning: {warning}"));
            }
            print_line(&format!("{}: good", file.display()))?;
        }
        Checked::Bad { report } => {
            say_raw(&format!("{}\nmore: longhaul explain {CONFIG_INVALID}\n", report.trim_end()));
        }
    }
    Ok(code)
}

async fn show(as_json: bool, context: &Context) -> Result<Code, CliError> {
    match context.ask(Client::status).await? {
        Some(status) => {
            let code = shown(&status.config, as_json)?;
            if !as_json {
                print(&format!("\n{}\n", render::remotes(&status.remotes, look())))?;
                let agents = context.ask(Client::agents).await?.unwrap_or_default();
                print(&render::agents(&agents, look()))?;
            }
            Ok(code)
        }
        None => {
            say("no daemon runs, so nothing is in force; this is what it would read:");
            check(&context.config, as_json)
        }
    }
}

/// Shows it; bad news is told by the exit code too.
fn shown(view: &ConfigView, as_json: bool) -> Result<Code, CliError> {
    if as_json {
        print_json(view)?;
    } else {
        print(&render::config(view, look()))?;
    }
    Ok(if view.rejected.is_some() { exit::FAILED } else { exit::OK })
}
