//! The folder, and reading what is in it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::MirrorError;
use super::writer::MirrorWriter;
use crate::domain::ids::SessionId;
use crate::domain::stream::Stream;
use crate::store::files;

/// One session's folder.
///
/// A handle: clones stand for the same folder and share its one writer. A
/// process makes one of these for a session and clones it from there on.
#[derive(Debug, Clone)]
pub struct Mirror {
    dir: Arc<Path>,
    /// One permit: whoever adds output has it.
    pub(super) output: Arc<Semaphore>,
    /// One permit: whoever adds input has it.
    pub(super) input: Arc<Semaphore>,
}

/// How many bytes of each file are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lengths {
    /// Of standard output.
    pub stdout: u64,
    /// Of standard error.
    pub stderr: u64,
    /// Of what was sent to standard input.
    pub stdin: u64,
}

impl Lengths {
    /// The length of one stream.
    #[must_use]
    pub fn of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}

impl Mirror {
    /// Makes the folder and its files, for the owner alone. What is there
    /// already stays, so a start that was cut short is done again by this.
    ///
    /// # Errors
    ///
    /// The folder or a file cannot be made.
    pub async fn create(dir: impl Into<PathBuf>) -> Result<Self, MirrorError> {
        let mirror = Self::at(dir.into());
        let of = mirror.clone();
        blocking(move || {
            let failed =
                |path: &Path, source| MirrorError::Create { path: path.to_owned(), source };
            files::create_folder(&of.dir).map_err(|source| failed(&of.dir, source))?;
            for file in [of.file(Stream::Stdout), of.file(Stream::Stderr), of.input_file()] {
                files::append_to(&file).map_err(|source| failed(&file, source))?;
            }
            Ok(())
        })
        .await?;
        Ok(mirror)
    }

    /// The folder of a session that was here before.
    ///
    /// # Errors
    ///
    /// There is no such folder.
    pub async fn open(dir: impl Into<PathBuf>) -> Result<Self, MirrorError> {
        let mirror = Self::at(dir.into());
        let dir = Arc::clone(&mirror.dir);
        blocking(move || match fs::metadata(&dir) {
            Ok(found) if found.is_dir() => Ok(()),
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(MirrorError::Read { file: dir.to_path_buf(), source })
            }
            _ => Err(MirrorError::Gone { dir: dir.to_path_buf() }),
        })
        .await?;
        Ok(mirror)
    }

    fn at(dir: PathBuf) -> Self {
        let one = || Arc::new(Semaphore::new(1));
        Self { dir: dir.into(), output: one(), input: one() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file that has a stream's output.
    #[must_use]
    pub fn file(&self, stream: Stream) -> PathBuf {
        self.dir.join(stream.file_name())
    }

    pub(super) fn input_file(&self) -> PathBuf {
        self.dir.join("in")
    }

    /// The one writer of output. Waits until an earlier one is gone, and with
    /// it whatever it was still writing: the [`length`](MirrorWriter::length)
    /// of the new one is where to resume, and nothing moves it but that one.
    ///
    /// # Errors
    ///
    /// A file cannot be opened.
    pub async fn writer(&self) -> Result<MirrorWriter, MirrorError> {
        MirrorWriter::open(self).await
    }

    /// How much is here, by the files themselves. A missing file has nothing.
    ///
    /// # Errors
    ///
    /// A file's length cannot be read.
    pub async fn lengths(&self) -> Result<Lengths, MirrorError> {
        let of = self.clone();
        blocking(move || {
            Ok(Lengths {
                stdout: length(&of.file(Stream::Stdout))?,
                stderr: length(&of.file(Stream::Stderr))?,
                stdin: length(&of.input_file())?,
            })
        })
        .await
    }

    /// Up to `max` bytes of a stream from `offset` on; fewer only where the
    /// file ends.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn read_at(
        &self,
        stream: Stream,
        offset: u64,
        max: usize,
    ) -> Result<Bytes, MirrorError> {
        read_at(self.file(stream), offset, max).await
    }

    /// Has the system put all of the output on the disk itself, so that it
    /// survives a power cut, and says how much that is.
    ///
    /// # Errors
    ///
    /// A file cannot be opened, or the disk fails.
    pub async fn sync(&self) -> Result<Lengths, MirrorError> {
        let of = self.clone();
        blocking(move || {
            let sync = |path: &Path| {
                let synced = File::open(path).and_then(|file| {
                    file.sync_all()?;
                    Ok(file.metadata()?.len())
                });
                synced.map_err(|source| MirrorError::Read { file: path.to_owned(), source })
            };
            let stdout = sync(&of.file(Stream::Stdout))?;
            let stderr = sync(&of.file(Stream::Stderr))?;
            // The folder, too: without it the files have no names.
            sync(&of.dir)?;
            Ok(Lengths { stdout, stderr, stdin: length(&of.input_file())? })
        })
        .await
    }

    /// Removes the folder with all that is in it; one that is gone is no error.
    ///
    /// # Errors
    ///
    /// Something in it cannot be removed.
    pub async fn remove(&self) -> Result<(), MirrorError> {
        let dir = Arc::clone(&self.dir);
        blocking(move || match fs::remove_dir_all(&dir) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(MirrorError::Remove { path: dir.to_path_buf(), source })
            }
            _ => Ok(()),
        })
        .await
    }
}

/// How much room each session's folder in `sessions` takes, in bytes.
///
/// # Errors
///
/// The folder cannot be read.
pub async fn sizes(sessions: PathBuf) -> Result<HashMap<SessionId, u64>, MirrorError> {
    blocking(move || {
        let listed = fs::read_dir(&sessions)
            .map_err(|source| MirrorError::Read { file: sessions.clone(), source })?;
        let ids = listed.flatten().filter_map(|entry| {
            let id: SessionId = entry.file_name().to_str()?.parse().ok()?;
            Some((id, entry.path()))
        });
        Ok(ids.map(|(id, folder)| (id, folder_size(&folder))).collect())
    })
    .await
}

/// What cannot be looked at, because it has just gone, takes nothing. Nor does the
/// hole that stands for what was dropped: a host could tell of a hole as large as
/// it likes, and have others' mirrors go to make room for it.
fn folder_size(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(folder) else { return 0 };
    let sizes = files.flatten().filter_map(|file| {
        let found = file.metadata().ok()?;
        // A block is 512 bytes here, whatever the file system's are (stat(2)).
        Some(found.len().min(found.blocks().saturating_mul(512)))
    });
    sizes.fold(0, u64::saturating_add)
}

fn length(file: &Path) -> Result<u64, MirrorError> {
    match fs::metadata(file) {
        Ok(found) => Ok(found.len()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(MirrorError::Read { file: file.to_owned(), source }),
    }
}

pub(super) async fn read_at(file: PathBuf, offset: u64, max: usize) -> Result<Bytes, MirrorError> {
    blocking(move || match read_now(&file, offset, max) {
        Ok(bytes) => Ok(bytes.into()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Bytes::new()),
        Err(source) => Err(MirrorError::Read { file, source }),
    })
    .await
}

pub(super) fn read_now(file: &Path, offset: u64, max: usize) -> io::Result<Vec<u8>> {
    let file = File::open(file)?;
    let there = file.metadata()?.len().saturating_sub(offset);
    let mut bytes = vec![0; usize::try_from(there).unwrap_or(max).min(max)];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Runs `work` where blocking is allowed.
///
/// It is carried out even if the future is dropped, unless the runtime stops
/// before it was begun.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MirrorError> + Send + 'static,
) -> Result<T, MirrorError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(MirrorError::Stopping),
        },
    }
}
