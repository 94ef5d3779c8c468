//! `gc`.

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json};
use super::render;
use crate::api::types::{GcFate, GcRequest};

/// `longhaul gc`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
What is kept, and for how long, is in the configuration: retention. The daemon
looks after it by itself; this does it now, and asks hosts that have no link. A
session that runs, and one whose output is not all here, is never removed.

Exits with 1 if something could not be removed; what waits for a host that is
away is no failure.

Examples:
  longhaul gc --dry-run
  longhaul gc --json | jq '.items[] | select(.fate == \"waits\")'")]
pub(super) struct Args {
    /// Remove nothing; only show what would be.
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) async fn gc(args: Args, context: &Context) -> Result<Code, CliError> {
    let request = GcRequest { dry_run: args.dry_run };
    let view = context.call(async |client| client.gc(&request).await).await?;
    if args.json {
        print_json(&view)?;
    } else {
        print(&render::gc(&view))?;
    }
    let all_well = view.items.iter().all(|item| item.fate != GcFate::Stays);
    Ok(if all_well { exit::OK } else { exit::FAILED })
}
