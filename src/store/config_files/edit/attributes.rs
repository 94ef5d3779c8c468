//! What a file has beside its text, its mode and its owner: extended attributes, and
//! an access control list, which is one of them (`xattr`(7), `acl`(5)).

use std::fs::File;
use std::path::Path;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

use super::{ChangeError, failed};

/// The most that Linux has of names, and of one value: `XATTR_LIST_MAX`,
/// `XATTR_SIZE_MAX`.
const MOST: usize = 64 << 10;

/// Gives a new file what the old one has.
///
/// # Errors
///
/// One of them cannot be kept.
pub(super) fn keep(old: &Path, new: &File) -> Result<(), ChangeError> {
    let from = File::open(old).map_err(failed("read", old))?;
    let mut names = vec![0; MOST];
    let length = match flistxattr(&from, &mut names[..]) {
        Ok(length) => length,
        // A file system that has none.
        Err(Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(failed("read the attributes of", old)(error.into())),
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name);
        if let Err(error) = copy(&from, new, &name) {
            let (file, name) = (old.to_owned(), name.into_owned());
            return Err(ChangeError::Attribute { file, name, source: error.into() });
        }
    }
    Ok(())
}

fn copy(from: &File, to: &File, name: &str) -> rustix::io::Result<()> {
    let mut value = vec![0; MOST];
    let length = fgetxattr(from, name, &mut value[..])?;
    value.truncate(length);
    let mut there = vec![0; MOST];
    // Some are the system's to set, such as the label that a policy gives; they are
    // right as they are where they are the same.
    if fgetxattr(to, name, &mut there[..]).is_ok_and(|length| there[..length] == value) {
        return Ok(());
    }
    fsetxattr(to, name, &value, XattrFlags::empty())
}
