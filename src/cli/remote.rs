//! `remote`: looking at remotes, trying them, and editing them.

mod change;
mod edit;
mod fields;
mod hosts;
mod import;
mod trust;

use clap::Subcommand;

use super::attention;
use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json, print_line, say};
use super::render::{self, failure_block};
use super::status::look;
use crate::api::client::Client;
use crate::api::types::TestRequest;
use crate::domain::ids::AgentName;

/// `longhaul remote`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// List remotes, with how their links are.
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show all about a remote.
    Show {
        /// The remote.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the hosts that ssh_config names.
    Hosts(hosts::Args),
    /// Add hosts of ssh_config as remotes.
    Import(Box<import::Args>),
    /// Add a remote to the configuration.
    Add(Box<edit::AddArgs>),
    /// Change what the configuration says of a remote.
    Set(Box<edit::SetArgs>),
    /// Take a remote out of the configuration.
    Rm(edit::RmArgs),
    /// Let a remote take sessions again.
    Enable(edit::NameArgs),
    /// Have a remote take no new sessions.
    Disable(edit::NameArgs),
    /// Choose the remote that sessions run on that do not say.
    Default(edit::DefaultArgs),
    /// Reach it, check its host key, log in and run something.
    #[command(after_help = "\
Exits with 1 when a stage failed. Nothing else is disturbed: the test has a link
of its own.

Examples:
  longhaul remote test box
  longhaul remote test box --agent claude
  longhaul remote test me@192.0.2.7:2222")]
    Test {
        /// The remote, or [user@]host[:port].
        name: String,
        /// Also look for this agent's command, and its version.
        #[arg(long, value_name = "NAME")]
        agent: Option<AgentName>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show its host key, and trust it in the place of the one that is known.
    #[command(after_help = "\
Compare the fingerprint with one that you have from somewhere else, such as the
machine's own console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

Examples:
  longhaul remote trust box
  longhaul remote trust box --fingerprint SHA256:… ")]
    Trust {
        /// The remote, or [user@]host[:port].
        name: String,
        /// Trust the key if it has this fingerprint, and do not ask.
        #[arg(long, value_name = "SHA256:…")]
        fingerprint: Option<String>,
        /// Print JSON; without --fingerprint nothing is changed.
        #[arg(long)]
        json: bool,
    },
    /// Try its connection at once, whatever it waits for.
    #[command(after_help = "\
Links that are up are asked for a sign of life, and replaced if there is none
within seconds. What waits for you is tried once more.

Examples:
  longhaul remote reconnect box")]
    Reconnect {
        /// The remote.
        name: String,
    },
}

/// Runs the verb.
pub(super) async fn remote(verb: Verb, context: &Context) -> Result<Code, CliError> {
    match verb {
        Verb::Ls { json } => {
            let remotes = context.call(Client::remotes).await?;
            if json {
                print_json(&remotes)?;
            } else {
                print(&render::remotes(&remotes, look()))?;
            }
        }
        Verb::Show { name, json } => show(&name, json, context).await?,
        Verb::Hosts(args) => return hosts::hosts(&args, context),
        Verb::Import(args) => return import::import(&args, context).await,
        Verb::Add(args) => return edit::add(*args, context).await,
        Verb::Set(args) => return edit::set(*args, context).await,
        Verb::Rm(args) => return edit::rm(args, context).await,
        Verb::Enable(args) => return edit::enable(args, true, context).await,
        Verb::Disable(args) => return edit::enable(args, false, context).await,
        Verb::Default(args) => return edit::default(args, context).await,
        Verb::Test { name, agent, json } => return test(&name, agent, json, context).await,
        Verb::Trust { name, fingerprint, json } => {
            return trust::trust(&name, fingerprint, json, context).await;
        }
        Verb::Reconnect { name } => {
            context.call(async |client| client.reconnect(&name).await).await?;
            print_line(&format!("{name}: trying now"))?;
        }
    }
    Ok(exit::OK)
}

async fn show(name: &str, json: bool, context: &Context) -> Result<(), CliError> {
    let remotes = context.call(Client::remotes).await?;
    let Some(remote) = remotes.iter().find(|remote| remote.name == name) else {
        return Err(CliError::NoSuchRemote {
            name: name.to_owned(),
            all: remotes.into_iter().map(|remote| remote.name).collect(),
        });
    };
    if json { print_json(remote) } else { print(&render::remote(remote, look())) }
}

async fn test(
    name: &str,
    agent: Option<AgentName>,
    json: bool,
    context: &Context,
) -> Result<Code, CliError> {
    let request = TestRequest { agent };
    let test = context.call(async |client| client.test_remote(name, &request).await);
    let report = attention::meanwhile(context, name, test).await?;
    if json {
        print_json(&report)?;
    } else {
        print(&render::test_report(&report))?;
        for failure in report.failure.iter().chain(&report.warnings) {
            say(&failure_block(failure));
        }
    }
    let bad = report.failure.is_some() || report.stages.iter().any(|stage| !stage.ok);
    Ok(if bad { exit::FAILED } else { exit::OK })
}
