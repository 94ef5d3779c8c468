//! Exec channels: one command each, its output in the order of the wire.

pub(super) mod builtin;

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::system;
use crate::domain::failure::trouble::LinkTrouble;

/// What comes from a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecEvent {
    /// Bytes of its standard output.
    Stdout(Bytes),
    /// Bytes of its standard error.
    Stderr(Bytes),
    /// No more bytes will come. The exit status may come before or after.
    Eof,
    /// It exited with this status.
    ExitStatus(u32),
    /// It died of this signal, named without `SIG`.
    ExitSignal(String),
    /// The channel is closed, by whichever side. Nothing comes after it.
    Closed,
}

/// A command that runs on the other side.
///
/// Dropping it, or both its halves, closes the channel on the server. The
/// server sends HUP to nobody then: a process that ignores the end of its
/// streams lives on, and OpenSSH counts it against `MaxSessions` until it ends.
#[derive(Debug)]
pub struct ExecChannel {
    reader: ExecReader,
    writer: ExecWriter,
}

/// The reading half.
///
/// It has to be read without pause until it ends, or dropped: russh delivers
/// into a queue of bounded length and waits when that is full, so one channel
/// that is not read holds up all others of its link, and its keep-alives.
#[derive(Debug)]
pub struct ExecReader(Reading);

#[derive(Debug)]
enum Reading {
    BuiltIn(builtin::Reader),
    System(Box<system::Reader>),
}

/// The writing half: the command's standard input.
///
/// Dropping it alone leaves that open; [`ExecWriter::eof`] ends it.
#[derive(Debug)]
pub struct ExecWriter(Writing);

#[derive(Debug)]
enum Writing {
    BuiltIn(builtin::Writer),
    System(system::Writer),
}

impl From<builtin::Channel> for ExecChannel {
    fn from(channel: builtin::Channel) -> Self {
        let (reader, writer) = channel.split();
        let reader = ExecReader(Reading::BuiltIn(reader));
        Self { reader, writer: ExecWriter(Writing::BuiltIn(writer)) }
    }
}

impl From<system::Channel> for ExecChannel {
    fn from(channel: system::Channel) -> Self {
        let (reader, writer) = channel.split();
        let reader = ExecReader(Reading::System(Box::new(reader)));
        Self { reader, writer: ExecWriter(Writing::System(writer)) }
    }
}

impl ExecChannel {
    /// The two halves, which can be used from two tasks.
    #[must_use]
    pub fn split(self) -> (ExecReader, ExecWriter) {
        (self.reader, self.writer)
    }
}

impl ExecReader {
    /// The next event. Cancelling loses nothing.
    ///
    /// `None` after [`ExecEvent::Closed`] is the end. `None` without it means
    /// that the link was lost: nothing is then known about the command, and an
    /// exit status that was not seen is not to be guessed.
    pub async fn next(&mut self) -> Option<ExecEvent> {
        match &mut self.0 {
            Reading::BuiltIn(reader) => reader.next().await,
            Reading::System(reader) => reader.next().await,
        }
    }

    /// The next event if it is there already, so that a pump can write several
    /// at once. `None` says nothing about the end; ask [`ExecReader::next`].
    pub fn try_next(&mut self) -> Option<ExecEvent> {
        self.next().now_or_never().flatten()
    }
}

impl ExecWriter {
    /// Writes all of `bytes` to the command's standard input.
    ///
    /// Waits while the other side does not read. Not to be cancelled in the
    /// middle if the rest matters: what was sent cannot be told.
    ///
    /// # Errors
    ///
    /// [`LinkTrouble::Lost`] when the link goes, [`LinkTrouble::ChannelRefused`]
    /// when the channel is closed.
    pub async fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkTrouble> {
        match &mut self.0 {
            Writing::BuiltIn(writer) => writer.write_all(bytes).await,
            Writing::System(writer) => writer.write_all(bytes).await,
        }
    }

    /// Whether the command may use an agent here, whose socket there is in its
    /// `SSH_AUTH_SOCK`.
    #[must_use]
    pub fn forwards_agent(&self) -> bool {
        match &self.0 {
            Writing::BuiltIn(writer) => writer.forwards_agent(),
            Writing::System(writer) => writer.forwards_agent(),
        }
    }

    /// Ends the command's standard input.
    pub async fn eof(&mut self) {
        match &mut self.0 {
            Writing::BuiltIn(writer) => writer.eof().await,
            Writing::System(writer) => writer.eof(),
        }
    }

    /// Closes the channel in both directions. What has arrived can still be
    /// read, and [`ExecEvent::Closed`] comes after it.
    pub async fn close(&mut self) {
        match &mut self.0 {
            Writing::BuiltIn(writer) => writer.close().await,
            Writing::System(writer) => writer.close(),
        }
    }
}
