//! Seeing the key that a host shows, and trusting it because a person said so.

use std::sync::{Mutex, PoisonError};

use russh::keys::PublicKey;

use super::{HostKeyCheck, LEARNING, blocking, files, fingerprint};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::host_key::{HostKeyLine, HostKeyShown, TrustError};
use crate::domain::target::SshSettings;
use crate::ssh::known_hosts::{self, Entry, Verdict};

/// Where the key that a host shows is put; the key exchange ends with it.
#[derive(Debug, Default)]
pub(in crate::ssh) struct Capture(Mutex<Option<PublicKey>>);

impl Capture {
    /// Keeps the key, and has the key exchange end.
    pub(super) fn take(&self, name: &str, key: &PublicKey) -> LinkTrouble {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
        LinkTrouble::HostKeyUnknown { name: name.to_owned(), fingerprint: fingerprint(key) }
    }

    /// The key, if one was shown.
    pub(in crate::ssh) fn key(&self) -> Option<PublicKey> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HostKeyCheck {
    /// The check that puts the key into `capture` and ends.
    pub(in crate::ssh) fn capturing(mut self, capture: std::sync::Arc<Capture>) -> Self {
        self.capture = Some(capture);
        self
    }

    /// What is known of `key`.
    pub(in crate::ssh) async fn describe(
        settings: &SshSettings,
        key: PublicKey,
    ) -> Result<HostKeyShown, LinkTrouble> {
        let check = Self::new(settings);
        blocking(move || {
            let entries = check.entries(Some(&key))?;
            let verdict = known_hosts::judge(&entries, &check.name, &key);
            if let Verdict::Revoked(entry) = verdict {
                return Err(check.revoked(entry));
            }
            let known = verdict == Verdict::Known;
            let others = check.others(&entries, &key).into_iter().map(line_of).collect();
            Ok(HostKeyShown {
                name: check.name.clone(),
                kind: key.algorithm().as_str().to_owned(),
                fingerprint: fingerprint(&key),
                known,
                others,
                file: check.user_files.first().cloned(),
            })
        })
        .await
    }

    /// Takes out the lines that name the host with other keys, and writes `key`
    /// down.
    pub(in crate::ssh) async fn trust(
        settings: &SshSettings,
        key: PublicKey,
    ) -> Result<(), TrustError> {
        let check = Self::new(settings);
        if check.user_files.is_empty() {
            return Err(TrustError::NoFile);
        }
        let outcome = blocking(move || {
            let _one_at_a_time = LEARNING.lock().unwrap_or_else(PoisonError::into_inner);
            let entries = check.entries(None)?;
            let others = check.others(&entries, &key);
            let mine = |entry: &&Entry| {
                check.user_files.contains(&entry.file) && entry.is_plainly(&check.name)
            };
            if let Some(entry) = others.iter().find(|entry| !mine(entry)) {
                let (file, line) = (entry.file.clone(), entry.line);
                return Ok(Err(TrustError::NotPlain { file, line }));
            }
            files::remove_entries(&others)?;
            if known_hosts::judge(&check.entries(None)?, &check.name, &key) != Verdict::Known {
                check.learn(&[&check.name], &key)?;
            }
            Ok(Ok(()))
        });
        outcome.await?
    }

    /// The lines that keep `key` from being the host's: those by which it has
    /// another one.
    fn others<'a>(&self, entries: &'a [Entry], key: &PublicKey) -> Vec<&'a Entry> {
        let other = |entry: &&Entry| entry.is_for(&self.name) && entry.key() != key;
        entries.iter().filter(other).collect()
    }
}

fn line_of(entry: &Entry) -> HostKeyLine {
    HostKeyLine {
        file: entry.file.clone(),
        line: entry.line,
        kind: entry.key().algorithm().as_str().to_owned(),
        fingerprint: fingerprint(entry.key()),
    }
}
