//! The service manager's ear.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

/// A service manager that wants to hear how it goes: systemd, by the socket that
/// `NOTIFY_SOCKET` names. Where there is none, every word is for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manager {
    /// How long it waits for a sign of life before it takes the daemon for dead.
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that started this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled() }
    }

    /// How often it has to hear [`alive`](Self::alive): twice within its patience,
    /// as `sd_watchdog_enabled(3)` wants it.
    #[must_use]
    pub fn pulse(&self) -> Option<Duration> {
        self.watchdog.map(|patience| patience / 2)
    }

    /// Requests are answered from now on.
    pub fn ready(&self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// The configuration is read anew; [`ready`](Self::ready) ends it.
    pub fn reloading(&self) {
        // systemd tells by the time which reload this answers.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(error) => debug!(%error, "no monotonic time"),
        }
    }

    /// No new requests from now on.
    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping, NotifyState::Status("stopping; sessions go on")]);
    }

    /// A line for `systemctl status`.
    pub fn status(&self, status: &str) {
        tell(&[NotifyState::Status(status)]);
    }

    /// A sign of life.
    pub fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        // It hears by the watchdog and by our end that something is wrong.
        debug!(%error, "the service manager was not told");
    }
}
