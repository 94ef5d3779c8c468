//! What is remembered of a session, once more beside its output: a registry
//! that is damaged is rebuilt from it. It is written when the session is taken
//! in and when it has ended, and no oftener.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::error::MirrorError;
use super::folder::{Mirror, blocking};
use crate::domain::ids::SessionId;
use crate::domain::session::SessionRecord;
use crate::store::files;

/// The longest record that is read: a command is as long as a request may be.
const MAX_RECORD: u64 = 32 << 20;

impl Mirror {
    /// Writes the record; at no moment is there half of one.
    ///
    /// # Errors
    ///
    /// The disk is full or fails.
    pub async fn save_record(&self, record: &SessionRecord) -> Result<(), MirrorError> {
        let (file, new) = (record_file(self.dir()), self.dir().join("record.json.new"));
        // Strings, numbers and lists of them: there is nothing to fail.
        let json = serde_json::to_vec(record).unwrap_or_default();
        blocking(move || {
            files::write_whole(&new, &json)
                .and_then(|()| fs::rename(&new, &file))
                .map_err(|source| MirrorError::write(&file, 0, 0, source))
        })
        .await
    }
}

fn record_file(dir: &Path) -> PathBuf {
    dir.join("record.json")
}

/// All records beside the mirrors in `sessions`; what is no folder of a
/// session's, or has no record that can be read, is left out. Blocks.
///
/// # Errors
///
/// The folder itself cannot be read.
pub fn kept_records(sessions: &Path) -> io::Result<Vec<SessionRecord>> {
    let mut records = Vec::new();
    for entry in fs::read_dir(sessions)? {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse::<SessionId>().ok());
        let record = read(&record_file(&entry.path()));
        records.extend(record.filter(|record| Some(&record.id) == id.as_ref()));
    }
    Ok(records)
}

fn read(file: &Path) -> Option<SessionRecord> {
    let mut json = Vec::new();
    fs::File::open(file).ok()?.take(MAX_RECORD).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_record_that_can_be_read_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |id: u64| dir.path().join(SessionId::from_bits(id).as_str());
        for id in 1..=4 {
            let mirror = Mirror::create(folder(id)).await.unwrap();
            mirror.save_record(&SessionRecord::sample(id)).await.unwrap();
        }
        // Half a record, one that is another's, and none.
        fs::write(folder(2).join("record.json"), "{\"id\":").unwrap();
        fs::copy(folder(1).join("record.json"), folder(3).join("record.json")).unwrap();
        fs::remove_file(folder(4).join("record.json")).unwrap();
        fs::write(dir.path().join("a file"), "").unwrap();
        assert_eq!(kept_records(dir.path()).unwrap(), [SessionRecord::sample(1)]);
    }
}
