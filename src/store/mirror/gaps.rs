//! What was dropped where the session ran, before it could come here.
//!
//! A gap is listed, and the list is on the disk, before the stream's file
//! grows over it: whoever knows the file to be longer finds the gap. In the
//! file there is a hole, so every byte is at its offset.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::error::MirrorError;
use super::folder::{Mirror, blocking};
use crate::domain::gaps::{Gap, Gaps};
use crate::domain::stream::Stream;
use crate::store::files;

impl Mirror {
    /// What of a stream was dropped.
    ///
    /// # Errors
    ///
    /// The list cannot be read.
    pub async fn gaps(&self, stream: Stream) -> Result<Gaps, MirrorError> {
        let list = list_in(self.dir(), stream);
        blocking(move || match read(&list) {
            Ok(gaps) => Ok(gaps),
            Err(source) => Err(MirrorError::Read { file: list, source }),
        })
        .await
    }

    /// The last bytes of a stream of which `length` are here: at most `max`, and
    /// none from before something that was dropped.
    ///
    /// # Errors
    ///
    /// The file or the list cannot be read.
    pub async fn last_bytes(
        &self,
        stream: Stream,
        length: u64,
        max: usize,
    ) -> Result<Bytes, MirrorError> {
        let stretch = self.gaps(stream).await?.stretch_before(length);
        let from = stretch.start.max(stretch.end.saturating_sub(max as u64));
        let size = usize::try_from(stretch.end - from).unwrap_or(max);
        self.read_at(stream, from, size).await
    }

    /// What of standard output and error was dropped, for each of these folders.
    /// One that is gone has no gaps.
    ///
    /// # Errors
    ///
    /// A list cannot be read.
    pub async fn gaps_in(folders: Vec<PathBuf>) -> Result<Vec<[Gaps; 2]>, MirrorError> {
        blocking(move || {
            let of = |dir: &Path, stream| {
                let list = list_in(dir, stream);
                read(&list).map_err(|source| MirrorError::Read { file: list, source })
            };
            let both = |dir: &PathBuf| {
                let [out, err] = Stream::BOTH;
                Ok([of(dir, out)?, of(dir, err)?])
            };
            folders.iter().map(both).collect()
        })
        .await
    }
}

pub(super) fn list_in(dir: &Path, stream: Stream) -> PathBuf {
    dir.join(stream.gaps_file_name())
}

fn read(list: &Path) -> io::Result<Gaps> {
    match fs::read(list) {
        Ok(bytes) => Ok(Gaps::parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Gaps::default()),
        Err(error) => Err(error),
    }
}

/// The longest list that is added to, in bytes. Whoever reads a stream reads its
/// list; a host that drops a byte here and there could make that endless.
const MAX_LIST: u64 = 256 << 10;

/// Whether no more gaps are listed.
pub(super) fn is_full(list: &Path) -> bool {
    std::fs::metadata(list).is_ok_and(|found| found.len() >= MAX_LIST)
}

/// Adds a gap to a list, on the disk itself. What a write that was cut short
/// has left at its end goes.
pub(super) fn append(list: &Path, gap: Gap) -> io::Result<()> {
    let whole = match fs::read(list) {
        Ok(bytes) => bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let mut file = files::append_to(list)?;
    file.set_len(whole as u64)?;
    file.write_all(gap.line().as_bytes())?;
    file.sync_all()
}
