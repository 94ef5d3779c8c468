//! What files of others were like when they were looked at, to see an edit.
//!
//! All of it blocks.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The most that is read of a file: further down, an edit is seen by the length
/// and the time.
const MOST: u64 = 1 << 20;

/// What something was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was not there.
    Missing,
    /// It could not be read.
    Closed(io::ErrorKind),
    /// A file: a hash of what is in it, of who owns it and who may use it.
    File(u64),
    /// A folder: a hash of the names in it.
    Folder(u64),
}

/// What several were like.
pub type Marks = BTreeMap<PathBuf, Mark>;

impl Mark {
    /// What is at `path` now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match mark(path) {
            Ok(mark) => mark,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            Err(error) => Self::Closed(error.kind()),
        }
    }
}

fn mark(path: &Path) -> io::Result<Mark> {
    // Before it is opened: a named pipe would wait for somebody who writes.
    let found = fs::metadata(path)?;
    let mut hash = DefaultHasher::new();
    if found.is_dir() {
        let mut names = fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        names.hash(&mut hash);
        return Ok(Mark::Folder(hash.finish()));
    }
    of_file(&found, &mut hash);
    if found.is_file() {
        let mut bytes = Vec::new();
        File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
        bytes.hash(&mut hash);
        if found.len() > MOST {
            (found.len(), found.mtime(), found.mtime_nsec()).hash(&mut hash);
        }
    }
    Ok(Mark::File(hash.finish()))
}

fn of_file(found: &Metadata, hash: &mut DefaultHasher) {
    (found.uid(), found.mode()).hash(hash);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_edit_is_what_ssh_would_see_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let (file, folder) = (dir.path().join("config"), dir.path().join("conf.d"));
        let now = || [&file, &folder].map(|path| Mark::of(path));
        let mut last = now();
        let mut changes = |act: &dyn Fn()| {
            act();
            let before = std::mem::replace(&mut last, now());
            [before[0] != last[0], before[1] != last[1]]
        };
        let (none, of_file, of_folder) = ([false, false], [true, false], [false, true]);
        assert_eq!(changes(&|| {}), none);
        assert_eq!(changes(&|| fs::write(&file, "a").unwrap()), of_file);
        assert_eq!(changes(&|| fs::write(&file, "b").unwrap()), of_file);
        // Written again, and nothing changed.
        assert_eq!(changes(&|| fs::write(&file, "b").unwrap()), none);
        let open = || fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(changes(&open), of_file);
        assert_eq!(changes(&|| fs::create_dir(&folder).unwrap()), of_folder);
        assert_eq!(changes(&|| fs::write(folder.join("x"), "").unwrap()), of_folder);
        assert_eq!(changes(&|| fs::remove_file(&file).unwrap()), of_file);
    }
}
