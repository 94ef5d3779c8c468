//! From the command line to the exit status.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::DemoError;
use super::screen::Screen;
use super::set::Set;
use super::story;

/// Runs the demonstration. The exit status is 0 if nothing was lost, 1 if
/// something was or it could not be run, and 128 and its number after a signal.
#[must_use]
pub fn run() -> ExitCode {
    match start() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // A reader that has seen enough, such as `head`, needs no word.
            if !matches!(&error, DemoError::Screen(e) if e.kind() == io::ErrorKind::BrokenPipe) {
                say(&error);
            }
            match error {
                DemoError::Interrupted { signal } => ExitCode::from(128 + signal),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn say(error: &DemoError) {
    // Where standard error is gone there is nobody to say it to.
    let _ = writeln!(io::stderr().lock(), "longhaul: {error}");
}

fn start() -> Result<bool, DemoError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(DemoError::Runtime)?;
    let outcome = runtime.block_on(perform());
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// Puts everything up, tells the story, and clears everything away whatever
/// happened; true if nothing was lost.
async fn perform() -> Result<bool, DemoError> {
    let mut signals = Signals::listen()?;
    // What is half put up goes down when it is dropped.
    let set = tokio::select! {
        set = Set::up() => set?,
        error = signals.interrupted() => return Err(error),
    };
    let screen = Screen::new();
    let told = tokio::select! {
        told = story::tell(&set, &screen) => told,
        error = signals.interrupted() => Err(error),
    };
    // Before the verdict: what is said at the end includes the end.
    let cleared = set.down().await;
    let good = match told {
        Ok(verdict) => {
            screen.closing(&verdict).map_err(DemoError::Screen)?;
            verdict.is_good()
        }
        Err(error) => {
            if let Err(second) = cleared {
                say(&second);
            }
            return Err(error);
        }
    };
    cleared.map(|()| good)
}

/// The ways to ask for an end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, DemoError> {
        let open = |kind| signal(kind).map_err(DemoError::Runtime);
        Ok(Self {
            interrupt: open(SignalKind::interrupt())?,
            terminate: open(SignalKind::terminate())?,
            hangup: open(SignalKind::hangup())?,
        })
    }

    /// Cancel safe.
    async fn interrupted(&mut self) -> DemoError {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        DemoError::Interrupted { signal: u8::try_from(kind.as_raw_value()).unwrap_or(0) }
    }
}
