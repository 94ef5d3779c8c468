//! `attach`, and the part of `run` after the session was taken in.

use std::ffi::OsString;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::follow::{Followed, Follower, Form, Recipient, Signals, feed, offset_of_last_lines};
use super::output::say;
use super::render::{failure_block, state_words};
use super::values::Input;
use crate::api::types::{Pulse, SessionState, SessionView, Stream};

/// `longhaul attach`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The session.
    #[arg(value_name = "ID")]
    session: String,
    /// Begin with the last N lines of each stream instead of the first.
    #[arg(long, value_name = "N")]
    tail: Option<u64>,
    /// Send a file, or our standard input (-), to its standard input.
    #[arg(long, value_name = "FILE")]
    stdin: Option<OsString>,
    /// Do not end its standard input after --stdin.
    #[arg(long, requires = "stdin")]
    keep_open: bool,
}

const EXAMPLES: &str = "\
Prints the session's output from its beginning, follows it, and exits with its
status, as `longhaul run` does. Ctrl-C sends the session INT, again TERM, again
KILL; closing the terminal leaves it running.

Examples:
  longhaul attach nightly
  longhaul attach --tail 20 k3";

/// How a session is followed.
#[derive(Debug)]
pub(super) struct Attached {
    /// The signals that are caught.
    pub(super) signals: Signals,
    /// What goes to its standard input, and whether that ends there.
    pub(super) input: Option<(Input, bool)>,
    /// Where in standard output and error to begin.
    pub(super) from: [u64; 2],
}

/// Runs the verb.
pub(super) async fn attach(args: Args, context: &Context) -> Result<Code, CliError> {
    let view = context.call(async |client| client.session(&args.session).await).await?;
    let signals = Signals::catch()?;
    let input = args.stdin.map(|word| (Input::from(word), !args.keep_open));
    let from = match args.tail {
        None => [0, 0],
        Some(lines) => [
            offset_of_last_lines(&context.client, &view, Stream::Stdout, view.stdout, lines)
                .await?,
            offset_of_last_lines(&context.client, &view, Stream::Stderr, view.stderr, lines)
                .await?,
        ],
    };
    attached(context, &view, Attached { signals, input, from }).await
}

/// Follows a session to its end, or until we are told to leave it.
pub(super) async fn attached(
    context: &Context,
    view: &SessionView,
    attached: Attached,
) -> Result<Code, CliError> {
    let [stdout, stderr] = attached.from;
    let streams = [(Stream::Stdout, stdout), (Stream::Stderr, stderr)];
    let mut follower = Follower::new(context, view, &streams, Form::Usual);
    follower = follower.with_signals(attached.signals).with_questions();
    if let Some((input, eof)) = attached.input {
        let (to, view) = (Recipient::Followed(context.client.clone()), view.clone());
        follower = follower.with_feeder(async move { feed(&to, &view, &input, eof).await });
    }
    match follower.run().await? {
        Followed::Ended(ended) => {
            tell_end(&ended.id, &ended.pulse);
            Ok(exit::of_session(&ended.pulse))
        }
        Followed::Left(leave) => {
            say(&format!("session {0} goes on; come back with: longhaul attach {0}", view.id));
            Ok(leave.code())
        }
    }
}

/// Says what the status alone does not.
pub(super) fn tell_end(id: &str, pulse: &Pulse) {
    match (&pulse.failure, pulse.state) {
        (Some(failure), _) => say(&failure_block(failure)),
        // The status says it all.
        (None, SessionState::Exited | SessionState::Signalled) => {}
        (None, state) => say(&format!("session {id} {}", state_words(state, pulse.exit, None))),
    }
}
