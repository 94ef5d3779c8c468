//! What Ctrl-C, TERM and HUP mean while a session is followed.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::api::client::Client;
use crate::api::types::{KillRequest, Pulse, SessionState};
use crate::cli::error::CliError;
use crate::cli::exit::{self, Code};
use crate::cli::output::say;
use crate::cli::sessions::is_away;

/// Why we stop following a session that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Leave {
    /// The terminal is gone.
    HungUp,
    /// Somebody ended us.
    Terminated,
    /// Ctrl-C, with nothing left to order.
    GaveUp,
}

impl Leave {
    /// What we exit with.
    pub(in crate::cli) fn code(self) -> Code {
        exit::by_signal(match self {
            Self::HungUp => 1,
            Self::GaveUp => 2,
            Self::Terminated => 15,
        })
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Asked {
    /// Ctrl-C: the session is meant.
    Interrupt,
    /// We are meant, and the session goes on.
    Leave(Leave),
}

impl Asked {
    /// What it comes to where there is no session to interrupt.
    pub(in crate::cli) fn leave(self) -> Leave {
        match self {
            Self::Interrupt => Leave::GaveUp,
            Self::Leave(leave) => leave,
        }
    }
}

/// The signals that are caught; from then on they no longer end us.
#[derive(Debug)]
pub(in crate::cli) struct Signals {
    int: Signal,
    hup: Signal,
    term: Signal,
}

impl Signals {
    /// Catches them.
    pub(in crate::cli) fn catch() -> Result<Self, CliError> {
        let catch = |kind| signal(kind).map_err(CliError::Setup);
        Ok(Self {
            int: catch(SignalKind::interrupt())?,
            hup: catch(SignalKind::hangup())?,
            term: catch(SignalKind::terminate())?,
        })
    }

    /// The next one. Cancel safe.
    pub(in crate::cli) async fn next(&mut self) -> Asked {
        // The streams never end.
        tokio::select! {
            _ = self.int.recv() => Asked::Interrupt,
            _ = self.hup.recv() => Asked::Leave(Leave::HungUp),
            _ = self.term.recv() => Asked::Leave(Leave::Terminated),
        }
    }
}

/// How far Ctrl-C has gone with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Interrupts(u32);

/// One step of Ctrl-C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It has not started, so there is nothing to interrupt: take it back.
    Cancel,
    /// The signal that the command may catch.
    Interrupt,
    /// The whole tree, TERM and after a grace time KILL.
    Stop,
    /// The whole tree, KILL.
    Kill,
    /// All orders are given; leave.
    GiveUp,
}

impl Interrupts {
    fn step(&mut self, state: SessionState) -> Step {
        self.0 += 1;
        match self.0 {
            1 if state == SessionState::Waiting => Step::Cancel,
            1 => Step::Interrupt,
            2 => Step::Stop,
            3 => Step::Kill,
            _ => Step::GiveUp,
        }
    }

    /// Does what one more Ctrl-C asks for, and says so.
    pub(super) async fn advance(
        &mut self,
        client: &Client,
        id: &str,
        pulse: &Pulse,
    ) -> Option<Leave> {
        let step = self.step(pulse.state);
        let (signal, done, next) = match step {
            Step::Cancel => (None, "taking the session back", "TERM"),
            Step::Interrupt => (Some("INT"), "sent INT to the session", "TERM"),
            Step::Stop => (Some("TERM"), "stopping the session with TERM, then KILL", "KILL"),
            Step::Kill => (Some("KILL"), "stopping the session with KILL", "leaves it to that"),
            Step::GiveUp => return Some(Leave::GaveUp),
        };
        let request = KillRequest { signal: signal.map(str::to_owned), grace_s: None };
        match client.kill(id, &request).await {
            Ok(_) => say(&format!("{done}{} (Ctrl-C again: {next})", kept(pulse))),
            // It has ended in the meantime, which its last pulse will tell.
            Err(error) if error.word() == Some("has-ended") => {}
            Err(error) => say(&format!("could not signal session {id}: {error}")),
        }
        None
    }
}

/// What becomes of an order while the host is away.
fn kept(pulse: &Pulse) -> &'static str {
    if pulse.state != SessionState::Waiting && is_away(pulse) {
        "; the host is away, and gets it when it is back"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ctrl_c_is_harder_than_the_last() {
        let steps = |state| {
            let mut interrupts = Interrupts::default();
            [(); 5].map(|()| interrupts.step(state))
        };
        use Step::{Cancel, GiveUp, Interrupt, Kill, Stop};
        assert_eq!(steps(SessionState::Running), [Interrupt, Stop, Kill, GiveUp, GiveUp]);
        assert_eq!(steps(SessionState::Waiting), [Cancel, Stop, Kill, GiveUp, GiveUp]);
    }
}
