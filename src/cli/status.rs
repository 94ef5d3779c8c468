//! `status`.

use std::io::{IsTerminal, stdout};
use std::time::SystemTime;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json, print_line};
use super::render::{self, Look};
use crate::api::client::Client;

/// `longhaul status`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Exits with 3 when no daemon runs; it starts none.

Examples:
  longhaul status
  longhaul status --json | jq .config.rejected")]
pub(super) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How things are shown now and here.
pub(super) fn look() -> Look {
    let width = stdout()
        .is_terminal()
        .then(|| rustix::termios::tcgetwinsize(stdout()).ok())
        .flatten()
        .map(|size| size.ws_col)
        .filter(|width| *width > 0);
    Look { now: SystemTime::now(), width }
}

/// Runs the verb.
pub(super) async fn status(args: Args, context: &Context) -> Result<Code, CliError> {
    let Some(status) = context.ask(Client::status).await? else {
        return not_running(context, args.json);
    };
    if args.json {
        print_json(&status)?;
    } else {
        print(&render::status(&status, look()))?;
    }
    Ok(exit::OK)
}

/// What is said where no daemon runs and none is to be started.
pub(super) fn not_running(context: &Context, json: bool) -> Result<Code, CliError> {
    if json {
        print_json(&serde_json::json!({ "running": false }))?;
    } else {
        print_line(&format!(
            "daemon  not running (socket {}); what needs it starts it",
            context.client.socket().display()
        ))?;
    }
    Ok(exit::NOT_RUNNING)
}
