//! Files and folders for their owner alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The mode of every folder that is made here.
const OWNER_FOLDER: u32 = 0o700;
/// The mode of every file that is made here.
const OWNER_FILE: u32 = 0o600;

/// Makes a folder, and those above it that are missing, for the owner alone.
/// A folder that is there already stays as it is.
///
/// The mode is given to mkdir(2), so the folder is at no moment open to
/// others, whatever the umask.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(OWNER_FOLDER).create(path)
}

/// Options under which a file that is made is the owner's alone.
pub(super) fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(OWNER_FILE);
    options
}

/// Writes a file that has this and nothing else.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    owner_only().write(true).create(true).truncate(true).open(path)?.write_all(bytes)
}

/// Opens a file to add to it, and makes it where it is missing.
pub(super) fn append_to(path: &Path) -> io::Result<File> {
    owner_only().append(true).create(true).open(path)
}
