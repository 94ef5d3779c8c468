//! A person at the terminal: a line from them, without showing what is secret.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use zeroize::Zeroizing;

use crate::cli::render::harmless;
use crate::domain::secret::Secret;

/// How often a read that nobody wants any more is looked for.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// The longest line, in bytes; the rest of a longer one is dropped. A terminal
/// hands over no more than 4095 bytes of a line.
const LONGEST: usize = 4096;

/// The terminal that we were started from.
#[derive(Debug)]
pub(in crate::cli) struct Terminal(File);

impl Terminal {
    /// The controlling terminal, if there is one and we are in its foreground:
    /// it would stop us otherwise.
    pub(in crate::cli) fn open() -> Option<Self> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        let ours = rustix::process::getpgrp();
        (tcgetpgrp(&tty).ok()? == ours).then_some(Self(tty))
    }

    /// Writes to it. A server's own words may be among it.
    pub(in crate::cli) fn say(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(harmless(text).as_bytes())?;
        self.0.flush()
    }

    /// Reads a line after `prompt`; `None` at the end of the input. Dropping the
    /// future ends it, and leaves the terminal as it was.
    pub(in crate::cli) async fn line(
        &mut self,
        prompt: &str,
        secret: bool,
    ) -> io::Result<Option<Secret>> {
        let quiet = if secret { Some(Quiet::on(self.0.try_clone()?)?) } else { None };
        let unwanted = Unwanted::default();
        self.say(prompt)?;
        let (tty, flag) = (self.0.try_clone()?, unwanted.0.clone());
        let read = tokio::task::spawn_blocking(move || read_line(tty, &flag)).await;
        drop(unwanted);
        if quiet.is_some() {
            // The line's end was not shown either.
            self.say("\n")?;
        }
        read.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Says that a line is not wanted any more, when it is dropped.
#[derive(Debug, Default)]
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped.
#[derive(Debug)]
struct Quiet {
    tty: File,
    before: Termios,
}

impl Quiet {
    fn on(tty: File) -> io::Result<Self> {
        let before = tcgetattr(&tty)?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        quiet.local_modes |= LocalModes::ICANON | LocalModes::ISIG;
        // A shell that we stop for would find a terminal that shows nothing.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = 0;
        // What was typed before the question is no answer to it.
        tcsetattr(&tty, OptionalActions::Flush, &quiet)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.tty, OptionalActions::Drain, &self.before);
    }
}

/// Reads up to the end of a line, or until nobody wants it any more.
fn read_line(mut tty: File, unwanted: &AtomicBool) -> io::Result<Option<Secret>> {
    // Room from the start, so that no copy is left behind by growing.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let mut chunk = Zeroizing::new([0; 256]);
    loop {
        if unwanted.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if !is_ready(&tty)? {
            continue;
        }
        let length = match tty.read(&mut *chunk) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if length == 0 {
            return Ok(None);
        }
        let room = LONGEST.saturating_sub(line.len());
        line.extend_from_slice(&chunk[..length.min(room)]);
        if let Some(end) = chunk[..length].iter().position(|byte| *byte == b'\n') {
            let end = line.len().saturating_sub(length.min(room)) + end.min(room);
            line.truncate(end);
            let text = std::str::from_utf8(&line)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
            return Ok(Some(Secret::new(text)));
        }
    }
}

fn is_ready(tty: &File) -> io::Result<bool> {
    let fd = tty.as_fd();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    match poll(&mut fds, Some(&LOOK)) {
        // An error or a hang-up is told by the read.
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
