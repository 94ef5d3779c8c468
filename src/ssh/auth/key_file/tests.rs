//! Key files as ssh-keygen writes them.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::ssh::testing::{PASSPHRASE, keygen};

fn load(path: &Path) -> (&'static str, bool) {
    let file = KeyFile::load(path, true);
    let private = match file.private {
        Private::Missing => "missing",
        Private::Exposed(_) => "exposed",
        Private::Unusable(_) => "unusable",
        Private::Locked => "locked",
        Private::Open(_) => "open",
    };
    (private, file.public.is_some())
}

#[test]
fn what_can_be_known_of_each_kind_of_file() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for kind in ["ed25519", "ecdsa", "rsa"] {
        keygen(&at(kind), kind, "");
        assert_eq!(load(&at(kind)), ("open", true), "{kind}");
        let locked = at(&format!("{kind}.locked"));
        keygen(&locked, kind, PASSPHRASE);
        fs::remove_file(at(&format!("{kind}.locked.pub"))).unwrap();
        assert_eq!(load(&locked), ("locked", true), "{kind}");
        let file = KeyFile::load(&locked, true);
        assert!(file.decrypt("wrong").is_none());
        // A key that cannot be opened is shown, to be looked into.
        let text = fs::read_to_string(&locked).unwrap();
        let opened = file.decrypt(PASSPHRASE).unwrap_or_else(|| {
            let error = russh::keys::decode_secret_key(&text, Some(PASSPHRASE)).map(drop);
            panic!("{kind}: {error:?}\n{text}")
        });
        let public = file.public.as_ref().map(PublicKey::key_data);
        assert_eq!(Some(opened.public_key().key_data()), public);
    }
    assert_eq!(load(&at("ed25519.pub")), ("missing", true));
    assert_eq!(load(&at("nothing")), ("missing", false));
    fs::rename(at("ecdsa"), at("away")).unwrap();
    assert_eq!(load(&at("ecdsa")), ("missing", true));
    fs::write(at("junk"), "junk").unwrap();
    fs::set_permissions(at("junk"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(load(&at("junk")), ("unusable", false));
    fs::write(at("bytes"), [0xff, 0xfe]).unwrap();
    assert_eq!(load(&at("bytes")), ("unusable", false));
    assert_eq!(load(dir.path()), ("unusable", false));
}

#[test]
fn a_key_that_others_can_read_keeps_its_public_half() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("id");
    keygen(&path, "ed25519", "");
    for (mode, expected) in
        [(0o600, "open"), (0o400, "open"), (0o640, "exposed"), (0o604, "exposed")]
    {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(load(&path), (expected, true), "{mode:o}");
    }
}
