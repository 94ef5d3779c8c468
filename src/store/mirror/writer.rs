//! Adding output.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::error::MirrorError;
use super::folder::{Mirror, blocking};
use super::gaps::{self, list_in};
use crate::domain::gaps::Gap;
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

    /// Goes on at `offset` of a stream, because what lies before it was dropped
    /// where it came from. Returns the stream's new length.
    ///
    /// The gap is on the disk before the length tells of it. An offset that is
    /// not behind the length changes nothing.
    ///
    /// # Errors
    ///
    /// The disk is full or fails, or so many gaps are listed already that no more
    /// are; the length is then what it was.
    pub async fn skip_to(&mut self, stream: Stream, offset: u64) -> Result<u64, MirrorError> {
        let list = list_in(&self.dir, stream);
        self.with_files(move |files| {
            let Tail { path, file, length } = match stream {
                Stream::Stdout => &mut files.out,
                Stream::Stderr => &mut files.err,
            };
            if offset > *length {
                if gaps::is_full(&list) {
                    return Err(MirrorError::TooManyGaps);
                }
                let gap = Gap { from: *length, to: offset };
                gaps::append(&list, gap)
                    .map_err(|source| MirrorError::write(&list, 0, *length, source))?;
                // A hole: every byte stays at its offset, and the gap costs no room.
                file.set_len(offset)
                    .map_err(|source| MirrorError::write(path, 0, *length, source))?;
                *length = offset;
            }
            Ok(*length)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A disk with room for so many bytes, which takes a few at a time.
    struct Disk {
        holds: Vec<u8>,
        room: usize,
        at_a_time: usize,
        interrupted: bool,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let taken = bytes.len().min(self.at_a_time).min(self.room - self.holds.len());
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.holds.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        /// The spool is read from the length on, so the length must be right
        /// wherever the disk fills up.
        #[test]
        fn a_full_disk_holds_a_prefix_and_its_length_is_told(
            batches in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..4), 1..8),
            room in 0usize..200,
            at_a_time in 1usize..30,
        ) {
            let disk = Disk { holds: Vec::new(), room, at_a_time, interrupted: false };
            let mut tail = Tail { path: "out".into(), file: disk, length: 0 };
            let mut offered = Vec::new();
            for batch in batches {
                let before = tail.length;
                offered.extend(batch.concat());
                let batch: Vec<_> = batch.into_iter().map(Bytes::from).collect();
                match tail.append(&batch) {
                    Ok(length) => prop_assert_eq!(length, offered.len() as u64),
                    Err(MirrorError::Full { taken, length, .. }) => {
                        prop_assert_eq!(length, room as u64);
                        prop_assert_eq!(taken, length - before);
                        prop_assert!(offered.len() > room);
                        prop_assert!(offered.starts_with(&tail.file.holds));
                        return Ok(());
                    }
                    Err(other) => prop_assert!(false, "{other:?}"),
                }
                prop_assert_eq!(&tail.file.holds, &offered);
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_systems_own_full_disk_is_told_from_other_errors() {
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut tail = Tail { path: "/dev/full".into(), file, length: 7 };
        let error = tail.append(&[Bytes::from_static(b"x")]).unwrap_err();
        assert!(matches!(error, MirrorError::Full { taken: 0, length: 7, .. }), "{error:?}");
    }
}
