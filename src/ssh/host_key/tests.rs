//! `CheckHostIP`. A real server is on this machine, whose addresses count for
//! nothing here, so that the address is given.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::ssh::testing::bare_settings;
use crate::ssh::tests::people::{Person, asking};

struct Bench {
    dir: TempDir,
    settings: SshSettings,
}

fn key() -> PublicKey {
    let key = russh::keys::PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
    key.public_key().clone()
}

fn text(key: &PublicKey) -> String {
    key.to_openssh().unwrap()
}

impl Bench {
    fn new(port: u16, known: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        fs::write(&file, known).unwrap();
        let rules = HostKeyRules { check_ip: true, ..HostKeyRules::default() };
        let settings = SshSettings {
            host_key_name: "box".to_owned(),
            port,
            user_known_hosts: vec![file],
            host_key_rules: rules,
            ..bare_settings()
        };
        Self { dir, settings }
    }

    fn check(&self, address: &str) -> HostKeyCheck {
        HostKeyCheck::new(&self.settings).reached_at(Some(address.parse().unwrap()))
    }

    fn known(&self) -> String {
        fs::read_to_string(self.dir.path().join("known_hosts")).unwrap()
    }
}

#[tokio::test]
async fn the_address_of_a_new_host_is_learned_with_it() {
    let key = key();
    for (port, hashes, address, names) in [
        (22, false, "192.0.2.7:22", "box,192.0.2.7"),
        (2222, false, "192.0.2.7:2222", "[box]:2222,[192.0.2.7]:2222"),
        (22, false, "127.0.0.1:22", "box"),
        (22, false, "[::1]:22", "box"),
    ] {
        let mut bench = Bench::new(port, "");
        bench.settings.host_key_rules.hash_names = hashes;
        for _ in 0..2 {
            bench.check(address).check(&key).await.unwrap();
        }
        assert_eq!(bench.known(), format!("{names} {}\n", text(&key)));
    }
    let mut bench = Bench::new(22, "");
    bench.settings.host_key_rules.hash_names = true;
    bench.check("192.0.2.7:22").check(&key).await.unwrap();
    assert_eq!(bench.known().matches("|1|").count(), 2, "{}", bench.known());
    let mut bench = Bench::new(22, "");
    bench.settings.host_key_rules.check_ip = false;
    bench.check("192.0.2.7:22").check(&key).await.unwrap();
    assert_eq!(bench.known(), format!("box {}\n", text(&key)));
}

#[tokio::test]
async fn a_new_address_of_a_known_host_is_learned_whatever_is_asked_for() {
    let key = key();
    for unknown_host in [UnknownHost::Refuse, UnknownHost::Ask, UnknownHost::AcceptNew] {
        let mut bench = Bench::new(22, &format!("box {}\n", text(&key)));
        bench.settings.unknown_host = unknown_host;
        bench.check("192.0.2.7:22").check(&key).await.unwrap();
        let line = text(&key);
        assert_eq!(bench.known(), format!("box {line}\n192.0.2.7 {line}\n"));
    }
}

#[tokio::test]
async fn an_address_with_another_key_is_a_changed_host_unless_a_person_agrees() {
    let (key, other) = (key(), key());
    let known = format!("box {}\n192.0.2.7 {}\n", text(&key), text(&other));
    for unknown_host in [UnknownHost::Refuse, UnknownHost::AcceptNew] {
        let mut bench = Bench::new(22, &known);
        bench.settings.unknown_host = unknown_host;
        let trouble = bench.check("192.0.2.7:22").check(&key).await.unwrap_err();
        let LinkTrouble::HostKeyChanged { name, line, .. } = trouble else { panic!("{trouble:?}") };
        assert_eq!((name.as_str(), line), ("192.0.2.7", 2));
    }
    let mut bench = Bench::new(22, &known);
    bench.settings.unknown_host = UnknownHost::AcceptAny;
    bench.check("192.0.2.7:22").check(&key).await.unwrap();
    bench.settings.unknown_host = UnknownHost::Ask;
    for (answer, agreed) in [("no", false), ("yes", true)] {
        let person = Person::who_says(&[answer]);
        let (_ending, ended) = tokio::sync::watch::channel(None);
        let asker = Asker::new(asking(&person), ended);
        let check = bench.check("192.0.2.7:22").asking(asker, PersonsTime::default());
        assert_eq!(check.check(&key).await.is_ok(), agreed);
        assert_eq!(person.kinds(), [crate::domain::attention::QuestionKind::Confirm]);
    }
    assert_eq!(bench.known(), known);
    // A new host at an address that is known with another key is not learned either.
    let bench = Bench::new(22, &format!("192.0.2.7 {}\n", text(&other)));
    bench.check("192.0.2.7:22").check(&key).await.unwrap_err();
    assert_eq!(bench.known().lines().count(), 1);
}
