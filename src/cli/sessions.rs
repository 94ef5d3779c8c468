//! `ps`, `inspect`, `wait`, `kill`, `rm`.

use serde::Serialize;

use super::attach::tell_end;
use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::follow::{Followed, follow_to_the_end};
use super::output::{print, print_json, print_json_line, print_line, say};
use super::render::{self, state_words};
use super::status::look;
use super::values::grace;
use crate::api::types::{KillRequest, LinkState, Pulse, RestartPolicy, SessionState, SessionView};
use crate::domain::failure::Failure;

/// `longhaul ps`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  longhaul ps\n  longhaul ps -a --json | jq -r '.[].id'")]
pub(super) struct PsArgs {
    /// Also those that have ended.
    #[arg(short, long)]
    all: bool,
    /// With -a: also attempts that another one followed.
    #[arg(long, requires = "all")]
    attempts: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `longhaul inspect`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Examples:\n  longhaul inspect nightly\n  longhaul inspect k3 --json | jq .exit"
)]
pub(super) struct InspectArgs {
    /// The session.
    #[arg(value_name = "ID")]
    session: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `longhaul wait`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Exits with the status of the last one: 128+N when signal N ended it, 124 when it
ran out of time, 125 when it has no status or longhaul failed.

Examples:
  longhaul wait nightly && echo done")]
pub(super) struct WaitArgs {
    /// The sessions.
    #[arg(value_name = "ID", required = true)]
    sessions: Vec<String>,
    /// Print each one's last state as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// `longhaul kill`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Without -s, with TERM and with KILL, the whole process tree is stopped, and this
waits until it is gone. What cannot be ended is told, and tried again every few
seconds. A host that is away gets the order when it is back.

Examples:
  longhaul kill nightly
  longhaul kill -s KILL k3
  longhaul kill -s HUP k3        (only delivered, to the command's process group)")]
pub(super) struct KillArgs {
    /// The sessions.
    #[arg(value_name = "ID", required = true)]
    sessions: Vec<String>,
    /// The signal, with or without SIG.
    #[arg(short, long, value_name = "SIG")]
    signal: Option<String>,
    /// Time between TERM and KILL: 5s, 1m.
    #[arg(long, value_name = "TIME", value_parser = grace)]
    grace: Option<u64>,
    /// Print each one's state as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// `longhaul rm`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A session goes from the list at once, with its output, prompt and input. What is
left of it on a host that is away goes when the host is back. A session that runs
is refused, unless --force stops it first: its whole process tree, verified; on a
host that is away, before anything else once that is back.

Examples:
  longhaul rm k3 nightly
  longhaul rm --force k3")]
pub(super) struct RmArgs {
    /// Stop sessions that still run.
    #[arg(short, long)]
    force: bool,
    /// The sessions.
    #[arg(value_name = "ID", required = true)]
    sessions: Vec<String>,
}

/// A session with its attempts, as JSON.
#[derive(Debug, Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    view: &'a SessionView,
    /// All of them, the first first; empty where there can be no other.
    attempts: &'a [SessionView],
}

/// Runs `ps`.
pub(super) async fn ps(args: PsArgs, context: &Context) -> Result<Code, CliError> {
    // Where no daemon has ever been, there are no sessions, and none is started
    // to say so. Where one has been, it finds its sessions again.
    let mut sessions = if context.state.exists() {
        context.call(async |client| client.sessions(args.all).await).await?
    } else {
        context.ask(async |client| client.sessions(args.all).await).await?.unwrap_or_default()
    };
    // One line for each piece of work, however many attempts it took.
    sessions.retain(|view| args.attempts || view.attempt.next.is_none());
    if args.json {
        print_json(&sessions)?;
    } else {
        print(&render::ps(&sessions, look()))?;
    }
    Ok(exit::OK)
}

/// Runs `inspect`.
pub(super) async fn inspect(args: InspectArgs, context: &Context) -> Result<Code, CliError> {
    let view = context.call(async |client| client.session(&args.session).await).await?;
    let attempts = match view.attempt.policy {
        RestartPolicy::Never => vec![],
        _ => context.call(async |client| client.attempts(view.id.as_str()).await).await?,
    };
    if args.json {
        print_json(&Inspected { view: &view, attempts: &attempts })?;
    } else {
        print(&render::inspect(&view, &attempts, look()))?;
    }
    Ok(exit::OK)
}

/// Runs `wait`.
pub(super) async fn wait(args: WaitArgs, context: &Context) -> Result<Code, CliError> {
    let mut views = Vec::new();
    // All names are looked up first: a wrong one is said now, and not in hours.
    for given in &args.sessions {
        views.push(context.call(async |client| client.session(given).await).await?);
    }
    let mut code = exit::OK;
    for view in &views {
        // Without signals to leave by, it is followed to its end.
        let Followed::Ended(ended) = follow_to_the_end(context, view).await? else { continue };
        code = exit::of_session(&ended.pulse);
        if args.json {
            print_json_line(&context.client.session(&ended.id).await?)?;
        } else {
            tell_end(&ended.id, &ended.pulse);
        }
    }
    Ok(code)
}

/// Runs `kill`.
pub(super) async fn kill(args: KillArgs, context: &Context) -> Result<Code, CliError> {
    let request =
        KillRequest { signal: args.signal.as_deref().map(signal_word), grace_s: args.grace };
    let stops = matches!(request.signal.as_deref(), None | Some("TERM" | "KILL"));
    let mut code = exit::OK;
    let mut ordered = Vec::new();
    // All get their order before the first is waited for.
    for given in &args.sessions {
        match context.call(async |client| client.kill(given, &request).await).await {
            Ok(view) => ordered.push(view),
            Err(error) => code = failed(&error),
        }
    }
    for view in ordered {
        let pulse = if stops { stopped(context, &view).await? } else { None };
        tell_kill(context, &args, &view, pulse.as_ref()).await?;
        if let Some(left) = pulse.as_ref().and_then(survivors) {
            say(&render::failure_block(left));
            code = exit::FAILED;
        }
    }
    Ok(code)
}

/// `SIGint` and `int` are INT.
fn signal_word(given: &str) -> String {
    let upper = given.to_ascii_uppercase();
    upper.strip_prefix("SIG").map_or(upper.clone(), str::to_owned)
}

/// Whether orders for the session cannot be delivered for now.
pub(super) fn is_away(pulse: &Pulse) -> bool {
    let away = [LinkState::BackingOff, LinkState::NeedsAttention];
    pulse.link.as_ref().is_some_and(|link| away.contains(&link.state))
}

/// What of the session could not be ended.
fn survivors(pulse: &Pulse) -> Option<&Failure> {
    pulse.warnings.iter().find(|warning| warning.names_survivors())
}

/// Waits until a session has ended, or something of it will not; `None` when its
/// host is away.
async fn stopped(context: &Context, view: &SessionView) -> Result<Option<Pulse>, CliError> {
    let mut pulses = context.client.watch(view.id.as_str()).await?;
    while let Some(pulse) = pulses.next().await? {
        if pulse.state.has_ended() || survivors(&pulse).is_some() {
            return Ok(Some(pulse));
        }
        // One that has not started is taken back here, wherever its host is.
        if pulse.state != SessionState::Waiting && is_away(&pulse) {
            return Ok(None);
        }
    }
    Err(CliError::DaemonStopped { id: view.id.to_string() })
}

async fn tell_kill(
    context: &Context,
    args: &KillArgs,
    view: &SessionView,
    pulse: Option<&Pulse>,
) -> Result<(), CliError> {
    if args.json {
        return print_json_line(&context.client.session(view.id.as_str()).await?);
    }
    match (pulse, &request_signal(args)) {
        (Some(pulse), _) => {
            let words = state_words(pulse.state, pulse.exit, pulse.failure.as_ref());
            print_line(&format!("{} {words}", view.id))
        }
        (None, Some(signal)) if signal != "TERM" && signal != "KILL" => {
            print_line(&format!("{} sent {signal}", view.id))
        }
        (None, _) => {
            say(&format!(
                "{} is away; session {} is stopped when it is back (the order is kept)",
                view.place, view.id
            ));
            Ok(())
        }
    }
}

fn request_signal(args: &KillArgs) -> Option<String> {
    args.signal.as_deref().map(signal_word)
}

/// Runs `rm`.
pub(super) async fn rm(args: RmArgs, context: &Context) -> Result<Code, CliError> {
    let mut code = exit::OK;
    for given in &args.sessions {
        match context.call(async |client| client.remove(given, args.force).await).await {
            Ok(()) => print_line(given)?,
            Err(error) => code = failed(&error),
        }
    }
    Ok(code)
}

/// Tells of one that failed among others that need not.
fn failed(error: &CliError) -> Code {
    if let Some(report) = error.report() {
        say(&report);
    }
    exit::FAILED
}
