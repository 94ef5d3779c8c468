//! From a stream's bytes to an agent's events.

use serde_json::Value;

use super::cli::AgentCli;
use super::event::AgentEvent;
use super::lines::Lines;
use super::profile::Profile;

/// Reads one agent's standard output, in pieces of any size.
#[derive(Debug)]
pub struct EventReader {
    cli: &'static dyn AgentCli,
    lines: Lines,
}

/// What one line is.
#[derive(Debug)]
pub enum Read<'a> {
    /// It tells this; a line may tell several things, or nothing.
    Event(AgentEvent),
    /// It is none of the agent's: somebody else prints there, too.
    Plain(&'a [u8]),
}

impl EventReader {
    /// A reader from `offset` on, where a line begins.
    #[must_use]
    pub fn new(profile: Profile, offset: u64) -> Self {
        Self { cli: profile.cli(), lines: Lines::from(offset) }
    }

    /// The offset of the next byte that is wanted.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Takes the next bytes and tells what the lines are that they end, each
    /// with the offset at which its line begins.
    pub fn feed(&mut self, bytes: &[u8], mut told: impl FnMut(u64, Read<'_>)) {
        let cli = self.cli;
        self.lines.feed(bytes, |at, line| read(cli, at, line, &mut told));
    }

    /// Tells what the last line is, which nothing has ended.
    pub fn finish(&mut self, mut told: impl FnMut(u64, Read<'_>)) {
        let cli = self.cli;
        self.lines.finish(|at, line| read(cli, at, line, &mut told));
    }

    /// Goes on at a later offset: what is between is not to be had.
    pub fn skip_to(&mut self, offset: u64) {
        self.lines.skip_to(offset);
    }
}

fn read(cli: &dyn AgentCli, at: u64, line: &[u8], told: &mut impl FnMut(u64, Read<'_>)) {
    // Most lines of a program that is no agent are told by their first byte.
    let looks = line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let value = if looks { serde_json::from_slice::<Value>(line).ok() } else { None };
    let Some(value) = value else { return told(at, Read::Plain(line)) };
    let mut events = Vec::new();
    cli.read(&value, &mut events);
    for event in events {
        told(at, Read::Event(event.named_sanely()));
    }
}
