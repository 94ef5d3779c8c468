//! `map`, and `run --on all:TAG`: one session on each of several remotes.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::follow::{Asked, Followed, Follower, Form, Signals, copy_once};
use super::output::{print_json_line, print_line, say};
use super::render::{failure_block, state_words};
use super::run::environment;
use super::values::{EnvArg, env_arg, max_output, seconds};
use crate::api::client::{Client, OutputQuery};
use crate::api::types::{KillRequest, Priority, Pulse, RunRequest, SessionView, Stream, Where};
use crate::domain::ids::{ClientName, Tag};
use crate::domain::max_output::MaxOutput;
use crate::domain::placement::Wish;

/// `longhaul map`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Run it on each of these: all:TAG, or the names of remotes with commas.
    #[arg(long, value_name = "all:TAG|REMOTES")]
    on: String,
    /// Stop all that still run once more than N have failed.
    #[arg(long, value_name = "N")]
    max_failures: Option<usize>,
    /// Run it in this directory of each machine.
    #[arg(long, value_name = "DIR")]
    cwd: Option<String>,
    /// Set a variable; without a value, to what it is here.
    #[arg(short, long = "env", value_name = "K[=V]", value_parser = env_arg)]
    env: Vec<EnvArg>,
    /// Stop each after this time: 30s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    timeout: Option<u64>,
    /// Keep at most this much of each one's output there.
    #[arg(long, value_name = "SIZE", value_parser = max_output)]
    max_output: Option<MaxOutput>,
    /// Where not all may run at once, go before or after others: low, normal or
    /// high.
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
    /// Who asks for it; turns go round between those who ask.
    #[arg(long, value_name = "NAME")]
    client: Option<ClientName>,
    /// Print what came of each as a line of JSON.
    #[arg(long)]
    json: bool,
    /// The command and its arguments.
    #[arg(last = true, value_name = "CMD", required = true)]
    command: Vec<String>,
}

const EXAMPLES: &str = "\
What each prints comes as soon as it has ended, under a line with its remote and
status. Exits with 0 if all have exited with 0, with 1 if any has not, with 125 if
one could not be asked for. Ctrl-C stops all of them.

Examples:
  longhaul map --on all:web -- uptime
  longhaul map --on web1,web2 --json -- cat /etc/os-release
  longhaul map --on all:web --max-failures 2 -- ./deploy.sh";

/// How many sessions on several remotes are shown, and given up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// Stop the rest after more failures than this.
    pub(super) max_failures: Option<usize>,
    /// Print JSON.
    pub(super) json: bool,
}

/// What came of one, as JSON.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    remote: &'a str,
    #[serde(flatten)]
    view: &'a SessionView,
    /// The end of what it printed, at most 64 KiB of each stream.
    stdout_text: String,
    stderr_text: String,
}

/// How much of a stream goes into JSON.
const TEXT: u64 = 64 << 10;

/// What came of all.
#[derive(Debug, Default)]
struct Tally {
    /// Each remote by how its session ended.
    ends: BTreeMap<String, Vec<String>>,
    failed: usize,
    refused: usize,
}

impl Tally {
    fn add(&mut self, remote: &str, end: String, good: bool) {
        self.failed += usize::from(!good);
        self.ends.entry(end).or_default().push(remote.to_owned());
    }

    /// `3 remotes: 2 exited 0; exited 3: web2`.
    fn summary(&self) -> String {
        const GOOD: &str = "exited 0";
        let all: usize = self.ends.values().map(Vec::len).sum();
        let mut parts = vec![format!("{} {GOOD}", self.ends.get(GOOD).map_or(0, Vec::len))];
        let bad = self.ends.iter().filter(|(end, _)| *end != GOOD);
        parts.extend(bad.map(|(end, remotes)| format!("{end}: {}", remotes.join(" "))));
        format!("{all} remotes: {}", parts.join("; "))
    }

    fn code(&self) -> Code {
        match (self.refused, self.failed) {
            (0, 0) => exit::OK,
            (0, _) => exit::FAILED,
            _ => exit::LONGHAUL,
        }
    }
}

/// Runs `map`.
pub(super) async fn map(args: Args, context: &Context) -> Result<Code, CliError> {
    let env = environment(&args.env, |name| std::env::var_os(name))?;
    let manner = Manner { max_failures: args.max_failures, json: args.json };
    let request = RunRequest {
        command: args.command,
        cwd: args.cwd,
        env,
        timeout_s: args.timeout,
        max_output: args.max_output.map(MaxOutput::bytes),
        priority: args.priority,
        client: args.client,
        ..RunRequest::default()
    };
    let remotes = match Wish::parse(&args.on) {
        Some(Wish::All(tag)) => tagged(context, &tag).await?,
        Some(Wish::Any(_)) => {
            return Err(CliError::Usage {
                what: "map is for each of several remotes".to_owned(),
                write: format!("longhaul run --on {} -- …", args.on),
            });
        }
        None => args.on.split(',').map(str::to_owned).collect(),
    };
    on_each(context, &request, &remotes, manner).await
}

/// The remotes that have a tag and may be used.
pub(super) async fn tagged(context: &Context, tag: &Tag) -> Result<Vec<String>, CliError> {
    let all = context.call(Client::remotes).await?;
    let usable = all.iter().filter(|remote| remote.enabled);
    let names: Vec<String> = usable
        .filter(|remote| remote.tags.contains(tag))
        .map(|remote| remote.name.clone())
        .collect();
    if names.is_empty() {
        return Err(CliError::NoRemoteTagged { tag: tag.clone() });
    }
    Ok(names)
}

/// Asks for a session on each remote. What cannot be asked for is told and left
/// out; the second value is how many those are.
pub(super) async fn ask_each(
    context: &Context,
    request: &RunRequest,
    remotes: &[String],
) -> (Vec<SessionView>, usize) {
    let mut views = Vec::new();
    let mut refused = 0;
    for remote in remotes {
        let mut request = request.clone();
        request.on = Some(Where::On(remote.clone()));
        request.idempotency_key = Some(format!("{:032x}", rand::random::<u128>()));
        // A name has to be one session's.
        request.name = request.name.and_then(|name| format!("{name}-{remote}").parse().ok());
        match context.call(async |client| client.run(&request).await).await {
            Ok(view) => views.push(view),
            Err(error) => {
                refused += 1;
                say(&format!("{remote}: {}", error.report().unwrap_or_default()));
            }
        }
    }
    (views, refused)
}

/// Runs a request on each remote, and tells what came of each as it ends.
pub(super) async fn on_each(
    context: &Context,
    request: &RunRequest,
    remotes: &[String],
    manner: Manner,
) -> Result<Code, CliError> {
    let mut signals = Signals::catch()?;
    let (views, refused) = ask_each(context, request, remotes).await;
    let mut tally = Tally { refused, failed: refused, ..Tally::default() };
    let mut live: Vec<SessionView> = views;
    let mut ends: FuturesUnordered<_> =
        live.clone().into_iter().map(|view| followed(context, view)).collect();
    let mut stopped = false;
    loop {
        if !stopped && manner.max_failures.is_some_and(|most| tally.failed > most) {
            say(&format!("{} failed: the rest is stopped", tally.failed));
            stop(context, &live).await;
            stopped = true;
        }
        // Both arms are cancel-safe.
        tokio::select! {
            ended = ends.next() => {
                let Some(ended) = ended else { break };
                let (view, pulse) = ended?;
                live.retain(|one| one.place != view.place);
                tell(context, &view, &pulse, manner.json).await?;
                let end = state_words(pulse.state, pulse.exit, pulse.failure.as_ref());
                tally.add(&view.place, end, exit::of_session(&pulse) == exit::OK);
            }
            asked = signals.next() => match asked {
                Asked::Interrupt if !stopped => {
                    stop(context, &live).await;
                    stopped = true;
                }
                other => {
                    say("the sessions go on; longhaul ps shows them");
                    return Ok(other.leave().code());
                }
            }
        }
    }
    say(&tally.summary());
    Ok(tally.code())
}

/// Sees a session end, and gives it back as it is then.
async fn followed(context: &Context, view: SessionView) -> Result<(SessionView, Pulse), CliError> {
    let mut follower = Follower::new(context, &view, &[], Form::Usual);
    follower.draw_nothing();
    let Followed::Ended(ended) = follower.run().await? else {
        // Only signals make it leave, and it catches none.
        return Err(CliError::DaemonStopped { id: view.id.to_string() });
    };
    let view = context.call(async |client| client.session(&ended.id).await).await?;
    Ok((view, ended.pulse))
}

/// Orders all to stop. One that has just ended needs no order.
async fn stop(context: &Context, live: &[SessionView]) {
    let request = KillRequest::default();
    for view in live {
        let _ = context.client.kill(view.id.as_str(), &request).await;
    }
}

async fn tell(
    context: &Context,
    view: &SessionView,
    pulse: &Pulse,
    json: bool,
) -> Result<(), CliError> {
    let remote = view.place.as_str();
    if json {
        let text = async |stream, length: u64| -> Result<String, CliError> {
            let offset = length.saturating_sub(TEXT);
            let query = OutputQuery { stream, offset, limit: Some(TEXT), follow: false };
            let mut reader = context.client.output(view.id.as_str(), query).await?;
            let mut bytes = Vec::new();
            while let Some(more) = reader.next().await? {
                bytes.extend_from_slice(&more);
            }
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let stdout_text = text(Stream::Stdout, view.stdout).await?;
        let stderr_text = text(Stream::Stderr, view.stderr).await?;
        return print_json_line(&Outcome { remote, view, stdout_text, stderr_text });
    }
    let end = state_words(pulse.state, pulse.exit, None);
    print_line(&format!("== {remote}: {end} ({})", view.id))?;
    copy_once(&context.client, view, Stream::Stdout, 0, view.stdout, Form::Usual).await?;
    copy_once(&context.client, view, Stream::Stderr, 0, view.stderr, Form::Usual).await?;
    if let Some(failure) = &pulse.failure {
        say(&failure_block(failure));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_those_that_did_not_exit_with_0() {
        let mut tally = Tally::default();
        for (remote, end, good) in
            [("a", "exited 0", true), ("b", "exited 3", false), ("c", "exited 3", false)]
        {
            tally.add(remote, end.to_owned(), good);
        }
        assert_eq!(tally.summary(), "3 remotes: 1 exited 0; exited 3: b c");
        assert_eq!(tally.code(), exit::FAILED);
        tally.refused = 1;
        assert_eq!(tally.code(), exit::LONGHAUL);
        assert_eq!(Tally::default().code(), exit::OK);
    }
}
