//! What decides about a real sshd's host key besides a line with its name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::domain::failure::classify::heals_by_itself;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::host_key::TrustError;
use crate::domain::target::{SshSettings, UnknownHost, Update};
use crate::ssh::testing::{Sshd, dial, public};
use crate::ssh::{host_key, trust_host_key};

fn name(settings: &SshSettings) -> String {
    format!("[127.0.0.1]:{}", settings.port)
}

fn bare(key: &Path) -> String {
    public(key).split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// A server whose host key an authority has signed, and settings that know the
/// authority alone. `options` are ssh-keygen's.
fn certified(options: &[&str]) -> (Sshd, SshSettings) {
    let (sshd, mut settings) = Sshd::ready_with("");
    let authority = sshd.key("authority", "ed25519", "");
    let host = sshd.path("host_ed25519.pub");
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-h", "-I", "host", "-s"])
        .arg(&authority)
        .args(options)
        .arg(&host)
        .output()
        .unwrap();
    assert!(signed.status.success(), "{signed:?}");
    let config = fs::read_to_string(sshd.path("sshd_config")).unwrap();
    let certificate = sshd.path("host_ed25519-cert.pub");
    fs::write(
        sshd.path("sshd_config"),
        format!("{config}HostCertificate {}\n", certificate.display()),
    )
    .unwrap();
    let line = format!("@cert-authority {} {}\n", name(&settings), bare(&authority));
    fs::write(sshd.path("known_hosts"), line).unwrap();
    settings.unknown_host = UnknownHost::Refuse;
    (sshd, settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_vouches_for_a_host_that_is_in_no_file() {
    for options in [&["-n", "127.0.0.1"][..], &["-n", "other,127.0.0.*"], &[]] {
        let (sshd, settings) = certified(options);
        let before = sshd.known_hosts();
        dial(&settings).await.unwrap();
        assert_eq!(sshd.known_hosts(), before, "nothing is learned from a certificate");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_proves_nothing_leaves_the_key_to_be_judged() {
    for options in [
        &["-n", "other"][..],
        &["-n", "127.0.0.1", "-V", "20200101:20200102"],
        &["-n", "127.0.0.1", "-V", "20990101:20990102"],
    ] {
        let (sshd, mut settings) = certified(options);
        let trouble = dial(&settings).await.unwrap_err();
        assert!(matches!(trouble, LinkTrouble::HostKeyUnknown { .. }), "{trouble:?}");
        settings.unknown_host = UnknownHost::AcceptNew;
        dial(&settings).await.unwrap();
        assert!(sshd.known_hosts().contains(&bare(&sshd.path("host_ed25519"))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_authority_vouches_for_nobody() {
    let (sshd, settings) = certified(&["-n", "127.0.0.1"]);
    let revoked = format!("@revoked * {}\n", bare(&sshd.path("authority")));
    fs::write(sshd.path("known_hosts"), sshd.known_hosts() + &revoked).unwrap();
    let trouble = dial(&settings).await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::HostKeyRevoked { line: 2, .. }), "{trouble:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hashed_name_is_found_by_longhaul_and_by_ssh_keygen() {
    let (sshd, mut settings) = Sshd::ready();
    settings.host_key_rules.hash_names = true;
    dial(&settings).await.unwrap();
    assert!(sshd.known_hosts().starts_with("|1|"), "{}", sshd.known_hosts());
    let mut find = Command::new("ssh-keygen");
    find.arg("-F").arg(name(&settings)).arg("-f").arg(sshd.path("known_hosts"));
    assert!(find.output().unwrap().status.success());
    settings.unknown_host = UnknownHost::Refuse;
    dial(&settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_passes_only_where_the_check_is_off() {
    let (sshd, mut settings) = Sshd::ready();
    let other = sshd.key("other", "ed25519", "");
    let known = format!("{} {}", name(&settings), public(&other));
    fs::write(sshd.path("known_hosts"), &known).unwrap();
    for strict in [UnknownHost::AcceptNew, UnknownHost::Ask, UnknownHost::Refuse] {
        settings.unknown_host = strict;
        let trouble = dial(&settings).await.unwrap_err();
        assert!(matches!(trouble, LinkTrouble::HostKeyChanged { .. }), "{trouble:?}");
    }
    settings.unknown_host = UnknownHost::AcceptAny;
    dial(&settings).await.unwrap();
    assert_eq!(sshd.known_hosts(), known, "it is let through, and not believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_a_list_of_revoked_ones_is_refused_everywhere() {
    let (sshd, mut settings) = Sshd::ready();
    let list = sshd.path("revoked");
    fs::write(&list, format!("# lost\n{}", public(&sshd.path("host_ed25519")))).unwrap();
    settings.host_key_rules.revoked = vec![list.clone()];
    let trouble = dial(&settings).await.unwrap_err();
    let expected =
        LinkTrouble::HostKeyRevoked { name: name(&settings), file: list.clone(), line: 2 };
    assert_eq!(trouble, expected);
    // What cannot be read is not an empty list.
    fs::remove_file(&list).unwrap();
    let trouble = dial(&settings).await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::KnownHostsFile { .. }), "{trouble:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_can_know_a_host() {
    let (sshd, mut settings) = Sshd::ready();
    settings.unknown_host = UnknownHost::Refuse;
    let script = format!("echo \"$1 {}\"", bare(&sshd.path("host_ed25519")));
    let argv = ["/bin/sh", "-c", &script, "sh", "%H"].map(str::to_owned);
    settings.host_key_rules.command = Some(argv.to_vec());
    dial(&settings).await.unwrap();
    assert_eq!(sshd.known_hosts(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_ends_the_login_before_it_begins_as_with_ssh() {
    let (sshd, mut settings) = Sshd::ready();
    let script = sshd.path("known");
    fs::write(&script, "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let ssh = |command: &str| {
        let option = |text: String| ["-o".to_owned(), text];
        let status = Command::new("ssh")
            .args(["-F", "none", "-p", &settings.port.to_string(), "-i"])
            .arg(&settings.identity_files[0])
            .args(option(format!("KnownHostsCommand {command}")))
            .args(option("StrictHostKeyChecking accept-new".to_owned()))
            .args(option(format!("UserKnownHostsFile {}", sshd.path("theirs").display())))
            .args(["-o", "BatchMode=yes", "127.0.0.1", "true"])
            .status();
        status.unwrap().success()
    };
    assert!(!ssh(&script.display().to_string()));
    assert!(ssh("/no/such/command"));
    let logins = sshd.log().matches("Accepted").count();
    settings.host_key_rules.command = Some(vec![script.display().to_string()]);
    let trouble = dial(&settings).await.unwrap_err();
    assert!(
        matches!(&trouble, LinkTrouble::KnownHostsCommand { program, .. } if *program == script)
    );
    assert!(!heals_by_itself(&trouble));
    assert_eq!(sshd.log().matches("Accepted").count(), logins);
    settings.host_key_rules.command = Some(vec!["/no/such/command".to_owned()]);
    dial(&settings).await.unwrap();
}

/// Waits until the file holds what it should.
async fn eventually(sshd: &Sshd, holds: impl Fn(&str) -> bool) {
    for _ in 0..600 {
        if holds(&sshd.known_hosts()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", sshd.known_hosts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_hosts_other_keys_are_learned_and_those_it_lost_are_forgotten() {
    let sshd = Sshd::with_host_keys(&["ed25519", "ecdsa", "rsa"], "");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let mut settings = sshd.settings(&[&key]);
    settings.host_key_rules.update = Update::Yes;
    let gone = sshd.key("gone", "ed25519", "");
    let known = format!(
        "# mine\n{0} {1}\nelsewhere {2}\n{0} {2}\n",
        name(&settings),
        bare(&sshd.path("host_ed25519")),
        bare(&gone),
    );
    fs::write(sshd.path("known_hosts"), known).unwrap();
    let _link = dial(&settings).await.unwrap();
    let line =
        |kind: &str| format!("{} {}\n", name(&settings), bare(&sshd.path(&format!("host_{kind}"))));
    let mine = format!("# mine\n{}elsewhere {}\n", line("ed25519"), bare(&gone));
    eventually(&sshd, |text| {
        text.starts_with(&mine)
            && text.contains(&line("rsa"))
            && text.contains(&line("ecdsa"))
            && text.lines().count() == 5
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_somebody_wrote_a_pattern_for_is_left_alone() {
    let sshd = Sshd::with_host_keys(&["ed25519", "rsa"], "");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let mut settings = sshd.settings(&[&key]);
    settings.host_key_rules.update = Update::Yes;
    let known = format!("[127.0.0.*]:{} {}\n", settings.port, bare(&sshd.path("host_ed25519")));
    fs::write(sshd.path("known_hosts"), &known).unwrap();
    let link = dial(&settings).await.unwrap();
    // A round trip behind the announcement.
    link.exec("true").await.unwrap();
    assert_eq!(sshd.known_hosts(), known);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_replaced_after_a_yes_to_just_that_key() {
    let (sshd, mut settings) = Sshd::ready();
    settings.unknown_host = UnknownHost::Refuse;
    let other = sshd.key("other", "rsa", "");
    let known =
        format!("# kept\n{} {}elsewhere {}", name(&settings), public(&other), public(&other));
    fs::write(sshd.path("known_hosts"), &known).unwrap();

    let shown = host_key(&settings, None).await.unwrap();
    assert_eq!((shown.known, shown.kind.as_str()), (false, "ssh-ed25519"));
    assert_eq!(shown.others.len(), 1);
    assert_eq!((shown.others[0].line, shown.others[0].kind.as_str()), (2, "ssh-rsa"));
    let wrong = trust_host_key(&settings, &shown.others[0].fingerprint, None).await.unwrap_err();
    assert_eq!(wrong, TrustError::OtherKey { shown: shown.fingerprint.clone() });
    assert_eq!(sshd.known_hosts(), known);

    let trusted = trust_host_key(&settings, &shown.fingerprint, None).await.unwrap();
    assert!(trusted.known && trusted.others.is_empty());
    let line = format!("{} {}\n", name(&settings), bare(&sshd.path("host_ed25519")));
    assert_eq!(sshd.known_hosts(), format!("# kept\nelsewhere {}{line}", public(&other)));
    assert_eq!(fs::read_to_string(sshd.path("known_hosts.old")).unwrap(), known);
    dial(&settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_for_several_hosts_is_for_a_person_to_edit() {
    let (sshd, settings) = Sshd::ready();
    let other = sshd.key("other", "ed25519", "");
    let known = format!("{},elsewhere {}", name(&settings), public(&other));
    fs::write(sshd.path("known_hosts"), &known).unwrap();
    let shown = host_key(&settings, None).await.unwrap();
    let refused = trust_host_key(&settings, &shown.fingerprint, None).await.unwrap_err();
    assert_eq!(refused, TrustError::NotPlain { file: sshd.path("known_hosts"), line: 1 });
    assert_eq!(sshd.known_hosts(), known);
}
