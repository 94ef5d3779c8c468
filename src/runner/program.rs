//! The programs, as they travel: one line each, then their parameters.

use std::sync::LazyLock;

use crate::domain::launch;

/// What the login shell is asked to run.
///
/// `sshd` hands this to whatever shell the account has. Without a quote inside,
/// without `!`, backslash and newline, one pair of single quotes means the same
/// to the Bourne, C and fish families. The inner shell reads the program with
/// `read`, which takes exactly its line: `sh -s` would read ahead, and swallow
/// what is meant for the program.
pub const BOOTSTRAP: &str = r#"exec /bin/sh -c 'IFS= read -r _p; eval "$(printf %b "$_p")"'"#;

macro_rules! program {
    ($($file:literal),+) => {
        LazyLock::new(|| launch::one_line(&[$(include_str!($file)),+]))
    };
}

static START: LazyLock<Vec<u8>> = program!("lib.sh", "launch.sh", "finish.sh", "start.sh");
static FOLLOW: LazyLock<Vec<u8>> = program!("lib.sh", "finish.sh", "follow.sh");
static STOP: LazyLock<Vec<u8>> = program!("lib.sh", "stop.sh");
static INPUT: LazyLock<Vec<u8>> = program!("lib.sh", "input.sh");
static REMOVE: LazyLock<Vec<u8>> = program!("lib.sh", "remove.sh");
static PROBE: LazyLock<Vec<u8>> = program!("lib.sh", "launch.sh", "bounded.sh", "probe.sh");
static WHICH: LazyLock<Vec<u8>> = program!("lib.sh", "launch.sh", "bounded.sh", "which.sh");

/// A program of the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    /// Claims a spool, starts a session in it, and follows it.
    Start,
    /// Follows a session that was started earlier.
    Follow,
    /// Signals or ends a session.
    Stop,
    /// Adds to a session's standard input.
    Input,
    /// Removes an ended session's spool.
    Remove,
    /// Tells what the host is.
    Probe,
    /// Tells whether a program is there, and which version.
    Which,
}

impl Program {
    /// The program as the line that the bootstrap reads, newline included.
    #[must_use]
    pub fn line(self) -> &'static [u8] {
        match self {
            Self::Start => &START,
            Self::Follow => &FOLLOW,
            Self::Stop => &STOP,
            Self::Input => &INPUT,
            Self::Remove => &REMOVE,
            Self::Probe => &PROBE,
            Self::Which => &WHICH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_means_the_same_to_every_login_shell() {
        let inner = BOOTSTRAP
            .strip_prefix("exec /bin/sh -c '")
            .and_then(|rest| rest.strip_suffix('\''))
            .expect("one pair of single quotes");
        assert!(!inner.contains(['\'', '!', '\\', '\n']));
    }

    #[test]
    fn every_program_is_one_line_of_plain_ascii() {
        for program in [
            Program::Start,
            Program::Follow,
            Program::Stop,
            Program::Input,
            Program::Remove,
            Program::Probe,
            Program::Which,
        ] {
            let line = program.line();
            assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1, "{program:?}");
            assert!(line.ends_with(b"\n") && line.is_ascii(), "{program:?}");
        }
    }
}
