//! `agent ls` and `agent detect`.

use clap::Subcommand;
use futures_util::future::join_all;
use serde_json::json;

use super::attention;
use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json};
use super::render;
use super::status::look;
use crate::api::client::Client;
use crate::api::types::Inventory;

/// `longhaul agent`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// List agents, with where they would run now and what is known of them there.
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Find out which agents a machine has: where, which version, and whether
    /// somebody is logged in with them.
    #[command(after_help = DETECT)]
    Detect {
        /// The remote, [user@]host[:port], or local; without it the default remote,
        /// else this machine.
        remote: Option<String>,
        /// Ask this machine and every remote that is enabled.
        #[arg(long, conflicts_with = "remote")]
        all: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

const DETECT: &str = "\
An agent is asked for its version alone; a login is seen by the file or the
variable that it leaves, so no token is spent. What was found shows in agent ls
for as long as the link is up.

Examples:
  longhaul agent detect box
  longhaul agent detect --all";

/// Runs the verb.
pub(super) async fn agent(verb: Verb, context: &Context) -> Result<Code, CliError> {
    match verb {
        Verb::Ls { json } => ls(json, context).await,
        Verb::Detect { all: true, json, .. } => detect_all(json, context).await,
        Verb::Detect { remote, json, .. } => {
            let name = match remote {
                Some(name) => name,
                None => usual(context).await?,
            };
            let found = context.call(async |client| client.detect_agents(&name).await);
            let found = attention::meanwhile(context, &name, found).await?;
            if json {
                print_json(&found)?;
            } else {
                print(&render::inventories(&[(name, Ok(found))], look()))?;
            }
            Ok(exit::OK)
        }
    }
}

async fn ls(json: bool, context: &Context) -> Result<Code, CliError> {
    let agents = context.call(Client::agents).await?;
    if json {
        print_json(&agents)?;
    } else {
        print(&render::agents(&agents, look()))?;
    }
    Ok(exit::OK)
}

/// The default remote where there is one, else this machine.
async fn usual(context: &Context) -> Result<String, CliError> {
    let remotes = context.call(Client::remotes).await?;
    let default = remotes.into_iter().find(|remote| remote.default);
    Ok(default.map_or_else(|| "local".to_owned(), |remote| remote.name))
}

/// All of them at once. One that cannot be asked is a row like any other.
async fn detect_all(json: bool, context: &Context) -> Result<Code, CliError> {
    let remotes = context.call(Client::remotes).await?;
    let remotes = remotes.into_iter().filter(|remote| remote.enabled).map(|remote| remote.name);
    let names: Vec<String> = std::iter::once("local".to_owned()).chain(remotes).collect();
    let asked = names.into_iter().map(async |name| {
        let found = context.call(async |client| client.detect_agents(&name).await).await;
        (name, found)
    });
    let found: Vec<(String, Result<Inventory, CliError>)> = join_all(asked).await;
    if json {
        let one = |(name, found): &(String, Result<Inventory, CliError>)| match found {
            Ok(found) => json!(found),
            Err(error) => json!({"remote": name, "error": error.to_string()}),
        };
        print_json(&found.iter().map(one).collect::<Vec<_>>())?;
    } else {
        print(&render::inventories(&found, look()))?;
    }
    Ok(exit::OK)
}
