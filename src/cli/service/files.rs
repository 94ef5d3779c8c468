//! The files of a service, on the disk.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::ServiceError;

/// Stands in every file that we write, and in none that somebody else does.
const MARK: &str = "longhaul daemon install";

/// A file and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceFile {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) text: String,
}

/// Writes all of the files, or none where one of them is in the place of another's.
pub(super) fn write(files: &[ServiceFile]) -> Result<(), ServiceError> {
    for file in files {
        check_ours(&file.path)?;
    }
    for file in files {
        write_one(file).map_err(|source| ServiceError::File { path: file.path.clone(), source })?;
    }
    Ok(())
}

/// Removes those of the files that are there and ours; true if there was one.
pub(super) fn remove(paths: &[PathBuf]) -> Result<bool, ServiceError> {
    let mut any = false;
    for path in paths {
        check_ours(path)?;
        match fs::remove_file(path) {
            Ok(()) => any = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ServiceError::File { path: path.clone(), source }),
        }
    }
    Ok(any)
}

/// Fails for a file that we have not written.
fn check_ours(path: &Path) -> Result<(), ServiceError> {
    match fs::read_to_string(path) {
        Ok(text) if text.contains(MARK) => Ok(()),
        Ok(_) => Err(ServiceError::NotOurs(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ServiceError::File { path: path.to_owned(), source }),
    }
}

/// At once: the manager may read it at any moment.
fn write_one(file: &ServiceFile) -> io::Result<()> {
    let folder = file.path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut new = file.path.as_os_str().to_owned();
    new.push(".new");
    let mut there = fs::File::create(&new)?;
    there.write_all(file.text.as_bytes())?;
    there.sync_all()?;
    fs::rename(&new, &file.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_has_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| ServiceFile {
            path: dir.path().join("a/b").join(name),
            text: text.to_owned(),
        };
        let ours = file("ours", "# longhaul daemon install\n1\n");
        write(std::slice::from_ref(&ours)).unwrap();
        fs::write(dir.path().join("a/b/theirs"), "precious").unwrap();
        let again = [file("ours", "# longhaul daemon install\n2\n"), file("theirs", "x")];
        assert!(matches!(write(&again), Err(ServiceError::NotOurs(path)) if path == again[1].path));
        assert_eq!(fs::read_to_string(&ours.path).unwrap(), ours.text, "half of it was written");
        assert!(matches!(remove(&[again[1].path.clone()]), Err(ServiceError::NotOurs(_))));
        assert_eq!(fs::read_to_string(&again[1].path).unwrap(), "precious");
        assert!(remove(std::slice::from_ref(&ours.path)).unwrap() && !ours.path.exists());
        assert!(!remove(&[ours.path]).unwrap());
    }
}
