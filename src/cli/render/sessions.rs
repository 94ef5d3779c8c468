//! Sessions: `ps`, `inspect`.

use std::fmt::Write;

use super::attention::question_line;
use super::words::{age, command, signal_name, size};
use super::{Look, failure_block, table};
use crate::api::types::{Exit, LinkState, LinkView, SessionState, SessionView};
use crate::domain::failure::Failure;

/// The table of sessions.
pub(in crate::cli) fn ps(sessions: &[SessionView], look: Look) -> String {
    let header = ["ID", "NAME", "AGENT", "REMOTE", "STATE", "AGE", "OUTPUT", "COMMAND"];
    let rows = sessions.iter().map(|view| row(view, look)).collect();
    table::table(&header, rows, look.width)
}

fn row(view: &SessionView, look: Look) -> Vec<String> {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    vec![
        view.id.to_string(),
        or_dash(view.name.as_ref().map(|name| name.as_str())),
        or_dash(view.agent.as_ref().map(|name| name.as_str())),
        place(view),
        state(view),
        age(&view.created_at, look.now),
        size(view.stdout + view.stderr),
        command(&view.command),
    ]
}

/// The remote with its host, where that says more.
fn place(view: &SessionView) -> String {
    match &view.host {
        Some(host) if *host != view.place => format!("{} ({host})", view.place),
        _ => view.place.clone(),
    }
}

/// The state, with how the link is where that matters.
fn state(view: &SessionView) -> String {
    let words = state_words(view.state, view.exit, view.failure.as_ref());
    match &view.link {
        Some(link) if !view.state.has_ended() && link.state != LinkState::Connected => {
            format!("{words}, {}", link_words(link))
        }
        _ => words,
    }
}

/// A link that is not up, in a word or two.
pub(super) fn link_words(link: &LinkView) -> String {
    match (&link.question, &link.failure) {
        (Some(view), _) => format!("{}: {}", link.state.as_str(), view.question.kind().as_str()),
        (None, Some(failure)) => format!("{}: {}", link.state.as_str(), failure.code),
        (None, None) => link.state.as_str().to_owned(),
    }
}

/// A state with the status or the failure that belongs to it.
pub(in crate::cli) fn state_words(
    state: SessionState,
    exit: Option<Exit>,
    failure: Option<&Failure>,
) -> String {
    match (state, exit, failure) {
        (SessionState::Exited, Some(Exit::Code(code)), _) => format!("exited {code}"),
        (SessionState::Signalled, Some(Exit::Signal(signal)), _) => {
            format!("signalled {}", signal_name(signal))
        }
        (SessionState::Failed, _, Some(failure)) => format!("failed {}", failure.code),
        _ => state.as_str().to_owned(),
    }
}

/// All about one session.
pub(in crate::cli) fn inspect(view: &SessionView, look: Look) -> String {
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
    line("in", view.cwd.clone());
    line("state", Some(state(view)));
    line("created", Some(time(&view.created_at)));
    line("started", view.started_at.as_ref().map(time));
    line("ended", view.ended_at.as_ref().map(time));
    line("pid", view.pid.map(|pid| pid.to_string()));
    line("stdout", Some(size(view.stdout)));
    line("stderr", Some(size(view.stderr)));
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
    if let Some(question) = view.link.as_ref().and_then(|link| link.question.as_ref()) {
        let _ = writeln!(text, "\n{}", question_line(question));
    }
    let failures =
        [view.failure.as_ref(), view.link.as_ref().and_then(|link| link.failure.as_ref())];
    for failure in failures.into_iter().flatten() {
        let _ = writeln!(text, "\n{}", failure_block(failure));
    }
    text
}
