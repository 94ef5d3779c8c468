//! The three streams of a running program, wherever it runs.

use bytes::Bytes;

use super::local::LocalProgram;
use crate::domain::failure::trouble::LinkTrouble;
use crate::ssh::{ExecChannel, ExecEvent, ExecReader, ExecWriter};

/// A program of the runner that was started and speaks.
#[derive(Debug)]
pub enum ProgramIo {
    /// On an exec channel of a link.
    Remote {
        /// What comes from it.
        reader: ExecReader,
        /// What goes to it.
        writer: ExecWriter,
    },
    /// A child of this process.
    Local(Box<LocalProgram>),
}

impl From<ExecChannel> for ProgramIo {
    fn from(channel: ExecChannel) -> Self {
        let (reader, writer) = channel.split();
        Self::Remote { reader, writer }
    }
}

/// What comes from a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramEvent {
    /// Bytes of its standard output.
    Stdout(Bytes),
    /// Bytes of its standard error.
    Stderr(Bytes),
    /// The shell that sshd started ended with this status. It says nothing of a
    /// session; but where the program never spoke, it says something of the shell.
    Status(u32),
    /// Both streams have ended by the program's own doing.
    Ended,
    /// A signal has ended the program. What it had started may hold its streams
    /// open for ever, and nobody will say how anything ended.
    Killed,
}

impl ProgramIo {
    /// Whether it was given an agent that is on this side.
    #[must_use]
    pub fn forwards_agent(&self) -> bool {
        match self {
            Self::Remote { writer, .. } => writer.forwards_agent(),
            Self::Local(_) => false,
        }
    }

    /// The next event; `None` means that the link is gone, and that nothing is
    /// known of the program. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<ProgramEvent> {
        match self {
            Self::Remote { reader, .. } => loop {
                if let Some(event) = translate(reader.next().await?) {
                    return Some(event);
                }
            },
            Self::Local(program) => Some(program.next().await),
        }
    }

    /// What is here already, without waiting.
    pub fn try_next(&mut self) -> Option<ProgramEvent> {
        match self {
            Self::Remote { reader, .. } => loop {
                if let Some(event) = translate(reader.try_next()?) {
                    return Some(event);
                }
            },
            Self::Local(_) => None,
        }
    }

    /// Writes to its standard input.
    ///
    /// # Errors
    ///
    /// The link or the program is gone.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), LinkTrouble> {
        match self {
            Self::Remote { writer, .. } => writer.write_all(bytes).await,
            Self::Local(program) => program.write(bytes).await,
        }
    }

    /// Ends its standard input.
    pub async fn end_input(&mut self) {
        match self {
            // A channel that is gone has no input to end.
            Self::Remote { writer, .. } => _ = writer.eof().await,
            Self::Local(program) => program.end_input(),
        }
    }
}

fn translate(event: ExecEvent) -> Option<ProgramEvent> {
    match event {
        ExecEvent::Stdout(bytes) => Some(ProgramEvent::Stdout(bytes)),
        ExecEvent::Stderr(bytes) => Some(ProgramEvent::Stderr(bytes)),
        ExecEvent::Closed => Some(ProgramEvent::Ended),
        ExecEvent::ExitSignal(_) => Some(ProgramEvent::Killed),
        ExecEvent::ExitStatus(status) => Some(ProgramEvent::Status(status)),
        ExecEvent::Eof => None,
    }
}
