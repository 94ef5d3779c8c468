//! Programs that do one thing and end.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

use super::io::{ProgramEvent, ProgramIo};
use super::program::Program;
use super::speech::{Piece, Splitter};
use crate::domain::agent::detect::{self, Detected, Search};
use crate::domain::failure::trouble::{LinkTrouble, LostHow};
use crate::domain::ids::SessionId;
use crate::domain::launch::{Nonce, Parameters};
use crate::domain::placement::Load;

/// How long a program may take, on top of what it is told to wait. A host that
/// swaps, or whose home directory is on a slow network, needs its time.
pub(super) const WITHIN: Duration = Duration::from_secs(30);

/// How long a program may take to tell its version; `runner/version.sh` ends it
/// then.
const VERSION_WITHIN: Duration = Duration::from_secs(10);

/// How long the removal of many spools may take: of gigabytes, on a slow disk.
const REMOVE_WITHIN: Duration = Duration::from_secs(120);
/// The most that a program says in all, in bytes, but for one that lists what
/// there is: a host that says more is not believed, and not listened to.
const MAX_SAID: usize = 1 << 20;
/// The most that is kept of one thing that a host tells of itself, in bytes, but
/// for its PATH: no name and no folder is longer (PATH_MAX of limits.h).
const MAX_FACT: usize = 4096;
/// How much is written at a time.
const PIECE: usize = 16 * 1024;

/// Why a program did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The link is gone; nothing is known of what was done.
    #[error(transparent)]
    Cut(#[from] LinkTrouble),
    /// The login shell never reached the program.
    #[error("the login shell did not reach the runner: {said}")]
    NotReached {
        /// What it said instead.
        said: String,
        /// Its exit status, where it was told.
        status: Option<u32>,
    },
    /// The login shell neither reached the program nor ended.
    #[error("the login shell did not reach the runner within {} s", WITHIN.as_secs())]
    NotReachedInTime {
        /// What it said so far.
        said: String,
    },
    /// It took too long.
    #[error("no answer within {} s", within.as_secs())]
    NoAnswer {
        /// The bound.
        within: Duration,
    },
    /// The session has no spool.
    #[error("the session has no spool")]
    NoSpool,
    /// The session's process has ended.
    #[error("the session has ended")]
    HasEnded,
    /// The session's process has not signed yet.
    #[error("the session has only just been claimed")]
    Unsigned,
    /// The session's processes are alive.
    #[error("the session is running")]
    StillRunning,
    /// The session takes no input.
    #[error("the session takes no input")]
    StdinClosed,
    /// The host lacks programs that the runner is made of.
    #[error("the host lacks {}", programs.join(", "))]
    Lacks {
        /// Their names.
        programs: Vec<String>,
    },
    /// KILL left these.
    #[error("processes survived KILL: {pids:?}")]
    Survivors {
        /// The processes.
        pids: Vec<u32>,
    },
    /// Something else failed; the system's words.
    #[error("{detail}")]
    Failed {
        /// What the shell or a command said.
        detail: String,
    },
}

/// What a probe finds out about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// The PATH of the user's login shell.
    pub path: String,
    /// Whether the login shell told it, or it is the one sshd sets.
    pub path_is_the_shells: bool,
    /// The host's own name.
    pub hostname: String,
    /// `Linux`, `Darwin`, …
    pub system: String,
    /// What tells this boot from any other; `-` where nothing does.
    pub boot: String,
    /// The home directory.
    pub home: String,
    /// Whether systemd runs there.
    pub systemd: bool,
    /// Whether logind kills what this user leaves running at logout.
    pub logout_kills: bool,
}

/// Asks what the host is.
///
/// # Errors
///
/// The program could not be run to its end.
pub async fn probe(io: ProgramIo, nonce: &Nonce) -> Result<HostFacts, ControlError> {
    let lines =
        run(io, nonce, Program::Probe, Parameters::new(nonce), Bytes::new(), WITHIN).await?;
    let find = |key: &str| {
        let found = lines.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        found.unwrap_or_default().to_owned()
    };
    let short = |key: &str| {
        let mut fact = find(key);
        fact.truncate(fact.floor_char_boundary(MAX_FACT));
        fact
    };
    Ok(HostFacts {
        path: find("path"),
        path_is_the_shells: find("path-from") == "shell",
        hostname: short("host"),
        system: short("system"),
        boot: short("boot"),
        home: short("home"),
        systemd: find("systemd") == "runs",
        logout_kills: find("logout") == "kills",
    })
}

/// Asks how busy the host is; `None` where it does not tell.
///
/// # Errors
///
/// The program could not be run to its end.
pub async fn load(io: ProgramIo, nonce: &Nonce) -> Result<Option<Load>, ControlError> {
    let lines = run(io, nonce, Program::Load, Parameters::new(nonce), Bytes::new(), WITHIN).await?;
    Ok(Load::parse(lines.iter().map(String::as_str)))
}

/// Asks which agents are there.
///
/// # Errors
///
/// The program could not be run to its end.
pub async fn detect(
    io: ProgramIo,
    nonce: &Nonce,
    path: Option<&str>,
    searches: &[Search],
) -> Result<Vec<Detected>, ControlError> {
    let parameters = Parameters::new(nonce).search(path, &detect::words(searches));
    // Each is asked for its version, and may take its time for that.
    let within = WITHIN + VERSION_WITHIN * u32::try_from(searches.len()).unwrap_or(u32::MAX);
    let lines = run(io, nonce, Program::Detect, parameters, Bytes::new(), within).await?;
    detect::parse(&lines).ok_or_else(|| lost("the list of agents has no end").into())
}

/// Delivers a signal to a session's process group.
///
/// # Errors
///
/// The program could not be run, or there is nothing to signal.
pub async fn signal(
    io: ProgramIo,
    nonce: &Nonce,
    root: Option<&str>,
    id: &SessionId,
    signal: &str,
) -> Result<(), ControlError> {
    let parameters = Parameters::new(nonce).session(id, root).signal(signal, None);
    run(io, nonce, Program::Stop, parameters, Bytes::new(), WITHIN).await.map(drop)
}

/// Ends all of a session's processes: `signal`, `grace`, KILL; verified.
///
/// # Errors
///
/// The program could not be run, or processes survived.
pub async fn stop(
    io: ProgramIo,
    nonce: &Nonce,
    root: Option<&str>,
    id: &SessionId,
    signal: &str,
    grace: Duration,
) -> Result<(), ControlError> {
    let parameters = Parameters::new(nonce).session(id, root).signal(signal, Some(grace.as_secs()));
    run(io, nonce, Program::Stop, parameters, Bytes::new(), WITHIN + grace).await.map(drop)
}

/// Removes the spools of ended sessions; one that is gone is removed. A session
/// that still runs keeps its own, and the others are not kept from going.
///
/// # Errors
///
/// The program could not be run to its end.
pub async fn remove_all(
    io: ProgramIo,
    nonce: &Nonce,
    root: Option<&str>,
    ids: &[SessionId],
) -> Result<Vec<(SessionId, Result<(), ControlError>)>, ControlError> {
    let Some(first) = ids.first() else { return Ok(Vec::new()) };
    let words: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let parameters = Parameters::new(nonce).session(first, root).search(None, &words);
    let lines = run(io, nonce, Program::Remove, parameters, Bytes::new(), REMOVE_WITHIN).await?;
    let told = |id: &SessionId| {
        lines.iter().find_map(|line| {
            let (word, rest) = line.split_once(' ')?;
            let (about, why) = rest.split_once(' ').unwrap_or((rest, ""));
            if about != id.as_str() {
                return None;
            }
            Some(if word == "removed" { Ok(()) } else { Err(refused(why)) })
        })
    };
    Ok(ids.iter().filter_map(|id| Some((id.clone(), told(id)?))).collect())
}

/// What goes on a session's standard input: a piece of it, by its place.
#[derive(Debug)]
pub struct Input {
    /// Where the piece begins.
    pub offset: u64,
    /// The piece.
    pub bytes: Bytes,
    /// The length of it all, once its end is known.
    pub ends_at: Option<u64>,
}

/// Adds to a session's standard input, and returns how much is there then.
///
/// What of `input` is there already, from a try whose answer was lost, is left
/// out; where there is less than its offset, nothing is added.
///
/// # Errors
///
/// The program could not be run, or the session takes no input. How much was
/// added is then unknown, and the next call finds out.
pub async fn input(
    io: ProgramIo,
    nonce: &Nonce,
    root: Option<&str>,
    id: &SessionId,
    input: &Input,
) -> Result<u64, ControlError> {
    let mut parameters = Parameters::new(nonce).session(id, root);
    if let Some(length) = input.ends_at {
        parameters = parameters.input_ends_at(length);
    }
    let mut talk = Talk::begin(io, nonce, Program::Input, parameters).await?;
    let have = talk.length().await?;
    if let Some(skip) = have.checked_sub(input.offset) {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(input.bytes.len());
        talk.write(&input.bytes[skip..]).await?;
    }
    talk.io.end_input().await;
    talk.length().await
}

/// Runs a program with `stdin` behind its parameters, and returns its lines.
async fn run(
    io: ProgramIo,
    nonce: &Nonce,
    program: Program,
    parameters: Parameters,
    stdin: Bytes,
    within: Duration,
) -> Result<Vec<String>, ControlError> {
    let deadline = Instant::now() + within;
    let begun = timeout_at(deadline, Talk::begin(io, nonce, program, parameters)).await;
    let mut talk = begun.unwrap_or(Err(ControlError::NoAnswer { within }))?;
    let all = async {
        talk.io.write(&stdin).await?;
        talk.io.end_input().await;
        let mut lines = Vec::new();
        while let Some(line) = talk.line().await? {
            lines.push(line);
        }
        if lines.is_empty() { Err(talk.not_reached()) } else { Ok(lines) }
    };
    match timeout_at(deadline, all).await {
        Ok(done) => done,
        Err(_) => Err(talk.late(within)),
    }
}

/// A program that is being listened to.
pub(super) struct Talk {
    pub(super) io: ProgramIo,
    out: Splitter,
    lines: std::collections::VecDeque<String>,
    /// The end of what came on standard error.
    grumble: Vec<u8>,
    /// The status of the shell that sshd started.
    status: Option<u32>,
    /// How much more it may say, in bytes.
    left: usize,
}

impl Talk {
    pub(super) async fn begin(
        mut io: ProgramIo,
        nonce: &Nonce,
        program: Program,
        parameters: Parameters,
    ) -> Result<Self, ControlError> {
        io.write(program.line()).await?;
        io.write(&parameters.finish()).await?;
        let out = Splitter::new(nonce);
        let left = MAX_SAID;
        Ok(Self { io, out, lines: [].into(), grumble: Vec::new(), status: None, left })
    }

    /// The same, of a program that may say so many bytes.
    pub(super) fn up_to(mut self, bytes: usize) -> Self {
        self.left = bytes;
        self
    }

    /// The next line, or `None` once the program has ended.
    pub(super) async fn line(&mut self) -> Result<Option<String>, ControlError> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                // An empty line is not for nothing either.
                let Some(left) = self.left.checked_sub(line.len() + 1) else {
                    let detail = "the host says more than any host has to tell".to_owned();
                    return Err(ControlError::Failed { detail });
                };
                self.left = left;
                return match line.strip_prefix("fail ") {
                    Some(refusal) => Err(refused(refusal)),
                    None => Ok(Some(line)),
                };
            }
            match self.io.next().await {
                Some(ProgramEvent::Stdout(bytes)) => {
                    let lines = &mut self.lines;
                    self.out.feed(bytes, |piece| {
                        if let Piece::Line(line) = piece {
                            lines.push_back(line);
                        }
                    });
                }
                Some(ProgramEvent::Stderr(bytes)) => {
                    self.grumble.extend_from_slice(&bytes);
                    let surplus = self.grumble.len().saturating_sub(4096);
                    self.grumble.drain(..surplus);
                }
                Some(ProgramEvent::Status(status)) => self.status = Some(status),
                Some(ProgramEvent::Ended) => return Ok(None),
                Some(ProgramEvent::Killed) => {
                    return Err(lost("the program on the host was killed").into());
                }
                None => return Err(lost("the link was lost").into()),
            }
        }
    }

    /// Writes to its standard input, piece by piece. A program that takes none of
    /// a piece for so long is stuck: its disk hangs, or it was stopped.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ControlError> {
        for piece in bytes.chunks(PIECE) {
            match timeout(WITHIN, self.io.write(piece)).await {
                Ok(written) => written?,
                Err(_) => return Err(ControlError::NoAnswer { within: WITHIN }),
            }
        }
        Ok(())
    }

    /// The number in the next line, which says `have N`.
    async fn length(&mut self) -> Result<u64, ControlError> {
        let line = match timeout(WITHIN, self.line()).await {
            Ok(line) => line?.ok_or_else(|| self.not_reached())?,
            Err(_) => return Err(ControlError::NoAnswer { within: WITHIN }),
        };
        let length = line.strip_prefix("have ").and_then(|number| number.parse().ok());
        length.ok_or(ControlError::Failed { detail: line })
    }

    /// What came before the program's first line, and on standard error, where it
    /// says nothing itself.
    pub(super) fn noise(&self) -> String {
        let mut noise = self.out.before();
        noise.push_str(&String::from_utf8_lossy(&self.grumble));
        noise
    }

    pub(super) fn not_reached(&self) -> ControlError {
        ControlError::NotReached { said: self.noise(), status: self.status }
    }

    /// What no answer within `within` means: the shell is stuck, or the program.
    fn late(&self, within: Duration) -> ControlError {
        match self.out.noise() {
            Some(_) => ControlError::NotReachedInTime { said: self.noise() },
            None => ControlError::NoAnswer { within },
        }
    }
}

fn lost(detail: &str) -> LinkTrouble {
    LinkTrouble::Lost { how: LostHow::Closed, detail: detail.to_owned() }
}

fn refused(refusal: &str) -> ControlError {
    let (word, detail) = refusal.split_once(' ').unwrap_or((refusal, ""));
    match word {
        "gone" => ControlError::NoSpool,
        "ended" => ControlError::HasEnded,
        "unsigned" => ControlError::Unsigned,
        "running" => ControlError::StillRunning,
        "closed" => ControlError::StdinClosed,
        "lacks" => ControlError::Lacks { programs: detail.split(' ').map(str::to_owned).collect() },
        "left" => ControlError::Survivors {
            pids: detail.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect(),
        },
        _ => ControlError::Failed { detail: detail.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::local::LocalProgram;

    /// Time that is only waited for passes at once.
    #[tokio::test(start_paused = true)]
    async fn a_program_that_takes_no_more_is_given_up() {
        let nonce = Nonce::from_bits(1);
        let mut program = LocalProgram::start().expect("a shell");
        // It ends by itself, after this test; until then it reads nothing.
        program.write(b"exec sleep 2\n").await.expect("taken");
        let io = ProgramIo::Local(Box::new(program));
        let (out, lines) = (Splitter::new(&nonce), [].into());
        let mut talk = Talk { io, out, lines, grumble: Vec::new(), status: None, left: MAX_SAID };
        // More than any pipe holds.
        let written = talk.write(&vec![b'x'; 4 << 20]).await;
        assert_eq!(written, Err(ControlError::NoAnswer { within: WITHIN }));
    }
}
