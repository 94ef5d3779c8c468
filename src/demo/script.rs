//! What the sessions run, and what that is known to print.
//!
//! The two are written down separately, in sh and in Rust, so that the checksums
//! say something about what happened in between.

use sha2::{Digest as _, Sha256};

use crate::api::types::{Exit, Stream};

/// Lines that a session prints on each stream.
pub(super) const LINES: u32 = 1200;

/// Prints 25 numbered lines on each stream, ten times a second.
///
/// It leaves two marks in its home that longhaul has no part in: a line for
/// each time it was started, and how far it has come. Without its home it ends,
/// so that it cannot outlive the demonstration.
const PROGRAM: &str = r#"
echo started >>"$HOME/starts.$0"
n=0
while [ "$n" -lt "$1" ]; do
  pause=$((n + 25))
  while [ "$n" -lt "$pause" ]; do
    n=$((n + 1))
    echo "$0 says on stdout: line $n of $1"
    echo "$0 says on stderr: line $n of $1" >&2
  done
  echo "$n" >"$HOME/progress.$0" || exit 99
  sleep 0.1
done
exit "$2"
"#;

/// A session's command.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// The session's name.
    pub(super) name: String,
    /// The status that it exits with.
    pub(super) status: u8,
}

impl Script {
    /// The program and its arguments.
    pub(super) fn command(&self) -> Vec<String> {
        let lines = LINES.to_string();
        ["/bin/sh", "-c", PROGRAM, &self.name, &lines, &self.status.to_string()]
            .map(str::to_owned)
            .into()
    }

    /// How it is known to end.
    pub(super) fn exit(&self) -> Exit {
        Exit::Code(self.status)
    }

    /// The checksum of what it is known to print.
    pub(super) fn checksum(&self, stream: Stream) -> Checksum {
        let name = &self.name;
        let stream = stream.as_str();
        let mut sum = Sha256::new();
        for line in 1..=LINES {
            sum.update(format!("{name} says on {stream}: line {line} of {LINES}\n"));
        }
        Checksum(sum.finalize().into())
    }

    /// The file in the session's home with a line for each start.
    pub(super) fn starts_file(&self) -> String {
        format!("starts.{}", self.name)
    }

    /// The file in the session's home that says how far it has come.
    pub(super) fn progress_file(&self) -> String {
        format!("progress.{}", self.name)
    }
}

/// A SHA-256 checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checksum(pub(super) [u8; 32]);

impl Checksum {
    /// Its first bytes, for people.
    pub(super) fn short(&self) -> String {
        self.0.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_program_prints_what_it_is_known_to_print() {
        let home = tempfile::tempdir().unwrap();
        let script = Script { name: "test".to_owned(), status: 3 };
        let command = script.command();
        let output = Command::new(&command[0])
            .args(&command[1..])
            .env("HOME", home.path())
            .output()
            .unwrap();
        let sum = |bytes: &[u8]| Checksum(Sha256::digest(bytes).into());
        assert_eq!(sum(&output.stdout), script.checksum(Stream::Stdout));
        assert_eq!(sum(&output.stderr), script.checksum(Stream::Stderr));
        assert_eq!(output.status.code(), Some(3));
        let read = |file| std::fs::read_to_string(home.path().join(file)).unwrap();
        assert_eq!(read(script.starts_file()), "started\n");
        assert_eq!(read(script.progress_file()), format!("{LINES}\n"));
    }
}
