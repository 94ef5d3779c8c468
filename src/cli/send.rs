//! `send`: text for a session's standard input.

use std::io::{IsTerminal, stdin};

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::follow::{Recipient, feed, feed_bytes};
use super::values::Input;

/// `longhaul send`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The session.
    #[arg(value_name = "ID")]
    session: String,
    /// What to send; without it, all of our standard input.
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// End its standard input afterwards.
    #[arg(long)]
    eof: bool,
    /// Send no line break after TEXT.
    #[arg(short = 'n', long)]
    no_newline: bool,
}

const EXAMPLES: &str = "\
The session has to have been started with `longhaul run -i`. TEXT is in the
process list while it is sent; pipe in what nobody else should see. While the
session's host is away, up to 16 MiB are held for it; then a pipe waits, and TEXT
is refused after ten seconds.

Examples:
  longhaul send k3 'yes, go on'
  longhaul send k3 --eof < answers.txt";

/// Runs the verb.
pub(super) async fn send(args: Args, context: &Context) -> Result<Code, CliError> {
    let view = context.call(async |client| client.session(&args.session).await).await?;
    let to = &Recipient::Alone(context.clone());
    match args.text {
        Some(mut text) => {
            if !args.no_newline {
                text.push('\n');
            }
            feed_bytes(to, &view, text.into(), args.eof).await?;
        }
        // A person who only ends it is not asked to type something first.
        None if args.eof && stdin().is_terminal() => {
            feed_bytes(to, &view, bytes::Bytes::new(), true).await?;
        }
        None if !view.stdin.open => feed_bytes(to, &view, bytes::Bytes::new(), false).await?,
        None => feed(to, &view, &Input::Stdin, args.eof).await?,
    }
    Ok(exit::OK)
}
