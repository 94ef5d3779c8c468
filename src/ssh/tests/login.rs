//! Logging in to a real sshd.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::domain::failure::trouble::{KeyOutcome, KeySource, LinkTrouble, Phase, TriedKey};
use crate::ssh::dial::dial_with;
use crate::ssh::testing::{PASSPHRASE, Sshd, dial, keygen, me, public};

fn refused(key: &Path) -> TriedKey {
    TriedKey { source: KeySource::File(key.to_owned()), outcome: KeyOutcome::Refused }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_with_every_type_of_key() {
    let sshd = Sshd::start("");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = sshd.key(kind, kind, "");
        sshd.authorize(&key);
        let link = dial(&sshd.settings(&[&key])).await.unwrap();
        assert!(link.peer().version.starts_with("SSH-2.0-OpenSSH"), "{:?}", link.peer());
        link.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rsa_is_signed_with_sha2_where_sha1_is_refused() {
    let sshd = Sshd::start("PubkeyAcceptedAlgorithms rsa-sha2-512");
    let key = sshd.key("id", "rsa", "");
    sshd.authorize(&key);
    dial(&sshd.settings(&[&key])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_the_time_of_every_phase() {
    let (_sshd, settings) = Sshd::ready();
    let phases = Mutex::new(Vec::new());
    let progress = |phase, _| phases.lock().unwrap().push(phase);
    dial_with(&settings, None, &progress).await.unwrap();
    let all = [Phase::Resolve, Phase::Connect, Phase::KeyExchange, Phase::Authentication];
    assert_eq!(*phases.lock().unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_key_is_opened_by_askpass_with_opensshs_prompt() {
    let sshd = Sshd::start("");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = sshd.key(kind, kind, PASSPHRASE);
        sshd.authorize(&key);
        let askpass = sshd.askpass(PASSPHRASE);
        let settings = sshd.settings(&[&key]);
        dial_with(&settings, Some(&askpass), &|_, _| {}).await.unwrap();
        let prompt = format!("Enter passphrase for key '{}': \n", key.display());
        assert!(sshd.prompts().ends_with(&prompt), "{:?}", sshd.prompts());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_key_of_an_old_format_is_opened_by_askpass() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "rsa", "");
    sshd.authorize(&key);
    let converted = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-m", "PKCS8", "-P", "", "-N", PASSPHRASE, "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(converted.success());
    assert!(fs::read_to_string(&key).unwrap().contains("BEGIN ENCRYPTED PRIVATE KEY"));
    fs::remove_file(format!("{}.pub", key.display())).unwrap();
    let askpass = sshd.askpass(PASSPHRASE);
    dial_with(&sshd.settings(&[&key]), Some(&askpass), &|_, _| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_that_nobody_knows_is_reported_as_needed() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", PASSPHRASE);
    sshd.authorize(&key);
    let settings = sshd.settings(&[&key]);
    let needed = LinkTrouble::PassphraseNeeded { file: key };
    assert_eq!(dial(&settings).await.unwrap_err(), needed);
    let askpass = sshd.askpass("wrong");
    let result = dial_with(&settings, Some(&askpass), &|_, _| {}).await;
    assert_eq!(result.unwrap_err(), needed);
    assert_eq!(sshd.prompts().lines().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_for_the_passphrase_of_a_key_that_is_refused() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", PASSPHRASE);
    let askpass = sshd.askpass(PASSPHRASE);
    let result = dial_with(&sshd.settings(&[&key]), Some(&askpass), &|_, _| {}).await;
    let denied = LinkTrouble::AuthDenied {
        user: me(),
        tried: vec![refused(&key)],
        methods: vec!["publickey".to_owned()],
    };
    assert_eq!(result.unwrap_err(), denied);
    assert_eq!(sshd.prompts(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_key_is_tried_after_a_refusal() {
    let sshd = Sshd::start("");
    let stranger = sshd.key("stranger", "ed25519", "");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    dial(&sshd.settings(&[&stranger, &key])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_signs_for_an_encrypted_key() {
    let sshd = Sshd::start("");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = sshd.key(kind, kind, PASSPHRASE);
        sshd.authorize(&key);
        let agent = sshd.agent(&[&key]);
        let mut settings = sshd.settings(&[&key]);
        settings.agent_socket = Some(agent.socket.clone());
        settings.identities_only = true;
        dial(&settings).await.unwrap();
        assert_eq!(sshd.prompts(), "");
        drop(agent);
        let _ = fs::remove_file(sshd.path("agent"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_key_file_picks_the_agents_key() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let agent = sshd.agent(&[&key]);
    fs::remove_file(&key).unwrap();
    let mut settings = sshd.settings(&[&PathBuf::from(format!("{}.pub", key.display()))]);
    settings.agent_socket = Some(agent.socket.clone());
    settings.identities_only = true;
    dial(&settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_agent_that_is_refused_is_a_refusal_though_only_its_public_half_is_here() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", "");
    let agent = sshd.agent(&[&key]);
    fs::remove_file(&key).unwrap();
    let mut settings = sshd.settings(&[&key]);
    settings.agent_socket = Some(agent.socket.clone());
    let trouble = dial(&settings).await.unwrap_err();
    let LinkTrouble::AuthDenied { tried, .. } = trouble else { panic!("{trouble:?}") };
    assert!(matches!(
        &tried[..],
        [TriedKey { source: KeySource::Agent(_), outcome: KeyOutcome::Refused }]
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_other_keys_are_offered_unless_identities_only() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let agent = sshd.agent(&[&key]);
    let mut settings = sshd.settings(&[]);
    settings.agent_socket = Some(agent.socket.clone());
    dial(&settings).await.unwrap();
    settings.identities_only = true;
    let result = dial(&settings).await;
    assert_eq!(result.unwrap_err(), LinkTrouble::NoKeys { user: me(), looked_for: vec![] });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_agent_does_not_keep_the_key_files_from_working() {
    let (sshd, mut settings) = Sshd::ready();
    settings.agent_socket = Some(sshd.path("no-agent"));
    dial(&settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_key_that_others_can_read_is_not_used() {
    let (_sshd, settings) = Sshd::ready();
    let key = &settings.identity_files[0];
    fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
    let trouble = dial(&settings).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::IdentityExposed { file: key.clone(), mode: 0o644 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_file_that_is_missing_is_reported_only_if_nothing_else_works() {
    let (sshd, mut settings) = Sshd::ready();
    let missing = sshd.path("missing");
    settings.identity_files.insert(0, missing.clone());
    dial(&settings).await.unwrap();
    settings.identity_files.truncate(1);
    let trouble = dial(&settings).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::IdentityMissing { file: missing.clone() });
    settings.identities_explicit = false;
    let trouble = dial(&settings).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::NoKeys { user: me(), looked_for: vec![missing] });
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_keys_are_told_from_a_refusal() {
    let sshd = Sshd::start("MaxAuthTries 2");
    let keys: Vec<_> = (0..4).map(|n| sshd.key(&format!("k{n}"), "ed25519", "")).collect();
    let settings = sshd.settings(&keys.iter().collect::<Vec<_>>());
    let trouble = dial(&settings).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::TooManyAuthFailures { user: me(), offered: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_keys_says_what_it_takes() {
    let sshd = Sshd::start("PubkeyAuthentication no\nKbdInteractiveAuthentication yes");
    let key = sshd.key("id", "ed25519", "");
    let trouble = dial(&sshd.settings(&[&key])).await.unwrap_err();
    let LinkTrouble::AuthDenied { tried, methods, .. } = trouble else { panic!("{trouble:?}") };
    assert_eq!(tried, []);
    assert!(!methods.contains(&"publickey".to_owned()), "{methods:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_are_given_to_a_server_that_wants_two() {
    let sshd = Sshd::start("AuthenticationMethods publickey,publickey");
    let keys = [sshd.key("a", "ed25519", ""), sshd.key("b", "ed25519", "")];
    fs::write(sshd.path("authorized_keys"), public(&keys[0]) + &public(&keys[1])).unwrap();
    dial(&sshd.settings(&[&keys[0], &keys[1]])).await.unwrap();
    let trouble = dial(&sshd.settings(&[&keys[0]])).await.unwrap_err();
    let LinkTrouble::AuthDenied { tried, methods, .. } = trouble else { panic!("{trouble:?}") };
    assert_eq!(tried[0].outcome, KeyOutcome::Partial);
    assert_eq!(methods, ["publickey"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_beside_the_key_lets_us_in() {
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("ca");
    keygen(&authority, "ed25519", "");
    let trusted = format!("TrustedUserCAKeys {}.pub", authority.display());
    let sshd = Sshd::start(&trusted);
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = sshd.key(kind, kind, "");
        let settings = sshd.settings(&[&key]);
        assert!(matches!(dial(&settings).await, Err(LinkTrouble::AuthDenied { .. })));
        let signed = std::process::Command::new("ssh-keygen")
            .args(["-q", "-I", "test", "-n", &me(), "-s"])
            .arg(&authority)
            .arg(&key)
            .status()
            .unwrap();
        assert!(signed.success());
        dial(&settings).await.unwrap();
    }
}
