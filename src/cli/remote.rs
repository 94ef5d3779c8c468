//! `remote`: looking at remotes, trying them, and editing them.

mod change;
mod check;
mod edit;
mod fields;
mod hosts;
mod import;
mod trust;

use clap::Subcommand;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json, print_line};
use super::render;
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
    /// Go all the way to a session's command, and tell each stage with its time.
    #[command(after_help = "\
Exits with 1 when a stage failed. Nothing else is disturbed: the test has a link
of its own. The name local is this machine.

Examples:
  longhaul remote test box
  longhaul remote test box --agent claude --cwd '~/project'
  longhaul remote test me@192.0.2.7:2222")]
    Test {
        /// The remote, or [user@]host[:port].
        name: String,
        /// Also look for this agent's command, and its version.
        #[arg(long, value_name = "NAME")]
        agent: Option<AgentName>,
        /// Enter this directory there, in the place of the remote's own.
        #[arg(long, value_name = "DIR")]
        cwd: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Test it, and look for all that may trouble sessions there.
    #[command(after_help = "\
Looks at start-up files, shell, PATH, setsid and tail, MaxSessions, clock, disk and
inodes for the spools, network file systems, logind, sessions and processes that
nobody knows of, and agents with their logins. Nothing is changed, and no agent is
asked anything that costs.

Exits with 1 when sessions cannot run. The name local is this machine.

Examples:
  longhaul remote doctor box
  longhaul remote doctor local --json")]
    Doctor {
        /// The remote, or [user@]host[:port].
        name: String,
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
        Verb::Test { name, agent, cwd, json } => {
            let request = TestRequest { agent, cwd };
            return check::test(&name, &request, json, context).await;
        }
        Verb::Doctor { name, json } => return check::doctor(&name, json, context).await,
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
