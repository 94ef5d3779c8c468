//! A session whose output and end are known beforehand.

use std::fs;
use std::path::Path;

use crate::dice::Dice;
use crate::support::checksum;
use crate::support::must::Must;

/// What every session of a schedule runs, where it runs.
const ACT: &str = include_str!("act.sh");

/// Where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Remote,
    Local,
}

/// How the command ends by itself, or why it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It exits with this.
    Code(u8),
    /// It sends itself this signal.
    Signal(u8),
    /// It goes on until somebody stops it.
    Stopped {
        /// It has to be killed.
        stubborn: bool,
        /// When the order is given, after the start of the schedule.
        at_millis: u64,
    },
}

/// What it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Nothing.
    Nothing,
    /// What `send` sends, in so many pieces.
    Sent { pieces: u64 },
    /// What is piped into `run`, which is not detached then.
    Piped,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Whether `run` follows it, or is detached.
    pub(crate) followed: bool,
    pub(crate) starts_at_millis: u64,
    /// Its output comes in so many pieces,
    pieces: u64,
    /// of so many bytes each,
    out: u64,
    err: u64,
    /// with this pause after each.
    pause_millis: u64,
    pub(crate) reads: Reads,
    input: u64,
    pub(crate) end: End,
    seed: u64,
}

impl Role {
    /// Draws one.
    pub(crate) fn draw(number: u64, dice: &mut Dice) -> Self {
        let reads = match dice.within(0..6) {
            0 => Reads::Sent { pieces: dice.within(1..6) },
            1 => Reads::Piped,
            _ => Reads::Nothing,
        };
        let end = match dice.within(0..8) {
            // What is stopped is stopped before it would read.
            0 | 1 if reads == Reads::Nothing => {
                End::Stopped { stubborn: dice.once_in(3), at_millis: dice.within(1_000..6_000) }
            }
            2 => End::Signal(dice.pick(&[1, 6, 9, 15])),
            3 => End::Code(0),
            _ => End::Code(dice.pick(&[1, 2, 77, 100, 255])),
        };
        let large = dice.once_in(4);
        Self {
            name: format!("s{number:02}"),
            place: if dice.once_in(5) { Place::Local } else { Place::Remote },
            followed: reads == Reads::Piped || dice.once_in(4),
            starts_at_millis: if dice.once_in(3) { dice.within(0..5_500) } else { 0 },
            pieces: dice.within(1..9),
            out: dice.within(1..if large { 400_000 } else { 3_000 }),
            err: if dice.once_in(2) { dice.within(1..20_000) } else { 0 },
            pause_millis: dice.within(0..900),
            reads,
            input: dice.within(0..if large { 200_000 } else { 5_000 }),
            end,
            seed: dice.within(1..u64::MAX),
        }
    }

    /// What it writes to standard output before it reads, and after that.
    pub(crate) fn out(&self) -> Vec<u8> {
        let mut bytes = checksum::bytes(self.seed, length(self.pieces * self.out));
        bytes.extend(self.input());
        bytes
    }

    /// What it writes to standard error.
    pub(crate) fn err(&self) -> Vec<u8> {
        checksum::bytes(self.seed ^ 1, length(self.pieces * self.err))
    }

    /// What it is sent, which it writes to standard output.
    pub(crate) fn input(&self) -> Vec<u8> {
        match self.reads {
            Reads::Nothing => Vec::new(),
            Reads::Sent { .. } | Reads::Piped => checksum::bytes(self.seed ^ 2, length(self.input)),
        }
    }

    /// The file that every start of it adds a line to.
    pub(crate) fn starts_file(&self) -> String {
        format!("cast/{}.starts", self.name)
    }

    /// Writes what it needs into the home of its account.
    pub(crate) fn furnish(&self, home: &Path) {
        let cast = home.join("cast");
        fs::create_dir_all(&cast).must("make a folder");
        fs::write(cast.join("act"), ACT).must("write the command");
        let spoken = length(self.pieces * self.out);
        let out = checksum::bytes(self.seed, spoken);
        fs::write(cast.join(format!("{}.out", self.name)), out).must("write what it says");
        fs::write(cast.join(format!("{}.err", self.name)), self.err()).must("write what it says");
    }

    /// The command, to be run in the home of its account.
    pub(crate) fn command(&self) -> Vec<String> {
        let end = match self.end {
            End::Code(code) => format!("code {code}"),
            End::Signal(signal) => format!("signal {signal}"),
            End::Stopped { stubborn: true, .. } => "stubborn -".to_owned(),
            End::Stopped { stubborn: false, .. } => "stay -".to_owned(),
        };
        let pause = format!("{}.{:03}", self.pause_millis / 1_000, self.pause_millis % 1_000);
        let reads = if self.reads == Reads::Nothing { "no" } else { "yes" };
        let numbers = [self.pieces, self.out, self.err].map(|number| number.to_string());
        ["sh", "cast/act", &self.name]
            .into_iter()
            .map(str::to_owned)
            .chain(numbers)
            .chain([pause, reads.to_owned()])
            .chain(end.split(' ').map(str::to_owned))
            .collect()
    }
}

fn length(bytes: u64) -> usize {
    usize::try_from(bytes).must("a length in memory")
}
