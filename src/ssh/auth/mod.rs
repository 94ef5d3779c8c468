//! Authentication: public keys, then what a person is asked.
//!
//! Keys come in OpenSSH's order (`pubkey_prepare` in
//! sshconnect2.c): certificates of the identity files, keys that both the agent and the identity files have, the
//! agent's other keys unless `IdentitiesOnly`, and the files that the agent
//! does not hold. A private half is touched, and a passphrase asked for, only
//! after the server has said that it would take the public half.

mod accepted;
mod agent;
mod asked;
mod askpass;
mod attempts;
mod candidates;
mod key_file;
mod methods;
mod signer;

use std::path::PathBuf;
use std::sync::Arc;

use russh::MethodKind;
use russh::client::Handle;
use russh::keys::agent::AgentIdentity;
use tokio::sync::watch;

use self::agent::Agent;
pub(super) use self::askpass::Askpass;
use self::attempts::{Answer, Attempts};
use self::candidates::{Candidate, Proof};
use self::key_file::{KeyFile, read_certificate};
use self::methods::Methods;
use self::signer::{FileSigner, SignError, Unlock};
use super::client::{Client, Ending};
use super::host_key::blocking;
use super::people::Asker;
use crate::domain::failure::trouble::{KeyOutcome, KeySource, LinkTrouble, TriedKey};
use crate::domain::target::SshSettings;

/// Proves to the server who we are.
///
/// # Errors
///
/// A question that nobody answered; else what a person would mend first: a key
/// that waits for its passphrase, then a key file that was named and cannot be
/// used, then the server's refusal.
pub(super) async fn authenticate(
    handle: &mut Handle<Client>,
    settings: &SshSettings,
    asker: &Asker,
    ended: watch::Receiver<Option<Ending>>,
) -> Result<(), LinkTrouble> {
    let mut attempts = Attempts::new(handle, settings, ended);
    // Asks which methods there are, and is all that some servers need.
    if let Answer::Accepted = attempts.none().await? {
        return Ok(());
    }
    let mut methods = Methods::new(&settings.login.methods, asker.has_somebody());
    let mut keys = None;
    let mut tried = Vec::new();
    while let Some(kind) = methods.next(attempts.methods()) {
        let answer = match kind {
            MethodKind::PublicKey => {
                let keys = match &mut keys {
                    Some(keys) => keys,
                    none => none.insert(Keys::load(settings, &attempts, asker).await?),
                };
                keys.offer(&mut attempts, &mut tried).await?
            }
            MethodKind::KeyboardInteractive => {
                asked::keyboard_interactive(&mut attempts, settings, asker).await?
            }
            _ => asked::password(&mut attempts, settings, asker).await?,
        };
        let partial = match answer {
            Answer::Accepted => {
                if let Some(keys) = &keys {
                    keys.logged_in.send_replace(true);
                }
                return Ok(());
            }
            Answer::Refused { partial } => partial,
        };
        if kind != MethodKind::PublicKey {
            let outcome = if partial { KeyOutcome::Partial } else { KeyOutcome::Refused };
            tried.push(TriedKey { source: KeySource::Person(String::from(&kind)), outcome });
        }
        if partial { methods.succeed() } else { methods.exhaust(kind) }
    }
    Err(match keys {
        Some(keys) => keys.report.trouble(&attempts, tried),
        // The server takes keys, and the settings offer none.
        None if attempts.takes_public_keys() => {
            Report::new(settings, &[], &[]).trouble(&attempts, tried)
        }
        None => attempts.denied(tried),
    })
}

/// The keys, as far as they were not offered yet.
struct Keys<'a> {
    left: std::vec::IntoIter<Candidate>,
    agent: Option<Agent>,
    unlock: Unlock,
    logged_in: watch::Sender<bool>,
    report: Report<'a>,
}

impl<'a> Keys<'a> {
    async fn load(
        settings: &'a SshSettings,
        attempts: &Attempts<'_>,
        asker: &Asker,
    ) -> Result<Self, LinkTrouble> {
        let login = &settings.login;
        let (paths, named) = (settings.identity_files.clone(), login.certificate_files.clone());
        let (files, certificates) = blocking(move || {
            let load = |path: &PathBuf| Arc::new(KeyFile::load(path, named.is_empty()));
            let files: Vec<Arc<KeyFile>> = paths.iter().map(load).collect();
            let certificates = named.iter().filter_map(|file| read_certificate(file));
            Ok((files, certificates.collect::<Vec<_>>()))
        })
        .await?;
        let agent = match &settings.agent_socket {
            Some(socket) => agent::connect(socket, attempts.session_binding(), asker).await,
            None => None,
        };
        let held = agent.as_ref().map(|agent| agent.identities.as_slice()).unwrap_or_default();
        let ordered = candidates::order(&files, held, settings.identities_only);
        let certified = candidates::certified(&certificates, &files, held);
        let mut report = Report::new(settings, &files, held);
        let candidates = certified.into_iter().chain(ordered);
        let (left, unaccepted): (Vec<_>, Vec<_>) =
            candidates.partition(|candidate| accepted::takes(login.accepted.as_deref(), candidate));
        report.leave_out(&unaccepted);
        let logged_in = watch::Sender::new(false);
        let unlock = Unlock::new(settings, asker, logged_in.subscribe());
        Ok(Self { left: left.into_iter(), agent, unlock, logged_in, report })
    }

    /// Offers one after the other, until one is enough for something.
    async fn offer(
        &mut self,
        attempts: &mut Attempts<'_>,
        tried: &mut Vec<TriedKey>,
    ) -> Result<Answer, LinkTrouble> {
        for candidate in self.left.by_ref() {
            let source = candidate.source();
            let result = match candidate {
                Candidate { proof: Proof::Agent(identity) } => {
                    let Some(agent) = &mut self.agent else { continue };
                    attempts.with_agent(&identity, &mut agent.signer).await?
                }
                Candidate { proof: Proof::AgentCertificate { certificate, key } } => {
                    let Some(agent) = &mut self.agent else { continue };
                    let signer = &mut agent.signer;
                    attempts.with_certificate_of_agent(&certificate, &key, signer).await?
                }
                Candidate { proof: Proof::Certificate(file) } => {
                    try_certificate(attempts, &file, &self.unlock).await?
                }
                Candidate { proof: Proof::File(file) } => {
                    try_file(attempts, &file, &self.unlock).await?
                }
            };
            let outcome = match result {
                Tried::Accepted => return Ok(Answer::Accepted),
                Tried::Outcome(outcome) => outcome,
            };
            tracing::debug!(?source, ?outcome, "key was not enough");
            tried.push(TriedKey { source, outcome });
            if outcome == KeyOutcome::Partial {
                return Ok(Answer::Refused { partial: true });
            }
            if !attempts.takes_public_keys() {
                break;
            }
        }
        Ok(Answer::Refused { partial: false })
    }
}

/// What became of one key.
#[derive(Debug)]
enum Tried {
    Accepted,
    Outcome(KeyOutcome),
}

async fn try_file(
    attempts: &mut Attempts<'_>,
    file: &Arc<KeyFile>,
    unlock: &Unlock,
) -> Result<Tried, LinkTrouble> {
    if !file.is_usable() {
        return Ok(Tried::Outcome(KeyOutcome::Unusable));
    }
    let mut signer = FileSigner::new(file.clone(), unlock.clone());
    // A few old formats hide the public half as well.
    let public = match &file.public {
        Some(public) => public.clone(),
        None => match signer.unlock().await {
            Ok(key) => key.public_key().clone(),
            Err(SignError::Unanswered(question)) => {
                return Err(LinkTrouble::Unanswered { question });
            }
            Err(error) => return Ok(Tried::Outcome(error.outcome())),
        },
    };
    attempts.with_key(&public, &mut signer).await
}

async fn try_certificate(
    attempts: &mut Attempts<'_>,
    file: &Arc<KeyFile>,
    unlock: &Unlock,
) -> Result<Tried, LinkTrouble> {
    let Some(certificate) = &file.certificate else {
        return Ok(Tried::Outcome(KeyOutcome::Unusable));
    };
    let mut signer = FileSigner::new(file.clone(), unlock.clone());
    attempts.with_certificate(certificate, &mut signer).await
}

/// What is told when no key was enough.
#[derive(Debug)]
struct Report<'a> {
    settings: &'a SshSettings,
    /// The first file that was of no use, the ones that were named before the
    /// default ones that are there.
    unusable: Option<LinkTrouble>,
}

impl<'a> Report<'a> {
    fn new(settings: &'a SshSettings, files: &[Arc<KeyFile>], held: &[AgentIdentity]) -> Self {
        let matters = |file: &&Arc<KeyFile>| {
            let agent_has_it = held.iter().any(|identity| file.is_half_of(identity));
            !agent_has_it && (settings.identities_explicit || file.exists())
        };
        let unusable = files.iter().filter(matters).find_map(|file| file.trouble());
        Self { settings, unusable }
    }

    /// Keys that `PubkeyAcceptedAlgorithms` leaves out are told of, unless
    /// another file is of no use either.
    fn leave_out(&mut self, candidates: &[Candidate]) {
        let file = |candidate: &Candidate| match candidate.source() {
            KeySource::File(file) => Some(file),
            KeySource::Agent(_) | KeySource::Person(_) => None,
        };
        if let (None, Some(file)) = (&self.unusable, candidates.iter().find_map(file)) {
            let detail = "PubkeyAcceptedAlgorithms has none for a key of its type".to_owned();
            self.unusable = Some(LinkTrouble::IdentityUnusable { file, detail });
        }
    }

    fn trouble(self, attempts: &Attempts<'_>, tried: Vec<TriedKey>) -> LinkTrouble {
        // Where a person could not get us in either, keys are not what is amiss.
        if tried.iter().any(|tried| matches!(tried.source, KeySource::Person(_))) {
            return attempts.denied(tried);
        }
        let locked = tried.iter().find_map(|tried| match &tried.source {
            KeySource::File(file) if tried.outcome == KeyOutcome::Locked => Some(file.clone()),
            _ => None,
        });
        if let Some(file) = locked {
            return LinkTrouble::PassphraseNeeded { file };
        }
        let nothing_offered = tried.iter().all(|tried| tried.outcome == KeyOutcome::Unusable);
        match self.unusable {
            Some(trouble) if self.settings.identities_explicit || nothing_offered => trouble,
            None if nothing_offered => LinkTrouble::NoKeys {
                user: self.settings.user.clone(),
                looked_for: self.settings.identity_files.clone(),
            },
            _ => attempts.denied(tried),
        }
    }
}

impl SignError {
    fn outcome(&self) -> KeyOutcome {
        match self {
            Self::Locked | Self::Unanswered(_) => KeyOutcome::Locked,
            Self::Unusable => KeyOutcome::Unusable,
            Self::Agent | Self::Ended => KeyOutcome::NotSigned,
        }
    }
}
