//! Adding output.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::error::MirrorError;
use super::folder::{Mirror, blocking};
use crate::domain::stream::Stream;
use crate::store::files;

/// The one writer of a session's output; its files stay open.
///
/// Appends go to the disk one after the other, in the order of the calls. An
/// append whose future is dropped is still carried out, at a time that nobody
/// knows, so the writer is of no use afterwards and says so.
#[derive(Debug)]
pub struct MirrorWriter {
    dir: PathBuf,
    /// Away while an append runs.
    files: Option<Box<Files>>,
}

/// What travels to the blocking thread and back. The permit is with the files
/// and not with the writer: a dropped writer's last append still has it, and
/// the next writer waits for that.
#[derive(Debug)]
struct Files {
    out: Tail<File>,
    err: Tail<File>,
    _only_writer: OwnedSemaphorePermit,
}

/// A file that is only added to.
#[derive(Debug)]
struct Tail<F> {
    path: PathBuf,
    file: F,
    length: u64,
}

impl MirrorWriter {
    pub(super) async fn open(mirror: &Mirror) -> Result<Self, MirrorError> {
        let permit = mirror.output.clone().acquire_owned().await;
        let only_writer = permit.map_err(|_| MirrorError::Stopping)?;
        let (out, err) = (mirror.file(Stream::Stdout), mirror.file(Stream::Stderr));
        let files = blocking(move || {
            let (out, err) = (Tail::open(out)?, Tail::open(err)?);
            Ok(Box::new(Files { out, err, _only_writer: only_writer }))
        })
        .await?;
        Ok(Self { dir: mirror.dir().to_owned(), files: Some(files) })
    }

    /// How much of a stream is in its file: where to resume reading from the
    /// spool.
    ///
    /// # Errors
    ///
    /// An earlier append was dropped before it was done.
    pub fn length(&self, stream: Stream) -> Result<u64, MirrorError> {
        let files = self.files.as_ref().ok_or_else(|| self.abandoned())?;
        Ok(match stream {
            Stream::Stdout => files.out.length,
            Stream::Stderr => files.err.length,
        })
    }

    /// Adds `batch` to a stream, in one go where the system takes it, and
    /// returns the file's new length.
    ///
    /// # Errors
    ///
    /// The disk is full or fails. What is in the file by then stays and
    /// counts: the error says how much of the batch that is, and the rest is
    /// to be offered again.
    pub async fn append(&mut self, stream: Stream, batch: Vec<Bytes>) -> Result<u64, MirrorError> {
        self.with_files(move |files| {
            match stream {
                Stream::Stdout => &mut files.out,
                Stream::Stderr => &mut files.err,
            }
            .append(&batch)
        })
        .await
    }

    /// Has the system put all that was added on the disk itself, so that it
    /// survives a power cut: before the spool that it came from is removed.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn sync(&mut self) -> Result<(), MirrorError> {
        self.with_files(|files| {
            for Tail { path, file, length } in [&files.out, &files.err] {
                file.sync_all().map_err(|source| MirrorError::write(path, 0, *length, source))?;
            }
            Ok(())
        })
        .await
    }

    async fn with_files<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Files) -> Result<T, MirrorError> + Send + 'static,
    ) -> Result<T, MirrorError> {
        let mut files = self.files.take().ok_or_else(|| self.abandoned())?;
        let (files, result) = blocking(move || {
            let result = work(&mut files);
            Ok((files, result))
        })
        .await?;
        self.files = Some(files);
        result
    }

    fn abandoned(&self) -> MirrorError {
        MirrorError::Abandoned { dir: self.dir.clone() }
    }
}

impl Tail<File> {
    fn open(path: PathBuf) -> Result<Self, MirrorError> {
        let opened = files::append_to(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((length, file)) => Ok(Self { path, file, length }),
            Err(source) => Err(MirrorError::Create { path, source }),
        }
    }
}

impl<F: Write> Tail<F> {
    /// Adds all of `batch`, or says how far it came.
    fn append(&mut self, batch: &[Bytes]) -> Result<u64, MirrorError> {
        let before = self.length;
        match self.write_all(batch) {
            Ok(()) => Ok(self.length),
            Err(source) => {
                Err(MirrorError::write(&self.path, self.length - before, self.length, source))
            }
        }
    }

    /// A short write is what a disk that fills up answers with first; the rest
    /// is offered again, and that answers with the error.
    fn write_all(&mut self, batch: &[Bytes]) -> io::Result<()> {
        let mut slices: Vec<_> =
            batch.iter().filter(|part| !part.is_empty()).map(|part| IoSlice::new(part)).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match self.file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    self.length += taken as u64;
                    IoSlice::advance_slices(&mut rest, taken);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
