//! Replacing a file of the configuration by an edit of it.
//!
//! The new text is checked as the daemon would check it, together with all
//! other files, before anything is written. Then it takes the place of the old
//! one in one step, with its mode, its owner and its attributes, unless the file has
//! changed in the meantime.

mod attributes;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{Access, FlockOperation, Gid, Uid, access, fchown, flock};
use rustix::io::Errno;

use super::Snapshot;
use crate::domain::config::edit::{EMPTY, Edit, EditError, Request, plan};
use crate::domain::config::{Report, Role, SourceFile};

/// What some editors put before the text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// Another edit takes milliseconds. These many pauses are five seconds.
const PAUSES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such edit.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The configuration could not be taken as it would be then.
    #[error("{0}")]
    Refused(Report),
    /// The file was changed by somebody else.
    #[error("{} was changed in the meantime", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The file has several names, and only this one would be edited.
    #[error("{} is one of {links} names of one file, which an edit would part", file.display())]
    HardLinks {
        /// The file.
        file: PathBuf,
        /// The number of its names.
        links: u64,
    },
    /// The file is not ours to write.
    #[error("{} cannot be written: {source}", file.display())]
    ReadOnly {
        /// The file.
        file: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// An access control list or another attribute of the file would be lost.
    #[error("{name} of {} cannot be kept: {source}", file.display())]
    Attribute {
        /// The file.
        file: PathBuf,
        /// The attribute, as xattr(7) has it.
        name: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Another edit does not come to its end.
    #[error("another edit of {} is under way", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// The file system does not do it.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// An edit of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The edit.
    pub edit: Edit,
    /// Whether the file was not there before.
    pub creates: bool,
    /// What is odd about the configuration then, but no error.
    pub warnings: Vec<String>,
}

/// Edits the configuration whose main file is `main`; writes nothing if `dry`.
///
/// # Errors
///
/// See [`ChangeError`]; nothing has been written then.
pub fn change(
    main: &Path,
    home: Option<&Path>,
    request: &Request,
    dry: bool,
) -> Result<Change, ChangeError> {
    let folder = main.parent().unwrap_or(Path::new("/"));
    // Held until the end; a file of its own would be left behind.
    let _lock = if dry { None } else { Some(lock(folder)?) };
    let mut snapshot = Snapshot::take(main, home);
    let creates = !snapshot.exists;
    if creates {
        let text = Ok(EMPTY.to_owned());
        snapshot.files.insert(0, SourceFile { path: main.to_owned(), role: Role::Main, text });
    }
    let edit = match plan(&snapshot.files, home, request) {
        Ok(edit) => edit,
        // The report says what and where.
        Err(broken @ EditError::Broken { .. }) => {
            return Err(snapshot.load(home).err().map_or(broken.into(), ChangeError::Refused));
        }
        Err(error) => return Err(error.into()),
    };
    let creates = creates && edit.file == main;
    let new = snapshot.with(&edit.file, &edit.text, home);
    let loaded = new.load(home).map_err(ChangeError::Refused)?;
    if !dry && !edit.lines.is_empty() {
        if creates {
            put(main, edit.text.as_bytes(), None)?;
        } else {
            let known = snapshot.files.iter().find(|file| file.path == edit.file);
            let before = known.and_then(|file| file.text.as_deref().ok()).unwrap_or_default();
            replace(&edit.file, before, &edit.text)?;
        }
    }
    let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
    Ok(Change { edit, creates, warnings })
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ChangeError {
    move |source| ChangeError::Io { doing, path: path.to_owned(), source }
}

/// One edit at a time; makes the folder if it is not there.
fn lock(folder: &Path) -> Result<File, ChangeError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed("make the folder", folder))?;
    let file = File::open(folder).map_err(failed("open the folder", folder))?;
    for _ in 0..PAUSES {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK | Errno::INTR) => sleep(PAUSE),
            // Some network file systems have no locks; what has changed in the
            // meantime is noticed all the same.
            Err(_) => return Ok(file),
        }
    }
    Err(ChangeError::Busy { folder: folder.to_owned() })
}

/// Replaces the text of a file, if it still is `before`.
fn replace(file: &Path, before: &str, text: &str) -> Result<(), ChangeError> {
    // The link stays one: what it leads to is replaced.
    let real = fs::canonicalize(file).map_err(failed("find", file))?;
    let old = fs::read(&real).map_err(failed("read", &real))?;
    let mark = if old.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { &[] };
    if &old[mark.len()..] != before.as_bytes() {
        return Err(ChangeError::Changed { file: file.to_owned() });
    }
    let metadata = fs::metadata(&real).map_err(failed("look at", &real))?;
    if metadata.nlink() > 1 {
        return Err(ChangeError::HardLinks { file: real, links: metadata.nlink() });
    }
    if let Err(error) = access(&real, Access::WRITE_OK) {
        return Err(ChangeError::ReadOnly { file: real, source: error.into() });
    }
    let new = [mark, text.as_bytes()].concat();
    put(&real, &new, Some((&metadata, &old)))
}

/// Puts a file in the place of the old one, or of none: whoever looks sees all
/// of either.
fn put(file: &Path, bytes: &[u8], old: Option<(&fs::Metadata, &[u8])>) -> Result<(), ChangeError> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    // A dot in front, and another ending: no fragment of the configuration.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}.edit", std::process::id()));
    // Of a process of that number that died.
    let _ = fs::remove_file(&temporary);
    let like = old.map(|(metadata, _)| (file, metadata));
    let written = write(&temporary, bytes, like).and_then(|()| {
        match old {
            Some((_, old)) => {
                let now = fs::read(file).map_err(failed("read", file))?;
                if now != old {
                    return Err(ChangeError::Changed { file: file.to_owned() });
                }
                fs::rename(&temporary, file).map_err(failed("replace", file))
            }
            // A link fails where somebody was faster.
            None => fs::hard_link(&temporary, file).map_err(failed("make", file)),
        }
    });
    if written.is_err() || old.is_none() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    // The rename itself is kept by the folder.
    let folder_file = File::open(folder).map_err(failed("open the folder", folder))?;
    folder_file.sync_all().map_err(failed("sync the folder", folder))
}

/// Writes all of a new file to the disk, with the mode, the owner and the
/// attributes of the old one; without one, for the owner only.
fn write(
    path: &Path,
    bytes: &[u8],
    old: Option<(&Path, &fs::Metadata)>,
) -> Result<(), ChangeError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed("make", path))?;
    if let Some((_, old)) = old {
        let new = file.metadata().map_err(failed("look at", path))?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            let (uid, gid) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
            fchown(&file, Some(uid), Some(gid))
                .map_err(|error| failed("keep the owner of", path)(error.into()))?;
        }
        let mode = fs::Permissions::from_mode(old.mode() & 0o7777);
        file.set_permissions(mode).map_err(failed("keep the mode of", path))?;
    }
    file.write_all(bytes).map_err(failed("write", path))?;
    // Last: a write may take some of them away, and the mode is part of a list.
    if let Some((old, _)) = old {
        attributes::keep(old, &file)?;
    }
    file.sync_all().map_err(failed("write", path))
}

impl Snapshot {
    /// This, if one of the files said something else.
    fn with(&self, path: &Path, text: &str, home: Option<&Path>) -> Self {
        let mut files = self.files.clone();
        for file in files.iter_mut().filter(|file| file.path == path) {
            file.text = Ok(text.to_owned());
        }
        Self { exists: true, ..Self::of(files, home) }
    }
}

#[cfg(test)]
mod tests;
