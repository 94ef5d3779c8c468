//! What of an agent's output is shown, and how.

use std::io::IsTerminal;

use crate::api::types::{SessionView, Stream};
use crate::cli::render::Story;
use crate::domain::agent::{AgentEvent, EventReader, Read};

/// How a session's output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cli) enum Form {
    /// For people where our output is a terminal and an agent's output can be
    /// read; else as it is.
    #[default]
    Usual,
    /// The bytes as they are.
    Raw,
    /// An agent's events, a line of JSON each.
    Events,
}

/// Turns an agent's output into what is shown of it.
#[derive(Debug)]
pub(super) struct Shown {
    reader: EventReader,
    /// `None` for a line of JSON for each event.
    story: Option<Story>,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    offset: u64,
    #[serde(flatten)]
    told: &'a AgentEvent,
}

impl Shown {
    /// What a stream from byte `at` on is turned into; `None` where it is shown
    /// as it is.
    pub(super) fn new(form: Form, view: &SessionView, stream: Stream, at: u64) -> Option<Self> {
        let profile = view.agent_run.as_ref().filter(|_| stream == Stream::Stdout)?.profile;
        let story = match form {
            Form::Raw => return None,
            Form::Events => None,
            Form::Usual if std::io::stdout().is_terminal() => Some(Story::new(profile)),
            Form::Usual => return None,
        };
        Some(Self { reader: EventReader::new(profile, at), story })
    }

    /// What is shown of the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (mut text, story) = (Vec::new(), &mut self.story);
        self.reader.feed(bytes, |at, read| show(story, at, read, &mut text));
        text
    }

    /// What is shown of a last line that has no end.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let (mut text, story) = (Vec::new(), &mut self.story);
        self.reader.finish(|at, read| show(story, at, read, &mut text));
        text
    }

    /// What is before `offset` was dropped.
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.reader.skip_to(offset);
    }
}

fn show(story: &mut Option<Story>, at: u64, read: Read<'_>, text: &mut Vec<u8>) {
    match (story, read) {
        (Some(story), Read::Event(event)) => text.extend_from_slice(story.add(&event).as_bytes()),
        (Some(story), Read::Plain(line)) => text.extend_from_slice(story.plain(line).as_bytes()),
        (None, Read::Event(event)) => {
            // A struct of strings and numbers: it has a JSON form.
            if let Ok(line) = serde_json::to_vec(&Line { offset: at, told: &event }) {
                text.extend_from_slice(&line);
                text.push(b'\n');
            }
        }
        (None, Read::Plain(_)) => {}
    }
}
