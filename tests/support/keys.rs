//! Key pairs, made once for a whole test process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::must::Must;

/// An ed25519 key pair as OpenSSH's files have it.
#[derive(Debug)]
pub(crate) struct KeyPair {
    private: String,
    public: String,
}

impl KeyPair {
    /// A new pair, encrypted if `passphrase` is not empty.
    pub(crate) fn generate(passphrase: &str) -> Self {
        let dir = tempfile::tempdir().must("make a folder for a key");
        let file = dir.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-C", "longhaul test", "-N", passphrase, "-f"])
            .arg(&file)
            .output()
            .must("start ssh-keygen");
        assert!(made.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&made.stderr));
        Self {
            private: fs::read_to_string(&file).must("read the new key"),
            public: fs::read_to_string(file.with_extension("pub")).must("read the new public key"),
        }
    }

    /// The key of every sshd, unless a test wants another.
    pub(crate) fn host() -> &'static Self {
        static PAIR: OnceLock<KeyPair> = OnceLock::new();
        PAIR.get_or_init(|| Self::generate(""))
    }

    /// The key that every sshd lets in.
    pub(crate) fn client() -> &'static Self {
        static PAIR: OnceLock<KeyPair> = OnceLock::new();
        PAIR.get_or_init(|| Self::generate(""))
    }

    /// One line for authorized_keys.
    pub(crate) fn public(&self) -> &str {
        self.public.trim_end()
    }

    /// Writes the private key to `file`, for its owner only, and the public
    /// one beside it.
    pub(crate) fn write_to(&self, file: &Path) -> PathBuf {
        write_private(file, self.private.as_bytes());
        let mut public = file.as_os_str().to_owned();
        public.push(".pub");
        fs::write(public, &self.public).must("write a public key");
        file.to_owned()
    }
}

fn write_private(file: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    // A key left by an earlier call may not be writable.
    let _ = fs::remove_file(file);
    let mut open = fs::OpenOptions::new();
    let mut opened = open.write(true).create_new(true).mode(0o600).open(file).must("open a key");
    opened.write_all(bytes).must("write a key");
}
