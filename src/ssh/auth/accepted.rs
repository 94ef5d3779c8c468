//! `PubkeyAcceptedAlgorithms`. Pure.

use russh::keys::{Algorithm, HashAlg};

use super::candidates::{Candidate, Proof};

/// Whether a key may be offered, by the algorithms that are accepted; `None` for
/// all. A key whose type is not known before it is unlocked may.
pub(super) fn takes(accepted: Option<&[String]>, candidate: &Candidate) -> bool {
    let key = |algorithm: &Algorithm| is_accepted(accepted, algorithm, false);
    let certificate = |algorithm: &Algorithm| is_accepted(accepted, algorithm, true);
    match &candidate.proof {
        Proof::Agent(identity) => {
            let is_certificate =
                matches!(**identity, russh::keys::agent::AgentIdentity::Certificate { .. });
            is_accepted(accepted, &identity.public_key().algorithm(), is_certificate)
        }
        Proof::File(file) => file.public.as_ref().is_none_or(|public| key(&public.algorithm())),
        Proof::Certificate(file) => {
            file.public.as_ref().is_none_or(|public| certificate(&public.algorithm()))
        }
        Proof::AgentCertificate { key, .. } => certificate(&key.public_key().algorithm()),
    }
}

fn is_accepted(accepted: Option<&[String]>, algorithm: &Algorithm, is_certificate: bool) -> bool {
    let Some(accepted) = accepted else { return true };
    names(algorithm, is_certificate).iter().any(|name| accepted.contains(name))
}

/// The hash for an RSA key: the server's best, if it is accepted, else the other.
/// One of the two is, or the key would not be offered.
pub(super) fn rsa_hash(accepted: Option<&[String]>, best: HashAlg) -> HashAlg {
    let Some(accepted) = accepted else { return best };
    let is_named = |hash: HashAlg| {
        let algorithm = Algorithm::Rsa { hash: Some(hash) };
        let plain = algorithm.as_str().to_owned();
        accepted.contains(&plain) || accepted.contains(&certificate_name(&algorithm))
    };
    match best {
        _ if is_named(best) => best,
        HashAlg::Sha256 if is_named(HashAlg::Sha512) => HashAlg::Sha512,
        _ if is_named(HashAlg::Sha256) => HashAlg::Sha256,
        best => best,
    }
}

/// What a key of this type can sign with.
fn names(algorithm: &Algorithm, is_certificate: bool) -> Vec<String> {
    let all = match algorithm {
        Algorithm::Rsa { .. } => [HashAlg::Sha512, HashAlg::Sha256]
            .map(|hash| Algorithm::Rsa { hash: Some(hash) })
            .into(),
        other => vec![other.clone()],
    };
    let name = |algorithm: &Algorithm| match is_certificate {
        true => certificate_name(algorithm),
        false => algorithm.as_str().to_owned(),
    };
    all.iter().map(name).collect()
}

/// `X-cert-v01@openssh.com`, with the suffix of a FIDO key's name in its end.
fn certificate_name(algorithm: &Algorithm) -> String {
    let name = algorithm.as_str();
    format!("{}-cert-v01@openssh.com", name.strip_suffix("@openssh.com").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_counts_by_the_names_that_it_signs_with() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rsa = Algorithm::Rsa { hash: None };
        let rows = [
            (&rsa, false, &["rsa-sha2-256"][..], true),
            (&rsa, true, &["rsa-sha2-256"], false),
            (&rsa, true, &["rsa-sha2-512-cert-v01@openssh.com"], true),
            (&rsa, false, &["ssh-rsa"], false),
            (&Algorithm::Ed25519, false, &["ssh-ed25519"], true),
            (&Algorithm::Ed25519, false, &["rsa-sha2-256"], false),
            (&Algorithm::SkEd25519, false, &["sk-ssh-ed25519@openssh.com"], true),
            (&Algorithm::SkEd25519, true, &["sk-ssh-ed25519-cert-v01@openssh.com"], true),
        ];
        for (algorithm, is_certificate, accepted, expected) in rows {
            let accepted = list(accepted);
            let taken = is_accepted(Some(&accepted), algorithm, is_certificate);
            assert_eq!(taken, expected, "{algorithm} {accepted:?}");
        }
        assert!(is_accepted(None, &Algorithm::Dsa, false));
        assert_eq!(rsa_hash(Some(&list(&["rsa-sha2-256"])), HashAlg::Sha512), HashAlg::Sha256);
        assert_eq!(rsa_hash(Some(&list(&["rsa-sha2-512"])), HashAlg::Sha256), HashAlg::Sha512);
        assert_eq!(rsa_hash(None, HashAlg::Sha512), HashAlg::Sha512);
    }
}
