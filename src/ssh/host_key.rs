//! The check of a host key against the known_hosts files, and the learning of
//! a new one.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use russh::keys::{Algorithm, HashAlg, PublicKey};

use super::known_hosts::{self, Entry, Verdict};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{SshSettings, UnknownHost};

/// Held while a key is learned, so that two dials to one new host do not write
/// it twice. Between processes the append of a whole line keeps the file whole.
static LEARNING: Mutex<()> = Mutex::new(());

/// What is needed to check the key that a host shows.
#[derive(Debug, Clone)]
pub(super) struct HostKeyCheck {
    /// As looked up, with the port where it is not 22.
    name: String,
    unknown_host: UnknownHost,
    user_files: Vec<PathBuf>,
    global_files: Vec<PathBuf>,
}

impl HostKeyCheck {
    /// The check for `settings`, and the types of the keys that are known for
    /// the host.
    ///
    /// # Errors
    ///
    /// [`LinkTrouble::KnownHostsFile`] when a file is there and cannot be read:
    /// taken for an empty one it would make every host a new one.
    pub(super) async fn load(
        settings: &SshSettings,
    ) -> Result<(Self, Vec<Algorithm>), LinkTrouble> {
        let name = match &settings.host_key_alias {
            Some(alias) => alias.to_lowercase(),
            None => known_hosts::lookup_name(&settings.host_key_name, settings.port),
        };
        let check = Self {
            name,
            unknown_host: settings.unknown_host,
            user_files: settings.user_known_hosts.clone(),
            global_files: settings.global_known_hosts.clone(),
        };
        blocking(move || {
            let known = check.known_types(&check.entries()?);
            Ok((check, known))
        })
        .await
    }

    /// Whether the host is who it was, or a new one that may be trusted.
    ///
    /// # Errors
    ///
    /// The host key troubles, and [`LinkTrouble::KnownHostsFile`].
    pub(super) async fn check(&self, key: &PublicKey) -> Result<(), LinkTrouble> {
        let (check, key) = (self.clone(), key.clone());
        blocking(move || check.check_now(&key)).await
    }

    fn check_now(&self, key: &PublicKey) -> Result<(), LinkTrouble> {
        if self.judge(key)? == Known::Yes {
            return Ok(());
        }
        if self.unknown_host == UnknownHost::Refuse {
            return Err(LinkTrouble::HostKeyUnknown {
                name: self.name.clone(),
                fingerprint: fingerprint(key),
            });
        }
        let _one_at_a_time = LEARNING.lock().unwrap_or_else(PoisonError::into_inner);
        // Another dial may have learned it, or another key, in the meantime.
        if self.judge(key)? == Known::Yes {
            return Ok(());
        }
        self.learn(key)
    }

    fn judge(&self, key: &PublicKey) -> Result<Known, LinkTrouble> {
        let entries = self.entries()?;
        match known_hosts::judge(&entries, &self.name, key) {
            Verdict::Known => Ok(Known::Yes),
            Verdict::Unknown => Ok(Known::No),
            Verdict::Changed(entry) => Err(LinkTrouble::HostKeyChanged {
                name: self.name.clone(),
                fingerprint: fingerprint(key),
                file: entry.file.clone(),
                line: entry.line,
            }),
            Verdict::Revoked(entry) => Err(LinkTrouble::HostKeyRevoked {
                name: self.name.clone(),
                file: entry.file.clone(),
                line: entry.line,
            }),
        }
    }

    /// Those of the name as it is looked up; else, for a name with a port, those
    /// of the plain one.
    fn known_types(&self, entries: &[Entry]) -> Vec<Algorithm> {
        let of = |name: &str| -> Vec<Algorithm> {
            let known = entries.iter().filter(|entry| entry.is_for(name));
            known.map(|entry| entry.key().algorithm()).collect()
        };
        let types = of(&self.name);
        match known_hosts::plain_name(&self.name) {
            Some(plain) if types.is_empty() => of(plain),
            _ => types,
        }
    }

    fn entries(&self) -> Result<Vec<Entry>, LinkTrouble> {
        let mut entries = Vec::new();
        for file in self.user_files.iter().chain(&self.global_files) {
            match fs::read(file) {
                // A stray byte spoils its line, not the file.
                Ok(bytes) => {
                    entries.extend(known_hosts::parse(file, &String::from_utf8_lossy(&bytes)));
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(file_trouble(file, &error)),
            }
        }
        Ok(entries)
    }

    fn learn(&self, key: &PublicKey) -> Result<(), LinkTrouble> {
        let Some(file) = self.user_files.first() else {
            tracing::debug!(name = %self.name, "no known_hosts file to remember the host key in");
            return Ok(());
        };
        let Some(line) = known_hosts::line_for(&self.name, key) else {
            let detail = "the host key has no text form".to_owned();
            return Err(LinkTrouble::KnownHostsFile { file: file.clone(), detail });
        };
        append_line(file, &line).map_err(|error| file_trouble(file, &error))?;
        tracing::info!(name = %self.name, fingerprint = %fingerprint(key), file = %file.display(), "learned a new host key");
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

/// SHA-256, as `ssh` shows it.
fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn file_trouble(file: &Path, error: &io::Error) -> LinkTrouble {
    LinkTrouble::KnownHostsFile { file: file.to_owned(), detail: error.to_string() }
}

/// Appends a line in one write, after ending a last line that has no end.
fn append_line(file: &Path, line: &str) -> io::Result<()> {
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

/// Runs file work off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LinkTrouble> + Send + 'static,
) -> Result<T, LinkTrouble> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and whoever waits with it.
            Err(_) => std::future::pending().await,
        },
    }
}
