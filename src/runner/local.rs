//! This machine as a host: programs as children, no SSH in between.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::io::ProgramEvent;
use super::limits::lowered;
use super::program::BOOTSTRAP;
use crate::domain::failure::trouble::{LinkTrouble, LostHow};

/// Bytes that one read takes at most: what a pipe holds.
const READ: usize = 64 * 1024;

/// What a session on this machine finds in its environment, where the daemon
/// has it: what a login would have set. The rest of the daemon's environment
/// is whatever the shell had that happened to start it.
const LOGIN_ENVIRONMENT: [&str; 13] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
];

/// A program of the runner that is a child of this process.
///
/// Dropping it closes its streams, upon which the program ends by itself, and
/// leaves the session running. Nothing is killed.
#[derive(Debug)]
pub struct LocalProgram {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    out: BytesMut,
    err: BytesMut,
    child: Child,
    /// Whether the process itself is known to have ended. What it had started
    /// may have its streams still.
    gone: bool,
}

impl LocalProgram {
    /// Starts the bootstrap.
    ///
    /// # Errors
    ///
    /// `/bin/sh` could not be started.
    pub fn start() -> io::Result<Self> {
        let kept =
            LOGIN_ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("{}{BOOTSTRAP}", lowered()))
            .env_clear()
            .envs(kept.collect::<Vec<(&&str, OsString)>>())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A signal for the daemon's group is not for the session's wrapper.
            .process_group(0)
            .spawn()?;
        Ok(Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            out: BytesMut::new(),
            err: BytesMut::new(),
            child,
            gone: false,
        })
    }

    /// The next event. After [`ProgramEvent::Ended`] or [`ProgramEvent::Killed`]
    /// there is no other.
    pub async fn next(&mut self) -> ProgramEvent {
        loop {
            // Reads are cancel-safe: an arm that is not taken has read nothing.
            let (read, from_stdout) = tokio::select! {
                read = read_into(&mut self.stdout, &mut self.out), if self.stdout.is_some() => {
                    (read, true)
                }
                read = read_into(&mut self.stderr, &mut self.err), if self.stderr.is_some() => {
                    (read, false)
                }
                status = self.child.wait(), if !self.gone => {
                    self.gone = true;
                    if status.is_ok_and(|status| status.signal().is_some()) {
                        return ProgramEvent::Killed;
                    }
                    continue;
                }
                else => return ProgramEvent::Ended,
            };
            match (read, from_stdout) {
                (Ok(0) | Err(_), true) => self.stdout = None,
                (Ok(0) | Err(_), false) => self.stderr = None,
                (Ok(_), true) => return ProgramEvent::Stdout(self.out.split().freeze()),
                (Ok(_), false) => return ProgramEvent::Stderr(self.err.split().freeze()),
            }
        }
    }

    /// Writes to its standard input.
    ///
    /// # Errors
    ///
    /// The program no longer reads.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), LinkTrouble> {
        let Some(stdin) = &mut self.stdin else {
            return Err(gone(&io::ErrorKind::BrokenPipe.into()));
        };
        stdin.write_all(bytes).await.map_err(|error| gone(&error))
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }
}

async fn read_into(
    stream: &mut Option<impl tokio::io::AsyncRead + Unpin>,
    buffer: &mut BytesMut,
) -> io::Result<usize> {
    match stream {
        Some(stream) => {
            buffer.reserve(READ);
            stream.read_buf(buffer).await
        }
        None => Ok(0),
    }
}

fn gone(error: &io::Error) -> LinkTrouble {
    LinkTrouble::Lost { how: LostHow::Closed, detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::launch::{Nonce, Parameters};
    use crate::runner::program::Program;

    #[tokio::test]
    async fn a_program_runs_and_speaks() {
        let nonce = Nonce::from_bits(3);
        let mut program = LocalProgram::start().expect("a shell");
        program.write(Program::Probe.line()).await.expect("taken");
        program.write(&Parameters::new(&nonce).finish()).await.expect("taken");
        let mut said = Vec::new();
        loop {
            match program.next().await {
                ProgramEvent::Stdout(bytes) => said.extend_from_slice(&bytes),
                ProgramEvent::Stderr(_) | ProgramEvent::Status(_) => {}
                ProgramEvent::Ended | ProgramEvent::Killed => break,
            }
        }
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(&format!("\x1e{} path ", nonce.as_str())), "{said}");
    }

    #[tokio::test]
    async fn a_program_that_was_killed_is_not_waited_for_where_a_child_holds_its_streams() {
        let mut program = LocalProgram::start().expect("a shell");
        program.write(b"(read line; sleep 0) & kill -KILL $$\n").await.expect("taken");
        let heard = tokio::time::timeout(Duration::from_secs(30), program.next()).await;
        assert_eq!(heard, Ok(ProgramEvent::Killed));
    }
}
