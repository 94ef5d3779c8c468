//! What the files say of a host certificate. Pure; PROTOCOL.certkeys and
//! OpenSSH's `sshkey_cert_check_host`.

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use super::{Entry, Marker, plain_name};
use crate::domain::ssh_config::pattern;

/// Why a certificate proves nothing.
///
/// None of these is the end: as with `ssh`, its key is then looked at as one
/// that came without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::ssh) enum CertificateFault {
    /// No `@cert-authority` line for this host has the key that signed it.
    #[error("no @cert-authority line for the host has the key that signed it")]
    NoAuthority,
    /// It is a user's.
    #[error("it is no host certificate")]
    NotForHosts,
    /// It was not signed by the key that it names, or with SHA-1.
    #[error("its signature is not valid")]
    Signature,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    Early,
    /// It is no longer valid.
    #[error("it has expired")]
    Expired,
    /// The host is none of its principals.
    #[error("it is for other host names")]
    OtherHost,
    /// It has a critical option, and none is known for hosts.
    #[error("it has a critical option that is not known")]
    CriticalOption,
}

/// The line by whose authority `certificate` proves that the host is the one
/// that is looked up as `name`.
///
/// `host` is the name without the port: what principals are compared with.
/// `now` is in seconds since 1970.
pub(in crate::ssh) fn judge_certificate<'a>(
    entries: &'a [Entry],
    name: &str,
    host: &str,
    certificate: &Certificate,
    now: u64,
) -> Result<&'a Entry, CertificateFault> {
    let signs = |entry: &&Entry| {
        let names = |name| entry.names(name);
        entry.marker == Marker::Authority
            && entry.key.key_data() == certificate.signature_key()
            && (names(name) || plain_name(name).is_some_and(names))
    };
    let authority = entries.iter().find(signs).ok_or(CertificateFault::NoAuthority)?;
    if certificate.cert_type() != CertType::Host {
        return Err(CertificateFault::NotForHosts);
    }
    if now < certificate.valid_after() {
        return Err(CertificateFault::Early);
    }
    if now >= certificate.valid_before() {
        return Err(CertificateFault::Expired);
    }
    // Without principals it is for every host: ssh(1) has it so for hosts.
    let principals = certificate.valid_principals();
    let is_named = |principal: &String| pattern::matches(host, &principal.to_lowercase());
    if !principals.is_empty() && !principals.iter().any(is_named) {
        return Err(CertificateFault::OtherHost);
    }
    if !certificate.critical_options().is_empty() {
        return Err(CertificateFault::CriticalOption);
    }
    if is_weak(certificate) || certificate.verify_signature().is_err() {
        return Err(CertificateFault::Signature);
    }
    Ok(authority)
}

/// The line that revokes the certificate's key, or the one that signed it.
pub(in crate::ssh) fn revoked_by<'a>(
    entries: &'a [Entry],
    name: &str,
    certificate: &Certificate,
) -> Option<&'a Entry> {
    let keys = [certificate.public_key(), certificate.signature_key()];
    let revokes = |entry: &&Entry| {
        entry.marker == Marker::Revoked && keys.contains(&entry.key.key_data()) && entry.names(name)
    };
    entries.iter().find(revokes)
}

/// The key alone, as a server without the certificate would show it.
pub(in crate::ssh) fn bare_key(certificate: &Certificate) -> PublicKey {
    PublicKey::new(certificate.public_key().clone(), "")
}

/// `CASignatureAlgorithms` has no RSA with SHA-1 in OpenSSH's default.
fn is_weak(certificate: &Certificate) -> bool {
    !matches!(
        certificate.signature().algorithm(),
        Algorithm::Ed25519
            | Algorithm::Ecdsa { .. }
            | Algorithm::SkEd25519
            | Algorithm::SkEcdsaSha2NistP256
            | Algorithm::Rsa { hash: Some(HashAlg::Sha256 | HashAlg::Sha512) }
    )
}

/// Whether some line could vouch for a certificate of the host.
pub(in crate::ssh) fn has_authority(entries: &[Entry], name: &str) -> bool {
    let vouches =
        |entry: &Entry, name: &str| entry.marker == Marker::Authority && entry.names(name);
    entries.iter().any(|entry| {
        vouches(entry, name) || plain_name(name).is_some_and(|plain| vouches(entry, plain))
    })
}
