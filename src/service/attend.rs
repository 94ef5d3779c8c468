//! Keeps the service manager told.

use std::fmt::Write as _;
use std::future::Future;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::manager::Manager;

/// How old the line in `systemctl status` may be.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// How the daemon is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Sessions that have not ended.
    pub sessions: usize,
    /// Questions that wait for a person.
    pub questions: usize,
}

impl Vitals {
    /// As a line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = match self.sessions {
            0 => "no sessions".to_owned(),
            1 => "1 session".to_owned(),
            n => format!("{n} sessions"),
        };
        if self.questions > 0 {
            let _ = write!(line, "; {} waiting for a person: longhaul attention", self.questions);
        }
        line
    }
}

/// Tells the manager how the daemon is, and that it lives, for as long as
/// `look` answers. A daemon that cannot say how it is gives no sign of life, and
/// the watchdog starts another one.
pub async fn attend<F>(manager: Manager, mut look: impl FnMut() -> F)
where
    F: Future<Output = Option<Vitals>>,
{
    let every = manager.pulse().map_or(STATUS_EVERY, |pulse| pulse.min(STATUS_EVERY));
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        ticks.tick().await;
        let Some(vitals) = look().await else { continue };
        if manager.pulse().is_some() {
            manager.alive();
        }
        if said != Some(vitals) {
            manager.status(&vitals.line());
            said = Some(vitals);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_a_person_would_ask_first() {
        for (sessions, questions, line) in [
            (0, 0, "no sessions"),
            (1, 0, "1 session"),
            (200, 0, "200 sessions"),
            (2, 1, "2 sessions; 1 waiting for a person: longhaul attention"),
        ] {
            assert_eq!(Vitals { sessions, questions }.line(), line);
        }
    }
}
