//! `logs`: a session's output, as it is now or as it comes.

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::follow::{Follower, Form, copy_once, follow_all, offset_of_last_lines};
use crate::api::types::{SessionView, Stream};

/// `longhaul logs`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The session.
    #[arg(value_name = "ID", required_unless_present = "all")]
    session: Option<String>,
    /// With -f: all sessions from now on, each line with its session before it.
    #[arg(long, requires = "follow", conflicts_with_all = ["session", "tail", "since"])]
    all: bool,
    /// Go on until the session has ended.
    #[arg(short, long)]
    follow: bool,
    /// Standard output only.
    #[arg(long, conflicts_with = "stderr")]
    stdout: bool,
    /// Standard error only.
    #[arg(long)]
    stderr: bool,
    /// The last N lines of each stream.
    #[arg(long, value_name = "N", conflicts_with = "since")]
    tail: Option<u64>,
    /// From this byte on.
    #[arg(long, value_name = "OFFSET")]
    since: Option<u64>,
    /// The bytes as they are, on a terminal, too.
    #[arg(long)]
    raw: bool,
    /// What the agent tells, a line of JSON each: an agent's standard output.
    #[arg(long, conflicts_with_all = ["raw", "stderr", "all"])]
    json: bool,
}

const EXAMPLES: &str = "\
The session's standard output goes to standard output, its standard error to
standard error. Ctrl-C ends the listing, not the session. On a terminal an agent's
output is shown for people: what it says, its tools in a line each, what it took.

Examples:
  longhaul logs nightly > out.txt 2> err.txt
  longhaul logs -f --tail 20 k3
  longhaul logs -f --all
  longhaul logs --json k3 | jq -r 'select(.type == \"text\").text'
  longhaul logs --stderr k3 | less";

impl Args {
    fn streams(&self) -> Vec<Stream> {
        match (self.stdout || self.json, self.stderr) {
            (true, _) => vec![Stream::Stdout],
            (_, true) => vec![Stream::Stderr],
            _ => vec![Stream::Stdout, Stream::Stderr],
        }
    }

    async fn start(
        &self,
        context: &Context,
        view: &SessionView,
        stream: Stream,
    ) -> Result<u64, CliError> {
        match self.tail {
            Some(lines) => {
                let length = length(view, stream);
                offset_of_last_lines(&context.client, view, stream, length, lines).await
            }
            None => Ok(self.since.unwrap_or(0)),
        }
    }
}

fn length(view: &SessionView, stream: Stream) -> u64 {
    match stream {
        Stream::Stdout => view.stdout,
        Stream::Stderr => view.stderr,
    }
}

/// Runs the verb.
pub(super) async fn logs(args: Args, context: &Context) -> Result<Code, CliError> {
    let Some(session) = &args.session else {
        follow_all(context, &args.streams()).await?;
        return Ok(exit::OK);
    };
    let view = context.call(async |client| client.session(session).await).await?;
    let form = match (args.raw, args.json) {
        (_, true) => Form::Events,
        (true, _) => Form::Raw,
        _ => Form::Usual,
    };
    if args.json && view.agent_run.is_none() {
        return Err(CliError::Usage {
            what: "there is no agent in this session whose output is known".to_owned(),
            write: format!("longhaul logs {}", view.id),
        });
    }
    let mut streams = Vec::new();
    for stream in args.streams() {
        streams.push((stream, args.start(context, &view, stream).await?));
    }
    if args.follow {
        Follower::new(context, &view, &streams, form).run().await?;
    } else {
        for (stream, at) in streams {
            copy_once(&context.client, &view, stream, at, length(&view, stream), form).await?;
        }
    }
    Ok(exit::OK)
}
