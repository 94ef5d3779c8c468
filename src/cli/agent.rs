//! `agent ls`.

use clap::Subcommand;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json};
use super::render;
use super::status::look;
use crate::api::client::Client;

/// `longhaul agent`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// List agents, with where they would run now.
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb.
pub(super) async fn agent(verb: Verb, context: &Context) -> Result<Code, CliError> {
    let Verb::Ls { json } = verb;
    let agents = context.call(Client::agents).await?;
    if json {
        print_json(&agents)?;
    } else {
        print(&render::agents(&agents, look()))?;
    }
    Ok(exit::OK)
}
