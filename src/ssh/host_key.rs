//! The check of a host key against the known_hosts files, and the learning of
//! a new one.

mod command;
mod files;
mod trust;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use super::known_hosts::{self, Entry, Verdict};
use super::people::{Answered, Asker};
use super::persons_time::PersonsTime;
use crate::domain::attention::{Question, Reply};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{HostKeyRules, SshSettings, UnknownHost};

pub(super) use trust::Capture;

/// Held while a key is learned, so that two dials to one new host do not write
/// it twice. Between processes the append of a whole line keeps the file whole.
static LEARNING: Mutex<()> = Mutex::new(());

/// What is needed to check the key that a host shows.
#[derive(Debug, Clone)]
pub(super) struct HostKeyCheck {
    /// As looked up, with the port where it is not 22.
    name: String,
    /// Without the port: what a certificate's principals are compared with.
    host: String,
    unknown_host: UnknownHost,
    rules: HostKeyRules,
    user_files: Vec<PathBuf>,
    global_files: Vec<PathBuf>,
    /// Where the key goes instead of being checked.
    capture: Option<Arc<Capture>>,
    /// Who decides about the first key of a host, if somebody does.
    asker: Option<(Asker, PersonsTime)>,
}

/// What is asked for in the key exchange, by what is known of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The types of the keys that are known.
    pub(super) types: Vec<Algorithm>,
    /// Whether a certificate could be of use.
    pub(super) certificates: bool,
}

impl HostKeyCheck {
    /// The check for `settings`, and what is known for the host.
    ///
    /// # Errors
    ///
    /// [`LinkTrouble::KnownHostsFile`] when a file is there and cannot be read:
    /// taken for an empty one it would make every host a new one.
    pub(super) async fn load(settings: &SshSettings) -> Result<(Self, Wanted), LinkTrouble> {
        let check = Self::new(settings);
        blocking(move || {
            let entries = check.entries(None)?;
            let certificates = known_hosts::has_authority(&entries, &check.name);
            let wanted = Wanted { types: check.known_types(&entries), certificates };
            Ok((check, wanted))
        })
        .await
    }

    fn new(settings: &SshSettings) -> Self {
        let (name, host) = match &settings.host_key_alias {
            Some(alias) => (alias.to_lowercase(), alias.to_lowercase()),
            None => {
                let host = settings.host_key_name.to_lowercase();
                (known_hosts::lookup_name(&host, settings.port), host)
            }
        };
        Self {
            name,
            host,
            unknown_host: settings.unknown_host,
            rules: settings.host_key_rules.clone(),
            user_files: settings.user_known_hosts.clone(),
            global_files: settings.global_known_hosts.clone(),
            capture: None,
            asker: None,
        }
    }

    /// The check that has `asker` ask, and counts that on `time`.
    pub(super) fn asking(mut self, asker: Asker, time: PersonsTime) -> Self {
        self.asker = Some((asker, time));
        self
    }

    /// Whether the host is who it was, or a new one that may be trusted.
    ///
    /// # Errors
    ///
    /// The host key troubles, and [`LinkTrouble::KnownHostsFile`].
    pub(super) async fn check(&self, key: &PublicKey) -> Result<(), LinkTrouble> {
        if let Some(capture) = &self.capture {
            return Err(capture.take(&self.name, key));
        }
        self.check_or_ask(key.clone()).await
    }

    /// As the files have it; and where they have nothing, as a person says who
    /// may have to be asked.
    async fn check_or_ask(&self, key: PublicKey) -> Result<(), LinkTrouble> {
        let (check, shown) = (self.clone(), key.clone());
        let unknown = match blocking(move || check.check_now(&shown, Agreed::No)).await {
            Err(unknown @ LinkTrouble::HostKeyUnknown { .. }) => unknown,
            checked => return checked,
        };
        match &self.asker {
            Some((asker, time)) if self.unknown_host == UnknownHost::Ask => {
                let question = Question::HostKey {
                    name: self.name.clone(),
                    key_type: key.algorithm().as_str().to_owned(),
                    fingerprint: fingerprint(&key),
                };
                match time.count(asker.ask(&question, false)).await {
                    Answered::Reply(Reply::Given(_)) => {}
                    Answered::Reply(Reply::Declined) | Answered::Alone => return Err(unknown),
                    Answered::Nobody => return Err(LinkTrouble::Unanswered { question }),
                }
            }
            _ => return Err(unknown),
        }
        let check = self.clone();
        blocking(move || check.check_now(&key, Agreed::Yes)).await
    }

    /// Whether the certificate proves that the host is who it should be; else
    /// its key is looked at alone, as `ssh` does.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub(super) async fn check_certificate(
        &self,
        certificate: &Certificate,
    ) -> Result<(), LinkTrouble> {
        let bare = known_hosts::bare_key(certificate);
        if self.capture.is_some() {
            return self.check(&bare).await;
        }
        let (check, certificate, key) = (self.clone(), certificate.clone(), bare.clone());
        let proved = blocking(move || {
            let entries = check.entries(Some(&key))?;
            if let Some(entry) = known_hosts::revoked_by(&entries, &check.name, &certificate) {
                return Err(check.revoked(entry));
            }
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
            match known_hosts::judge_certificate(
                &entries,
                &check.name,
                &check.host,
                &certificate,
                now,
            ) {
                Ok(_) => Ok(true),
                Err(fault) => {
                    tracing::warn!(name = %check.name, %fault, "the host's certificate proves nothing");
                    Ok(false)
                }
            }
        });
        if proved.await? { Ok(()) } else { self.check_or_ask(bare).await }
    }

    fn check_now(&self, key: &PublicKey, agreed: Agreed) -> Result<(), LinkTrouble> {
        if self.judge(key)? == Known::Yes {
            return Ok(());
        }
        let learns = match self.unknown_host {
            UnknownHost::AcceptNew | UnknownHost::AcceptAny => true,
            UnknownHost::Ask => agreed == Agreed::Yes,
            UnknownHost::Refuse => false,
        };
        if !learns {
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
        let entries = self.entries(Some(key))?;
        match known_hosts::judge(&entries, &self.name, key) {
            Verdict::Known => Ok(Known::Yes),
            Verdict::Unknown => Ok(Known::No),
            Verdict::Changed(entry) if self.unknown_host == UnknownHost::AcceptAny => {
                tracing::warn!(
                    name = %self.name, file = %entry.file.display(), line = entry.line,
                    "the host key has changed, and StrictHostKeyChecking is off"
                );
                Ok(Known::Yes)
            }
            Verdict::Changed(entry) => Err(LinkTrouble::HostKeyChanged {
                name: self.name.clone(),
                fingerprint: fingerprint(key),
                file: entry.file.clone(),
                line: entry.line,
            }),
            Verdict::Revoked(entry) => Err(self.revoked(entry)),
        }
    }

    fn revoked(&self, entry: &Entry) -> LinkTrouble {
        LinkTrouble::HostKeyRevoked {
            name: self.name.clone(),
            file: entry.file.clone(),
            line: entry.line,
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

    /// All that is known, for the `key` that was shown or before one was.
    fn entries(&self, key: Option<&PublicKey>) -> Result<Vec<Entry>, LinkTrouble> {
        let mut entries = self.user_entries()?;
        for file in &self.global_files {
            entries.extend(files::read(file)?);
        }
        for file in &self.rules.revoked {
            entries.extend(files::read_revoked(file)?);
        }
        if let Some(argv) = &self.rules.command {
            entries.extend(command::entries(argv, &self.name, key)?);
        }
        Ok(entries)
    }

    fn user_entries(&self) -> Result<Vec<Entry>, LinkTrouble> {
        let mut entries = Vec::new();
        for file in &self.user_files {
            entries.extend(files::read(file)?);
        }
        Ok(entries)
    }

    fn learn(&self, key: &PublicKey) -> Result<(), LinkTrouble> {
        let Some(file) = self.user_files.first() else {
            tracing::debug!(name = %self.name, "no known_hosts file to remember the host key in");
            return Ok(());
        };
        let salt = self.rules.hash_names.then(rand::random);
        let Some(line) = known_hosts::line_for(&self.name, key, salt) else {
            let detail = "the host key has no text form".to_owned();
            return Err(LinkTrouble::KnownHostsFile { file: file.clone(), detail });
        };
        files::append_line(file, &line)?;
        tracing::info!(name = %self.name, fingerprint = %fingerprint(key), file = %file.display(), "learned a new host key");
        Ok(())
    }

    /// Whether what a host announces is of interest.
    pub(super) fn updates(&self) -> bool {
        self.rules.update && self.capture.is_none()
    }

    /// Which of the keys that the host announced are new: it has to prove that
    /// it has them. `None` if there is nothing to do.
    pub(super) async fn news(
        &self,
        announced: Vec<PublicKey>,
    ) -> Result<Option<Vec<PublicKey>>, LinkTrouble> {
        let check = self.clone();
        blocking(move || {
            let entries = check.user_entries()?;
            Ok(known_hosts::update(&entries, &check.name, &announced).map(|update| update.learn))
        })
        .await
    }

    /// Writes down what the host announced, once it has proved what is new.
    pub(super) async fn take_over(&self, announced: Vec<PublicKey>) -> Result<(), LinkTrouble> {
        let check = self.clone();
        blocking(move || {
            let _one_at_a_time = LEARNING.lock().unwrap_or_else(PoisonError::into_inner);
            let entries = check.user_entries()?;
            let Some(update) = known_hosts::update(&entries, &check.name, &announced) else {
                return Ok(());
            };
            for key in &update.learn {
                check.learn(key)?;
            }
            files::remove_entries(&update.forget)
        })
        .await
    }
}

/// Whether a person has said that the key is the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreed {
    Yes,
    No,
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
