//! Events, a line each.

use super::sessions::state_words;
use super::told::told_line;
use super::words::signal_name;
use crate::api::types::{EventKind, EventView, Exit, SessionState};

/// One event: when, its number, about whom, and what.
pub(in crate::cli) fn event_line(event: &EventView) -> String {
    let (about, what) = match &event.kind {
        EventKind::SessionCreated { session, place } => {
            (session.to_string(), format!("created, to run on {place}"))
        }
        EventKind::SessionChanged { session, state, exit, failure } => {
            (session.to_string(), changed(*state, *exit, failure.as_deref()))
        }
        EventKind::Agent { session, told, .. } => (session.to_string(), told_line(told)),
        EventKind::SessionRemoved { session } => (session.to_string(), "removed".to_owned()),
        EventKind::LinkChanged { remote, state, failure } => {
            (remote.clone(), with_failure(state.as_str().to_owned(), failure.as_deref()))
        }
        EventKind::AttentionAsked { remote, kind, .. } => (
            remote.clone(),
            format!("needs a person ({}): longhaul attention {remote}", kind.as_str()),
        ),
        EventKind::AttentionSettled { remote, kind, answered, .. } => {
            let how = if *answered { "answered" } else { "not needed any more" };
            (remote.clone(), format!("{}: {how}", kind.as_str()))
        }
        EventKind::ConfigReloaded { changes } if changes.is_empty() => {
            ("config".to_owned(), "read again, nothing changed".to_owned())
        }
        EventKind::ConfigReloaded { changes } => {
            ("config".to_owned(), format!("in force: {}", changes.join("; ")))
        }
        EventKind::ConfigRejected { report } => {
            ("config".to_owned(), format!("an edit was refused:\n{}", report.trim_end()))
        }
    };
    format!("{}  {:>6}  {about}  {what}", event.at, event.seq)
}

fn changed(state: SessionState, exit: Option<Exit>, failure: Option<&str>) -> String {
    let words = match (state, exit) {
        // A state whose name says nothing about the status.
        (SessionState::TimedOut, Some(Exit::Code(code))) => format!("timed-out, exited {code}"),
        (SessionState::TimedOut, Some(Exit::Signal(signal))) => {
            format!("timed-out, signalled {}", signal_name(signal))
        }
        _ => state_words(state, exit, None),
    };
    with_failure(words, failure)
}

fn with_failure(words: String, failure: Option<&str>) -> String {
    match failure {
        Some(code) => format!("{words}: {code}"),
        None => words,
    }
}
