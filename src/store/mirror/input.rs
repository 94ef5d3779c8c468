//! What was sent to standard input, until it is in the spool there.

use std::fs::File;
use std::io::{self, Write};

use bytes::Bytes;

use super::error::MirrorError;
use super::folder::{Mirror, blocking, read_at};
use crate::store::files;

impl Mirror {
    /// Takes input in, all of it or nothing, and returns how much was taken in
    /// all. Concurrent senders come one after the other.
    ///
    /// # Errors
    ///
    /// The disk is full or fails; then nothing of it was taken, and it can be
    /// sent again.
    pub async fn append_input(&self, bytes: Bytes) -> Result<u64, MirrorError> {
        let permit = self.input.clone().acquire_owned().await;
        let permit = permit.map_err(|_| MirrorError::Stopping)?;
        let path = self.input_file();
        blocking(move || {
            let _one_at_a_time = permit;
            let opened = files::append_to(&path).and_then(|f| Ok((f.metadata()?.len(), f)));
            let (before, mut file) = match opened {
                Ok(opened) => opened,
                Err(source) => return Err(MirrorError::Create { path, source }),
            };
            match file.write_all(&bytes) {
                Ok(()) => Ok(before + bytes.len() as u64),
                Err(source) => {
                    let length = take_back(&file, before).unwrap_or(before);
                    Err(MirrorError::write(&path, length - before, length, source))
                }
            }
        })
        .await
    }

    /// Has the input begin at `offset`: what was before that was sent by somebody
    /// else, and is nothing but a hole here. An input that is as long already
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// The file cannot be made that long.
    pub async fn begin_input_at(&self, offset: u64) -> Result<(), MirrorError> {
        let path = self.input_file();
        blocking(move || {
            let opened = files::append_to(&path);
            let made = opened.and_then(|file| match file.metadata()?.len() {
                length if length >= offset => Ok(()),
                _ => file.set_len(offset),
            });
            made.map_err(|source| MirrorError::Create { path, source })
        })
        .await
    }

    /// Up to `max` bytes of the input from `offset` on; fewer only where it
    /// ends for now.
    ///
    /// Read no further than the length that
    /// [`append_input`](Self::append_input) or [`lengths`](Self::lengths)
    /// answered with: beyond it may be the beginning of input that is being
    /// taken back.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn input_from(&self, offset: u64, max: usize) -> Result<Bytes, MirrorError> {
        read_at(self.input_file(), offset, max).await
    }
}

/// Cuts the file back to `before` and returns the length that it has then.
fn take_back(file: &File, before: u64) -> io::Result<u64> {
    match file.set_len(before) {
        Ok(()) => Ok(before),
        Err(_) => Ok(file.metadata()?.len().max(before)),
    }
}
