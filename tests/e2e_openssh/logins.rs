//! Logins that the system's `ssh` does: over hops and commands, and with a person
//! who is asked through it.

use serde_json::Value;

use crate::asking_server::{AskingServer, Wants};
use crate::support::client_home::ClientHome;
use crate::support::config::{Config, Entry};
use crate::support::keys::KeyPair;
use crate::support::sshd::{Sshd, account};
use crate::support::wait::eventually_or;

const PASSPHRASE: &str = "open sesame";

/// A home whose `ssh_config` has these lines, and whose remote `box` is `host` there,
/// by the system's `ssh`.
fn home(host: &str, ssh_config: &str) -> ClientHome {
    let home = ClientHome::new();
    home.be_the_home_of_ssh();
    std::fs::write(home.path().join(".ssh/config"), ssh_config).unwrap();
    let remote = Entry::named("box").text("host", host).raw("transport", "OpenSsh");
    home.configure(&Config::default().with_remote(remote));
    home
}

/// A `Host` that is this server, with more lines.
fn host(name: &str, port: u16, more: &str) -> String {
    let user = account();
    format!("Host {name}\n HostName 127.0.0.1\n Port {port}\n User {user}\n{more}\n")
}

/// Answers what is asked, one after the other, and gives the questions.
fn answer(home: &ClientHome, answers: &[&str]) -> Vec<Value> {
    let mut asked: Vec<Value> = Vec::new();
    for answer in answers {
        let mut seen = Value::Null;
        eventually_or(
            "a person is asked",
            || {
                seen = home.json(&["attention"])[0].clone();
                let before = asked.last().map(|last| last["id"].clone());
                seen["id"].is_string() && Some(&seen["id"]) != before.as_ref()
            },
            || format!("{asked:?}\n{}", home.logs()),
        );
        asked.push(seen);
        let args = ["attention", "box", "--answer-file", "-"];
        home.longhaul_with_input(&args, format!("{answer}\n").as_bytes()).exited(0);
    }
    asked
}

fn again(asked: &[Value]) -> Vec<bool> {
    asked.iter().map(|question| question["again"] == true).collect()
}

#[test]
fn two_hops_with_users_keys_and_host_keys_of_their_own() {
    let (outer, inner, target) = (Sshd::start(), Sshd::start(), Sshd::start());
    let keys: Vec<_> = (0..3).map(|_| KeyPair::generate("")).collect();
    for (sshd, key) in [&outer, &inner, &target].iter().zip(&keys) {
        sshd.authorize(&[key]);
    }
    let mut config = String::new();
    let jumps = ["", " ProxyJump outer", " ProxyJump inner"];
    let home = home("target", "");
    for (n, sshd) in [&outer, &inner, &target].iter().enumerate() {
        let key = keys[n].write_to(&home.path().join(format!(".ssh/key{n}")));
        let more = format!(" IdentityFile {}\n IdentitiesOnly yes\n{}", key.display(), jumps[n]);
        config += &host(["outer", "inner", "target"][n], sshd.port(), &more);
    }
    std::fs::write(home.path().join(".ssh/config"), config).unwrap();
    let said = home.longhaul(&["run", "--on", "box", "--", "sh", "-c", "echo $SSH_CONNECTION"]);
    let said = said.exited(0).out();
    assert!(said.trim().ends_with(&format!(" {}", target.port())), "{said}");
    let known = std::fs::read_to_string(home.path().join(".ssh/known_hosts")).unwrap();
    assert_eq!(known.lines().count(), 3, "{known}");
    for sshd in [&outer, &inner, &target] {
        assert_eq!(sshd.log_lines_with("Accepted publickey"), 1, "{}", sshd.log());
    }
}

#[test]
fn a_proxy_command_is_the_way_and_is_named_where_it_fails() {
    let sshd = Sshd::start();
    let key = ClientHome::new();
    let identity = format!(" IdentityFile {}\n", key.identity().display());
    // bash brings a connection by itself.
    let command = " ProxyCommand bash -c 'exec 3<>/dev/tcp/127.0.0.1/%p; cat <&3 & cat >&3'";
    let home = home("target", &host("target", sshd.port(), &(identity + command)));
    let said = home.longhaul(&["run", "--on", "box", "--", "echo", "here"]).exited(0);
    assert_eq!(said.out(), "here\n");

    let command = " ProxyCommand sh -c 'echo nobody is there >&2; exit 1'";
    let config = host("target", sshd.port(), command);
    std::fs::write(home.path().join(".ssh/config"), config).unwrap();
    home.longhaul(&["daemon", "stop"]).exited(0);
    let report = home.longhaul(&["remote", "test", "box", "--json"]).json();
    assert_eq!(report["failure"]["code"], "ssh.connect.proxy", "{report}");
    assert!(report["failure"].to_string().contains("nobody is there"), "{report}");
}

#[test]
fn a_key_that_a_hop_and_its_destination_share_is_unlocked_by_one_answer() {
    let (gate, target) = (Sshd::start(), Sshd::start());
    let key = KeyPair::generate(PASSPHRASE);
    gate.authorize(&[&key]);
    target.authorize(&[&key]);
    let home = home("target", "");
    let file = key.write_to(&home.path().join(".ssh/locked"));
    let identity = format!(" IdentityFile {}\n", file.display());
    let config = host("gate", gate.port(), &identity)
        + &host("target", target.port(), &(identity + " ProxyJump gate"));
    std::fs::write(home.path().join(".ssh/config"), config).unwrap();
    let session = home.detached(&["--on", "box", "--", "echo", "through"]);
    let asked = answer(&home, &[PASSPHRASE]);
    assert_eq!(asked[0]["question"]["kind"], "passphrase", "{asked:?}");
    home.longhaul(&["wait", &session]).exited(0);
    let events = home.longhaul(&["events", "--since", "0", "--json"]).exited(0).json_lines();
    let opened = events.iter().filter(|event| event["event"] == "attention-asked").count();
    assert_eq!(opened, 1, "{events:?}");
}

/// What comes of a login at this server with these answers: whether it got past
/// the authentication, and what was asked.
fn login(wants: Wants, answers: &[&str]) -> (bool, Vec<Value>) {
    let server = AskingServer::start(wants);
    let more = " PubkeyAuthentication no";
    let home = home("target", &host("target", server.port(), more));
    let test = home.start(&["remote", "test", "box", "--json"]);
    let asked = answer(&home, answers);
    let report = test.finish().json();
    let stages = report["stages"].as_array().unwrap();
    let passed = |name: &str| stages.iter().any(|it| it["name"] == name && it["ok"] == true);
    assert!(passed("host key"), "{report}\n{}", home.logs());
    (passed("authentication"), asked)
}

#[test]
fn a_password_is_asked_for_again_where_it_was_wrong() {
    let (passed, asked) = login(Wants::Password("sesame"), &["wrong", "sesame"]);
    assert!(passed);
    assert!(asked.iter().all(|it| it["question"]["kind"] == "password"), "{asked:?}");
    assert_eq!(again(&asked), [false, true]);
}

#[test]
fn of_the_codes_of_one_conversation_only_the_first_follows_upon_a_refusal() {
    let codes = Wants::Codes("123", "456");
    let (passed, asked) = login(codes, &["123", "wrong", "123", "456"]);
    assert!(passed);
    let texts: Vec<_> = asked.iter().map(|it| it["question"]["text"].clone()).collect();
    // The same words: what sets them apart is whether the server has refused.
    assert!(texts.iter().all(|text| text == "Code: "), "{texts:?}");
    assert_eq!(again(&asked), [false, false, true, false]);
}
