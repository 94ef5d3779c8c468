//! What whoever comes by TCP has to know: a token in a file that its owner alone
//! can read.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::files;
use crate::domain::secret::Secret;

/// A token's length, in hexadecimal digits: 256 bits cannot be guessed.
const DIGITS: usize = 64;

/// The token in `file`, else one of `fresh`, which is then in the file.
///
/// A file that others can read holds no secret any more, and one that was cut
/// short never did: both are replaced. Whoever calls it holds the state
/// directory's lock.
///
/// # Errors
///
/// The file cannot be read, or cannot be written.
pub fn token(file: &Path, fresh: [u8; 32]) -> io::Result<Secret> {
    match read(file) {
        Ok(Some(token)) => return Ok(token),
        Ok(None) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let digits = fresh.iter().fold(String::with_capacity(DIGITS), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let token = Secret::new(digits);
    let new = file.with_extension("new");
    // What is left of an earlier try may have a mode of its own.
    if let Err(error) = fs::remove_file(&new)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut writing = files::owner_only().write(true).create_new(true).open(&new)?;
    writeln!(writing, "{}", token.expose())?;
    writing.sync_all()?;
    fs::rename(&new, file)?;
    Ok(token)
}

fn read(file: &Path) -> io::Result<Option<Secret>> {
    let found = fs::symlink_metadata(file)?;
    let private = found.permissions().mode() & 0o077 == 0;
    if !found.is_file() || !private || found.len() != DIGITS as u64 + 1 {
        return Ok(None);
    }
    let Ok(text) = String::from_utf8(fs::read(file)?).map(Secret::new) else { return Ok(None) };
    let digits = text.expose().trim_end();
    let whole = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(whole.then(|| Secret::new(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_until_its_file_is_gone_spoilt_or_open_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        let given = |byte: u8| token(&file, [byte; 32]).unwrap().expose().to_owned();
        assert_eq!(given(1), "01".repeat(32));
        assert_eq!(given(2), "01".repeat(32));
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(given(3), "03".repeat(32));
        fs::write(&file, "03").unwrap();
        assert_eq!(given(4), "04".repeat(32));
        fs::write(&file, [0xff; DIGITS + 1]).unwrap();
        assert_eq!(given(5), "05".repeat(32));
        fs::remove_file(&file).unwrap();
        assert_eq!(given(6), "06".repeat(32));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
