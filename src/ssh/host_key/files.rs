//! known_hosts files on the disk.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::domain::failure::trouble::LinkTrouble;
use crate::ssh::known_hosts::{self, Entry};

/// How a binary list of revoked keys begins: ssh-keygen(1), "KEY REVOCATION
/// LISTS".
const KRL: &[u8] = b"SSHKRL\n\0";

/// The entries of a file; none of one that is not there.
pub(super) fn read(file: &Path) -> Result<Vec<Entry>, LinkTrouble> {
    match fs::read(file) {
        // A stray byte spoils its line, not the file.
        Ok(bytes) => Ok(known_hosts::parse(file, &String::from_utf8_lossy(&bytes))),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(trouble(file, &error)),
    }
}

/// The keys of a `RevokedHostKeys` file. It has to be there: ssh_config(5).
pub(super) fn read_revoked(file: &Path) -> Result<Vec<Entry>, LinkTrouble> {
    let bytes = fs::read(file).map_err(|error| trouble(file, &error))?;
    if bytes.starts_with(KRL) {
        let detail =
            "it is a binary revocation list; longhaul reads lists of public keys".to_owned();
        return Err(LinkTrouble::KnownHostsFile { file: file.to_owned(), detail });
    }
    Ok(known_hosts::parse_revoked(file, &String::from_utf8_lossy(&bytes)))
}

/// Appends a line in one write, after ending a last line that has no end.
pub(super) fn append_line(file: &Path, line: &str) -> Result<(), LinkTrouble> {
    append(file, line).map_err(|error| trouble(file, &error))
}

fn append(file: &Path, line: &str) -> io::Result<()> {
    if let Some(dir) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options.read(true).append(true).create(true).mode(0o600).open(file)?;
    let end = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if end > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let before = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{before}{line}\n").as_bytes())
}

/// Takes the lines of these entries out of their files.
pub(super) fn remove_entries(entries: &[&Entry]) -> Result<(), LinkTrouble> {
    let mut lines: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
    for entry in entries {
        lines.entry(&entry.file).or_default().push(entry.line);
    }
    for (file, lines) in lines {
        let text = fs::read(file).map_err(|error| trouble(file, &error))?;
        replace(file, &known_hosts::without_lines(&text, &lines))
            .map_err(|error| trouble(file, &error))?;
    }
    Ok(())
}

/// Puts `text` in the place of the file's, at once or not at all, with the mode
/// that it had. A symbolic link stays one. The text before is kept as `.old`, as
/// ssh-keygen does.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
    let beside = |suffix: &str| {
        let mut name = file.clone().into_os_string();
        name.push(suffix);
        std::path::PathBuf::from(name)
    };
    let (fresh, old) = (beside(&format!(".longhaul-{}", std::process::id())), beside(".old"));
    let written = (|| {
        let mut options = OpenOptions::new();
        let mut new = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        new.write_all(text)?;
        new.set_permissions(fs::Permissions::from_mode(mode))?;
        new.sync_all()?;
        let _ = fs::remove_file(&old);
        let _ = fs::hard_link(&file, &old);
        fs::rename(&fresh, &file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn trouble(file: &Path, error: &io::Error) -> LinkTrouble {
    LinkTrouble::KnownHostsFile { file: file.to_owned(), detail: error.to_string() }
}
