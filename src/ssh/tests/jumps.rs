//! Through one sshd to another.

use std::sync::Mutex;
use std::time::Duration;

use crate::domain::doctor::stage::of_link;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;
use crate::ssh::dial::dial_with;
use crate::ssh::testing::{Sshd, dial, says};

fn through(hop: SshSettings, target: SshSettings) -> SshSettings {
    SshSettings { jumps: vec![hop], ..target }
}

fn hop_name(hop: &SshSettings) -> String {
    format!("{}@127.0.0.1:{}", hop.user, hop.port)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hop_has_its_own_key_and_known_hosts() {
    let (first, first_settings) = Sshd::ready();
    let (second, second_settings) = Sshd::ready();
    let (third, third_settings) = Sshd::ready();
    let mut settings = through(first_settings, third_settings);
    settings.jumps.push(second_settings);
    let stages = Mutex::new(Vec::new());
    let progress = |stage| stages.lock().unwrap().push(stage);
    let link = dial_with(&settings, None, &progress).await.unwrap();
    assert_eq!(*stages.lock().unwrap(), of_link(&settings));
    let port = says(&link, "echo $SSH_CONNECTION").await;
    assert!(port.trim().ends_with(&format!(" {}", third.port)), "{port}");
    for sshd in [&first, &second, &third] {
        assert_eq!(sshd.known_hosts().lines().count(), 1);
    }
    link.close().await;
    assert!(link.is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hops_trouble_carries_its_name() {
    let (_first, mut hop) = Sshd::ready();
    let (_second, target) = Sshd::ready();
    hop.identity_files = target.identity_files.clone();
    let name = hop_name(&hop);
    let trouble = dial(&through(hop, target)).await.unwrap_err();
    let LinkTrouble::Jump { hop, trouble } = trouble else { panic!("{trouble:?}") };
    assert_eq!(hop, name);
    assert!(matches!(*trouble, LinkTrouble::AuthDenied { .. }), "{trouble:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_forward_is_the_hops_word() {
    let (_first, hop) = Sshd::ready();
    let (_second, mut target) = Sshd::ready();
    target.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let to = format!("127.0.0.1:{}", target.port);
    let expected =
        LinkTrouble::Forward { hop: hop_name(&hop), to, detail: "Connection refused".to_owned() };
    assert_eq!(dial(&through(hop, target)).await.unwrap_err(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hop_that_forwards_nothing_says_so() {
    let (_first, hop) = Sshd::ready_with("AllowTcpForwarding no");
    let (_second, target) = Sshd::ready();
    let to = format!("127.0.0.1:{}", target.port);
    let expected = LinkTrouble::ForwardProhibited { hop: hop_name(&hop), to };
    let trouble = dial(&through(hop, target)).await.unwrap_err();
    assert_eq!(trouble, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inner_link_hears_that_the_hop_is_gone() {
    let (first, hop) = Sshd::ready();
    let (_second, target) = Sshd::ready();
    let link = dial(&through(hop, target)).await.unwrap();
    first.kill_sessions();
    let lost = tokio::time::timeout(Duration::from_secs(20), link.lost()).await.unwrap();
    assert!(matches!(lost, LinkTrouble::Lost { .. }), "{lost:?}");
    assert!(link.is_lost());
}
