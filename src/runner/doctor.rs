//! What a test and a doctor ask of a machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::timeout;

use super::control::{ControlError, Talk, WITHIN};
use super::io::ProgramIo;
use super::program::Program;
use crate::domain::agent::detect::VersionTold;
use crate::domain::doctor::facts::{Facts, Skew};
use crate::domain::doctor::read;
use crate::domain::failure::trouble::NoEntry;
use crate::domain::launch::{Nonce, Parameters};

/// Asks all that a doctor wants to know, and how far the clock there is off.
///
/// # Errors
///
/// The program could not be run to its end, or said too much.
pub async fn examine(
    io: ProgramIo,
    nonce: &Nonce,
    root: Option<&str>,
) -> Result<(Facts, Option<Skew>), ControlError> {
    let all = async {
        let before = millis();
        let mut talk =
            Talk::begin(io, nonce, Program::Doctor, Parameters::new(nonce).root(root)).await?;
        talk.io.end_input().await;
        let (mut lines, mut skew) = (Vec::new(), None);
        while let Some(line) = talk.line().await? {
            if let Some(told) = read::clock(&line) {
                skew = Some(Skew::between(before, told, millis()));
            }
            lines.push(line);
        }
        let Some(mut facts) = read::facts(&lines) else { return Err(talk.not_reached()) };
        facts.noise = talk.noise();
        Ok((facts, skew))
    };
    timeout(WITHIN, all).await.unwrap_or(Err(ControlError::NoAnswer { within: WITHIN }))
}

/// Milliseconds since 1970.
fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A start that is rehearsed.
#[derive(Debug, Clone, Copy)]
pub struct Rehearsal<'a> {
    /// The folder of all spools; `None` is the usual one.
    pub root: Option<&'a str>,
    /// The working directory; `None` is the home directory.
    pub cwd: Option<&'a str>,
    /// The PATH; `None` leaves the one that sshd sets.
    pub path: Option<&'a str>,
    /// The program, and what makes it tell its version.
    pub argv: &'a [String],
}

/// How far a rehearsal came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The working directory was entered.
    Entered {
        /// Its path.
        dir: String,
    },
    /// The program was found, and a spool could be made.
    Found {
        /// The program's file.
        file: String,
    },
    /// The program was run.
    Ran(VersionTold),
}

/// What keeps a session from its command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RehearseError {
    /// The program could not be run to its end.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The working directory cannot be entered, for this reason.
    #[error("the working directory cannot be entered")]
    Directory(NoEntry),
    /// Nothing gives a process a session of its own.
    #[error("no setsid")]
    NoSetsid,
    /// No spool can be made.
    #[error("no spool: {detail}")]
    Spool {
        /// The system's words.
        detail: String,
    },
    /// There is no such program.
    #[error("no such program")]
    ProgramMissing,
    /// The program may not be executed.
    #[error("the program may not be executed")]
    ProgramDenied,
    /// The program is made for another machine.
    #[error("the program is made for another machine")]
    ProgramForeign,
}

/// How long a rehearsal may take: the program has ten seconds of it.
const REHEARSE_WITHIN: Duration = WITHIN.saturating_add(Duration::from_secs(10));

/// Does what the start of a session does, and tells each step as it is done.
///
/// # Errors
///
/// What would keep a session from its command.
pub async fn rehearse(
    io: ProgramIo,
    nonce: &Nonce,
    rehearsal: &Rehearsal<'_>,
    mut told: impl FnMut(Step) + Send,
) -> Result<(), RehearseError> {
    let Rehearsal { root, cwd, path, argv } = *rehearsal;
    let parameters = Parameters::new(nonce).root(root).cwd(cwd).search(path, argv);
    let all = async {
        let mut talk = Talk::begin(io, nonce, Program::Rehearse, parameters).await?;
        talk.io.end_input().await;
        let mut ran = false;
        while let Some(line) = talk.line().await? {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "stuck" => return Err(stuck(rest)),
                "cwd" => told(Step::Entered { dir: rest.to_owned() }),
                "found" => told(Step::Found { file: rest.to_owned() }),
                "version" => {
                    ran = true;
                    told(Step::Ran(version(rest)));
                }
                _ => {}
            }
        }
        if ran { Ok(()) } else { Err(talk.not_reached().into()) }
    };
    let late = ControlError::NoAnswer { within: REHEARSE_WITHIN };
    timeout(REHEARSE_WITHIN, all).await.unwrap_or(Err(late.into()))
}

fn version(rest: &str) -> VersionTold {
    let (status, line) = rest.split_once(' ').unwrap_or((rest, ""));
    VersionTold { status: status.parse().unwrap_or(u8::MAX), line: line.to_owned() }
}

fn stuck(rest: &str) -> RehearseError {
    let (word, detail) = rest.split_once(' ').unwrap_or((rest, ""));
    match (word, detail) {
        ("cwd", "denied") => RehearseError::Directory(NoEntry::Denied),
        ("cwd", "file") => RehearseError::Directory(NoEntry::NotADirectory),
        ("cwd", _) => RehearseError::Directory(NoEntry::Missing),
        ("setsid", _) => RehearseError::NoSetsid,
        ("program", "denied") => RehearseError::ProgramDenied,
        ("program", "foreign") => RehearseError::ProgramForeign,
        ("program", _) => RehearseError::ProgramMissing,
        (_, detail) => RehearseError::Spool { detail: detail.to_owned() },
    }
}
