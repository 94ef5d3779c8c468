//! The order of `pubkey_prepare`.

use russh::keys::{Algorithm, PrivateKey};

use super::*;

fn key() -> PrivateKey {
    PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()
}

fn held(key: &PrivateKey, comment: &str) -> AgentIdentity {
    AgentIdentity::PublicKey { key: key.public_key().clone(), comment: comment.to_owned() }
}

fn file(path: &str, key: &PrivateKey, private: Private) -> Arc<KeyFile> {
    let public = Some(key.public_key().clone());
    Arc::new(KeyFile { path: path.into(), public, private, certificate: None })
}

fn names(candidates: &[Candidate]) -> Vec<String> {
    let name = |candidate: &Candidate| match candidate.source() {
        KeySource::File(path) => path.display().to_string(),
        KeySource::Agent(comment) => format!("agent {comment}"),
        KeySource::Person(method) => method,
    };
    candidates.iter().map(name).collect()
}

#[test]
fn shared_keys_first_then_the_agents_then_the_files() {
    let [a, b, c, d] = [key(), key(), key(), key()];
    let files = [
        file("/locked", &a, Private::Locked),
        file("/shared2", &c, Private::Missing),
        file("/gone", &d, Private::Missing),
        file("/shared1", &b, Private::Locked),
        file("/bad", &d, Private::Unusable("bad".to_owned())),
    ];
    let agent = [held(&key(), "x"), held(&b, "b"), held(&key(), "y"), held(&c, "c")];
    let all = ["agent c", "agent b", "agent x", "agent y", "/locked", "/bad"];
    assert_eq!(names(&order(&files, &agent, false)), all);
    assert_eq!(names(&order(&files, &agent, true)), ["agent c", "agent b", "/locked", "/bad"]);
    assert_eq!(names(&order(&files, &[], false)), ["/locked", "/shared1", "/bad"]);
    assert_eq!(names(&order(&[], &agent, true)), Vec::<String>::new());
}

#[test]
fn a_key_is_offered_once_however_many_files_name_it() {
    let a = key();
    let files = [file("/one", &a, Private::Locked), file("/two", &a, Private::Locked)];
    assert_eq!(names(&order(&files, &[held(&a, "a")], false)), ["agent a"]);
}
