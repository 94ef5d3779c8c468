//! Changes to the text of a known_hosts file. Pure: whoever calls writes it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use russh::keys::PublicKey;
use russh::keys::ssh_key::known_hosts::HostPatterns;
use sha1::Sha1;

use super::Entry;

/// How long the salt of a hashed name is: SHA-1's length, as OpenSSH has it.
const SALT: usize = 20;

/// The line that makes `key` known for `name`, without its end. With a salt the
/// name is written as its hash.
pub(in crate::ssh) fn line_for(
    name: &str,
    key: &PublicKey,
    salt: Option<[u8; SALT]>,
) -> Option<String> {
    let bare = PublicKey::new(key.key_data().clone(), "").to_openssh().ok()?;
    match salt {
        None => Some(format!("{name} {bare}")),
        Some(salt) => Some(format!("{} {bare}", hashed(name, &salt)?)),
    }
}

/// `|1|salt|hash`: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
fn hashed(name: &str, salt: &[u8; SALT]) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    let hash = mac.finalize().into_bytes().into();
    Some(HostPatterns::HashedName { salt: salt.to_vec(), hash }.to_string())
}

/// `text` without those lines (from 1), each with its end; all others stay as
/// they are, to the byte.
pub(in crate::ssh) fn without_lines(text: &[u8], lines: &[usize]) -> Vec<u8> {
    let kept = text.split_inclusive(|byte| *byte == b'\n').enumerate();
    kept.filter(|(index, _)| !lines.contains(&(index + 1)))
        .flat_map(|(_, line)| line)
        .copied()
        .collect()
}

/// What a host's announcement of its keys means for the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ssh) struct Update<'a> {
    /// Keys to learn, once the host has proved that it has them.
    pub(in crate::ssh) learn: Vec<PublicKey>,
    /// Entries of keys that it no longer has.
    pub(in crate::ssh) forget: Vec<&'a Entry>,
}

/// What to change for `announced`; `None` if nothing is to be done.
///
/// As ssh(1), it leaves a host alone that has a line with patterns, a list of
/// names or a marker, since such a line is somebody's own work.
pub(in crate::ssh) fn update<'a>(
    entries: &'a [Entry],
    name: &str,
    announced: &[PublicKey],
) -> Option<Update<'a>> {
    let mine = || entries.iter().filter(|entry| entry.names(name));
    if announced.is_empty() || mine().any(|entry| !entry.is_plainly(name)) {
        return None;
    }
    let is_announced = |entry: &&Entry| announced.iter().any(|key| entry.has(key));
    // One of them is known, or somebody else's keys would be let in.
    mine().find(is_announced)?;
    let learn: Vec<_> =
        announced.iter().filter(|key| !mine().any(|entry| entry.has(key))).cloned().collect();
    let forget: Vec<_> = mine().filter(|entry| !is_announced(entry)).collect();
    (!learn.is_empty() || !forget.is_empty()).then_some(Update { learn, forget })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_removed_line_leaves_all_others_as_they_were(lines in prop::collection::vec("[a-z #|]{0,9}\r?\n", 0..8), at in 0usize..8) {
            let text = lines.concat();
            let mut rest = lines.clone();
            if at < rest.len() {
                rest.remove(at);
            }
            prop_assert_eq!(without_lines(text.as_bytes(), &[at + 1]), rest.concat().into_bytes());
        }
    }
}
