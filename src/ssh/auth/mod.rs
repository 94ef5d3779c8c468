//! Authentication by public key, in OpenSSH's order (`pubkey_prepare` in
//! sshconnect2.c): certificates of the identity files, keys that both the agent and the identity files have, the
//! agent's other keys unless `IdentitiesOnly`, and the files that the agent
//! does not hold. A private half is touched, and a passphrase asked for, only
//! after the server has said that it would take the public half.

mod accepted;
mod agent;
mod askpass;
mod attempts;
mod candidates;
mod key_file;
mod signer;

use std::path::PathBuf;
use std::sync::Arc;

use russh::client::Handle;
use russh::keys::agent::AgentIdentity;
use tokio::sync::watch;

pub(super) use self::askpass::Askpass;
use self::attempts::{Answer, Attempts};
use self::candidates::{Candidate, Proof};
use self::key_file::{KeyFile, Private, read_certificate};
use self::signer::{FileSigner, SignError, Unlock};
use super::client::{Client, Ending};
use super::host_key::blocking;
use crate::domain::failure::trouble::{KeyOutcome, KeySource, LinkTrouble, TriedKey};
use crate::domain::target::SshSettings;

/// Proves to the server who we are.
///
/// # Errors
///
/// What a person would mend first: a key that waits for its passphrase, then a
/// key file that was named and cannot be used, then the server's refusal.
pub(super) async fn authenticate(
    handle: &mut Handle<Client>,
    settings: &SshSettings,
    askpass: Option<&Askpass>,
    ended: watch::Receiver<Option<Ending>>,
) -> Result<(), LinkTrouble> {
    let login = &settings.login;
    // With nobody to ask, as with ssh's BatchMode.
    let askpass = askpass.filter(|_| !login.batch);
    let mut attempts = Attempts::new(handle, settings, ended);
    // Asks which methods there are, and is all that some servers need.
    match attempts.none().await? {
        Answer::Accepted => return Ok(()),
        Answer::Refused { .. } if !attempts.takes_public_keys() => {
            return Err(attempts.denied(Vec::new()));
        }
        Answer::Refused { .. } if !login.public_keys => {
            return Err(Report::new(settings, &[], &[]).trouble(&attempts));
        }
        Answer::Refused { .. } => {}
    }
    let (paths, named) = (settings.identity_files.clone(), login.certificate_files.clone());
    let (files, certificates) = blocking(move || {
        let load = |path: &PathBuf| Arc::new(KeyFile::load(path, named.is_empty()));
        let files: Vec<Arc<KeyFile>> = paths.iter().map(load).collect();
        let certificates: Vec<_> = named.iter().filter_map(|file| read_certificate(file)).collect();
        Ok((files, certificates))
    })
    .await?;
    let mut agent = match &settings.agent_socket {
        Some(socket) => agent::connect(socket, attempts.session_binding()).await,
        None => None,
    };
    let held = agent.as_ref().map(|agent| agent.identities.as_slice()).unwrap_or_default();
    let ordered = candidates::order(&files, held, settings.identities_only);
    let certified = candidates::certified(&certificates, &files, held);

    let mut report = Report::new(settings, &files, held);
    let unlock = Unlock::new(settings, askpass);
    let candidates = certified.into_iter().chain(ordered);
    let (candidates, unaccepted): (Vec<_>, Vec<_>) =
        candidates.partition(|candidate| accepted::takes(login.accepted.as_deref(), candidate));
    report.leave_out(&unaccepted);
    for candidate in candidates {
        let source = candidate.source();
        let tried = match candidate {
            Candidate { proof: Proof::Agent(identity) } => {
                let Some(agent) = &mut agent else { continue };
                attempts.with_agent(&identity, &mut agent.signer).await?
            }
            Candidate { proof: Proof::AgentCertificate { certificate, key } } => {
                let Some(agent) = &mut agent else { continue };
                attempts.with_certificate_of_agent(&certificate, &key, &mut agent.signer).await?
            }
            Candidate { proof: Proof::Certificate(file) } => {
                try_certificate(&mut attempts, &file, &unlock).await?
            }
            Candidate { proof: Proof::File(file) } => {
                try_file(&mut attempts, &file, &unlock).await?
            }
        };
        let outcome = match tried {
            Tried::Accepted => return Ok(()),
            Tried::Outcome(outcome) => outcome,
        };
        tracing::debug!(?source, ?outcome, "key was not enough");
        report.tried.push(TriedKey { source, outcome });
        if !attempts.takes_public_keys() {
            break;
        }
    }
    Err(report.trouble(&attempts))
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
    if matches!(file.private, Private::Missing | Private::Unusable(_)) {
        return Ok(Tried::Outcome(KeyOutcome::Unusable));
    }
    let mut signer = FileSigner::new(file.clone(), unlock.clone());
    // A few old formats hide the public half as well.
    let public = match &file.public {
        Some(public) => public.clone(),
        None => match signer.unlock().await {
            Ok(key) => key.public_key().clone(),
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
    unusable: Option<(PathBuf, String)>,
    tried: Vec<TriedKey>,
}

impl<'a> Report<'a> {
    fn new(settings: &'a SshSettings, files: &[Arc<KeyFile>], held: &[AgentIdentity]) -> Self {
        let matters = |file: &&Arc<KeyFile>| {
            let agent_has_it = held.iter().any(|identity| file.is_half_of(identity));
            !agent_has_it && (settings.identities_explicit || file.exists())
        };
        let unusable = files.iter().filter(matters).find_map(|file| file.unusable());
        Self { settings, unusable, tried: Vec::new() }
    }

    /// Keys that `PubkeyAcceptedAlgorithms` leaves out are told of, unless
    /// another file is of no use either.
    fn leave_out(&mut self, candidates: &[Candidate]) {
        let file = |candidate: &Candidate| match candidate.source() {
            KeySource::File(file) => Some(file),
            KeySource::Agent(_) => None,
        };
        if let (None, Some(file)) = (&self.unusable, candidates.iter().find_map(file)) {
            let detail = "PubkeyAcceptedAlgorithms has none for a key of its type".to_owned();
            self.unusable = Some((file, detail));
        }
    }

    fn trouble(self, attempts: &Attempts<'_>) -> LinkTrouble {
        let locked = self.tried.iter().find_map(|tried| match &tried.source {
            KeySource::File(file) if tried.outcome == KeyOutcome::Locked => Some(file.clone()),
            _ => None,
        });
        if let Some(file) = locked {
            return LinkTrouble::PassphraseNeeded { file };
        }
        let nothing_offered = self.tried.iter().all(|tried| tried.outcome == KeyOutcome::Unusable);
        match self.unusable {
            Some((file, detail)) if self.settings.identities_explicit || nothing_offered => {
                LinkTrouble::IdentityUnusable { file, detail }
            }
            None if nothing_offered => LinkTrouble::NoKeys {
                user: self.settings.user.clone(),
                looked_for: self.settings.identity_files.clone(),
            },
            _ => attempts.denied(self.tried),
        }
    }
}

impl SignError {
    fn outcome(&self) -> KeyOutcome {
        match self {
            Self::Locked => KeyOutcome::Locked,
            Self::Unusable => KeyOutcome::Unusable,
            Self::Agent | Self::Ended => KeyOutcome::NotSigned,
        }
    }
}
