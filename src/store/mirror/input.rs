//! What was sent to standard input, until it is in the spool there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;

use super::error::MirrorError;
use super::folder::{Mirror, blocking, read_at, read_now};
use crate::domain::session::piece::{Offer, Placement, place};
use crate::store::files;

/// A piece of input, as a sender offers it.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    /// The bytes.
    pub bytes: Bytes,
    /// Where they begin; `None` is wherever the input ends by now.
    pub offset: Option<u64>,
    /// Whether they were offered before, and the answer was lost.
    pub again: bool,
    /// Whether the input ends behind them.
    pub ends: bool,
}

/// What came of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is here, once, and stays through a power cut.
    Here {
        /// Bytes of input in all.
        accepted: u64,
        /// Whether there will be no more.
        ended: bool,
    },
    /// The input does not end where the piece was to begin.
    Moved {
        /// Where it ends.
        accepted: u64,
    },
    /// The input has its end.
    Closed,
}

impl Mirror {
    /// Takes a piece of input in, all of it or nothing. Concurrent senders come
    /// one after the other.
    ///
    /// # Errors
    ///
    /// The disk is full or fails; then nothing of it was taken, and it can be
    /// sent again. [`MirrorError::Gone`] where the input has moved on to the
    /// next attempt.
    pub async fn take_input(&self, piece: Piece) -> Result<Taken, MirrorError> {
        let permit = self.input.clone().acquire_owned().await;
        let permit = permit.map_err(|_| MirrorError::Stopping)?;
        let of = self.clone();
        blocking(move || {
            let _one_at_a_time = permit;
            take(&of, &piece)
        })
        .await
    }

    /// Has the input be at least so long, so that what is added next has its
    /// place: what is missing here is in the spool there, and not read again.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub async fn lengthen_input(&self, length: u64) -> Result<(), MirrorError> {
        let path = self.input_file();
        blocking(move || {
            let lengthen = || {
                let file = files::append_to(&path)?;
                if file.metadata()?.len() < length { file.set_len(length) } else { Ok(()) }
            };
            lengthen().map_err(|source| MirrorError::write(&path, 0, 0, source))
        })
        .await
    }

    /// Whether the input has its end here.
    ///
    /// # Errors
    ///
    /// The folder cannot be looked at.
    pub async fn input_has_ended(&self) -> Result<bool, MirrorError> {
        let mark = self.end_mark();
        blocking(move || has_ended(&mark)).await
    }

    /// Up to `max` bytes of the input from `offset` on; fewer only where it
    /// ends for now.
    ///
    /// Read no further than the length that [`take_input`](Self::take_input) or
    /// [`lengths`](Self::lengths) answered with: beyond it may be the beginning
    /// of input that is being taken back.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn input_from(&self, offset: u64, max: usize) -> Result<Bytes, MirrorError> {
        read_at(self.input_file(), offset, max).await
    }

    /// The file that is there once the input has its end.
    fn end_mark(&self) -> std::path::PathBuf {
        self.dir().join("in.end")
    }
}

fn take(mirror: &Mirror, piece: &Piece) -> Result<Taken, MirrorError> {
    let (path, mark) = (mirror.input_file(), mirror.end_mark());
    // Not made anew: a folder without it has handed it on.
    let mut file = match files::owner_only().append(true).open(&path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            return Err(MirrorError::Gone { dir: mirror.dir().to_owned() });
        }
        Err(source) => return Err(MirrorError::Create { path, source }),
    };
    let failed = |source| MirrorError::Read { file: path.clone(), source };
    let before = file.metadata().map_err(failed)?.len();
    let ended = has_ended(&mark)?;
    if ended && !piece.again {
        return Ok(Taken::Closed);
    }
    let (offset, again) = (piece.offset, piece.again);
    let offer = Offer { offset, length: piece.bytes.len() as u64, again };
    let Placement::After(there) = place(offer, before) else {
        return Ok(Taken::Moved { accepted: before });
    };
    // It is no more than the piece's length.
    let there = usize::try_from(there).unwrap_or(piece.bytes.len());
    if there > 0 {
        let held = read_now(&path, offset.unwrap_or(before), there).map_err(failed)?;
        if held != piece.bytes[..there] {
            return Ok(Taken::Moved { accepted: before });
        }
    }
    let rest = &piece.bytes[there..];
    if ended && !rest.is_empty() {
        return Ok(Taken::Closed);
    }
    // What was here before the answer was lost may not be on the disk yet.
    if let Err(source) = file.write_all(rest).and_then(|()| file.sync_data()) {
        let length = take_back(&file, before).unwrap_or(before);
        return Err(MirrorError::write(&path, length - before, length, source));
    }
    let accepted = before + rest.len() as u64;
    if piece.ends && !ended {
        set_mark(&mark).map_err(|source| MirrorError::write(&mark, 0, 0, source))?;
    }
    Ok(Taken::Here { accepted, ended: ended || piece.ends })
}

/// Makes the mark, and has it survive a power cut: a name is on the disk once
/// its folder is (fsync(2)).
fn set_mark(mark: &Path) -> io::Result<()> {
    files::append_to(mark)?.sync_all()?;
    match mark.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn has_ended(mark: &Path) -> Result<bool, MirrorError> {
    match fs::symlink_metadata(mark) {
        Ok(_) => Ok(true),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(MirrorError::Read { file: mark.to_owned(), source }),
    }
}

/// Cuts the file back to `before` and returns the length that it has then.
fn take_back(file: &File, before: u64) -> io::Result<u64> {
    match file.set_len(before) {
        Ok(()) => Ok(before),
        Err(_) => Ok(file.metadata()?.len().max(before)),
    }
}
