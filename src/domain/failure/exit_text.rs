//! Why a command did not start, where only a status and text are left.
//!
//! The runner records how far it came, and that is certain. Text counts only
//! behind a record that the program was about to be executed, with the two
//! statuses that shells, env(1) and their like give for it (126 and 127), and
//! only as the last thing that was said, in the very form in which they say
//! it. What an agent says of its own accord is never read.

mod line;
#[cfg(test)]
mod tests;

use self::line::{Fault, Speaker, last_words};
use super::trouble::{NoEntry, SessionTrouble};

/// How far the runner came, by its own record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StartStage {
    /// Entering the working directory: it ended there, for this reason.
    WorkingDirectory(NoEntry),
    /// Looking for the program on the PATH, and whether it may be executed: it
    /// ended there.
    Program,
    /// The program was found, and is made for another machine.
    Foreign,
    /// The program was found, and the runner went on to execute it.
    Running,
}

/// What was to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// The program, as it was asked for.
    pub program: &'a str,
    /// The agent whose program it is, where it is one's.
    pub agent: Option<&'a str>,
    /// The working directory that was asked for.
    pub dir: &'a str,
    /// The PATH that was searched.
    pub path: &'a str,
}

/// "Found, but cannot be executed", by POSIX.
const CANNOT_EXECUTE: u8 = 126;
/// "Not found", by POSIX.
const NOT_FOUND: u8 = 127;

/// The trouble behind a session's end, or `None` where the command ran and
/// ended as it wanted.
///
/// `stderr_tail` is the end of what the session wrote to standard error; it
/// has to hold whole lines, or the first of them is taken for one.
#[must_use]
pub fn from_exit(
    status: u8,
    stage: StartStage,
    stderr_tail: &[u8],
    command: &Attempt<'_>,
) -> Option<SessionTrouble> {
    let text = String::from_utf8_lossy(stderr_tail);
    match stage {
        StartStage::WorkingDirectory(why) => {
            Some(SessionTrouble::WorkingDirectory { dir: command.dir.to_owned(), why })
        }
        StartStage::Program => Some(not_started(status, command)),
        StartStage::Foreign => {
            Some(SessionTrouble::WrongFormat { program: command.program.to_owned() })
        }
        StartStage::Running if matches!(status, CANNOT_EXECUTE | NOT_FOUND) => {
            let (speaker, fault) = last_words(&text)?;
            from_words(status, speaker, fault, command)
        }
        StartStage::Running => None,
    }
}

/// The runner looked for the program itself.
fn not_started(status: u8, command: &Attempt<'_>) -> SessionTrouble {
    if status == CANNOT_EXECUTE {
        SessionTrouble::NotExecutable { program: command.program.to_owned() }
    } else {
        not_found(command.program, command)
    }
}

fn from_words(
    status: u8,
    speaker: Speaker,
    fault: Fault<'_>,
    command: &Attempt<'_>,
) -> Option<SessionTrouble> {
    let trouble = match fault {
        Fault::NotFound(name) if speaker == Speaker::Env => env_missing(status, name, command)?,
        // The runner had found it, so something that it needs is not there.
        // mksh gives 126 for that, the others 127.
        Fault::NotFound(name) if is_it(name, command) => loader_missing(command.program),
        Fault::NotFound(name) if status == NOT_FOUND => not_found(name, command),
        Fault::NotExecutable(name) if status == CANNOT_EXECUTE => {
            SessionTrouble::NotExecutable { program: called(name, command) }
        }
        Fault::WrongFormat(name) if status == CANNOT_EXECUTE => {
            SessionTrouble::WrongFormat { program: called(name, command) }
        }
        Fault::LoaderMissing(name) => loader_missing(&called(name, command)),
        Fault::InterpreterMissing { program, interpreter } => SessionTrouble::InterpreterMissing {
            program: called(program, command),
            interpreter: interpreter.to_owned(),
        },
        Fault::NotFound(_) | Fault::NotExecutable(_) | Fault::WrongFormat(_) => return None,
    };
    Some(trouble)
}

/// env(1) stands in the first line of scripts, and is typed by people: it
/// missed an interpreter unless the command was env or a shell, where it may
/// have missed just the program that was typed.
fn env_missing(status: u8, name: &str, command: &Attempt<'_>) -> Option<SessionTrouble> {
    if status != NOT_FOUND {
        return None;
    }
    let base = base(command.program);
    Some(if base == "env" || line::is_shell(base) {
        not_found(name, command)
    } else {
        SessionTrouble::InterpreterMissing {
            program: command.program.to_owned(),
            interpreter: name.to_owned(),
        }
    })
}

fn not_found(name: &str, command: &Attempt<'_>) -> SessionTrouble {
    SessionTrouble::CommandNotFound {
        program: called(name, command),
        agent: command.agent.filter(|_| is_it(name, command)).map(str::to_owned),
        path: command.path.to_owned(),
        instead: Vec::new(),
    }
}

fn loader_missing(program: &str) -> SessionTrouble {
    SessionTrouble::LoaderMissing { program: program.to_owned() }
}

/// The program as it was asked for, where that is what is meant: shells show
/// the path that they found.
fn called(name: &str, command: &Attempt<'_>) -> String {
    if is_it(name, command) { command.program.to_owned() } else { name.to_owned() }
}

fn is_it(name: &str, command: &Attempt<'_>) -> bool {
    base(name) == base(command.program)
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
