//! `resume`: another turn of an agent's conversation.

use std::ffi::OsString;

use super::context::Context;
use super::error::CliError;
use super::exit::Code;
use super::run::{Follow, read_text, take_in};
use super::values::seconds;
use crate::api::types::RunRequest;
use crate::domain::ids::SessionName;

/// `longhaul resume`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Do not follow it: print its id and return.
    #[arg(short, long)]
    detach: bool,
    /// Read the prompt from a file, or from standard input (-).
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    prompt_file: Option<OsString>,
    /// Have the agent use this model from here on.
    #[arg(long)]
    model: Option<String>,
    /// Have the agent look and plan, and change nothing.
    #[arg(long)]
    plan: bool,
    /// Give it a name that no other live session has.
    #[arg(long)]
    name: Option<SessionName>,
    /// Stop it after this time: 30s, 5m, 2h; exits with 124.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    timeout: Option<u64>,
    /// With -d: print all about it as JSON.
    #[arg(long, requires = "detach")]
    json: bool,
    /// The session whose agent is to go on.
    #[arg(value_name = "ID")]
    session: String,
    /// What it is told; `Go on.` without it.
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
}

const EXAMPLES: &str = "\
The agent goes on with its own conversation, on the same host and in the same
directory, in a new session that is linked to the earlier one. That has to have
ended: two of them would do the same work at once. Exits like run.

Examples:
  longhaul resume k3 'now the tests, too'
  longhaul resume -d nightly --prompt-file more.md";

/// What an agent is told that is only to go on.
const GO_ON: &str = "Go on.";

/// Runs the verb.
pub(super) async fn resume(args: Args, context: &Context) -> Result<Code, CliError> {
    let hide = args.prompt.is_some();
    let prompt = match (args.prompt_file, args.prompt) {
        (Some(file), _) => read_text(&file.into())?,
        (None, prompt) => prompt.unwrap_or_else(|| GO_ON.to_owned()),
    };
    let request = RunRequest {
        continues: Some(args.session),
        prompt: Some(prompt),
        model: args.model,
        plan: args.plan,
        name: args.name,
        timeout_s: args.timeout,
        idempotency_key: Some(format!("{:032x}", rand::random::<u128>())),
        ..RunRequest::default()
    };
    let follow = Follow { detach: args.detach, json: args.json, hide, input: None };
    take_in(request, follow, context).await
}
