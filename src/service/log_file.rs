//! A log file that does not grow for ever.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

/// Lines between two looks at the log's length.
const LOOK_EVERY: u64 = 64;

/// Standard error, as long as it is a log of its own: when that has grown enough
/// it becomes `NAME.1`, which takes the place of the one before, and standard
/// error goes into a new file. Two files are enough to see what came before a
/// restart, and what is older is in nobody's way.
///
/// It is standard error itself that moves, so that a panic's message is in the
/// same file as all else.
#[derive(Debug, Clone)]
pub struct LogFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    most: u64,
    lines: AtomicU64,
    /// Held by who puts it aside, so that it is put aside once.
    turning: Mutex<()>,
}

impl LogFile {
    /// The file at `path`, which standard error writes to; it is put aside once
    /// it has `most` bytes, or a few more.
    #[must_use]
    pub fn new(path: PathBuf, most: u64) -> Self {
        Self(Arc::new(Inner { path, most, lines: AtomicU64::new(0), turning: Mutex::new(()) }))
    }

    /// Puts the file aside if it is full. A file that cannot be put aside goes on
    /// growing: no line is lost for it.
    fn look(&self) {
        if !self.0.lines.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK_EVERY) {
            return;
        }
        if let Ok(_held) = self.0.turning.try_lock() {
            let _ = turn(&self.0.path, self.0.most);
        }
    }
}

/// Starts a new file at `path` if the one that is there, and that standard error
/// writes to, has `most` bytes.
fn turn(path: &Path, most: u64) -> io::Result<()> {
    let there = fs::metadata(path)?;
    // Another process may have put it aside.
    if !is_stderr(&there)? || there.len() < most {
        return Ok(());
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".1");
    fs::rename(path, &aside)?;
    let new = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    rustix::stdio::dup2_stderr(&new)?;
    Ok(())
}

/// Whether standard error writes to the file that `there` is of.
fn is_stderr(there: &fs::Metadata) -> io::Result<bool> {
    let stderr = stderr()?;
    Ok((stderr.dev(), stderr.ino()) == (there.dev(), there.ino()))
}

/// What standard error is.
fn stderr() -> io::Result<fs::Metadata> {
    File::from(io::stderr().as_fd().try_clone_to_owned()?).metadata()
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = io::Stderr;

    fn make_writer(&'a self) -> io::Stderr {
        self.look();
        io::stderr()
    }
}
