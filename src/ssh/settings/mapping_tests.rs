//! What each keyword comes to, and what is told of those that come to nothing.

use std::time::Duration;

use super::standing::{Standing, standing};
use super::tests::{Home, request};
use super::*;
use crate::domain::secret::Secret;
use crate::domain::ssh_options::{
    AddKeys, AddressFamily, Bind, HostKeyAlgorithms, Login, LoginMethod, Offer, ProxyCommand, Reach,
};
use crate::domain::transport::{Transport, TransportChoice, Why};

fn settings(config: &str) -> SshSettings {
    Home::with(config).settings("box")
}

#[test]
fn what_is_said_of_the_way_is_taken() {
    let usual = Reach::default;
    let proxy = |command: &str, passes_descriptor| {
        let command = command.to_owned();
        Reach { proxy: Some(ProxyCommand { command, passes_descriptor }), ..usual() }
    };
    let bind = |bind| Reach { bind: Some(bind), ..usual() };
    let rows = [
        ("", usual()),
        ("AddressFamily any", usual()),
        ("AddressFamily inet", Reach { family: AddressFamily::Inet, ..usual() }),
        ("AddressFamily inet6", Reach { family: AddressFamily::Inet6, ..usual() }),
        ("BindAddress 127.0.0.2", bind(Bind::Address("127.0.0.2".to_owned()))),
        ("BindInterface eth0", bind(Bind::Interface("eth0".to_owned()))),
        ("BindInterface e\nBindAddress a", bind(Bind::Address("a".to_owned()))),
        ("ConnectionAttempts 4", Reach { attempts: 4, ..usual() }),
        ("TCPKeepAlive no", Reach { tcp_keep_alive: false, ..usual() }),
        ("ProxyCommand nc %h %p %r %n %%", proxy("nc box 22 me box %", false)),
        ("ProxyCommand exec nc '%h'", proxy("exec nc 'box'", false)),
        ("ProxyUseFdpass yes\nProxyCommand nc -F %h", proxy("nc -F box", true)),
        ("ProxyCommand none", usual()),
        ("ProxyCommand none\nProxyCommand nc", usual()),
        ("ProxyJump none\nProxyCommand nc", proxy("nc", false)),
    ];
    for (config, expected) in rows {
        assert_eq!(settings(config).reach, expected, "{config}");
    }
}

#[test]
fn nothing_is_known_of_the_first_hop_behind_a_command() {
    let direct = settings("HostName h");
    assert_eq!(direct.first_hop(), Some(&direct));
    assert_eq!(settings("ProxyCommand nc").first_hop(), None);
    let hop = Home::with("Host box\n ProxyJump gate\nHost gate\n Port 3\n").settings("box");
    assert_eq!(hop.first_hop().unwrap().port, 3);
    let behind = Home::with("Host box\n ProxyJump gate\nHost gate\n ProxyCommand nc\n");
    assert_eq!(behind.settings("box").first_hop(), None);
    // As with ssh, it is the first hop's alone that counts.
    let later = Home::with("Host box\n ProxyJump a,b\nHost b\n ProxyCommand nc\n").settings("box");
    assert_eq!(later.first_hop().unwrap().host_name, "a");
    assert_eq!(later.jumps[1].reach.proxy, None);
}

#[test]
fn what_is_said_of_the_login_is_taken() {
    use LoginMethod::{KeyboardInteractive as Keyboard, Password, PublicKey};
    let usual = Login::default;
    let by = |methods: &[LoginMethod]| Login { methods: methods.to_vec(), ..usual() };
    let add = |confirm, seconds: Option<u64>| {
        let lifetime = seconds.map(Duration::from_secs);
        Login { add_keys: AddKeys::Yes { asks: false, confirm, lifetime }, ..usual() }
    };
    let accepted = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Login { accepted: Some(names), ..usual() }
    };
    let rows = [
        ("", usual()),
        ("PubkeyAuthentication no", by(&[Keyboard, Password])),
        ("PubkeyAuthentication unbound", usual()),
        ("PreferredAuthentications password", by(&[Password])),
        (
            "PreferredAuthentications password,hostbased,publickey,password",
            by(&[Password, PublicKey]),
        ),
        ("PasswordAuthentication no", by(&[PublicKey, Keyboard])),
        ("ChallengeResponseAuthentication no", by(&[PublicKey, Password])),
        ("BatchMode yes", Login { batch: true, ..usual() }),
        ("NumberOfPasswordPrompts 1", Login { prompts: 1, ..usual() }),
        ("AddKeysToAgent no", usual()),
        ("AddKeysToAgent yes", add(false, None)),
        ("AddKeysToAgent confirm", add(true, None)),
        ("AddKeysToAgent 1h", add(false, Some(3600))),
        ("AddKeysToAgent confirm 1h", add(true, Some(3600))),
        (
            "AddKeysToAgent ask",
            Login {
                add_keys: AddKeys::Yes { asks: true, confirm: false, lifetime: None },
                ..usual()
            },
        ),
        ("PubkeyAcceptedAlgorithms rsa-sha2-256", accepted(&["rsa-sha2-256"])),
        (
            "PubkeyAcceptedAlgorithms ssh-ed25519*",
            accepted(&["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"]),
        ),
        (
            "CertificateFile /c1\nCertificateFile \"/c 2\"",
            Login { certificate_files: vec!["/c1".into(), "/c 2".into()], ..usual() },
        ),
    ];
    for (config, expected) in rows {
        assert_eq!(settings(config).login, expected, "{config}");
    }
}

#[test]
fn lists_of_algorithms_are_kept_in_their_order_as_far_as_there_are_any() {
    let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let rows = [
        ("", Offer::default()),
        (
            "Ciphers aes256-ctr,3des-cbc,aes128-ctr",
            Offer { ciphers: list(&["aes256-ctr", "aes128-ctr"]), ..Offer::default() },
        ),
        (
            "MACs ^hmac-sha2-256",
            Offer {
                macs: list(&[
                    "hmac-sha2-256",
                    "hmac-sha2-512-etm@openssh.com",
                    "hmac-sha2-256-etm@openssh.com",
                    "hmac-sha2-512",
                ]),
                ..Offer::default()
            },
        ),
        ("KexAlgorithms -*,!x", Offer { kex: list(&[]), ..Offer::default() }),
        (
            "KexAlgorithms -mlkem*,ecdh*,diffie*",
            Offer {
                kex: list(&["curve25519-sha256", "curve25519-sha256@libssh.org"]),
                ..Offer::default()
            },
        ),
        ("RekeyLimit default none", Offer::default()),
        (
            "RekeyLimit 64M 30m",
            Offer {
                rekey_bytes: Some(64 << 20),
                rekey_after: Some(Duration::from_secs(1800)),
                ..Offer::default()
            },
        ),
        ("RekeyLimit 4G", Offer { rekey_bytes: Some(1 << 30), ..Offer::default() }),
    ];
    for (config, expected) in rows {
        let home = Home::with(config);
        match evaluate(&request("box"), &home.env()).settings {
            Ok(settings) => assert_eq!(settings.offer, expected, "{config}"),
            Err(trouble) => assert_eq!(expected.kex, Some(Vec::new()), "{trouble}"),
        }
    }
    let keys = |config: &str| settings(config).offer.host_keys.unwrap();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let chosen =
        HostKeyAlgorithms { names: names(&["rsa-sha2-256", "ssh-ed25519"]), known_first: false };
    assert_eq!(keys("HostKeyAlgorithms rsa-sha2-256,ssh-ed25519"), chosen);
    assert!(keys("HostKeyAlgorithms +ssh-rsa").known_first);
    assert!(keys("HostKeyAlgorithms +ssh-rsa").names.contains(&"ssh-rsa".to_owned()));
    assert!(!keys("HostKeyAlgorithms ^ssh-rsa").known_first);
}

#[test]
fn the_environment_goes_along_as_far_as_it_is_asked_for() {
    let home = Home::with("SendEnv HOM? NO_SUCH_VARIABLE\nSetEnv A=1 B=\"two words\"\n");
    let value = |text: &str| Secret::new(text);
    let here = home.0.path().to_string_lossy().into_owned();
    let env = home.settings("box").env;
    let named = |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    assert_eq!(named("A"), Some(&value("1")));
    assert_eq!(named("B"), Some(&value("two words")));
    assert!(named("HOME").is_some() && env.len() == 3, "{env:?} {here}");
    let fixed = Home::with("SendEnv HOME\nSetEnv HOME=fixed\n").settings("box").env;
    assert_eq!(fixed, [("HOME".to_owned(), value("fixed"))]);
    assert!(settings("SendEnv *\nSendEnv -*\n").env.is_empty());
}

#[test]
fn an_agent_is_forwarded_by_its_path_or_as_the_one_that_is_used() {
    let rows = [
        ("", None),
        ("ForwardAgent no", None),
        ("ForwardAgent yes", Some("/agent")),
        ("ForwardAgent $SSH_AUTH_SOCK", Some("/agent")),
        ("ForwardAgent yes\nIdentityAgent /other", Some("/other")),
        ("ForwardAgent yes\nIdentityAgent none", None),
        ("ForwardAgent /%r/s\nUser x\nIdentityAgent none", Some("/x/s")),
        ("ForwardAgent $LONGHAUL_NOT_SET", None),
    ];
    for (config, socket) in rows {
        assert_eq!(settings(config).forward_agent, socket.map(PathBuf::from), "{config}");
    }
}

#[test]
fn what_is_not_done_as_ssh_does_it_is_told_with_its_line() {
    let rows = [
        ("VerifyHostKeyDNS ask", "VerifyHostKeyDNS ask: no key is looked up in the DNS"),
        ("GSSAPIAuthentication yes", "GSSAPIAuthentication yes: "),
        ("KbdInteractiveDevices pam", "KbdInteractiveDevices pam: "),
        ("HostbasedAuthentication yes", "HostbasedAuthentication yes: "),
        ("PKCS11Provider /p.so", "PKCS11Provider /p.so: "),
        ("SecurityKeyProvider /p.so", "SecurityKeyProvider /p.so: "),
        ("RequiredRSASize 3072", "RequiredRSASize 3072: "),
        ("NoHostAuthenticationForLocalhost yes", "NoHostAuthenticationForLocalhost yes: "),
        ("CASignatureAlgorithms ssh-ed25519", "CASignatureAlgorithms ssh-ed25519: "),
        ("ChannelTimeout session=5m", "ChannelTimeout session=5m: "),
        ("IPQoS ef", "IPQoS"),
        ("VersionAddendum hello", "VersionAddendum hello: "),
        ("RekeyLimit 4G", "RekeyLimit 4294967296: "),
        ("CertificateFile /no/such", "CertificateFile /no/such: there is no such file"),
        ("Ciphers aes256-ctr,3des-cbc", "Ciphers 3des-cbc: longhaul does not have these"),
        ("KexAlgorithms +sntrup761x25519-sha512", "KexAlgorithms sntrup761x25519-sha512: "),
    ];
    for (config, words) in rows {
        let home = Home::with(&format!("\n{config}\n"));
        let Evaluated { settings, warnings, .. } = evaluate(&request("box"), &home.env());
        assert!(settings.is_ok(), "{config}");
        let [warning] = warnings.as_slice() else { panic!("{config}: {warnings:?}") };
        assert_eq!((&warning.file, warning.line), (&home.path("config"), Some(2)), "{config}");
        assert!(warning.to_string().contains(words), "{warning}");
    }
}

#[test]
fn what_only_ssh_can_do_is_left_to_ssh_for_the_whole_way() {
    let chosen = |config: &str, host: &str, transport| {
        let home = Home::with(config);
        let asked = SshRequest { transport, ..request(host) };
        let Evaluated { settings, warnings, .. } = evaluate(&asked, &home.env());
        let settings = settings.unwrap();
        assert_eq!(settings.system_ssh.is_some(), settings.transport.transport == OpenSsh);
        (settings.transport, warnings.len())
    };
    use Transport::{BuiltIn, OpenSsh};
    let auto = TransportChoice::Auto;
    let needs = |need| Chosen { transport: OpenSsh, why: Why::Needs(vec![need]) };
    let gssapi = "GSSAPIAuthentication yes\n";
    assert_eq!(chosen(gssapi, "box", auto), (needs(Need::Gssapi), 0));
    let hop = "Host box\n ProxyJump gate\nHost gate\n GSSAPIAuthentication yes\n";
    assert_eq!(chosen(hop, "box", auto), (needs(Need::Gssapi), 0));
    let old = "Ciphers 3des-cbc\nIPQoS ef\n";
    assert_eq!(chosen(old, "box", auto), (needs(Need::Algorithms("Ciphers")), 0));
    assert_eq!(chosen("IPQoS ef\n", "box", auto), (Chosen::default(), 1));
    let configured = |transport| Chosen { transport, why: Why::Configured };
    let asked = chosen(gssapi, "box", TransportChoice::BuiltIn);
    assert_eq!(asked, (configured(BuiltIn), 1));
    let send = "SendEnv LANG\nSetEnv A=b\n";
    assert_eq!(chosen(send, "box", TransportChoice::OpenSsh), (configured(OpenSsh), 1));
}

#[test]
fn what_asks_for_what_is_done_anyway_is_not_told() {
    let config = "Compression no\nForwardAgent no\nCheckHostIP no\nUpdateHostKeys no\n\
                  GSSAPIAuthentication no\nRequestTTY yes\nRemoteCommand ls\nControlMaster auto\n\
                  ControlPath /c\nLocalForward 1 h:2\nForwardX11 yes\nLocalCommand ls\n\
                  PermitLocalCommand yes\nEscapeChar none\nLogLevel DEBUG\nVisualHostKey yes\n";
    let home = Home::with(config);
    assert_eq!(evaluate(&request("box"), &home.env()).warnings, []);
    // What a distribution sets is nobody's wish.
    home.file("system", "GSSAPIAuthentication yes\n");
    let system_config = Some(home.path("system"));
    let env = SshEnvironment { system_config, ..home.env() };
    assert_eq!(evaluate(&request("other"), &env).warnings, []);
}

/// As the manual writes them: a keyword that is told of is found there.
#[test]
fn every_keyword_that_is_not_done_has_its_name_and_words() {
    for &keyword in Keyword::ALL {
        if let (name, Standing::Told(words)) = standing(keyword) {
            assert_eq!(name.to_ascii_lowercase(), keyword.name());
            assert!(!words.is_empty() && !words.ends_with('.'), "{name}");
        }
    }
}

#[test]
fn the_readme_says_what_becomes_of_each_keyword() {
    let readme = include_str!("../../../README.md").to_ascii_lowercase();
    let row = |start: &str| readme.lines().find(|line| line.starts_with(start)).unwrap();
    let (done, told) = (row("| done as ssh does it |"), row("| not done, and a warning"));
    // Of the reading itself, and parts of other settings.
    let is_apart = |name: &str| {
        let apart = [
            "forwardagent socket",
            "ignoreunknown",
            "refuseconnection",
            "rekeylimit interval",
            "tag",
        ];
        name.starts_with("canonical") || apart.contains(&name)
    };
    for &keyword in Keyword::ALL {
        let name = format!("`{}`", keyword.name());
        match standing(keyword).1 {
            Standing::Honoured if is_apart(keyword.name()) => {}
            // Where it asks for it, it is not done, and told of where it is read.
            Standing::Honoured => {
                assert!(done.contains(&name) || told.contains(&name), "{name}");
            }
            Standing::Told(_) => assert!(told.contains(&name) && !done.contains(&name), "{name}"),
            Standing::DoesNotApply => {
                assert!(!told.contains(&name) && !done.contains(&name), "{name}");
            }
        }
    }
}
