//! Throwaway keys.

use std::path::{Path, PathBuf};

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};

use super::error::DemoError;
use super::stage::Stage;

/// A new ed25519 key.
pub(super) fn new() -> Result<PrivateKey, DemoError> {
    Ok(PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)?)
}

/// Writes `client` and the servers' host keys down as a user's `~/.ssh` has
/// them, and returns the identity file.
pub(super) fn write_ssh_folder(
    stage: &Stage,
    client: &PrivateKey,
    hosts: &[(u16, PrivateKey)],
) -> Result<PathBuf, DemoError> {
    let folder = stage.home().join(".ssh");
    stage.folder(&folder)?;
    let identity = folder.join("id_ed25519");
    stage.file(&identity, &client.to_openssh(LineEnding::LF)?)?;
    stage.file(&folder.join("known_hosts"), &known_hosts(hosts)?)?;
    Ok(identity)
}

fn known_hosts(hosts: &[(u16, PrivateKey)]) -> Result<String, DemoError> {
    let mut text = String::new();
    for (port, key) in hosts {
        let key = key.public_key().to_openssh()?;
        text.push_str(&format!("[127.0.0.1]:{port} {key}\n"));
    }
    Ok(text)
}

/// The configuration with a remote for each name and port.
pub(super) fn config(remotes: &[(&str, u16)], identity: &Path) -> String {
    let mut text = "(\n    version: 1,\n    remotes: {\n".to_owned();
    for (name, port) in remotes {
        text.push_str(&format!(
            "        \"{name}\": (host: \"127.0.0.1\", port: {port}, user: \"demo\",\n            \
             identity_file: {identity:?}, ssh_config: Off),\n"
        ));
    }
    text.push_str("    },\n)\n");
    text
}
