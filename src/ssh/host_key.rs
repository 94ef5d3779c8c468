//! The check of a host key against the known_hosts files, and the learning of
//! a new one.

mod command;
mod files;
mod trust;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use super::known_hosts::{self, Entry, Verdict};
use super::people::{Answered, Asker};
use super::persons_time::PersonsTime;
use crate::domain::attention::{Matter, Question, Reply};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{HostKeyRules, SshSettings, UnknownHost, Update};

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
    /// Its address in the same form, where that is to be looked at as well.
    address: Option<String>,
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
            address: None,
            unknown_host: settings.unknown_host,
            rules: settings.host_key_rules.clone(),
            user_files: settings.user_known_hosts.clone(),
            global_files: settings.global_known_hosts.clone(),
            capture: None,
            asker: None,
        }
    }

    /// The check of a host that was reached at `address`: `CheckHostIP`. As with `ssh`
    /// this machine's own addresses say nothing, nor does one that stands for the name.
    pub(super) fn reached_at(mut self, address: Option<SocketAddr>) -> Self {
        let Some(address) = address.filter(|at| self.rules.check_ip && !at.ip().is_loopback())
        else {
            return self;
        };
        let name = known_hosts::lookup_name(&address.ip().to_string(), address.port());
        self.address = Some(name).filter(|name| *name != self.name);
        self
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

    /// As the files have it; and where they have nothing, or another key for the
    /// address, as a person says who may have to be asked.
    async fn check_or_ask(&self, key: PublicKey) -> Result<(), LinkTrouble> {
        let mut agreed = Agreed::default();
        loop {
            let (check, shown) = (self.clone(), key.clone());
            let trouble = match blocking(move || check.check_now(&shown, agreed)).await {
                Err(trouble) => trouble,
                checked => return checked,
            };
            let question = self.question(&trouble, &key, agreed);
            let (Some(question), Some((asker, time))) = (question, &self.asker) else {
                return Err(trouble);
            };
            match time.count(asker.ask(&question, false)).await {
                Answered::Reply(Reply::Given(_)) => {}
                Answered::Reply(Reply::Declined) | Answered::Alone => return Err(trouble),
                Answered::Nobody => return Err(LinkTrouble::Unanswered { question }),
            }
            match question {
                Question::Confirm { .. } => agreed.address = true,
                _ => agreed.key = true,
            }
        }
    }

    /// What a person may say against this trouble; nothing where `ssh` would not ask.
    fn question(&self, trouble: &LinkTrouble, key: &PublicKey, agreed: Agreed) -> Option<Question> {
        if self.unknown_host != UnknownHost::Ask {
            return None;
        }
        match trouble {
            LinkTrouble::HostKeyUnknown { .. } if !agreed.key => Some(Question::HostKey {
                name: self.name.clone(),
                key_type: key.algorithm().as_str().to_owned(),
                fingerprint: fingerprint(key),
            }),
            LinkTrouble::HostKeyChanged { name, file, line, .. }
                if Some(name) == self.address.as_ref() && !agreed.address =>
            {
                let (name, address) = (self.name.clone(), name.clone());
                let (file, line, fingerprint) = (file.clone(), *line, fingerprint(key));
                let about = Matter::AddressKey { name, address, fingerprint, file, line };
                Some(Question::Confirm { about })
            }
            _ => None,
        }
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
        let known = self.judge(key)?;
        let address = self.new_address(key, agreed)?;
        if known == Known::Yes && address.is_none() {
            return Ok(());
        }
        let learns = match self.unknown_host {
            UnknownHost::AcceptNew | UnknownHost::AcceptAny => true,
            UnknownHost::Ask => agreed.key,
            UnknownHost::Refuse => false,
        };
        if known == Known::No && !learns {
            return Err(LinkTrouble::HostKeyUnknown {
                name: self.name.clone(),
                fingerprint: fingerprint(key),
            });
        }
        let _one_at_a_time = LEARNING.lock().unwrap_or_else(PoisonError::into_inner);
        // Another dial may have learned it, or another key, in the meantime.
        let name = (self.judge(key)? == Known::No).then_some(self.name.as_str());
        let address = self.new_address(key, agreed)?;
        match (name, address) {
            (None, None) => Ok(()),
            (None, Some(address)) => {
                // The host is known all the same.
                if let Err(trouble) = self.learn(&[address], key) {
                    tracing::warn!(%address, %trouble, "the host's address was not learned");
                }
                Ok(())
            }
            (Some(name), None) => self.learn(&[name], key),
            (Some(name), Some(address)) => self.learn(&[name, address], key),
        }
    }

    /// The address, if it is to be looked at and no key of it is known.
    fn new_address(&self, key: &PublicKey, agreed: Agreed) -> Result<Option<&str>, LinkTrouble> {
        let Some(address) = &self.address else { return Ok(None) };
        let entries = self.entries(Some(key))?;
        match known_hosts::judge(&entries, address, key) {
            Verdict::Unknown => Ok(Some(address)),
            Verdict::Known | Verdict::Revoked(_) => Ok(None),
            Verdict::Changed(_) if agreed.address => Ok(None),
            Verdict::Changed(entry) if self.unknown_host == UnknownHost::AcceptAny => {
                tracing::warn!(
                    name = %self.name, %address, file = %entry.file.display(), line = entry.line,
                    "the address has another key, and StrictHostKeyChecking is off"
                );
                Ok(None)
            }
            Verdict::Changed(entry) => Err(LinkTrouble::HostKeyChanged {
                name: address.clone(),
                fingerprint: fingerprint(key),
                file: entry.file.clone(),
                line: entry.line,
            }),
        }
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

    /// Writes the key down for these names: on one line, unless they are hashed.
    fn learn(&self, names: &[&str], key: &PublicKey) -> Result<(), LinkTrouble> {
        let Some(file) = self.user_files.first() else {
            tracing::debug!(name = %self.name, "no known_hosts file to remember the host key in");
            return Ok(());
        };
        let together = [names.join(",")];
        let apart: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        for name in if self.rules.hash_names { &apart[..] } else { &together } {
            let salt = self.rules.hash_names.then(rand::random);
            let Some(line) = known_hosts::line_for(name, key, salt) else {
                let detail = "the host key has no text form".to_owned();
                return Err(LinkTrouble::KnownHostsFile { file: file.clone(), detail });
            };
            files::append_line(file, &line)?;
        }
        tracing::info!(name = %names.join(","), fingerprint = %fingerprint(key), file = %file.display(), "learned a new host key");
        Ok(())
    }

    /// Whether what a host announces is of interest.
    pub(super) fn updates(&self) -> bool {
        self.rules.update != Update::No && self.capture.is_none()
    }

    /// What the host's announcement brings; `None` if there is nothing to do.
    pub(super) async fn news(
        &self,
        announced: Vec<PublicKey>,
    ) -> Result<Option<News>, LinkTrouble> {
        let check = self.clone();
        blocking(move || {
            let entries = check.user_entries()?;
            Ok(known_hosts::update(&entries, &check.name, &announced).map(|update| News {
                old: update.forget.iter().map(|entry| fingerprint(entry.key())).collect(),
                new: update.learn,
            }))
        })
        .await
    }

    /// Whether the host's news may be written down, as the settings or a person says.
    pub(super) async fn may_take_over(&self, news: News) -> bool {
        match (self.rules.update, &self.asker) {
            (Update::No, _) | (Update::Ask, None) => false,
            (Update::Yes, _) => true,
            (Update::Ask, Some((asker, _))) => {
                let new = news.new.iter().map(fingerprint).collect();
                let name = self.name.clone();
                let about = Matter::UpdateHostKeys { name, new, old: news.old };
                let answered = asker.ask(&Question::Confirm { about }, false).await;
                matches!(answered, Answered::Reply(Reply::Given(_)))
            }
        }
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
                check.learn(&[&check.name], key)?;
            }
            files::remove_entries(&update.forget)
        })
        .await
    }
}

/// What a person has said yes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Agreed {
    /// That the key is the host's.
    key: bool,
    /// That the address has another one.
    address: bool,
}

/// What a host has told of its keys.
#[derive(Debug)]
pub(super) struct News {
    /// Those that are new: it has to prove that it has them.
    pub(super) new: Vec<PublicKey>,
    /// Fingerprints of those that it no longer has.
    old: Vec<String>,
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

#[cfg(test)]
mod tests;
