//! The demonstration, as somebody sees it who has just built the program.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail them")]

#[path = "support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the end-to-end tests and the benchmark")]
mod support;

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use support::client_home::LONGHAUL;
use support::command::{Input, Running};
use support::processes::{belonging_to, listing};
use support::wait::eventually_or;

/// An empty home, and a folder for temporary files that shows what is left.
struct Empty {
    home: tempfile::TempDir,
    tmp: tempfile::TempDir,
}

impl Empty {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), tmp: tempfile::tempdir().unwrap() }
    }

    fn demo(&self) -> Running {
        let mut command = Command::new(LONGHAUL);
        command
            .arg("demo")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("TMPDIR", self.tmp.path())
            .current_dir(self.home.path());
        Running::start(command, Input::Nothing)
    }

    /// Every process and every file of the demonstration has the path of its
    /// temporary folder in its environment, its arguments or its place.
    #[track_caller]
    fn nothing_is_left(&self) {
        let files = |dir: &Path| -> Vec<_> { dir.read_dir().unwrap().flatten().collect() };
        let processes = || belonging_to(self.tmp.path());
        // What is ended may have been in a nap of a second, which nobody wakes: a
        // shell's `sleep` outlives the shell by what was left of it.
        eventually_or(
            "nothing is left running",
            || processes().is_empty(),
            || listing(&processes()),
        );
        assert!(files(self.tmp.path()).is_empty(), "left there: {:?}", files(self.tmp.path()));
        assert!(files(self.home.path()).is_empty(), "left there: {:?}", files(self.home.path()));
    }
}

#[test]
fn shows_that_nothing_is_lost_and_leaves_nothing_behind() {
    let empty = Empty::new();
    let shown = empty.demo().finish().exited(0);
    let text = shown.out();
    assert!(text.contains("\nNOTHING WAS LOST: amber was cut off for "), "{shown}");
    assert!(text.contains("12 of 12 streams arrived complete and in order"), "{shown}");
    assert!(text.contains("amber: the TCP connection is cut"), "{shown}");
    assert!(text.contains("amber: the link is back"), "{shown}");
    assert_eq!(text.matches("  right  ").count(), 12, "{shown}");
    assert!(text.lines().count() < 40 && shown.err().is_empty(), "{shown}");
    assert!(text.lines().all(|line| line.len() <= 100), "{shown}");
    assert!(!text.contains('\x1b'), "colours where nobody sees them\n{shown}");
    empty.nothing_is_left();
}

#[test]
fn clears_everything_away_when_it_is_interrupted() {
    for signal in [Signal::INT, Signal::TERM] {
        let empty = Empty::new();
        let running = empty.demo();
        // In the middle: sessions run, and one remote is cut off.
        eventually_or(
            "the link is cut",
            || String::from_utf8_lossy(&running.stdout()).contains("is cut, and"),
            || String::from_utf8_lossy(&running.stdout()).into_owned(),
        );
        assert!(!belonging_to(empty.tmp.path()).is_empty());
        running.signal(signal);
        running.finish().exited(128 + signal.as_raw()).says("longhaul: interrupted");
        empty.nothing_is_left();
    }
}
