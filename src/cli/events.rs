//! `events`: what happened, and what happens.

use serde_json::json;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, print_json_line, print_line, say};
use super::render;
use super::status::look;
use crate::api::client::{Client, ClientError, FeedItem};

/// `longhaul events`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Go on with events as they come.
    #[arg(short, long)]
    follow: bool,
    /// Events after this number; without it all that are kept, or with -f none.
    #[arg(long, value_name = "SEQ")]
    since: Option<u64>,
    /// Print a line of JSON for each.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
A number that is no longer kept is answered with the status of now, and the
events from there on.

Examples:
  longhaul events
  longhaul events -f --json | jq -r 'select(.event == \"session-changed\") | .session'
  longhaul events -f --since 1200";

/// Runs the verb.
pub(super) async fn events(args: Args, context: &Context) -> Result<Code, CliError> {
    let mut since = args.since;
    let mut stopped = false;
    loop {
        let ask = async |client: &Client| client.events(since, args.follow).await;
        let feed = match stopped {
            false => Some(context.call(ask).await?),
            // One that was stopped is not started again.
            true if context.await_successor().await => context.ask(ask).await?,
            true => None,
        };
        let Some(mut feed) = feed else {
            say("the daemon was stopped");
            return Ok(exit::FAILED);
        };
        let broken = loop {
            match feed.next().await {
                Ok(Some(item)) => {
                    stopped = false;
                    if let FeedItem::Event(event) = &item {
                        since = Some(event.seq);
                    }
                    show(&item, args.json)?;
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        match broken {
            // The daemon died: it is started again, and asked for what is
            // missing. Before the first event there is no number to ask from.
            Some(ClientError::Broken(_)) if args.follow && since.is_some() => {}
            Some(error) => return Err(error.into()),
            None if args.follow && since.is_some() => stopped = true,
            None if args.follow => {
                say("the daemon was stopped");
                return Ok(exit::FAILED);
            }
            None => return Ok(exit::OK),
        }
    }
}

fn show(item: &FeedItem, as_json: bool) -> Result<(), CliError> {
    match (item, as_json) {
        (FeedItem::Event(event), true) => print_json_line(event),
        (FeedItem::Event(event), false) => print_line(&render::event_line(event)),
        (FeedItem::Stale(stale), true) => print_json_line(
            &json!({ "event": "stale", "since": stale.since, "oldest": stale.oldest }),
        ),
        (FeedItem::Stale(stale), false) => {
            say(&format!(
                "events after {} are not all kept (the oldest is {}); this is the present:",
                stale.since, stale.oldest
            ));
            Ok(())
        }
        (FeedItem::Snapshot(status), true) => {
            print_json_line(&json!({ "event": "snapshot", "status": status }))
        }
        (FeedItem::Snapshot(status), false) => print(&render::status(status, look())),
    }
}
