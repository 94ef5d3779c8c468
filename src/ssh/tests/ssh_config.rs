//! What the settings of an ssh_config do, and what happens with bad ones, where
//! the truth is the server's.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::failure::classify::heals_by_itself;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;
use crate::ssh::dial::dial_with;
use crate::ssh::testing::{PASSPHRASE, Sshd, dial, keygen, me, public, says};

/// A server, and what leads to it with a key that is let in.
fn ready(options: &str) -> (Sshd, String) {
    let sshd = Sshd::start(options);
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let lines = format!("{} IdentityFile {}\n", sshd.lines(), key.display());
    (sshd, lines)
}

fn with(sshd: &Sshd, lines: &str, more: &str) -> SshSettings {
    sshd.configured("box", &format!("Host box\n{more}\n{lines}"))
}

/// How often somebody was let in.
fn logins(sshd: &Sshd) -> usize {
    sshd.log().matches("Accepted publickey").count()
}

/// Another user to log in as, where sshd can log anybody in.
fn somebody_else() -> String {
    if rustix::process::getuid().is_root() { "nobody".to_owned() } else { me() }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hops_have_their_own_users_keys_and_host_keys() {
    let (first, second, target) = (Sshd::start(""), Sshd::start(""), Sshd::start(""));
    let mut config = String::new();
    let (user, other) = (me(), somebody_else());
    for (sshd, host, user) in
        [(&first, "first", &user), (&second, "second", &other), (&target, "target", &user)]
    {
        let key = sshd.key("id", "ed25519", "");
        sshd.authorize(&key);
        let lines = sshd.lines();
        let key = key.display();
        config.push_str(&format!("Host {host}\n User {user}\n IdentityFile {key}\n{lines}"));
    }
    // The target's user and port go to no hop; what a hop's name says does.
    for way in [format!("first,{other}@second"), format!("ssh://first:{},second", first.port)] {
        let config = format!("Host target\n ProxyJump {way}\n{config}");
        let link = dial(&target.configured("target", &config)).await.unwrap();
        assert_eq!(says(&link, "id -un").await.trim(), user);
        link.close().await;
    }
    assert!(second.log().contains(&format!("Accepted publickey for {other} ")));
    assert!(first.log().contains(&format!("Accepted publickey for {user} ")));
    for sshd in [&first, &second, &target] {
        assert_eq!((logins(sshd), sshd.known_hosts().lines().count()), (2, 1));
    }
    // A hop that is not who it was is not passed.
    let stranger = second.path("stranger");
    keygen(&stranger, "ed25519", "");
    let changed = format!("[127.0.0.1]:{} {}", second.port, public(&stranger));
    fs::write(second.path("known_hosts"), changed).unwrap();
    let config = format!("Host target\n ProxyJump first,second\n{config}");
    let trouble = dial(&target.configured("target", &config)).await.unwrap_err();
    let LinkTrouble::Jump { trouble, .. } = trouble else { panic!("{trouble:?}") };
    assert!(matches!(*trouble, LinkTrouble::HostKeyChanged { line: 1, .. }), "{trouble:?}");
    assert_eq!((logins(&second), logins(&target)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_algorithms_are_the_ones_that_are_used() {
    let (sshd, lines) =
        ready("Ciphers +aes256-cbc\nMACs +hmac-sha1\nKexAlgorithms +diffie-hellman-group14-sha1");
    let rows = [
        ("Ciphers 3des-cbc,aes256-ctr,aes128-ctr", "cipher: aes256-ctr"),
        ("Ciphers aes256-cbc", "cipher: aes256-cbc"),
        ("Ciphers aes192-ctr\nMACs hmac-sha1", "MAC: hmac-sha1 "),
        ("KexAlgorithms diffie-hellman-group14-sha1", "algorithm: diffie-hellman-group14-sha1"),
        ("KexAlgorithms ^ecdh-sha2-nistp384", "algorithm: ecdh-sha2-nistp384"),
    ];
    for (config, words) in rows {
        assert!(!sshd.log().contains(words), "{config}");
        let link = dial(&with(&sshd, &lines, config)).await.unwrap();
        assert_eq!(says(&link, "echo hello").await, "hello\n");
        assert!(sshd.log().contains(words), "{config}\n{}", sshd.log());
        link.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_shows_the_key_that_the_user_wants_first() {
    let sshd = Sshd::with_host_keys(&["ed25519", "rsa", "ecdsa"], "");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let lines = format!("{} IdentityFile {}\n", sshd.lines(), key.display());
    let list = "HostKeyAlgorithms rsa-sha2-256,ssh-ed25519\n UpdateHostKeys no";
    dial(&with(&sshd, &lines, list)).await.unwrap();
    assert!(sshd.known_hosts().contains("ssh-rsa"), "{}", sshd.known_hosts());
    // The one that is known goes before what the list only amends.
    dial(&with(&sshd, &lines, "HostKeyAlgorithms -ecdsa*")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_made_as_often_as_is_set() {
    let (sshd, lines) = ready("");
    for (limit, renews) in [("RekeyLimit default", false), ("RekeyLimit 1M", true)] {
        let link = dial(&with(&sshd, &lines, limit)).await.unwrap();
        let zeros = says(&link, "head -c 8000000 /dev/zero").await;
        assert_eq!(zeros.len(), 8_000_000);
        let log = sshd.log();
        assert_eq!(log.contains("ssh_set_newkeys: rekeying"), renews, "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_told_of_the_environment_and_may_refuse_it() {
    let (sshd, lines) = ready("AcceptEnv GOOD_*");
    let set = "SetEnv GOOD_ONE=\"two words\" BAD_ONE=x\n SendEnv HOME\n SetEnv ignored=1";
    let link = dial(&with(&sshd, &lines, set)).await.unwrap();
    for _ in 0..2 {
        let said = says(&link, "echo \"$GOOD_ONE,$BAD_ONE\"").await;
        assert_eq!(said, "two words,\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_named_lets_its_key_in() {
    let sshd = Sshd::start("");
    let authority = sshd.key("ca", "ed25519", "");
    let keys = sshd.path("authorized_keys");
    fs::write(&keys, format!("cert-authority {}", public(&authority))).unwrap();
    let key = sshd.key("id", "ed25519", "");
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-I", "id", "-n", &me(), "-s"])
        .arg(&authority)
        .arg(format!("{}.pub", key.display()))
        .status()
        .unwrap();
    assert!(signed.success());
    let certificate = sshd.path("elsewhere");
    fs::rename(sshd.path("id-cert.pub"), &certificate).unwrap();
    let certified = format!(
        "{} IdentityFile {}\n CertificateFile {}\n",
        sshd.lines(),
        key.display(),
        certificate.display()
    );
    dial(&with(&sshd, &certified, "")).await.unwrap();
    // The same with the key in the agent only.
    let agent = sshd.agent(&[&key]);
    let held = format!(
        "{} IdentityFile none\n IdentityAgent {}\n CertificateFile {}\n",
        sshd.lines(),
        agent.socket.display(),
        certificate.display()
    );
    dial(&with(&sshd, &held, "")).await.unwrap();
    // The one beside the key does not count once another is named.
    fs::rename(&certificate, sshd.path("id-cert.pub")).unwrap();
    let trouble = dial(&with(&sshd, &certified, "")).await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::AuthDenied { .. }), "{trouble:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_accepted_is_not_offered() {
    let sshd = Sshd::start("");
    let (rsa, ed25519) = (sshd.key("rsa", "rsa", ""), sshd.key("ed", "ed25519", ""));
    sshd.authorize(&rsa);
    sshd.authorize(&ed25519);
    let files = format!(" IdentityFile {}\n IdentityFile {}\n", ed25519.display(), rsa.display());
    let lines = sshd.lines() + &files;
    dial(&with(&sshd, &lines, "PubkeyAcceptedAlgorithms rsa-sha2-256")).await.unwrap();
    assert!(sshd.log().contains("Accepted publickey") && !sshd.log().contains("ED25519 SHA256"));
    let none = with(&sshd, &lines, "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256");
    let trouble = dial(&none).await.unwrap_err();
    let LinkTrouble::IdentityUnusable { detail, .. } = trouble else { panic!("{trouble:?}") };
    assert!(detail.contains("PubkeyAcceptedAlgorithms"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_not_offered_where_they_are_turned_off() {
    let (sshd, lines) = ready("");
    for off in ["PubkeyAuthentication no", "PreferredAuthentications keyboard-interactive"] {
        let trouble = dial(&with(&sshd, &lines, off)).await.unwrap_err();
        assert!(!heals_by_itself(&trouble), "{trouble:?}");
    }
    assert!(!sshd.log().contains("Accepted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_compressed_where_that_is_set() {
    let (sshd, lines) = ready("");
    for (more, compressed) in [("", 0), ("Compression no", 0), ("Compression yes", 1)] {
        let link = dial(&with(&sshd, &lines, more)).await.unwrap();
        let said = says(&link, "head -c 3000000 /dev/zero | tr '\\0' x; echo end").await;
        assert_eq!(said.len(), 3_000_004, "{more}");
        let count = sshd.log().matches("compression at level").count();
        assert_eq!(count.min(1), compressed, "{more}\n{}", sshd.log());
        // Much less than that came over the wire.
        assert_eq!(link.received() < 1_000_000, compressed == 1, "{}", link.received());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_unlocked_is_handed_to_the_agent() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", PASSPHRASE);
    sshd.authorize(&key);
    let agent = sshd.agent(&[]);
    let lines = format!(
        "{} IdentityFile {}\n IdentityAgent {}\n",
        sshd.lines(),
        key.display(),
        agent.socket.display()
    );
    let askpass = sshd.askpass(PASSPHRASE);
    let settings = with(&sshd, &lines, "AddKeysToAgent 10m");
    dial_with(&settings, Some(&askpass), &|_| {}).await.unwrap();
    assert_eq!(sshd.prompts().lines().count(), 1);
    // Nobody is asked any more.
    dial_with(&settings, None, &|_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_is_asked_for_as_often_as_is_set_and_no_login_is_tried() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", PASSPHRASE);
    sshd.authorize(&key);
    let lines = format!("{} IdentityFile {}\n", sshd.lines(), key.display());
    let askpass = sshd.askpass("wrong");
    for (more, prompts) in [("", 3), ("NumberOfPasswordPrompts 1", 4), ("BatchMode yes", 4)] {
        let settings = with(&sshd, &lines, more);
        let trouble = dial_with(&settings, Some(&askpass), &|_| {}).await.unwrap_err();
        assert_eq!(trouble, LinkTrouble::PassphraseNeeded { file: key.clone() }, "{more}");
        assert_eq!(sshd.prompts().lines().count(), prompts, "{more}");
        assert!(!heals_by_itself(&trouble));
    }
    assert_eq!(logins(&sshd), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_hangs_or_is_dead_keeps_no_key_file_from_working() {
    let (sshd, lines) = ready("");
    let socket = sshd.path("silent");
    let listener = UnixListener::bind(&socket).unwrap();
    let silent = format!("IdentityAgent {}", socket.display());
    let started = Instant::now();
    dial(&with(&sshd, &lines, &silent)).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    drop(listener);
    dial(&with(&sshd, &lines, &silent)).await.unwrap();
    dial(&with(&sshd, &lines, "IdentityAgent /no/such/socket")).await.unwrap();
    assert_eq!(logins(&sshd), 3);
    // Without another key it is said that there is none; the agent is not asked
    // for ever.
    let none = with(&sshd, &sshd.lines(), &format!("{silent}\n IdentityFile none"));
    assert!(!heals_by_itself(&dial(&none).await.unwrap_err()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_hosts_that_cannot_be_used_is_named_and_nobody_is_logged_in() {
    let (sshd, lines) = ready("");
    let folder = sshd.path("folder");
    fs::create_dir(&folder).unwrap();
    // The second can be read, and not be written by anybody.
    let revoked = sshd.path("no-such-list");
    for (config, file) in [
        (format!("UserKnownHostsFile {}", folder.display()), folder.as_path()),
        ("UserKnownHostsFile /proc/version".to_owned(), Path::new("/proc/version")),
        (format!("RevokedHostKeys {}", revoked.display()), revoked.as_path()),
    ] {
        let trouble = dial(&with(&sshd, &lines, &config)).await.unwrap_err();
        let LinkTrouble::KnownHostsFile { file: named, .. } = &trouble else {
            panic!("{config}: {trouble:?}")
        };
        assert_eq!(named, file);
        assert!(!heals_by_itself(&trouble));
    }
    assert_eq!(logins(&sshd), 0);
}

#[test]
fn what_is_wrong_in_the_files_is_refused_with_its_place() {
    let sshd = Sshd::start("");
    let dot_ssh = sshd.path("home/.ssh");
    fs::create_dir_all(&dot_ssh).unwrap();
    fs::write(dot_ssh.join("loop"), "Include loop\n").unwrap();
    fs::write(dot_ssh.join("bad"), "\n\nPort x\n").unwrap();
    std::os::unix::fs::symlink("itself", dot_ssh.join("itself")).unwrap();
    let rows = [
        ("\nPort x\n", "config", 2),
        ("Include bad\n", "bad", 3),
        ("Include loop\n", "loop", 1),
        ("Host a\nInclude itself\n", "config", 2),
        ("Host box\n ProxyJump box\n", "config", 2),
    ];
    for (config, file, number) in rows {
        let trouble = sshd.evaluated("box", config).unwrap_err();
        assert!(!heals_by_itself(&trouble));
        let LinkTrouble::SshConfig { file: named, line, .. } = trouble else {
            panic!("{config}: {trouble:?}")
        };
        assert_eq!((named, line), (dot_ssh.join(file), Some(number)), "{config}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_comes_from_the_address_that_is_set() {
    let (sshd, lines) = ready("");
    for (set, from) in [
        ("", "127.0.0.1"),
        ("BindAddress 127.0.0.2", "127.0.0.2"),
        ("BindInterface lo\nBindAddress 127.0.0.3", "127.0.0.3"),
        ("BindInterface lo", "127.0.0.1"),
    ] {
        let link = dial(&with(&sshd, &lines, set)).await.unwrap();
        let said = says(&link, "echo $SSH_CONNECTION").await;
        assert!(said.starts_with(&format!("{from} ")), "{set}: {said}");
    }
    for not_ours in ["BindAddress 192.0.2.1", "BindInterface no-such-interface"] {
        dial(&with(&sshd, &lines, not_ours)).await.unwrap_err();
    }
    assert_eq!(logins(&sshd), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_file_knows_a_host_as_well_and_is_not_written_to() {
    let (sshd, lines) = ready("");
    let file = sshd.path("global");
    let text = format!("[127.0.0.1]:{} {}", sshd.port, public(&sshd.path("host_ed25519")));
    fs::write(&file, &text).unwrap();
    let strict = "StrictHostKeyChecking yes";
    let global = format!("{strict}\n GlobalKnownHostsFile {}", file.display());
    dial(&with(&sshd, &lines, &global)).await.unwrap();
    assert_eq!((fs::read_to_string(&file).unwrap(), sshd.known_hosts()), (text, String::new()));
    let trouble = dial(&with(&sshd, &lines, strict)).await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::HostKeyUnknown { .. }), "{trouble:?}");
}
