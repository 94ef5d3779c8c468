//! What a person is told while the link to a session's host is not there.

use std::io::IsTerminal;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::types::{LinkState, LinkView, Pulse, QuestionId, QuestionView, SessionState};
use crate::cli::output::{say, say_raw};
use crate::cli::render::{duration_ms, failure_block, question_line};

/// A link that comes up sooner than this is not worth a word.
const SOON: Duration = Duration::from_millis(800);
/// How often the countdown moves.
const TICK: Duration = Duration::from_millis(500);

/// On a terminal, one line that updates and goes away; elsewhere a line for each
/// change to something bad, and one when it is good again.
#[derive(Debug)]
pub(super) struct Notice {
    place: String,
    terminal: bool,
    /// The line is on the screen.
    shown: bool,
    /// When the pulse at hand came: the countdown in it starts there.
    since: Instant,
    /// When the link was last seen to be up, or following began.
    away_since: Instant,
    /// The trouble that was last told in full.
    told: Option<(LinkState, String)>,
    /// The question that was last told.
    told_question: Option<QuestionId>,
    /// Somebody else writes to the terminal.
    held: bool,
}

impl Notice {
    pub(super) fn new(place: &str) -> Self {
        let now = Instant::now();
        Self {
            place: place.to_owned(),
            terminal: std::io::stderr().is_terminal(),
            shown: false,
            since: now,
            away_since: now,
            told: None,
            told_question: None,
            held: false,
        }
    }

    /// Has the line wait while a person is asked.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Takes in a new pulse.
    pub(super) fn pulse(&mut self, pulse: &Pulse) {
        self.since = Instant::now();
        let away = away(pulse);
        if away.is_none() {
            self.away_since = self.since;
            self.clear();
        }
        if let Some(question) = away.and_then(|link| link.question.as_ref()) {
            return self.question(question, pulse);
        }
        let trouble = away.and_then(|link| {
            let failure = link.failure.as_ref()?;
            Some((link.state, failure.code.clone()))
        });
        match (&trouble, away.and_then(|link| link.failure.as_ref())) {
            (Some(new), Some(failure)) if self.told.as_ref() != Some(new) => {
                let waits = new.0 == LinkState::NeedsAttention;
                // On a terminal the line tells what heals by itself.
                if waits || !self.terminal {
                    self.clear();
                    say(&failure_block(failure));
                }
                self.told = trouble;
            }
            // Between two tries; nothing new.
            (Some(_), _) => {}
            (None, _) if away.is_none() => {
                if self.told.take().is_some() && !self.terminal && !pulse.state.has_ended() {
                    say(&format!("{}: connected again", self.place));
                }
            }
            (None, _) => {}
        }
        self.draw(pulse);
    }

    /// Says what a person is asked, where they are not asked here and now.
    fn question(&mut self, question: &QuestionView, pulse: &Pulse) {
        if !self.held && self.told_question != Some(question.id) {
            self.clear();
            say(&question_line(question));
        }
        self.told_question = Some(question.id);
        self.draw(pulse);
    }

    /// When the line has to be drawn again.
    pub(super) fn next_tick(&self, pulse: &Pulse) -> Option<Instant> {
        (self.terminal && away(pulse).is_some()).then(|| Instant::now() + TICK)
    }

    /// Draws the line, where there is something to say.
    pub(super) fn draw(&mut self, pulse: &Pulse) {
        if self.held || !self.terminal || self.away_since.elapsed() < SOON {
            return;
        }
        match line(&self.place, pulse, self.since.elapsed()) {
            Some(line) => {
                // To the line's start, and clear to its end; no wrap (DECAWM),
                // since a second line could not be taken back.
                say_raw(&format!("\r\x1b[K\x1b[?7l{line}\x1b[?7h"));
                self.shown = true;
            }
            None => self.clear(),
        }
    }

    /// Takes the line away, before anything else is written.
    pub(super) fn clear(&mut self) {
        if self.shown {
            say_raw("\r\x1b[K");
            self.shown = false;
        }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The link, where the session needs one and it is not up.
fn away(pulse: &Pulse) -> Option<&LinkView> {
    let link = pulse.link.as_ref()?;
    let up = matches!(link.state, LinkState::Connected | LinkState::Draining);
    (!up && !pulse.state.has_ended()).then_some(link)
}

/// The line, `elapsed` after its pulse.
fn line(place: &str, pulse: &Pulse, elapsed: Duration) -> Option<String> {
    let link = away(pulse)?;
    let why = link.failure.as_ref().map(|failure| failure.message.lines().next().unwrap_or(""));
    let what = match (link.state, why) {
        (LinkState::NeedsAttention, Some(why)) => format!("{why}; waits for you"),
        (LinkState::NeedsAttention, None) => "waits for you".to_owned(),
        (LinkState::BackingOff, why) => {
            let why = why.unwrap_or("not connected");
            let gone = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            match link.next_try_ms.map(|ms| ms.saturating_sub(gone)) {
                Some(0) | None => format!("{why}; trying again"),
                Some(ms) => format!("{why}; next try in {}", duration_ms(ms)),
            }
        }
        (_, Some(why)) => format!("{why}; connecting"),
        (_, None) => "connecting".to_owned(),
    };
    let way_out = match pulse.state {
        SessionState::Waiting | SessionState::Starting => "Ctrl-C gives up",
        _ => "the session goes on there",
    };
    Some(format!("{place}: {what} ({way_out})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Disposition, Failure, Stage};

    fn pulse(state: SessionState, link: LinkState, failed: bool) -> Pulse {
        let failure = Failure {
            code: "ssh.connect.refused".to_owned(),
            stage: Stage::Connect,
            disposition: Disposition::Retries,
            place: "box".to_owned(),
            message: "connection refused".to_owned(),
            evidence: None,
            remedy: None,
        };
        let link = LinkView {
            state: link,
            failures: 1,
            next_try_ms: (link == LinkState::BackingOff).then_some(4000),
            failure: failed.then_some(failure),
            question: None,
            since: String::new(),
        };
        Pulse { state, link: Some(link), stdout: 0, stderr: 0, exit: None, failure: None }
    }

    #[test]
    fn the_line_says_what_is_and_what_comes() {
        use LinkState::{BackingOff, Connected, Connecting, NeedsAttention};
        use SessionState::{Exited, Running, Waiting};
        for (state, link, failed, after, expected) in [
            (
                Waiting,
                BackingOff,
                true,
                0,
                Some("box: connection refused; next try in 4 s (Ctrl-C gives up)"),
            ),
            (
                Waiting,
                BackingOff,
                true,
                2500,
                Some("box: connection refused; next try in 2 s (Ctrl-C gives up)"),
            ),
            (
                Waiting,
                BackingOff,
                true,
                9000,
                Some("box: connection refused; trying again (Ctrl-C gives up)"),
            ),
            (Waiting, Connecting, false, 0, Some("box: connecting (Ctrl-C gives up)")),
            (
                Running,
                NeedsAttention,
                true,
                0,
                Some("box: connection refused; waits for you (the session goes on there)"),
            ),
            (Running, Connected, false, 0, None),
            (Exited, BackingOff, true, 0, None),
        ] {
            let got = line("box", &pulse(state, link, failed), Duration::from_millis(after));
            assert_eq!(got.as_deref(), expected);
        }
    }
}
