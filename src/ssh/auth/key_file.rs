//! Key files: what can be known without a passphrase, and the private half.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::agent::AgentIdentity;
use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};
use zeroize::Zeroizing;

use crate::domain::failure::trouble::LinkTrouble;

/// An identity file.
#[derive(Debug, Clone)]
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    /// Known of an encrypted key as well, unless its format is an old one and
    /// there is no `.pub` file beside it.
    pub(super) public: Option<PublicKey>,
    pub(super) private: Private,
    /// From the `-cert.pub` file beside it.
    pub(super) certificate: Option<Certificate>,
}

/// The private half.
#[derive(Debug, Clone)]
pub(super) enum Private {
    /// No private key there: no file, or a public key only.
    Missing,
    /// There, and open to others, with these permission bits.
    Exposed(u32),
    /// There, and of no use.
    Unusable(String),
    /// Encrypted.
    Locked,
    /// Ready.
    Open(Arc<PrivateKey>),
}

impl KeyFile {
    /// Reads what there is; never an error, since other keys may do. The
    /// certificate beside it counts only where none is named (`certified`).
    pub(super) fn load(path: &Path, certified: bool) -> Self {
        let certificate = if certified { certificate_beside(path) } else { None };
        Self { certificate, ..Self::without_certificate(path) }
    }

    fn without_certificate(path: &Path) -> Self {
        let (path, certificate) = (path.to_owned(), None);
        let beside = public_beside(&path);
        let text = match read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Self { path, public: beside, private: Private::Missing, certificate };
            }
            Err(error) => {
                let private = Private::Unusable(error.to_string());
                return Self { path, public: beside, private, certificate };
            }
        };
        // `IdentityFile key.pub` picks one of the agent's keys.
        if let Ok(public) = PublicKey::from_openssh(text.trim()) {
            return Self { path, public: Some(public), private: Private::Missing, certificate };
        }
        let openssh = PrivateKey::from_openssh(text.as_bytes()).ok();
        let public = openssh.as_ref().map(|key| key.public_key().clone()).or(beside);
        let private = match too_open(&path) {
            Some(mode) => Private::Exposed(mode),
            None => private_half(&text, openssh),
        };
        let public = match &private {
            Private::Open(key) => Some(key.public_key().clone()),
            _ => public,
        };
        Self { path, public, private, certificate }
    }

    /// The private key, if `passphrase` is the right one.
    pub(super) fn decrypt(&self, passphrase: &str) -> Option<PrivateKey> {
        let text = read(&self.path).ok()?;
        decode_secret_key(&text, Some(passphrase)).ok()
    }

    /// Whether the agent's key is this file's.
    pub(super) fn is_half_of(&self, identity: &AgentIdentity) -> bool {
        let theirs = identity.public_key();
        self.public.as_ref().is_some_and(|ours| ours.key_data() == theirs.key_data())
    }

    /// Whether there is such a file.
    pub(super) fn exists(&self) -> bool {
        !matches!(self.private, Private::Missing)
    }

    /// Whether its private half may be of use.
    pub(super) fn is_usable(&self) -> bool {
        matches!(self.private, Private::Locked | Private::Open(_))
    }

    /// Why the file cannot be used, if it cannot.
    pub(super) fn trouble(&self) -> Option<LinkTrouble> {
        let file = self.path.clone();
        match &self.private {
            Private::Unusable(detail) => {
                Some(LinkTrouble::IdentityUnusable { file, detail: detail.clone() })
            }
            Private::Exposed(mode) => Some(LinkTrouble::IdentityExposed { file, mode: *mode }),
            Private::Missing if self.public.is_some() => {
                let detail = "only the public half is here".to_owned();
                Some(LinkTrouble::IdentityUnusable { file, detail })
            }
            Private::Missing => Some(LinkTrouble::IdentityMissing { file }),
            Private::Locked | Private::Open(_) => None,
        }
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    Ok(Zeroizing::new(fs::read_to_string(path)?))
}

fn private_half(text: &str, openssh: Option<PrivateKey>) -> Private {
    match openssh {
        Some(key) if key.is_encrypted() => return Private::Locked,
        Some(key) => return Private::Open(Arc::new(key)),
        None => {}
    }
    match decode_secret_key(text, None) {
        Ok(key) => Private::Open(Arc::new(key)),
        // PKCS#8 and the legacy PEM formats say so in their headers.
        Err(_) if text.contains("ENCRYPTED") => Private::Locked,
        Err(error) => Private::Unusable(error.to_string()),
    }
}

fn public_beside(path: &Path) -> Option<PublicKey> {
    PublicKey::from_openssh(fs::read_to_string(beside(path, ".pub")).ok()?.trim()).ok()
}

fn certificate_beside(path: &Path) -> Option<Certificate> {
    read_certificate(&beside(path, "-cert.pub"))
}

/// A certificate; `None` if the file is not there, or holds none.
pub(super) fn read_certificate(file: &Path) -> Option<Certificate> {
    Certificate::from_openssh(fs::read_to_string(file).ok()?.trim()).ok()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(ending);
    beside.into()
}

/// The mode of a key of ours that others can read; OpenSSH does not use one
/// (`sshkey_perm_ok`).
fn too_open(path: &Path) -> Option<u32> {
    let found = fs::metadata(path).ok()?;
    let ours = found.uid() == rustix::process::getuid().as_raw();
    let mode = found.mode() & 0o777;
    (ours && mode & 0o077 != 0).then_some(mode)
}

#[cfg(test)]
mod tests;
