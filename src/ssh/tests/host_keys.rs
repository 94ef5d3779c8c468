//! Host keys of a real sshd.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{SshSettings, UnknownHost};
use crate::ssh::testing::{Sshd, dial, public};

fn host_key(sshd: &Sshd, kind: &str) -> String {
    let line = public(&sshd.path(&format!("host_{kind}")));
    line.split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn name(settings: &SshSettings) -> String {
    format!("[127.0.0.1]:{}", settings.port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_host_is_learned_as_ssh_would_write_it() {
    let (sshd, mut settings) = Sshd::ready();
    let file = sshd.path("new/dir/known_hosts");
    settings.user_known_hosts = vec![file.clone()];
    dial(&settings).await.unwrap();
    let line = format!("{} {}\n", name(&settings), host_key(&sshd, "ed25519"));
    assert_eq!(fs::read_to_string(&file).unwrap(), line);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file.parent().unwrap().to_owned()), 0o700);
    assert_eq!(mode(file.clone()), 0o600);
    let mut find = Command::new("ssh-keygen");
    let found = find.arg("-F").arg(name(&settings)).arg("-f").arg(&file).output().unwrap();
    assert!(found.status.success());

    // Known now, and written once.
    settings.unknown_host = UnknownHost::Refuse;
    dial(&settings).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), line);
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_accepts_what_was_learned() {
    let (sshd, settings) = Sshd::ready();
    dial(&settings).await.unwrap();
    let ssh = Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", sshd.path("known_hosts").display()))
        .arg("-i")
        .arg(&settings.identity_files[0])
        .args(["-p", &settings.port.to_string(), "127.0.0.1", "echo through"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&ssh.stdout), "through\n", "{ssh:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_dials_to_a_new_host_write_it_once() {
    let (sshd, settings) = Sshd::ready();
    fs::write(sshd.path("known_hosts"), "# no end of line").unwrap();
    let dials: Vec<_> = (0..8)
        .map(|_| {
            let settings = settings.clone();
            tokio::spawn(async move { dial(&settings).await.map(drop) })
        })
        .collect();
    for dial in dials {
        dial.await.unwrap().unwrap();
    }
    let line = format!("# no end of line\n{} {}\n", name(&settings), host_key(&sshd, "ed25519"));
    assert_eq!(sshd.known_hosts(), line);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_host_is_refused_if_so_wished_before_any_key_is_offered() {
    let (sshd, mut settings) = Sshd::ready();
    settings.unknown_host = UnknownHost::Refuse;
    let trouble = dial(&settings).await.unwrap_err();
    let shown = Command::new("ssh-keygen").arg("-lf").arg(sshd.path("host_ed25519.pub")).output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    let LinkTrouble::HostKeyUnknown { name: asked, fingerprint } = trouble else {
        panic!("{trouble:?}")
    };
    assert_eq!(asked, name(&settings));
    assert_eq!(shown.split(' ').nth(1), Some(&*fingerprint));
    assert_eq!(sshd.known_hosts(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_refused_with_its_line_even_if_the_type_differs() {
    let (sshd, settings) = Sshd::ready();
    for kind in ["ed25519", "rsa"] {
        let other = sshd.key(&format!("other_{kind}"), kind, "");
        let known = format!("# comment\n\n{} {}", name(&settings), public(&other));
        fs::write(sshd.path("known_hosts"), &known).unwrap();
        let trouble = dial(&settings).await.unwrap_err();
        let LinkTrouble::HostKeyChanged { file, line, .. } = trouble else { panic!("{trouble:?}") };
        assert_eq!((file, line), (sshd.path("known_hosts"), 3));
        assert_eq!(sshd.known_hosts(), known);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_though_it_is_known() {
    let (sshd, settings) = Sshd::ready();
    let key = host_key(&sshd, "ed25519");
    let known = format!("{} {key}\n@revoked * {key}\n", name(&settings));
    fs::write(sshd.path("known_hosts"), known).unwrap();
    let trouble = dial(&settings).await.unwrap_err();
    let file = sshd.path("known_hosts");
    assert_eq!(trouble, LinkTrouble::HostKeyRevoked { name: name(&settings), file, line: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_that_is_known_is_asked_for() {
    let sshd = Sshd::with_host_keys(&["ed25519", "ecdsa", "rsa"], "");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let mut settings = sshd.settings(&[&key]);
    settings.unknown_host = UnknownHost::Refuse;
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let known = format!("{} {}\n", name(&settings), host_key(&sshd, kind));
        fs::write(sshd.path("known_hosts"), known).unwrap();
        dial(&settings).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_not_an_empty_one() {
    let (sshd, mut settings) = Sshd::ready();
    // A directory cannot be read as a file by anybody, root included.
    settings.user_known_hosts.push(sshd.dir.path().to_owned());
    let trouble = dial(&settings).await.unwrap_err();
    assert!(
        matches!(&trouble, LinkTrouble::KnownHostsFile { file, .. } if file == sshd.dir.path()),
        "{trouble:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_takes_the_place_of_name_and_port() {
    let (sshd, mut settings) = Sshd::ready();
    settings.host_key_alias = Some("Alias".to_owned());
    dial(&settings).await.unwrap();
    assert_eq!(sshd.known_hosts(), format!("alias {}\n", host_key(&sshd, "ed25519")));
}
