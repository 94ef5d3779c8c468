//! `adopt`.

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json, say};
use super::render;
use super::status::look;
use crate::api::types::AdoptRequest;

/// `longhaul adopt`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
For sessions that run on a host and are not in `longhaul ps -a`: after the state
directory was lost, or from another machine. They keep their names, and all of
their output and how they ended is fetched. What is known here is left alone.

What this user started from this machine is taken in; of the rest it is told
whose it is.

Examples:
  longhaul adopt box --dry-run
  longhaul adopt box
  longhaul adopt me@192.0.2.7:2222 --all
  longhaul adopt --local")]
pub(super) struct Args {
    /// The remote, or [user@]host[:port].
    #[arg(required_unless_present = "local", conflicts_with = "local")]
    remote: Option<String>,
    /// Look on this machine.
    #[arg(long)]
    local: bool,
    /// Take in what others started with this account, too.
    #[arg(long)]
    all: bool,
    /// Only say what would be taken in.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) async fn adopt(args: Args, context: &Context) -> Result<Code, CliError> {
    let remote = args.remote.unwrap_or_else(|| "local".to_owned());
    let request = AdoptRequest { all: args.all, dry_run: args.dry_run };
    let report = context.call(async |client| client.adopt(&remote, &request).await).await?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&render::adopted(&report, look()))?;
        for word in render::adoption_words(&report) {
            say(&word);
        }
    }
    Ok(exit::OK)
}
