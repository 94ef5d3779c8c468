//! The configuration's files: reading them, and what the file system knows.
//!
//! All of it blocks.

pub mod edit;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::domain::config::{
    Draft, Facts, KeyFile, Loaded, Report, Role, SourceFile, SourceTrouble,
};

/// The most that a file of the configuration may hold, in bytes: a hundred
/// times what anybody has written, and little enough to be read at every look.
pub const MAX_FILE: u64 = 256 * 1024;

/// All that a configuration is made of, at one moment. Equal snapshots make
/// equal configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether the main file is there.
    pub exists: bool,
    /// The main file, where it is there, and the fragments in name order.
    pub files: Vec<SourceFile>,
    /// What the file system knows besides.
    pub facts: Facts,
}

impl Snapshot {
    /// Reads everything: `main`, the fragments in `conf.d` beside it, and the
    /// state of the private keys that they name.
    #[must_use]
    pub fn take(main: &Path, home: Option<&Path>) -> Self {
        let mut files: Vec<_> = source(main, Role::Main).into_iter().collect();
        let exists = !files.is_empty();
        files.extend(fragments(main));
        Self { exists, ..Self::of(files, home) }
    }

    /// These files, and what the file system knows of the keys that they name.
    fn of(files: Vec<SourceFile>, home: Option<&Path>) -> Self {
        let keys = Draft::read(&files, home).key_files();
        let known = |path: PathBuf| {
            let state = key_file(&path);
            (path, state)
        };
        let key_files = keys.into_iter().map(known).collect();
        Self { exists: true, files, facts: Facts { key_files } }
    }

    /// The configuration that it makes.
    ///
    /// # Errors
    ///
    /// Every problem in one report.
    pub fn load(&self, home: Option<&Path>) -> Result<Loaded, Report> {
        Draft::read(&self.files, home).check(&self.facts)
    }
}

/// Reads and checks a configuration, as the daemon would.
///
/// # Errors
///
/// Every problem in one report; that there is no file is one here.
pub fn load_from_disk(main: &Path, home: Option<&Path>) -> Result<Loaded, Report> {
    let mut snapshot = Snapshot::take(main, home);
    if !snapshot.exists {
        snapshot.files.insert(0, failed(main, Role::Main, SourceTrouble::Missing));
    }
    snapshot.load(home)
}

/// The folder of the fragments. Beside the file as it is named, not beside
/// what it links to.
#[must_use]
pub fn fragment_dir(main: &Path) -> PathBuf {
    main.parent().unwrap_or(Path::new("/")).join("conf.d")
}

/// The fragments, in name order.
fn fragments(main: &Path) -> Vec<SourceFile> {
    let dir = fragment_dir(main);
    let names = match fragment_names(&dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let detail = error.to_string();
            return vec![failed(&dir, Role::Fragment, SourceTrouble::Unreadable { detail })];
        }
    };
    names.iter().filter_map(|name| source(&dir.join(name), Role::Fragment)).collect()
}

fn fragment_names(dir: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        // Editors leave their own files with a dot before the name.
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_hidden && Path::new(&name).extension() == Some(OsStr::new("ron")) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A file with its text, or with why it has none; `None` where there is no
/// such file.
fn source(path: &Path, role: Role) -> Option<SourceFile> {
    let text = match open_regular(path) {
        Ok(file) => read_text(file),
        Err(Unopened::Trouble(trouble)) => Err(trouble),
        // A link that points nowhere is there, and is a mistake.
        Err(Unopened::Missing) if path.is_symlink() => Err(SourceTrouble::DanglingLink),
        Err(Unopened::Missing) => return None,
    };
    Some(SourceFile { path: path.to_owned(), role, text })
}

fn failed(path: &Path, role: Role, trouble: SourceTrouble) -> SourceFile {
    SourceFile { path: path.to_owned(), role, text: Err(trouble) }
}

enum Unopened {
    Missing,
    Trouble(SourceTrouble),
}

impl From<io::Error> for Unopened {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Trouble(SourceTrouble::Unreadable { detail: error.to_string() }),
        }
    }
}

/// Opens a regular file and nothing else: a named pipe would block the reader
/// for as long as nobody writes to it.
fn open_regular(path: &Path) -> Result<File, Unopened> {
    let no_wait = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(no_wait).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        Ok(file)
    } else if kind.is_dir() {
        Err(Unopened::Trouble(SourceTrouble::Directory))
    } else {
        Err(Unopened::Trouble(SourceTrouble::NotRegular))
    }
}

fn read_text(file: File) -> Result<String, SourceTrouble> {
    let mut bytes = Vec::new();
    // One byte more than may be there tells whether there is more.
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| SourceTrouble::Unreadable { detail: error.to_string() })?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(SourceTrouble::TooLarge { limit: MAX_FILE });
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| SourceTrouble::NotText { at: error.utf8_error().valid_up_to() + 1 })?;
    // Some editors write a byte order mark, which RON has no place for.
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

/// Reads a small text file.
///
/// # Errors
///
/// It is not there, no regular file, too large, no text, or closed to us.
pub fn read_small_file(path: &Path) -> Result<String, SourceTrouble> {
    match open_regular(path) {
        Ok(file) => read_text(file),
        Err(Unopened::Trouble(trouble)) => Err(trouble),
        Err(Unopened::Missing) => Err(SourceTrouble::Missing),
    }
}

/// What a private key's file is like, judged as `ssh` does: it refuses a file
/// of ours that group or others can touch, and leaves those of other owners to
/// them (`sshkey_perm_ok` in authfile.c). A public key, which stands for one
/// that an agent holds, is for everybody's eyes.
fn key_file(path: &Path) -> KeyFile {
    let file = match open_regular(path) {
        Ok(file) => file,
        Err(Unopened::Missing) => return KeyFile::Missing,
        Err(Unopened::Trouble(SourceTrouble::Unreadable { detail })) => {
            return KeyFile::Unreadable { detail };
        }
        Err(Unopened::Trouble(_)) => return KeyFile::NotAFile,
    };
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return KeyFile::Unreadable { detail: error.to_string() },
    };
    let mode = metadata.mode() & 0o7777;
    let is_ours = metadata.uid() == rustix::process::getuid().as_raw();
    let is_public = path.extension() == Some(OsStr::new("pub"));
    if is_ours && mode & 0o077 != 0 && !is_public {
        KeyFile::Exposed { mode }
    } else {
        KeyFile::Fine
    }
}

#[cfg(test)]
mod tests;
