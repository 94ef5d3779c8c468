//! A child process whose outputs are collected, and that cannot hang a test.

use std::fmt;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;

use super::must::Must;
use super::processes;
use super::wait::{PATIENCE, holds_within};

/// Bytes that a thread reads from a pipe while the test goes on.
#[derive(Debug)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.extend_from_slice(&buffer[..length]);
            }
        });
        Self { bytes, reader }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn length(&self) -> usize {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All of it. A reader that does not end means that somebody else holds
    /// the pipe: a daemon that kept the outputs of the command that started it.
    fn all(self, what: &str, which: &str) -> Vec<u8> {
        assert!(
            holds_within(PATIENCE, || self.reader.is_finished()),
            "{what} has ended, but something that it started still holds its {which}"
        );
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A child that runs.
#[derive(Debug)]
pub(crate) struct Running {
    what: String,
    child: Child,
    stdout: Option<Collected>,
    stderr: Option<Collected>,
}

impl Running {
    /// Starts `command`; `input` is all of its standard input.
    pub(crate) fn start(mut command: Command, input: Input) -> Self {
        let what = describe(&command);
        command.stdin(match input {
            Input::Nothing => Stdio::null(),
            Input::Bytes(_) | Input::Open => Stdio::piped(),
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().must(&what);
        if let Input::Bytes(bytes) = input {
            let mut pipe = child.stdin.take().must("standard input");
            // A child that reads no input closes the pipe; that is its right.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        let stdout = child.stdout.take().map(Collected::from);
        let stderr = child.stderr.take().map(Collected::from);
        Self { what, child, stdout, stderr }
    }

    /// The program and its arguments.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// Its standard output up to now.
    pub(crate) fn stdout(&self) -> Vec<u8> {
        self.stdout.as_ref().map(Collected::so_far).unwrap_or_default()
    }

    /// What it has written to its standard error so far.
    pub(crate) fn stderr(&self) -> Vec<u8> {
        self.stderr.as_ref().map(Collected::so_far).unwrap_or_default()
    }

    /// How many bytes of standard output there are up to now.
    pub(crate) fn stdout_length(&self) -> usize {
        self.stdout.as_ref().map(Collected::length).unwrap_or_default()
    }

    /// Writes to its standard input, which was left open.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let pipe = self.child.stdin.as_mut().must("standard input");
        pipe.write_all(bytes).must("write to the child");
        pipe.flush().must("write to the child");
    }

    /// Closes its standard input.
    pub(crate) fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().must("wait for the child").is_some()
    }

    /// Waits for its end, for as long as anything may take.
    #[track_caller]
    pub(crate) fn finish(self) -> Finished {
        self.finish_within(PATIENCE)
    }

    /// Waits for its end, kills it if that does not come, and panics then.
    #[track_caller]
    pub(crate) fn finish_within(mut self, limit: Duration) -> Finished {
        if !holds_within(limit, || self.has_ended()) {
            panic!(
                "{} has not ended in {limit:?}\nstdout ({} bytes), stderr:\n{}",
                self.what,
                self.stdout_length(),
                self.stderr.as_ref().map(Collected::so_far).map(lossy).unwrap_or_default()
            );
        }
        let status = self.child.wait().must("wait for the child");
        let what = std::mem::take(&mut self.what);
        let stdout = self.stdout.take().map(|c| c.all(&what, "stdout")).unwrap_or_default();
        let stderr = self.stderr.take().map(|c| c.all(&what, "stderr")).unwrap_or_default();
        Finished { what, status, stdout, stderr }
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a child's standard input is.
#[derive(Debug)]
pub(crate) enum Input {
    /// `/dev/null`.
    Nothing,
    /// A pipe with these bytes, then its end.
    Bytes(Vec<u8>),
    /// A pipe that the test writes to and closes.
    Open,
}

/// A child that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    what: String,
    status: ExitStatus,
    /// All of its standard output.
    pub(crate) stdout: Vec<u8>,
    /// All of its standard error.
    pub(crate) stderr: Vec<u8>,
}

impl Finished {
    /// Its exit status; `None` if a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Its standard output, as text.
    pub(crate) fn out(&self) -> String {
        lossy(self.stdout.clone())
    }

    /// Its standard error, as text.
    pub(crate) fn err(&self) -> String {
        lossy(self.stderr.clone())
    }

    /// Itself, if it exited with `code`.
    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{self}");
        self
    }

    /// Itself, if it said no, by its status and in words. A panic (101) and
    /// death by a signal are no way to say it.
    #[track_caller]
    pub(crate) fn refused(self) -> Self {
        assert!(self.code().is_some_and(|code| code != 0 && code != 101), "{self}");
        assert!(!self.stderr.is_empty() && !self.err().contains("panicked"), "{self}");
        self
    }

    /// Itself, if its standard error holds `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err().contains(text), "nothing of {text:?} on stderr\n{self}");
        self
    }

    /// Its standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("no JSON on stdout: {error}\n{self}"),
        }
    }

    /// Its standard output as JSON values, one a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let value = |line: &str| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("no JSON on a line of stdout: {error}\n{self}"),
        };
        self.out().lines().map(value).collect()
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4096;
        let shorten = |bytes: &[u8]| lossy(bytes[..bytes.len().min(SHOWN)].to_vec());
        let signal = self.status.signal();
        writeln!(f, "{}\n  status {:?}, signal {signal:?}", self.what, self.code())?;
        writeln!(f, "--- stdout ({} bytes)\n{}", self.stdout.len(), shorten(&self.stdout))?;
        writeln!(f, "--- stderr ({} bytes)\n{}", self.stderr.len(), shorten(&self.stderr))
    }
}

fn describe(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
