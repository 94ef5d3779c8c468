//! Sessions: `ps`, `inspect`.

use std::fmt::Write;
use std::time::SystemTime;

use super::attention::question_line;
use super::away::{link_line, link_words};
use super::status::transport_words;
use super::told::{told_line, usage_short, usage_words};
use super::words::{age, command, duration_ms, signal_name, size, tame};
use super::{Look, failure_block, table};
use crate::api::types::{
    AttemptView, Dropped, Exit, Priority, QueueView, SessionState, SessionView, Stream, WaitsFor,
};
use crate::domain::failure::Failure;
use crate::domain::max_output::MaxOutput;

/// The table of sessions.
pub(in crate::cli) fn ps(sessions: &[SessionView], look: Look) -> String {
    let mut header = vec!["ID", "NAME", "AGENT", "REMOTE", "STATE", "AGE", "OUTPUT", "COMMAND"];
    // Where there is no agent that tells, nobody misses it.
    let agents = sessions.iter().any(|view| view.agent_run.is_some());
    if agents {
        header.insert(USED, "TOKENS");
    }
    let rows = sessions.iter().map(|view| row(view, look, agents)).collect();
    table::table(&header, rows, look.width)
}

/// Where among the columns it is told what an agent has taken.
const USED: usize = 7;

fn row(view: &SessionView, look: Look, agents: bool) -> Vec<String> {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let mut row = vec![
        view.id.to_string(),
        or_dash(view.name.as_ref().map(|name| name.as_str())),
        or_dash(view.agent.as_ref().map(|name| name.as_str())),
        place(view),
        state(view, look),
        age(&view.created_at, look.now),
        size(view.stdout.saturating_add(view.stderr)),
        command(&view.command),
    ];
    if agents {
        let used = view.agent_run.as_ref().map(|run| usage_short(&run.usage));
        row.insert(USED, used.unwrap_or_else(|| "-".to_owned()));
    }
    row
}

/// The remote with its host, where that says more.
fn place(view: &SessionView) -> String {
    match &view.host {
        Some(host) if *host != view.place => format!("{} ({host})", view.place),
        _ => view.place.clone(),
    }
}

/// The state, with which attempt it is where that matters.
fn state_of_attempt(view: &SessionView, look: Look) -> String {
    let words = state_words(view.state, view.exit, view.failure.as_ref());
    if view.attempt.number < 2 {
        return words;
    }
    let mut attempt = view.attempt.clone();
    if view.state != SessionState::Waiting {
        attempt.starts_at = None;
    }
    format!("{words} ({})", attempt_words(&attempt, look.now))
}

/// [`state_of_attempt`], with how the link is where that matters.
fn state(view: &SessionView, look: Look) -> String {
    let mut words = state_of_attempt(view, look);
    let live = !view.state.has_ended();
    if let Some(failure) = &view.mirror_paused {
        words.push_str(&format!(", mirror paused: {}", failure.code));
        if let Some(behind) = view.mirror_behind {
            words.push_str(&format!(", {} behind", size(behind)));
        }
    }
    if let Some(failure) = view.failure.as_ref().filter(|_| live) {
        return format!("{words} ({})", failure.code);
    }
    if let Some(queue) = &view.queue {
        return format!("{words} ({})", queue_words(queue));
    }
    let link = view.link.as_ref().filter(|_| live);
    match link.and_then(|link| link_words(link, look.now)) {
        Some(link) => format!("{words} ({link})"),
        None => words,
    }
}

/// Its place in the queue, and why it waits.
fn queue_words(queue: &QueueView) -> String {
    format!("{} of {} in the queue: {}", queue.place, queue.of, waits_words(&queue.waits_for))
}

/// Why the turn of a session has not come.
pub(in crate::cli) fn waits_words(waits_for: &WaitsFor) -> String {
    match waits_for {
        WaitsFor::All { most: 1 } => "one session runs at once".to_owned(),
        WaitsFor::All { most } => format!("{most} sessions run at once"),
        WaitsFor::Remote { remote, most } => format!("{remote} takes {most} at once"),
        WaitsFor::Agent { agent, most } => format!("{most} of agent {agent} run at once"),
        WaitsFor::Older => "an older one is next".to_owned(),
    }
}

/// Which attempt it is, and when it starts where that is still to come.
pub(in crate::cli) fn attempt_words(attempt: &AttemptView, now: SystemTime) -> String {
    let words = format!("attempt {} of {}", attempt.number, attempt.most);
    let starts_at = attempt.starts_at.as_deref().and_then(|at| humantime::parse_rfc3339(at).ok());
    match starts_at.and_then(|at| at.duration_since(now).ok()) {
        Some(left) if !left.is_zero() => {
            let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            format!("{words}, starts in {}", duration_ms(ms))
        }
        _ => words,
    }
}

/// A state with the status or the failure that belongs to it.
pub(in crate::cli) fn state_words(
    state: SessionState,
    exit: Option<Exit>,
    failure: Option<&Failure>,
) -> String {
    match (state, exit, failure) {
        (SessionState::Exited | SessionState::Signalled, Some(exit), _) => exit_words(exit),
        (SessionState::Failed, _, Some(failure)) => format!("failed {}", failure.code),
        _ => state.as_str().to_owned(),
    }
}

/// How a command ended.
pub(super) fn exit_words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited {code}"),
        Exit::Signal(signal) => format!("signalled {}", signal_name(signal)),
    }
}

/// How much of a stream there is, and what of it was dropped.
fn stream_words(view: &SessionView, stream: Stream) -> String {
    let (length, dropped) = match stream {
        Stream::Stdout => (view.stdout, view.stdout_dropped),
        Stream::Stderr => (view.stderr, view.stderr_dropped),
    };
    let last = view.dropped.iter().rfind(|dropped| dropped.stream == stream);
    let Some(Dropped { gap, .. }) = last else { return size(length) };
    if gap.bytes() == dropped {
        format!("{}, of which bytes {gap} were dropped", size(length))
    } else {
        format!("{}, {} of it dropped, last bytes {gap}", size(length), size(dropped))
    }
}

/// All about one session.
pub(in crate::cli) fn inspect(view: &SessionView, attempts: &[SessionView], look: Look) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<10}{value}");
        }
    };
    let time = |at: &String| format!("{at} ({} ago)", age(at, look.now));
    line("id", Some(view.id.to_string()));
    line("name", view.name.as_ref().map(ToString::to_string));
    line("agent", view.agent.as_ref().map(ToString::to_string));
    line("command", (!view.command.is_empty()).then(|| command(&view.command)));
    line("on", Some(place(view)));
    line("in", view.cwd.as_deref().map(tame));
    line("continues", view.continues.as_ref().map(ToString::to_string));
    line("from", view.adopted_from.as_deref().map(tame));
    line("state", Some(state_of_attempt(view, look)));
    let link = view.link.as_ref().filter(|_| !view.state.has_ended());
    line("link", link.and_then(|link| link_line(link, look.now)));
    let transport = link.and_then(|link| link.transport.as_ref());
    line("over", transport.map(transport_words));
    if let Some(run) = &view.agent_run {
        line("model", run.model.as_deref().map(tame));
        line("talk", run.conversation.as_deref().map(tame));
        line("used", (!run.usage.is_nothing()).then(|| usage_words(&run.usage)));
        let denied = |what| format!("{} tool calls{what}", run.tool_calls);
        line(
            "tools",
            Some(match run.denied {
                0 => denied(String::new()),
                refused => denied(format!(", {refused} refused, since nobody was there to ask")),
            }),
        );
    }
    line("queue", view.queue.as_ref().map(queue_words));
    let priority = (view.priority != Priority::Normal).then(|| view.priority.to_string());
    line("priority", priority);
    line("client", view.client.as_ref().map(ToString::to_string));
    line("created", Some(time(&view.created_at)));
    line("started", view.started_at.as_ref().map(time));
    line("ended", view.ended_at.as_ref().map(time));
    line("pid", view.pid.map(|pid| pid.to_string()));
    line("stdout", Some(stream_words(view, Stream::Stdout)));
    line("stderr", Some(stream_words(view, Stream::Stderr)));
    let cap = view.max_output.and_then(|bytes| MaxOutput::of_bytes(bytes).ok());
    line("keeps", cap.map(|cap| format!("at most {cap} of output there")));
    let open = if view.stdin.open { "open" } else { "closed" };
    line(
        "stdin",
        Some(format!(
            "{open}, {} taken, {} there",
            size(view.stdin.accepted),
            size(view.stdin.delivered)
        )),
    );
    line("mirror", Some(view.mirror.display().to_string()));
    line("spool", view.spool_gone_at.as_ref().map(|at| format!("gone since {}", time(at))));
    for (at, attempt) in attempts.iter().enumerate() {
        let name = if at == 0 { "attempts" } else { "" };
        let here = if attempt.id == view.id { " (this one)" } else { "" };
        line(name, Some(format!("{} {}{here}", attempt.id, state(attempt, look))));
    }
    for (at, event) in view.agent_events.iter().enumerate() {
        let name = if at == 0 { "told" } else { "" };
        line(name, Some(told_line(&event.told)));
    }
    if let Some(question) = view.link.as_ref().and_then(|link| link.question.as_ref()) {
        let _ = writeln!(text, "\n{}", question_line(question));
    }
    let of_link = view.link.as_ref().and_then(|link| link.failure.as_ref());
    let failures = [view.failure.as_ref(), view.mirror_paused.as_ref(), of_link];
    for failure in failures.into_iter().flatten().chain(&view.warnings) {
        let _ = writeln!(text, "\n{}", failure_block(failure));
    }
    text
}
