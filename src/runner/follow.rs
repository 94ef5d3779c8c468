//! Streaming a session into its mirror.
//!
//! One follower, one task, one writer. It never waits for a reader: those read
//! the mirror's files. It waits for the disk, and while it does the link's own
//! buffers fill; a disk that fails ends the follower, and the session's actor
//! starts another later, from the mirror's length.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::io::{ProgramEvent, ProgramIo};
use super::program::{Part, Program};
use super::speech::{Piece, Splitter};
use crate::domain::failure::trouble::{LinkTrouble, LostHow};
use crate::domain::ids::SessionId;
use crate::domain::launch::{Launch, Nonce, Parameters};
use crate::domain::session::Ending;
use crate::domain::stream::Stream;
use crate::store::mirror::{MirrorError, MirrorWriter};

/// How long a session may run before its output is streamed. One that ends
/// sooner needs no follower process on its host, and most probes, version
/// checks and `true`s do.
const STREAM_AFTER: Duration = Duration::from_millis(25);
/// How long a login shell may take until the program speaks. An rc file that
/// waits for something on standard input takes for ever.
const SPEAK_WITHIN: Duration = Duration::from_secs(30);
/// What is gathered before it is written: a write costs a trip to a thread.
const BATCH: usize = 1 << 20;
/// The longest stream that is believed, in bytes: a pebibyte is on no host's disk.
const MAX_OFFSET: u64 = 1 << 50;
/// Asks the program to stream.
const FOLLOW: &[u8] = b"follow\n";
/// From so much at once on it is a flood, and not somebody's line.
const FLOOD: usize = 64 * 1024;
/// How long a flood is let to gather. Without the pause each packet of it wakes
/// this task and then a thread, which costs more than the packet itself; the
/// channel's queue holds what comes meanwhile.
const GATHER: Duration = Duration::from_millis(1);

/// What to follow, and whether to start it.
#[derive(Debug)]
pub enum Errand {
    /// Start a session, then follow it from the beginning.
    Start(Box<Launch>),
    /// Follow a session from the mirror's length.
    Follow(SessionId),
}

impl Errand {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        match self {
            Self::Start(launch) => &launch.id,
            Self::Follow(id) => id,
        }
    }
}

/// What the session's actor is told on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// The spool is claimed: from here on the session exists on its host.
    Claimed,
    /// The session runs, and its output streams from here on; the command's
    /// process id, where it has one by now.
    Streaming(Option<u32>),
    /// The runner has something to tell that is no end.
    Noted(Note),
    /// So much of each stream is in the mirror.
    Mirrored(Mirrored),
}

/// What a runner tells besides output and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// logind will kill the session when its user logs out.
    EndsAtLogout,
}

/// How much of each stream is in the mirror, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mirrored {
    /// Of standard output.
    pub stdout: u64,
    /// Of standard error.
    pub stderr: u64,
}

/// How following ended.
#[derive(Debug)]
pub enum Followed {
    /// The session has ended, and all that it wrote is in the mirror.
    Ended(Ending),
    /// The link is gone.
    LinkLost,
    /// The program at the other end is gone, or the way to it.
    Cut(LinkTrouble),
    /// The spool was claimed before: the session was started already.
    AlreadyClaimed,
    /// There is no spool.
    NoSpool,
    /// Nothing was heard of the program for long; what the login shell said. It
    /// may only be slow, and start later.
    Silent(String),
    /// The spool could not be made; the system's words.
    SpoolFailed(String),
    /// The host has nothing that gives a process a session of its own.
    NoSetsid,
    /// The host lacks these programs.
    Lacks(Vec<String>),
    /// The login shell never reached the program.
    NotReached {
        /// What it said instead.
        said: String,
        /// Its exit status, where it was told.
        status: Option<u32>,
    },
    /// The mirror cannot be written.
    MirrorFailed(MirrorError),
}

/// Where a follower runs.
#[derive(Debug)]
pub struct Primed {
    /// The program's streams.
    pub io: ProgramIo,
    /// Whether the start program was sent before; it is of no use for another
    /// errand then.
    pub primed: bool,
    /// Whether systemd may run there.
    pub systemd: bool,
}

/// Runs a follower to its end.
///
/// `root` is the folder of all spools there; `None` is the usual one. Dropping
/// the future ends the follower on its host, and not the session.
pub async fn follow(
    Primed { io, primed, systemd }: Primed,
    nonce: &Nonce,
    root: Option<&str>,
    errand: Errand,
    writer: &mut MirrorWriter,
    tell: impl FnMut(Milestone),
) -> Followed {
    let starting = Parameters::new(nonce);
    let (program, parameters) = match &errand {
        Errand::Start(launch) => {
            let parts = Part::of_start(launch.max_output.is_some(), systemd);
            let starting = with(starting, parts).session(&launch.id, root);
            (Program::Start, starting.launch(launch))
        }
        Errand::Follow(id) => match lengths(writer) {
            Ok(at) => {
                let starting = with(starting, Part::of_follow(systemd)).session(id, root);
                (Program::Follow, starting.offsets(at.stdout, at.stderr))
            }
            Err(error) => return Followed::MirrorFailed(error),
        },
    };
    let parameters = if io.forwards_agent() { parameters.agent() } else { parameters };
    let mut follower = Follower {
        io,
        writer,
        tell,
        out: Ear::new(nonce),
        err: Ear::new(nonce),
        stage: Stage::Unclaimed,
        primed,
        at_once: matches!(errand, Errand::Follow(_)),
        status: None,
    };
    match follower.run(program, parameters.finish()).await {
        Ok(ending) => Followed::Ended(ending),
        Err(broken_off) => broken_off,
    }
}

fn with(parameters: Parameters, parts: impl Iterator<Item = Part>) -> Parameters {
    parts.fold(parameters, |parameters, part| parameters.part(part.line()))
}

fn lengths(writer: &MirrorWriter) -> Result<Mirrored, MirrorError> {
    Ok(Mirrored { stdout: writer.length(Stream::Stdout)?, stderr: writer.length(Stream::Stderr)? })
}

/// A piece of a stream on its way into the mirror.
#[derive(Debug)]
enum Pending {
    Bytes(Vec<Bytes>),
    /// What comes now begins at this offset. A capped session tells where each
    /// segment begins: what lies between the mirror's end and it was dropped.
    At(u64),
}

/// One stream on its way into the mirror.
#[derive(Debug)]
struct Ear {
    splitter: Splitter,
    pending: Vec<Pending>,
    lines: Vec<String>,
    /// Lines that say that the session's bytes are over: `end`, then `fin`.
    ends: u8,
}

impl Ear {
    fn new(nonce: &Nonce) -> Self {
        Self { splitter: Splitter::new(nonce), pending: Vec::new(), lines: Vec::new(), ends: 0 }
    }

    fn hear(&mut self, bytes: Bytes) {
        let Self { splitter, pending, lines, ends } = self;
        splitter.feed(bytes, |piece| match piece {
            Piece::Data(bytes) => match pending.last_mut() {
                Some(Pending::Bytes(batch)) => batch.push(bytes),
                _ => pending.push(Pending::Bytes(vec![bytes])),
            },
            Piece::Line(line) => {
                if let Some(offset) = line.strip_prefix("at ").and_then(|at| at.parse().ok()) {
                    pending.push(Pending::At(offset));
                    return;
                }
                *ends += u8::from(line.starts_with("end") || line == "fin");
                lines.push(line);
            }
        });
    }
}

/// How far the talk has come.
#[derive(Debug)]
enum Stage {
    Unclaimed,
    /// Claimed; streaming is asked for at this instant.
    Claimed(Instant),
    /// Streaming was asked for.
    Streaming,
    /// The end was told. `rest` holds if the tails ran, so that what they did
    /// not send has to be asked for; `asked` once it was.
    Ended {
        ending: Ending,
        rest: bool,
        asked: bool,
    },
}

/// How the program has ended.
#[derive(Debug, Clone, Copy)]
enum Death {
    ByItself,
    Killed,
}

struct Follower<'a, T> {
    io: ProgramIo,
    writer: &'a mut MirrorWriter,
    tell: T,
    out: Ear,
    err: Ear,
    stage: Stage,
    primed: bool,
    /// Whether streaming is asked for from the beginning: what was started
    /// earlier has lived for longer than [`STREAM_AFTER`].
    at_once: bool,
    /// The status of the shell that sshd started.
    status: Option<u32>,
}

impl<T: FnMut(Milestone)> Follower<'_, T> {
    async fn run(&mut self, program: Program, parameters: Vec<u8>) -> Result<Ending, Followed> {
        // In one piece: each is a trip to russh's task, and a packet.
        let mut words = if self.primed { Vec::new() } else { program.line().to_vec() };
        words.extend_from_slice(&parameters);
        if self.at_once {
            words.extend_from_slice(FOLLOW);
        }
        self.io.write(&words).await.map_err(Followed::Cut)?;
        loop {
            let over = match self.next().await? {
                Some(event) => self.take_in(event).await,
                None => {
                    self.start_streaming().await;
                    None
                }
            };
            self.write_down().await?;
            self.obey().await?;
            if let Some(ending) = self.settle().await? {
                return Ok(ending);
            }
            if let Some(death) = over {
                return Err(self.died(death));
            }
        }
    }

    /// The next event, or `None` when it is time to ask for streaming.
    async fn next(&mut self) -> Result<Option<ProgramEvent>, Followed> {
        let event = match self.stage {
            Stage::Unclaimed => match timeout(SPEAK_WITHIN, self.io.next()).await {
                Ok(event) => event,
                Err(_) => return Err(Followed::Silent(self.noise())),
            },
            // Both arms are cancel-safe.
            Stage::Claimed(at) => tokio::select! {
                event = self.io.next() => event,
                () = sleep_until(at) => return Ok(None),
            },
            Stage::Streaming | Stage::Ended { .. } => self.io.next().await,
        };
        event.map(Some).ok_or(Followed::LinkLost)
    }

    /// Takes in an event and what comes with it, and tells if the program has
    /// ended with that.
    async fn take_in(&mut self, first: ProgramEvent) -> Option<Death> {
        let (mut over, size) = self.gather(Some(first));
        if over.is_none() && size >= FLOOD {
            sleep(GATHER).await;
            let next = self.io.try_next();
            (over, _) = self.gather(next);
        }
        over
    }

    /// Takes in an event and whatever else is here by now: whether the program
    /// has ended with it, and how many bytes it was.
    fn gather(&mut self, first: Option<ProgramEvent>) -> (Option<Death>, usize) {
        let mut event = first;
        let mut size = 0;
        while let Some(next) = event {
            match next {
                ProgramEvent::Stdout(bytes) => {
                    size += bytes.len();
                    self.out.hear(bytes);
                }
                ProgramEvent::Stderr(bytes) => {
                    size += bytes.len();
                    self.err.hear(bytes);
                }
                ProgramEvent::Status(status) => self.status = Some(status),
                ProgramEvent::Ended => return (Some(Death::ByItself), size),
                ProgramEvent::Killed => return (Some(Death::Killed), size),
            }
            event = if size < BATCH { self.io.try_next() } else { None };
        }
        (None, size)
    }

    /// What it means that the program has ended before its last word.
    fn died(&self, death: Death) -> Followed {
        match (death, &self.stage) {
            // A primed one waited for a while, and somebody may have ended it
            // meanwhile. One that was killed may have claimed the spool, and its
            // word of that is on its way here.
            (Death::ByItself, Stage::Unclaimed) if !self.primed => self.not_reached(),
            _ => Followed::Cut(lost("the follower on the host was killed")),
        }
    }

    async fn write_down(&mut self) -> Result<(), Followed> {
        let mut wrote = false;
        for (stream, ear) in [(Stream::Stdout, &mut self.out), (Stream::Stderr, &mut self.err)] {
            if ear.pending.is_empty() {
                continue;
            }
            wrote = true;
            for pending in std::mem::take(&mut ear.pending) {
                let written = match pending {
                    Pending::Bytes(batch) => self.writer.append(stream, batch).await,
                    Pending::At(offset) => {
                        // Its bytes would stand here twice. Another follower begins anew.
                        if self.writer.length(stream).is_ok_and(|length| offset < length) {
                            return Err(Followed::Cut(lost("the follower lost its place")));
                        }
                        if offset > MAX_OFFSET {
                            return Err(Followed::Cut(lost("the host tells of too much output")));
                        }
                        self.writer.skip_to(stream, offset).await
                    }
                };
                written.map_err(|error| match error {
                    MirrorError::TooManyGaps => Followed::Cut(lost("the host drops too often")),
                    error => Followed::MirrorFailed(error),
                })?;
            }
        }
        if wrote {
            let lengths = lengths(self.writer).map_err(Followed::MirrorFailed)?;
            (self.tell)(Milestone::Mirrored(lengths));
        }
        Ok(())
    }

    /// Acts on the lines of standard output; those of standard error are only
    /// there to be counted.
    async fn obey(&mut self) -> Result<(), Followed> {
        self.err.lines.clear();
        for line in std::mem::take(&mut self.out.lines) {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "claimed" => {
                    self.stage = if self.at_once {
                        Stage::Streaming
                    } else {
                        Stage::Claimed(Instant::now() + STREAM_AFTER)
                    };
                    (self.tell)(Milestone::Claimed);
                }
                "started" => {
                    (self.tell)(Milestone::Streaming(rest.parse().ok()));
                }
                "want" if rest == "segments" => {
                    // What came before was read over.
                    let words = [Part::Segments.line(), FOLLOW].concat();
                    self.io.write(&words).await.map_err(Followed::Cut)?;
                }
                "note" if rest == "logout-kills" => {
                    (self.tell)(Milestone::Noted(Note::EndsAtLogout));
                }
                "end" => {
                    let (part, record) = rest.split_once(' ').unwrap_or((rest, ""));
                    let ending = Ending::parse(record)
                        .map_err(|_| Followed::SpoolFailed(format!("exit record {record:?}")))?;
                    self.stage = Stage::Ended { ending, rest: part == "yes", asked: false };
                }
                "fail" => return Err(refusal(rest)),
                // `fin` was counted; words of a later version say nothing here.
                _ => {}
            }
        }
        Ok(())
    }

    async fn start_streaming(&mut self) {
        self.stage = Stage::Streaming;
        // A program that has just ended takes no more words, and its last ones are
        // on their way here; a link that is gone is told where those are read.
        _ = self.io.write(FOLLOW).await;
    }

    /// The ending, once everything is here; asks for what is missing before.
    async fn settle(&mut self) -> Result<Option<Ending>, Followed> {
        let Stage::Ended { ending, rest, asked } = self.stage else {
            return Ok(None);
        };
        if self.has_said_all() {
            return Ok(Some(ending));
        }
        if rest && !asked && self.out.ends.min(self.err.ends) == 1 {
            self.stage = Stage::Ended { ending, rest, asked: true };
            let at = lengths(self.writer).map_err(Followed::MirrorFailed)?;
            let line = format!("rest {} {}\n", at.stdout, at.stderr);
            self.io.write(line.as_bytes()).await.map_err(Followed::Cut)?;
        }
        Ok(None)
    }

    /// Whether both streams have come to their last line.
    fn has_said_all(&self) -> bool {
        let last = match self.stage {
            Stage::Ended { rest: true, .. } => 2,
            Stage::Ended { rest: false, .. } => 1,
            _ => return false,
        };
        self.out.ends >= last && self.err.ends >= last
    }

    fn not_reached(&self) -> Followed {
        Followed::NotReached { said: self.noise(), status: self.status }
    }

    fn noise(&self) -> String {
        [&self.out, &self.err].map(|ear| ear.splitter.noise().unwrap_or_default()).concat()
    }
}

fn refusal(rest: &str) -> Followed {
    let (word, detail) = rest.split_once(' ').unwrap_or((rest, ""));
    match word {
        "claimed" => Followed::AlreadyClaimed,
        "gone" => Followed::NoSpool,
        "setsid" => Followed::NoSetsid,
        "lacks" => Followed::Lacks(detail.split(' ').map(str::to_owned).collect()),
        _ => Followed::SpoolFailed(detail.to_owned()),
    }
}

fn lost(detail: &str) -> LinkTrouble {
    LinkTrouble::Lost { how: LostHow::Closed, detail: detail.to_owned() }
}
