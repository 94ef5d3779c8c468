//! What a person is told while the link to a session's host is not there.

use std::io::IsTerminal;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::api::types::{
    LinkState, LinkView, Pulse, QuestionId, QuestionView, SessionState, WaitsFor,
};
use crate::cli::output::{say, say_raw};
use crate::cli::render::{away_line, failure_block, question_line, tame, waits_words};
use crate::domain::failure::Failure;

/// A link that comes up sooner than this is not worth a word.
const SOON: Duration = Duration::from_millis(800);
/// How often the countdown moves.
const TICK: Duration = Duration::from_millis(500);
/// A terminal that does not tell its width.
const USUAL_WIDTH: u16 = 80;

/// On a terminal, one line that updates and goes away; elsewhere a line when the
/// host goes away, and one when it is back. What only a person can mend, and what
/// keeps a session from being started at all, is told in full.
#[derive(Debug)]
pub(super) struct Notice {
    place: String,
    terminal: bool,
    /// The line is on the screen.
    shown: bool,
    /// When the link was last seen to be up, or following began.
    away_since: Instant,
    /// How many of the session's warnings were told.
    warned: usize,
    /// The output does not come because of this machine, and that was told.
    paused: bool,
    /// What was told since.
    told: Option<Told>,
    /// What its turn waits for, as that was last told.
    told_turn: Option<WaitsFor>,
    /// The question that was last told.
    told_question: Option<QuestionId>,
    /// Somebody else writes to the terminal.
    held: bool,
}

/// What was told of a host that is away.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// That it is tried again.
    Away,
    /// What a person has to mend: the failure's code.
    NeedsAttention(String),
}

impl Notice {
    pub(super) fn new(place: &str) -> Self {
        // A terminal that knows no escape sequences is as good as a file.
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            place: place.to_owned(),
            terminal: std::io::stderr().is_terminal() && !dumb,
            shown: false,
            away_since: Instant::now(),
            told: None,
            warned: 0,
            paused: false,
            told_turn: None,
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
        self.mirror(pulse);
        self.turn(pulse);
        if away(pulse).is_none() {
            self.away_since = Instant::now();
            self.clear();
            let told = self.told.take().is_some();
            if told && !self.terminal && !pulse.state.has_ended() {
                say(&format!("{}: connected again", self.place));
            }
        }
        for warning in pulse.warnings.iter().skip(self.warned) {
            self.clear();
            say(&warning_line(&self.place, warning));
        }
        self.warned = pulse.warnings.len();
        self.tick(pulse);
    }

    /// Tells what a session waits for that may not start yet.
    fn turn(&mut self, pulse: &Pulse) {
        if let Some(waits_for) = &pulse.waits_for
            && self.told_turn.as_ref() != Some(waits_for)
        {
            self.clear();
            let why = waits_words(waits_for);
            say(&format!(
                "{}: waits for its turn: {why} (longhaul ps shows its place)",
                self.place
            ));
        }
        self.told_turn.clone_from(&pulse.waits_for);
    }

    /// Tells when output stops coming because of this machine's disk, and when
    /// it goes on.
    fn mirror(&mut self, pulse: &Pulse) {
        match &pulse.mirror_paused {
            Some(failure) if !self.paused => {
                self.clear();
                say(&failure_block(failure));
            }
            None if self.paused => {
                self.clear();
                say("local: there is room again; the output goes on");
            }
            _ => {}
        }
        self.paused = pulse.mirror_paused.is_some();
    }

    /// When there may be something to say without a new pulse.
    pub(super) fn next_tick(&self, pulse: &Pulse) -> Option<Instant> {
        let link = away(pulse)?;
        if self.terminal {
            return Some(Instant::now() + TICK);
        }
        let silent = self.told.is_none() && link.failure.is_some();
        silent.then(|| self.away_since + SOON)
    }

    /// Says what there is to say by now, and draws the line.
    pub(super) fn tick(&mut self, pulse: &Pulse) {
        let Some(link) = away(pulse) else { return };
        match &link.question {
            Some(question) => self.question(question),
            None => self.tell(pulse, link),
        }
        if !self.held && self.terminal && self.away_since.elapsed() >= SOON {
            let line = away_line(&self.place, link, way_out(pulse), SystemTime::now(), width());
            // To the line's start, and clear to its end; no wrap (DECAWM), since
            // a second line could not be taken back.
            say_raw(&format!("\r\x1b[K\x1b[?7l{line}\x1b[?7h"));
            self.shown = true;
        }
    }

    /// Says what a person is asked, where they are not asked here and now.
    fn question(&mut self, question: &QuestionView) {
        if !self.held && self.told_question != Some(question.id) {
            self.clear();
            say(&question_line(question));
        }
        self.told_question = Some(question.id);
    }

    /// Tells of a failure what the line does not.
    fn tell(&mut self, pulse: &Pulse, link: &LinkView) {
        let Some(failure) = &link.failure else { return };
        if link.state == LinkState::NeedsAttention {
            let told = Some(Told::NeedsAttention(failure.code.clone()));
            if self.told != told {
                self.clear();
                say(&failure_block(failure));
                self.told = told;
            }
            return;
        }
        if self.terminal || self.told.is_some() {
            return;
        }
        if is_to_start(pulse) {
            say(&failure_block(failure));
        } else if self.away_since.elapsed() < SOON {
            return;
        } else {
            say(&away_words(&self.place, failure));
        }
        self.told = Some(Told::Away);
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

/// What will go wrong, and how to learn more.
fn warning_line(place: &str, warning: &Failure) -> String {
    let Failure { message, code, .. } = warning;
    let way_out = match warning.remedy.as_deref().and_then(|remedy| remedy.lines().next()) {
        Some(command) if !command.starts_with('#') => format!("; to prevent it: {command}"),
        _ => format!("; see longhaul explain {code}"),
    };
    format!("{place}: warning: {message}{way_out}")
}

/// The link, where the session needs one and it is not up. One whose turn has not
/// come needs none.
fn away(pulse: &Pulse) -> Option<&LinkView> {
    if pulse.waits_for.is_some() {
        return None;
    }
    let link = pulse.link.as_ref()?;
    let up = matches!(link.state, LinkState::Connected | LinkState::Draining);
    (!up && !pulse.state.has_ended()).then_some(link)
}

/// Whether the host is away from a session that has yet to start there.
fn is_to_start(pulse: &Pulse) -> bool {
    matches!(pulse.state, SessionState::Waiting | SessionState::Starting)
}

/// What becomes of the session, or what a person can do.
fn way_out(pulse: &Pulse) -> &'static str {
    if is_to_start(pulse) { "Ctrl-C gives up" } else { "the session goes on there" }
}

/// One line for a log: the host is away, why, and that it is tried again.
fn away_words(place: &str, failure: &Failure) -> String {
    let message = tame(&failure.message).replace('\n', " ");
    format!(
        "{place}: unreachable: {message}; the session goes on there, and so do the tries \
         (longhaul explain {})",
        failure.code
    )
}

fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    let width = size.map(|size| size.ws_col).filter(|width| *width > 0);
    usize::from(width.unwrap_or(USUAL_WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Disposition, Stage};

    fn refused() -> Failure {
        Failure {
            code: "ssh.connect.refused".to_owned(),
            stage: Stage::Connect,
            disposition: Disposition::Retries,
            place: "box".to_owned(),
            message: "it refused\nthe connection".to_owned(),
            evidence: None,
            remedy: None,
        }
    }

    fn pulse(state: SessionState, link: LinkState) -> Pulse {
        let link = LinkView {
            state: link,
            failures: 1,
            next_try_ms: None,
            next_try_at: None,
            failure: (link == LinkState::BackingOff).then(refused),
            question: None,
            transport: None,
            since: String::new(),
            unreachable_since: None,
        };
        Pulse {
            state,
            link: Some(link),
            stdout: 0,
            stderr: 0,
            exit: None,
            failure: None,
            warnings: Vec::new(),
            mirror_paused: None,
            mirror_behind: None,
            waits_for: None,
        }
    }

    #[test]
    fn only_a_session_that_needs_its_link_misses_it() {
        use LinkState::{BackingOff, Connected, Connecting, Draining};
        use SessionState::{Exited, Running, Waiting};
        for (state, link, expected) in [
            (Running, BackingOff, true),
            (Waiting, Connecting, true),
            (Running, Connected, false),
            (Running, Draining, false),
            (Exited, BackingOff, false),
        ] {
            assert_eq!(away(&pulse(state, link)).is_some(), expected);
        }
    }

    #[test]
    fn a_log_gets_one_line() {
        let words = away_words("box", &refused());
        assert!(!words.contains('\n'), "{words}");
        assert!(words.starts_with("box: unreachable: it refused the connection;"), "{words}");
    }

    #[tokio::test(start_paused = true)]
    async fn off_a_terminal_a_blip_is_not_worth_a_word() {
        let gone = pulse(SessionState::Running, LinkState::BackingOff);
        let mut notice = Notice::new("box");
        notice.terminal = false;
        notice.pulse(&gone);
        assert_eq!(notice.told, None);
        let tick = notice.next_tick(&gone).unwrap();
        tokio::time::sleep_until(tick).await;
        notice.tick(&gone);
        assert_eq!(notice.told, Some(Told::Away));
        assert_eq!(notice.next_tick(&gone), None, "and it is told once");
        notice.pulse(&pulse(SessionState::Running, LinkState::Connected));
        assert_eq!(notice.told, None);
    }
}
