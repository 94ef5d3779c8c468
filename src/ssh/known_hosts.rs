//! known_hosts files: what their lines mean, and what they say of a key.
//! Pure; sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", and OpenSSH's hostfile.c.

use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use russh::keys::PublicKey;
use russh::keys::ssh_key::known_hosts::HostPatterns;
use sha1::Sha1;

use crate::domain::ssh_config::pattern;
pub(super) use certificate::{bare_key, has_authority, judge_certificate, revoked_by};
pub(super) use edit::{line_for, update, without_lines};

mod certificate;
mod edit;

/// One line that has a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) file: PathBuf,
    /// From 1; blank lines and comments count.
    pub(super) line: usize,
    marker: Marker,
    hosts: Hosts,
    key: PublicKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    Authority,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    /// Comma separated, in lower case.
    Patterns(String),
    Hashed {
        salt: Vec<u8>,
        hash: [u8; 20],
    },
}

/// What the files say of a key that a host showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// It is the host's.
    Known,
    /// The host has no entry.
    Unknown,
    /// The host has entries, and this key is in none of them.
    Changed(&'a Entry),
    /// It is marked `@revoked`.
    Revoked(&'a Entry),
}

/// The name that is looked up: `[name]:port` where the port is not 22.
pub(super) fn lookup_name(name: &str, port: u16) -> String {
    let name = name.to_lowercase();
    if port == 22 { name } else { format!("[{name}]:{port}") }
}

/// The entries of a file. Lines that OpenSSH would not understand are passed
/// over, as it does.
pub(super) fn parse(file: &Path, text: &str) -> Vec<Entry> {
    let entry = |(index, line): (usize, &str)| parse_line(file, index + 1, line);
    text.lines().enumerate().filter_map(entry).collect()
}

fn parse_line(file: &Path, number: usize, line: &str) -> Option<Entry> {
    let line = line.trim_start_matches([' ', '\t']);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (first, rest) = field(line)?;
    let (marker, hosts, rest) = match first {
        "@revoked" => with_marker(Marker::Revoked, rest)?,
        "@cert-authority" => with_marker(Marker::Authority, rest)?,
        unknown if unknown.starts_with('@') => return None,
        hosts => (Marker::None, hosts, rest),
    };
    let hosts = if hosts.starts_with('|') {
        match hosts.parse().ok()? {
            HostPatterns::HashedName { salt, hash } => Hosts::Hashed { salt, hash },
            HostPatterns::Patterns(_) => return None,
        }
    } else {
        Hosts::Patterns(hosts.to_lowercase())
    };
    let (algorithm, rest) = field(rest)?;
    let blob = rest.split([' ', '\t']).next()?;
    let key = PublicKey::from_openssh(&format!("{algorithm} {blob}")).ok()?;
    Some(Entry { file: file.to_owned(), line: number, marker, hosts, key })
}

/// The entries of a file of revoked keys: a public key on each line, which no
/// host may show (`RevokedHostKeys` in ssh_config(5)).
pub(super) fn parse_revoked(file: &Path, text: &str) -> Vec<Entry> {
    let entry = |(index, line): (usize, &str)| {
        let line = line.trim_start_matches([' ', '\t']);
        let (algorithm, rest) = field(line).filter(|_| !line.starts_with('#'))?;
        let blob = rest.split([' ', '\t']).next()?;
        let key = PublicKey::from_openssh(&format!("{algorithm} {blob}")).ok()?;
        let hosts = Hosts::Patterns("*".to_owned());
        let file = file.to_owned();
        Some(Entry { file, line: index + 1, marker: Marker::Revoked, hosts, key })
    };
    text.lines().enumerate().filter_map(entry).collect()
}

fn with_marker(marker: Marker, rest: &str) -> Option<(Marker, &str, &str)> {
    let (hosts, rest) = field(rest)?;
    Some((marker, hosts, rest))
}

/// The first field and what follows its blanks.
fn field(line: &str) -> Option<(&str, &str)> {
    let (field, rest) = line.split_once([' ', '\t'])?;
    Some((field, rest.trim_start_matches([' ', '\t'])))
}

impl Entry {
    /// The type of the key.
    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether a plain key is compared with this entry when `name` shows one.
    pub(super) fn is_for(&self, name: &str) -> bool {
        self.marker == Marker::None && self.names(name)
    }

    fn names(&self, name: &str) -> bool {
        match &self.hosts {
            Hosts::Patterns(list) => pattern::matches_any(name, list.split(',')),
            Hosts::Hashed { salt, hash } => {
                // An HMAC takes a key of any length, so this is never an error.
                Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mut mac| {
                    mac.update(name.as_bytes());
                    mac.verify_slice(hash).is_ok()
                })
            }
        }
    }

    fn has(&self, key: &PublicKey) -> bool {
        self.key.key_data() == key.key_data()
    }

    /// Whether the line is about `name` alone.
    pub(super) fn is_plainly(&self, name: &str) -> bool {
        self.marker == Marker::None
            && match &self.hosts {
                Hosts::Patterns(list) => list == name,
                Hosts::Hashed { .. } => true,
            }
    }
}

/// What `entries` say of `key`, shown by the host that is looked up as `name`.
pub(super) fn judge<'a>(entries: &'a [Entry], name: &str, key: &PublicKey) -> Verdict<'a> {
    let revoked = |e: &&Entry| e.marker == Marker::Revoked && e.has(key) && e.names(name);
    if let Some(entry) = entries.iter().find(revoked) {
        return Verdict::Revoked(entry);
    }
    let mut other: Option<&Entry> = None;
    for entry in entries.iter().filter(|entry| entry.is_for(name)) {
        if entry.has(key) {
            return Verdict::Known;
        }
        // The one to show is the key of the same type, if there is one.
        let same_type = |entry: &Entry| entry.key.algorithm() == key.algorithm();
        if other.is_none_or(|other| !same_type(other) && same_type(entry)) {
            other = Some(entry);
        }
    }
    if let Some(entry) = other {
        return Verdict::Changed(entry);
    }
    // A host on another port may be known by its plain name (sshconnect.c,
    // "checking without port identifier"); only a match counts there.
    match plain_name(name).map(|plain| judge(entries, plain, key)) {
        Some(Verdict::Known) => Verdict::Known,
        Some(Verdict::Revoked(entry)) => Verdict::Revoked(entry),
        _ => Verdict::Unknown,
    }
}

/// `name` of `[name]:port`.
pub(super) fn plain_name(name: &str) -> Option<&str> {
    name.strip_prefix('[')?.rsplit_once("]:").map(|(plain, _)| plain)
}

#[cfg(test)]
mod tests;
