//! How a session ended, as its spool tells it.

use super::state::Exit;
use crate::domain::failure::trouble::LostWhy;

/// What a session's exit record says, or what stands in for a missing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The command ran, and ended like this.
    Ran(Exit),
    /// The command ran, ended like this, and had no room for more output by then.
    Starved(Exit),
    /// The command never ran: the wrapper could not become it.
    Stumbled {
        /// The status that the wrapper recorded in the command's place.
        exit: Exit,
        /// What kept it.
        over: Obstacle,
    },
    /// There is no record and no process.
    Lost(LostWhy),
}

/// What keeps a wrapper from becoming the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The working directory is not there.
    DirectoryMissing,
    /// What stands at the working directory's path is none.
    DirectoryIsNone,
    /// The working directory may not be entered.
    DirectoryDenied,
    /// There is no such program.
    ProgramMissing,
    /// The program may not be executed.
    ProgramDenied,
    /// The program is made for another machine.
    ProgramForeign,
}

/// A record that nobody can have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an exit record")]
pub struct NotARecord;

impl Ending {
    /// Reads the record: `code 3 run`, `signal 9 run`, `code 126 cwd missing`,
    /// `lost rebooted`.
    ///
    /// # Errors
    ///
    /// It is anything else. Garbage is never taken for a success.
    pub fn parse(record: &str) -> Result<Self, NotARecord> {
        let words: Vec<&str> = record.split_ascii_whitespace().collect();
        let (kind, number, stage) = match words.as_slice() {
            ["lost", "killed"] => return Ok(Self::Lost(LostWhy::Killed)),
            ["lost", "rebooted"] => return Ok(Self::Lost(LostWhy::Rebooted)),
            [kind, number, stage @ ..] => (*kind, number.parse().map_err(|_| NotARecord)?, stage),
            _ => return Err(NotARecord),
        };
        let exit = match kind {
            "code" => Exit::Code(number),
            "signal" => Exit::Signal(number),
            _ => return Err(NotARecord),
        };
        let over = match stage {
            ["run"] => return Ok(Self::Ran(exit)),
            ["full"] => return Ok(Self::Starved(exit)),
            ["cwd", "missing"] => Obstacle::DirectoryMissing,
            ["cwd", "file"] => Obstacle::DirectoryIsNone,
            ["cwd", "denied"] => Obstacle::DirectoryDenied,
            ["program", "missing"] => Obstacle::ProgramMissing,
            ["program", "foreign"] => Obstacle::ProgramForeign,
            ["program", "denied"] => Obstacle::ProgramDenied,
            _ => return Err(NotARecord),
        };
        Ok(Self::Stumbled { exit, over })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_record_that_is_written_is_read() {
        let rows = [
            ("code 0 run", Ending::Ran(Exit::Code(0))),
            ("code 255 run", Ending::Ran(Exit::Code(255))),
            ("signal 9 run", Ending::Ran(Exit::Signal(9))),
            ("code 1 full", Ending::Starved(Exit::Code(1))),
            ("lost killed", Ending::Lost(LostWhy::Killed)),
            ("lost rebooted", Ending::Lost(LostWhy::Rebooted)),
            (
                "code 126 cwd file",
                Ending::Stumbled { exit: Exit::Code(126), over: Obstacle::DirectoryIsNone },
            ),
            (
                "code 126 cwd denied",
                Ending::Stumbled { exit: Exit::Code(126), over: Obstacle::DirectoryDenied },
            ),
            (
                "code 127 program missing",
                Ending::Stumbled { exit: Exit::Code(127), over: Obstacle::ProgramMissing },
            ),
        ];
        for (record, ending) in rows {
            assert_eq!(Ending::parse(record), Ok(ending), "{record}");
        }
    }

    #[test]
    fn garbage_is_no_record() {
        for garbage in [
            "",
            "code",
            "code 0",
            "code run",
            "code 256 run",
            "code -1 run",
            "0",
            "exit 0 run",
            "code 0 ru",
        ] {
            assert_eq!(Ending::parse(garbage), Err(NotARecord), "{garbage:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = Ending::parse(&text);
        }
    }
}
