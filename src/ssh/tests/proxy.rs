//! Through a command: `ProxyCommand`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use tokio::time::Instant;

use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;
use crate::ssh::testing::{Sshd, dial, says};

/// Settings whose way is `command`, by an ssh_config.
fn through(sshd: &Sshd, command: &str, more: &str) -> SshSettings {
    let key = sshd.path("id");
    if !key.exists() {
        sshd.key("id", "ed25519", "");
        sshd.authorize(&key);
    }
    let lines = sshd.lines();
    let config = format!(
        "Host box\n ProxyCommand {command}\n{more}\n IdentityFile {}\n{lines}",
        key.display()
    );
    sshd.configured("box", &config)
}

/// A server of its own for the connection, and the number of the shell before it.
fn served(sshd: &Sshd) -> String {
    let path = |name: &str| sshd.path(name).display().to_string();
    format!(
        "echo $$ > {}; /usr/sbin/sshd -i -f {} -E {}",
        path("pid"),
        path("sshd_config"),
        path("sshd.log")
    )
}

async fn proxy_trouble(settings: &SshSettings) -> String {
    match dial(settings).await.unwrap_err() {
        LinkTrouble::Proxy { detail } => detail,
        trouble => panic!("{trouble:?}"),
    }
}

/// Waits for the end of the process whose number is in `file`.
async fn gone(file: &Path) {
    let number = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let pid = Pid::from_raw(number).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while test_kill_process(pid).is_ok() {
        assert!(Instant::now() < end, "{pid:?} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_is_a_command_and_ends_with_the_link() {
    let sshd = Sshd::start("");
    let settings = through(&sshd, &format!("sh -c '{}; true'", served(&sshd)), "");
    let link = dial(&settings).await.unwrap();
    assert_eq!(says(&link, "echo through").await, "through\n");
    // No port is in it.
    assert_eq!(sshd.known_hosts().lines().count(), 1);
    link.close().await;
    gone(&sshd.path("pid")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ends_is_told_with_its_status_and_words() {
    let sshd = Sshd::start("");
    let ends = through(&sshd, "sh -c 'echo no way to %h >&2; exit 7'", "");
    let detail = proxy_trouble(&ends).await;
    assert!(
        detail.contains("exit status: 7") && detail.contains("no way to 127.0.0.1"),
        "{detail}"
    );
    let missing = through(&sshd, "/no/such/program %h", "");
    let detail = proxy_trouble(&missing).await;
    assert!(detail.contains("exit status: 127") && detail.contains("/no/such/program"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_hangs_is_ended_after_the_connect_timeout() {
    let sshd = Sshd::start("");
    let command = format!(
        "sh -c 'echo $$ > {}; echo waiting >&2; sleep 1000; true'",
        sshd.path("pid").display()
    );
    let settings = through(&sshd, &command, " ConnectTimeout 2");
    let detail = proxy_trouble(&settings).await;
    assert!(detail.contains("within 2 s") && detail.contains("waiting"), "{detail}");
    gone(&sshd.path("pid")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_that_is_given_up_ends_its_command() {
    let sshd = Sshd::start("");
    let pid = sshd.path("pid");
    let command = format!("sh -c 'echo $$ > {}; sleep 1000; true'", pid.display());
    let settings = through(&sshd, &command, "");
    let dialling = tokio::spawn(async move { dial(&settings).await });
    while fs::read_to_string(&pid).unwrap_or_default().trim().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    dialling.abort();
    gone(&pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_hand_a_socket_over() {
    let sshd = Sshd::start("");
    let script = sshd.path("pass.py");
    let text = "import socket, sys\n\
                s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n\
                socket.send_fds(socket.socket(fileno=1), [b'\\0'], [s.fileno()])\n";
    fs::write(&script, text).unwrap();
    let command = format!("python3 {} %h %p", script.display());
    let link = dial(&through(&sshd, &command, " ProxyUseFdpass yes")).await.unwrap();
    assert_eq!(says(&link, "echo through").await, "through\n");
    let none = through(&sshd, "echo none", " ProxyUseFdpass yes");
    let detail = proxy_trouble(&none).await;
    assert!(detail.contains("handed no descriptor over"), "{detail}");
    let hangs = through(&sshd, "sleep 1000", " ProxyUseFdpass yes\n ConnectTimeout 1");
    let detail = proxy_trouble(&hangs).await;
    assert!(detail.contains("within 1 s"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_host_may_be_behind_a_command() {
    let (target, outer) = (Sshd::start(""), Sshd::start(""));
    let key = target.key("id", "ed25519", "");
    for sshd in [&target, &outer] {
        let mine = sshd.path("authorized_keys");
        fs::write(mine, crate::ssh::testing::public(&key)).unwrap();
    }
    let config = format!(
        "IdentityFile {}\nHost target\n ProxyJump gate\n{}Host gate\n ProxyCommand sh -c '{}; true'\n{}",
        key.display(),
        target.lines(),
        served(&outer),
        outer.lines(),
    );
    let settings = target.configured("target", &config);
    assert_eq!(settings.first_hop(), None);
    let link = dial(&settings).await.unwrap();
    assert_eq!(says(&link, "echo through").await, "through\n");
    link.close().await;
    gone(&outer.path("pid")).await;
    let broken = config.replace("sh -c", "false sh -c");
    let trouble = dial(&target.configured("target", &broken)).await.unwrap_err();
    let LinkTrouble::Jump { trouble, .. } = trouble else { panic!("{trouble:?}") };
    assert!(matches!(*trouble, LinkTrouble::Proxy { .. }), "{trouble:?}");
}
