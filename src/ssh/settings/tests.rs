//! Settings from files; where ssh is asked as well, it has the last word.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::domain::target::{HostKeyRules, UnknownHost, Update};
use crate::domain::transport::TransportChoice;

pub(super) struct Home(pub(super) TempDir);

impl Home {
    pub(super) fn with(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".ssh")).unwrap();
        let home = Self(dir);
        home.file("config", config);
        home
    }

    pub(super) fn file(&self, name: &str, text: &str) {
        let path = self.0.path().join(".ssh").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(super) fn env(&self) -> SshEnvironment {
        SshEnvironment {
            home: self.0.path().to_owned(),
            local_user: "me".to_owned(),
            ssh_auth_sock: Some("/agent".into()),
            system_config: None,
        }
    }

    fn evaluate(&self, host: &str) -> Result<SshSettings, LinkTrouble> {
        evaluate(&request(host), &self.env()).settings
    }

    pub(super) fn settings(&self, host: &str) -> SshSettings {
        self.evaluate(host).unwrap()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(".ssh").join(name)
    }
}

pub(super) fn request(host: &str) -> SshRequest {
    SshRequest {
        host: host.to_owned(),
        port: None,
        user: None,
        identity_file: None,
        ssh_config: SshConfigUse::On,
        transport: TransportChoice::BuiltIn,
    }
}

#[test]
fn the_defaults_are_opensshs_and_a_keep_alive() {
    let home = Home::with("");
    let settings = home.settings("Box.example");
    assert_eq!(settings.host_name, "box.example");
    assert_eq!(settings.host_key_name, "box.example");
    assert_eq!((settings.port, settings.user.as_str()), (22, "me"));
    assert_eq!(settings.identity_files, IDENTITY_FILES.map(|name| home.path(name)));
    assert!(!settings.identities_explicit && !settings.identities_only);
    assert_eq!(settings.keep_alive, KeepAlive::default());
    assert_eq!(settings.unknown_host, UnknownHost::AcceptNew);
    assert_eq!(settings.user_known_hosts[0], home.path("known_hosts"));
    assert_eq!(settings.agent_socket.as_deref(), Some(Path::new("/agent")));
}

#[test]
fn the_first_value_wins_within_a_block_and_across_blocks() {
    let home = Home::with(
        "Host box\n User one\n User two\n Port 2222\nHost *\n Port 22\n HostName %h.example\n",
    );
    let settings = home.settings("box");
    assert_eq!((settings.user.as_str(), settings.port), ("one", 2222));
    assert_eq!(settings.host_name, "box.example");
    assert_eq!(home.settings("other").port, 22);
}

#[test]
fn what_was_asked_for_goes_before_what_is_set() {
    let home = Home::with("User them\nPort 2\nIdentityFile ~/.ssh/theirs\n");
    let asked = SshRequest {
        port: Some(1),
        user: Some("us".to_owned()),
        identity_file: Some("~/.ssh/%r".into()),
        ..request("box")
    };
    let settings = effective(&asked, &home.env()).unwrap();
    assert_eq!((settings.user.as_str(), settings.port), ("us", 1));
    assert_eq!(settings.identity_files, [home.path("us"), home.path("theirs")]);
    let off = SshRequest { ssh_config: SshConfigUse::Off, ..request("box") };
    assert_eq!(effective(&off, &home.env()).unwrap().user, "me");
}

#[test]
fn tokens_and_quotes_are_expanded() {
    let home = Home::with(
        "Host box\nHostName h.example\nUser r\nPort 5\n\
         IdentityFile \"%d/a b\"\nIdentityFile ~/.ssh/%n-%h-%p-%r-%u-%%\nIdentityFile none\n",
    );
    let settings = home.settings("box");
    let expected = [home.0.path().join("a b"), home.path("box-h.example-5-r-me-%")];
    assert_eq!(settings.identity_files, expected);
    assert!(settings.identities_explicit);
}

#[test]
fn match_sees_what_was_obtained_before_it() {
    let home = Home::with(
        "Host box\n User one\nMatch user one\n Port 99\nMatch host box exec \"false\"\n Port 1\n\
         Match user root\n IdentityFile ~/.ssh/root\n",
    );
    let settings = home.settings("box");
    assert_eq!((settings.user.as_str(), settings.port), ("one", 99));
    assert!(!settings.identities_explicit);
    assert_eq!(home.settings("other").port, 22);
}

#[test]
fn an_unknown_keyword_is_a_warning_and_no_fault() {
    let home = Home::with("Host box\n UseKeychain yes\n User one\n");
    let Evaluated { settings, warnings, .. } = evaluate(&request("box"), &home.env());
    assert_eq!(settings.unwrap().user, "one");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!((warning.file.clone(), warning.line), (home.path("config"), Some(2)));
    assert!(warning.to_string().contains("usekeychain"), "{warning}");
}

#[test]
fn every_file_that_was_looked_for_is_told_even_if_one_is_refused() {
    let home = Home::with("Include more.conf\nPort x\n");
    home.file("more.conf", "User one\n");
    let Evaluated { settings, files, .. } = evaluate(&request("box"), &home.env());
    assert!(settings.is_err());
    assert_eq!(files, [home.path("config"), home.path("more.conf")]);
}

#[test]
fn includes_are_conditional_and_end_with_their_file() {
    let home = Home::with("Host a\n Include inc/*.conf\n Port 3\nInclude always\n");
    fs::create_dir(home.path("inc")).unwrap();
    home.file("inc/1.conf", "Host *\n User from-one\nHost never\n Port 1\nMatch user x\n Port 2\n");
    home.file("inc/.hidden.conf", "User hidden\n");
    home.file("always", "ServerAliveInterval 1m30s\n");
    let a = home.settings("a");
    assert_eq!((a.user.as_str(), a.port), ("from-one", 3));
    let b = home.settings("b");
    assert_eq!((b.user.as_str(), b.port), ("me", 22));
    assert_eq!(a.keep_alive.interval, Some(Duration::from_secs(90)));
    // The last line stands in the block of `a`.
    assert_eq!(b.keep_alive.interval, KeepAlive::default().interval);
}

#[test]
fn the_other_keywords_are_read() {
    let home = Home::with(
        "ServerAliveInterval 0\nServerAliveCountMax=5\nConnectTimeout 7\n\
         StrictHostKeyChecking yes\nUserKnownHostsFile ~/.ssh/k1 \"/k 2\"\n\
         GlobalKnownHostsFile none\nIdentityAgent none\nIdentitiesOnly yes\nHostKeyAlias Alias\n",
    );
    let settings = home.settings("box");
    assert_eq!(settings.keep_alive, KeepAlive { interval: None, count: 5 });
    assert_eq!(settings.connect_timeout, Duration::from_secs(7));
    assert_eq!(settings.unknown_host, UnknownHost::Refuse);
    assert_eq!(settings.user_known_hosts, [home.path("k1"), "/k 2".into()]);
    assert_eq!(settings.global_known_hosts, Vec::<PathBuf>::new());
    assert_eq!(settings.agent_socket, None);
    assert!(settings.identities_only);
    assert_eq!(settings.host_key_alias.as_deref(), Some("alias"));
}

#[test]
fn what_is_said_of_host_keys_is_taken() {
    let strict = |value: &str| {
        let home = Home::with(&format!("StrictHostKeyChecking {value}\n"));
        home.settings("box").unknown_host
    };
    assert_eq!(strict("ask"), UnknownHost::Ask);
    assert_eq!(strict("yes"), UnknownHost::Refuse);
    assert_eq!(strict("off"), UnknownHost::AcceptAny);
    assert_eq!(strict("no"), UnknownHost::AcceptAny);
    assert_eq!(strict("accept-new"), UnknownHost::AcceptNew);
    let rules = |config: &str| Home::with(config).settings("box").host_key_rules;
    let usual = HostKeyRules { update: Update::Yes, ..HostKeyRules::default() };
    assert_eq!(rules(""), usual);
    assert_eq!(rules("HashKnownHosts yes\n"), HostKeyRules { hash_names: true, ..usual.clone() });
    let revoked = vec!["/r1".into(), "/r 2".into()];
    assert_eq!(rules("RevokedHostKeys /r1 '/r 2'\n"), HostKeyRules { revoked, ..usual.clone() });
    for off in ["UpdateHostKeys no\n", "VerifyHostKeyDNS yes\n", "UserKnownHostsFile /k\n"] {
        assert_eq!(rules(off), HostKeyRules::default(), "{off}");
    }
    let asks = HostKeyRules { update: Update::Ask, ..usual.clone() };
    assert_eq!(rules("UpdateHostKeys ask\n"), asks);
    let addresses = HostKeyRules { check_ip: true, ..usual.clone() };
    assert_eq!(rules("CheckHostIP yes\n"), addresses);
    assert!(rules("UserKnownHostsFile /k\nUpdateHostKeys yes\n").update == Update::Yes);
    let command = rules("KnownHostsCommand /bin/k \"a b\" %h-%H %% %K%t%f%I %u\n").command;
    assert_eq!(command.unwrap(), ["/bin/k", "a b", "box-%H", "%%", "%K%t%f%I", "me"]);
}

#[test]
fn hops_are_destinations_of_their_own() {
    let home = Home::with(
        "Host target\n ProxyJump first,me2@second:2200\n User t\n Port 3\n\
         Host first\n HostName first.example\n ProxyJump zeroth\n User f\n\
         Host second\n ProxyJump ignored\n IdentityFile ~/.ssh/second\n",
    );
    let settings = home.settings("target");
    let hops: Vec<_> =
        settings.jumps.iter().map(|hop| (&*hop.host_name, hop.port, &*hop.user)).collect();
    assert_eq!(hops, [("zeroth", 22, "me"), ("first.example", 22, "f"), ("second", 2200, "me2")]);
    assert_eq!(settings.jumps[2].identity_files, [home.path("second")]);
    assert!(settings.jumps.iter().all(|hop| hop.jumps.is_empty()));
}

#[test]
fn proxy_jump_none_keeps_a_later_one_out() {
    for none in ["ProxyJump none", "ProxyCommand none"] {
        let home = Home::with(&format!("Host box\n {none}\nHost *\n ProxyJump bastion\n"));
        assert_eq!(home.settings("box").jumps, []);
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_its_line() {
    let cases = [
        ("Host *\n ProxyJump bastion\n", 2, "jumphost loop via bastion"),
        (
            "Host box\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a\n",
            6,
            "jump host loop: box → a → b → a",
        ),
        ("ProxyCommand -\n", 1, "no standard input"),
        ("ProxyCommand nc %x\n", 1, "unknown key %x"),
        ("Ciphers 3des-cbc\n", 1, "Ciphers 3des-cbc: longhaul has none"),
        ("\nKexAlgorithms sntrup761x25519-sha512\n", 2, "longhaul has none"),
        ("MACs umac-64@openssh.com\n", 1, "longhaul has none"),
        ("HostKeyAlgorithms sk-*\n", 1, "longhaul has none"),
        ("PubkeyAcceptedAlgorithms ssh-rsa\n", 1, "longhaul has none"),
        ("KnownHostsCommand /k %x\n", 1, "unknown key %x"),
        ("\nPort 70000\n", 2, "Bad port"),
        ("Port 0\n", 1, "Bad port"),
        ("ConnectTimeout soon\n", 1, "invalid time"),
        ("IdentityFile %x\n", 1, "unknown key %x"),
        ("IdentityFile ${LONGHAUL_NOT_SET}\n", 1, "LONGHAUL_NOT_SET} has no value"),
        ("UserKnownHostsFile \"open\n", 1, "invalid quotes"),
        ("ProxyJump a:b\n", 1, "Invalid ProxyJump"),
        ("Include config\n", 1, "Too many recursive"),
        ("Match exec 'kill -9 $$'\n", 1, "signal"),
        ("Port x\n\nUser a b\n", 1, "(and 1 more)"),
        ("\nRefuseConnection \"use the new one\"\n", 2, "use the new one"),
    ];
    for (config, number, words) in cases {
        let home = Home::with(config);
        let trouble = home.evaluate("box").unwrap_err();
        let LinkTrouble::SshConfig { file, line, detail } = trouble else { panic!("{trouble:?}") };
        assert_eq!((file, line), (home.path("config"), Some(number)), "{config}");
        assert!(detail.contains(words), "{config}: {detail}");
    }
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let home = Home::with("User x\n");
    let open = fs::Permissions::from_mode(0o666);
    fs::set_permissions(home.path("config"), open).unwrap();
    assert!(matches!(home.evaluate("box"), Err(LinkTrouble::SshConfig { .. })));
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let home = Home::with("User x\n");
    let named = |name: &str| SshRequest {
        ssh_config: SshConfigUse::File(home.path(name)),
        ..request("box")
    };
    assert_eq!(effective(&named("config"), &home.env()).unwrap().user, "x");
    assert!(matches!(
        effective(&named("missing"), &home.env()),
        Err(LinkTrouble::SshConfig { line: None, .. })
    ));
}

/// `ssh -G` is asked the same about a file with the usual ways of writing.
#[test]
fn ssh_comes_to_the_same_settings() {
    let home = Home::with("");
    let config = "\
        # a comment\n\
        Host a* !ab\n\tUser=first\n  port = 2201\n\
        Host \"b\" c\n  HostName \"b.example\"\n  IdentityFile /keys/%h\n\
        Host *.example\n User 'quoted user'\n\
        HOST *\n  user last\n  ServerAliveInterval 2m\n  ServerAliveCountMax 9\n\
          ConnectTimeout 33\n  IdentitiesOnly yes\n";
    home.file("config", config);
    for host in ["a", "ab", "abc", "b", "c", "x.example", "B", "zzz"] {
        let ours = home.settings(host);
        let asked = Command::new("ssh")
            .args(["-G", "-F"])
            .arg(home.path("config"))
            .args(["--", host])
            .output()
            .unwrap();
        let said = String::from_utf8(asked.stdout).unwrap();
        let theirs = |key: &str| {
            let line = said.lines().find(|line| line.split(' ').next() == Some(key));
            line.map(|line| line[key.len() + 1..].to_owned()).unwrap()
        };
        assert_eq!(ours.host_name, theirs("hostname"), "{host}");
        assert_eq!(ours.user, theirs("user"), "{host}");
        assert_eq!(ours.port.to_string(), theirs("port"), "{host}");
        let seconds = |time: Duration| time.as_secs().to_string();
        let interval = ours.keep_alive.interval.map(seconds);
        assert_eq!(interval.unwrap(), theirs("serveraliveinterval"), "{host}");
        assert_eq!(ours.keep_alive.count.to_string(), theirs("serveralivecountmax"), "{host}");
        assert_eq!(seconds(ours.connect_timeout), theirs("connecttimeout"), "{host}");
    }
}

#[test]
fn two_names_of_one_address_are_no_loop() {
    let home = Home::with("Host target\n ProxyJump gw\nHost target gw\n HostName 192.0.2.1\n");
    assert_eq!(home.settings("target").jumps.len(), 1);
}
