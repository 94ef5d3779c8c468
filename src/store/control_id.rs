//! The id of this state directory, by which sessions remember where they came
//! from.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::files;
use crate::domain::origin::ControlId;

/// The longest file that is looked at.
const MAX_LENGTH: u64 = 64;

/// The id in `file`, else `fresh`, which is then in the file. What is no id is
/// replaced: sessions of before are then found by their user's name.
///
/// Whoever calls it holds the state directory's lock.
///
/// # Errors
///
/// The file cannot be read, or cannot be written.
pub fn control_id(file: &Path, fresh: ControlId) -> io::Result<ControlId> {
    match read(file) {
        Ok(Some(id)) => return Ok(id),
        Ok(None) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let new = file.with_extension("new");
    let mut writing = files::owner_only().write(true).create(true).truncate(true).open(&new)?;
    writeln!(writing, "{}", fresh.as_str())?;
    writing.sync_all()?;
    fs::rename(&new, file)?;
    Ok(fresh)
}

fn read(file: &Path) -> io::Result<Option<ControlId>> {
    if fs::metadata(file)?.len() > MAX_LENGTH {
        return Ok(None);
    }
    let text = fs::read(file)?;
    Ok(std::str::from_utf8(&text).ok().and_then(|text| text.trim_end().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_until_its_file_is_gone_or_spoilt() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("control-id");
        let [one, two, three, four] = [1, 2, 3, 4].map(ControlId::from_bits);
        assert_eq!(control_id(&file, one.clone()).unwrap(), one);
        assert_eq!(control_id(&file, two.clone()).unwrap(), one);
        fs::write(&file, "0123").unwrap();
        assert_eq!(control_id(&file, two.clone()).unwrap(), two);
        fs::write(&file, vec![0xff; 1 << 20]).unwrap();
        assert_eq!(control_id(&file, three.clone()).unwrap(), three);
        fs::remove_file(&file).unwrap();
        assert_eq!(control_id(&file, four.clone()).unwrap(), four);
    }
}
