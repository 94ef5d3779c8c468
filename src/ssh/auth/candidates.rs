//! Which keys are offered, in which order. Pure.

use std::sync::Arc;

use russh::keys::Certificate;
use russh::keys::agent::AgentIdentity;

use super::key_file::{KeyFile, Private};
use crate::domain::failure::trouble::KeySource;

/// A key to offer.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) proof: Proof,
}

/// Who signs.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    Agent(Box<AgentIdentity>),
    File(Arc<KeyFile>),
    /// The file's key, vouched for by the certificate beside it.
    Certificate(Arc<KeyFile>),
    /// The agent's key, vouched for by a certificate that it does not hold.
    AgentCertificate {
        certificate: Box<Certificate>,
        key: Box<AgentIdentity>,
    },
}

impl Candidate {
    pub(super) fn source(&self) -> KeySource {
        match &self.proof {
            Proof::Agent(identity) => KeySource::Agent(identity.comment().to_owned()),
            Proof::AgentCertificate { key, .. } => KeySource::Agent(key.comment().to_owned()),
            Proof::File(file) | Proof::Certificate(file) => KeySource::File(file.path.clone()),
        }
    }
}

/// Certificates of the files; keys of the files that the agent holds, in the
/// order of the files; the agent's others, unless only the files' count; the files that it does not
/// hold. Files that are not there are left out.
pub(super) fn order(
    files: &[Arc<KeyFile>],
    agent: &[AgentIdentity],
    identities_only: bool,
) -> Vec<Candidate> {
    let signs = |file: &&Arc<KeyFile>| matches!(file.private, Private::Open(_) | Private::Locked);
    let certified = files.iter().filter(signs).filter(|file| file.certificate.is_some());
    let mut candidates: Vec<_> = certified.cloned().map(Proof::Certificate).collect();
    let mut held = vec![false; agent.len()];
    let mut unheld = Vec::new();
    for file in files {
        let mut found = false;
        for (identity, taken) in agent.iter().zip(&mut held) {
            if file.is_half_of(identity) {
                found = true;
                if !std::mem::replace(taken, true) {
                    candidates.push(Proof::Agent(Box::new(identity.clone())));
                }
            }
        }
        if !found && !matches!(file.private, Private::Missing) {
            unheld.push(Proof::File(file.clone()));
        }
    }
    if !identities_only {
        let others = agent.iter().zip(&held).filter(|(_, held)| !**held);
        candidates.extend(others.map(|(identity, _)| Proof::Agent(Box::new(identity.clone()))));
    }
    candidates.extend(unheld);
    candidates.into_iter().map(|proof| Candidate { proof }).collect()
}

/// The certificates that were named, with the files, or else the agent's keys,
/// that are theirs. One for a key that nobody has is left out.
pub(super) fn certified(
    certificates: &[Certificate],
    files: &[Arc<KeyFile>],
    agent: &[AgentIdentity],
) -> Vec<Candidate> {
    let signs = |file: &&Arc<KeyFile>| matches!(file.private, Private::Open(_) | Private::Locked);
    let proof = |certificate: &Certificate| {
        let key = certificate.public_key();
        let is_its = |file: &&Arc<KeyFile>| {
            file.public.as_ref().is_some_and(|public| public.key_data() == key)
        };
        if let Some(file) = files.iter().filter(signs).find(is_its) {
            let file = KeyFile { certificate: Some(certificate.clone()), ..KeyFile::clone(file) };
            return Some(Proof::Certificate(Arc::new(file)));
        }
        let plain = |identity: &&AgentIdentity| {
            matches!(identity, AgentIdentity::PublicKey { .. })
                && identity.public_key().key_data() == key
        };
        let identity = agent.iter().find(plain)?;
        let (certificate, key) = (Box::new(certificate.clone()), Box::new(identity.clone()));
        Some(Proof::AgentCertificate { certificate, key })
    };
    certificates.iter().filter_map(proof).map(|proof| Candidate { proof }).collect()
}

#[cfg(test)]
mod tests;
