//! The agent: which of its keys are offered, and those who may use it from
//! there.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::domain::failure::classify::heals_by_itself;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;
use crate::ssh::link::Link;
use crate::ssh::testing::{Agent, Sshd, dial, me, says};

/// A server that bears so many tries, an agent with eight keys, and the eighth,
/// which is let in.
fn eight_keys(tries: usize) -> (Sshd, Agent, PathBuf) {
    let sshd = Sshd::start(&format!("MaxAuthTries {tries}"));
    let keys: Vec<_> = (0..8).map(|n| sshd.key(&format!("k{n}"), "ed25519", "")).collect();
    let agent = sshd.agent(&keys.iter().collect::<Vec<_>>());
    sshd.authorize(&keys[7]);
    let named = keys[7].with_extension("pub");
    (sshd, agent, named)
}

fn with_agent(sshd: &Sshd, agent: &Agent, keys: &[&PathBuf]) -> SshSettings {
    SshSettings { agent_socket: Some(agent.socket.clone()), ..sshd.settings(keys) }
}

fn connections(sshd: &Sshd) -> usize {
    sshd.log().matches("Connection from").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_agents_eight_keys_the_one_that_is_named_goes_first() {
    for tries in 2..=6 {
        let (sshd, agent, named) = eight_keys(tries);
        let mut settings = with_agent(&sshd, &agent, &[&named]);
        dial(&settings).await.unwrap();
        settings.identities_only = true;
        dial(&settings).await.unwrap();
        assert!(!sshd.log().contains("Failed publickey"), "{}", sshd.log());
        assert_eq!(connections(&sshd), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_narrowed_end_at_the_servers_limit_in_one_login() {
    for tries in 2..=6 {
        let (sshd, agent, _) = eight_keys(tries);
        let trouble = dial(&with_agent(&sshd, &agent, &[])).await.unwrap_err();
        let expected = LinkTrouble::TooManyAuthFailures { user: me(), offered: tries };
        assert_eq!(trouble, expected);
        // It waits for a person: whoever knocks again is shut out in the end.
        assert!(!heals_by_itself(&trouble));
        assert_eq!(connections(&sshd), 1);
    }
}

/// What `ssh-add -l` says there.
async fn listed(link: &Link) -> String {
    says(link, "ssh-add -l 2>&1; echo socket=$SSH_AUTH_SOCK").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_forwarded_where_that_is_set_and_nowhere_else() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let agent = sshd.agent(&[&key]);
    let lines = format!(
        "Host box\n{} IdentityFile {}\n IdentityAgent {}\n",
        sshd.lines(),
        key.display(),
        agent.socket.display()
    );
    let with = |more: &str| sshd.configured("box", &format!("{lines} {more}\n"));
    for forwarded in ["yes", "$SSH_AUTH_SOCK", &agent.socket.to_string_lossy()] {
        let mut settings = with(&format!("ForwardAgent {forwarded}"));
        if forwarded.starts_with('$') {
            // Of the test's own environment nothing is known.
            settings.forward_agent = Some(agent.socket.clone());
        }
        let link = dial(&settings).await.unwrap();
        for _ in 0..2 {
            let said = listed(&link).await;
            assert!(said.contains("ED25519") && !said.ends_with("socket=\n"), "{said}");
        }
    }
    for off in ["", "ForwardAgent no", "ForwardAgent $LONGHAUL_NOT_SET"] {
        let link = dial(&with(off)).await.unwrap();
        let said = listed(&link).await;
        assert!(said.ends_with("socket=\n"), "{off}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_agent_that_is_dead_or_hangs_leaves_the_link_alone() {
    let (sshd, mut settings) = Sshd::ready();
    let socket = sshd.path("silent");
    let listener = UnixListener::bind(&socket).unwrap();
    settings.forward_agent = Some(socket.clone());
    let link = dial(&settings).await.unwrap();
    let hangs = link.exec("timeout 1 ssh-add -l; echo $?").await.unwrap();
    assert_eq!(says(&link, "echo still").await, "still\n");
    drop((hangs, listener));
    // A pipe that breaks may end it without a word.
    let fails = "ssh-add -l 2>&1 || echo failed";
    assert!(says(&link, fails).await.ends_with("failed\n"));
    std::fs::remove_file(&socket).unwrap();
    assert!(says(&link, fails).await.ends_with("failed\n"));
    assert_eq!(says(&link, "echo here").await, "here\n");
}
