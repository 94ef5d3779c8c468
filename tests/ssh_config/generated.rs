//! Made up configurations: longhaul and the ssh of this machine say the same.
//!
//! Where the ssh of Debian 12 (9.2) differs from OpenSSH 10, which is followed,
//! nothing is made up: quotes and escapes in `Match`, tokens in `User`,
//! `SetEnv` and `Include`, `%C` where there is a `ProxyJump`, DSA keys, signs in
//! times. Of the default ciphers only which there are is compared, not their
//! order, and of the key exchanges those that both have: the other lists hold
//! the rules of order.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

/// What `ssh -G` says about the rest is the C library's, or a vendor's.
const COMPARED: [&str; 57] = [
    "hostname",
    "port",
    "user",
    "identityfile",
    "certificatefile",
    "proxyjump",
    "proxycommand",
    "userknownhostsfile",
    "globalknownhostsfile",
    "stricthostkeychecking",
    "hostkeyalias",
    "serveraliveinterval",
    "serveralivecountmax",
    "connecttimeout",
    "connectionattempts",
    "forwardagent",
    "addkeystoagent",
    "sendenv",
    "setenv",
    "compression",
    "pubkeyauthentication",
    "preferredauthentications",
    "bindaddress",
    "addressfamily",
    "tcpkeepalive",
    "controlpath",
    "controlpersist",
    "localforward",
    "remoteforward",
    "rekeylimit",
    "identitiesonly",
    "identityagent",
    "updatehostkeys",
    "loglevel",
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "casignaturealgorithms",
    "canonicaldomains",
    "checkhostip",
    "controlmaster",
    "dynamicforward",
    "exitonforwardfailure",
    "hashknownhosts",
    "kbdinteractiveauthentication",
    "knownhostscommand",
    "localcommand",
    "numberofpasswordprompts",
    "passwordauthentication",
    "pkcs11provider",
    "proxyusefdpass",
    "remotecommand",
    "requesttty",
    "requiredrsasize",
    "sessiontype",
];

fn word() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "ab", "a.example", "B", "box", "10.0.0.1", "::1", "a-b_c", "*", "x#y"])
        .prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    select(vec![
        "a",
        "b",
        "a*",
        "*",
        "?",
        "!b",
        "!a*",
        "*.example",
        "a.?xample",
        "B",
        "b*x",
        "!!a",
        "a,b",
    ])
    .prop_map(str::to_owned)
}

/// A word as it may be written: bare, in quotes, with escapes.
fn quoted(word: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (word, 0_u8..7).prop_map(|(word, form)| match form {
        0 => format!("\"{word}\""),
        1 => format!("'{word}'"),
        2 => format!("{word}\"\""),
        3 => format!("\"{word} {word}\""),
        4 => format!("{word}\\ {word}"),
        _ => word,
    })
}

fn values() -> impl Strategy<Value = String> {
    let file = select(vec![
        "~/.ssh/id_%h",
        "/k/%n-%p",
        "none",
        "~/x",
        "/k/%%",
        "rel/key",
        "~/.ssh/id_%r",
        "\"/k k\"",
    ]);
    let time = select(vec!["5", "1m30s", "none", "2h", "-1", "1x", "0"]);
    let flag = select(vec!["yes", "no", "true", "FALSE", "maybe", "\"yes\"", "ask"]);
    let jump = select(vec![
        "j",
        "j1,j2",
        "u@j:22",
        "none",
        "ssh://u@j:2200",
        "j:0",
        "[::1]:22",
        "a",
        "j1, j2",
        "j # c",
        "u@v@j",
        "ssh://j/x",
        "@j",
        ",j",
    ]);
    let port = select(vec!["22", "2200", "0", "65536", "ssh", "+23", "x"]);
    let keyed = |keys: &'static [&'static str], value: BoxedStrategy<String>| {
        (select(keys.to_vec()), select(vec![" ", "=", " = ", "\t", "  "]), value)
            .prop_map(|(key, between, value)| format!("{key}{between}{value}"))
    };
    let text = |values: prop::sample::Select<&'static str>| values.prop_map(str::to_owned).boxed();
    prop_oneof![
        4 => keyed(&["User", "HostName", "HostKeyAlias", "BindAddress", "user"], quoted(word()).boxed()),
        2 => keyed(&["HostName"], text(select(vec!["%h.example", "%%h", "B.Example", "%n", "127.0.0.1"]))),
        3 => keyed(&["IdentityFile", "CertificateFile", "UserKnownHostsFile", "ControlPath"], text(file)),
        2 => keyed(&["ConnectTimeout", "ServerAliveInterval", "ControlPersist"], text(time)),
        2 => keyed(
            &["IdentitiesOnly", "TCPKeepAlive", "StrictHostKeyChecking", "PubkeyAuthentication",
              "ForwardAgent", "AddKeysToAgent", "UpdateHostKeys", "Compression"],
            text(flag.clone()),
        ),
        3 => keyed(&["ProxyJump"], text(jump)),
        2 => keyed(&["ProxyCommand"], text(select(vec!["nc %h %p", "none", "a  b # c", "\"x", "= y"]))),
        2 => keyed(&["Port"], text(port)),
        2 => keyed(&["SendEnv"], text(select(vec!["A B", "-A", "LC_*", "A=B", "-*", "\"\""]))),
        1 => keyed(&["SetEnv"], text(select(vec!["A=1 B=2", "A=1 A=2", "A", "A='x y'", "C="]))),
        1 => keyed(&["GlobalKnownHostsFile", "UserKnownHostsFile"], text(select(vec!["/a /b", "none", "none /a", "/a none"]))),
        1 => keyed(&["RekeyLimit"], text(select(vec!["1G", "default 1h", "1K none", "8", "1.5M 5", "x"]))),
        1 => keyed(&["LocalForward"], text(select(vec!["8080 a:80", "[::1]:1 b:2", "/s/%h /t", "0 a:1", "a:1", "1 /s"]))),
        1 => keyed(&["RemoteForward"], text(select(vec!["8080 a:80", "1080", "0 a:1", "x a:1"]))),
        1 => keyed(&["Ciphers"], text(select(vec!["+aes128-cbc", "-aes*", "^aes256-ctr", "nope", "aes128-ctr,aes128-ctr", "-*"]))),
        1 => keyed(&["MACs"], text(select(vec!["hmac-sha1", "-hmac-*", "+hmac-md5", "^hmac-sha1,hmac-sha1"]))),
        1 => keyed(&["KexAlgorithms"], text(select(vec!["-diffie-*", "+diffie-hellman-group1-sha1", "^ecdh-sha2-nistp521", "curve25519-sha256", "?urve*"]))),
        2 => keyed(
            &["HostKeyAlgorithms", "PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes", "CASignatureAlgorithms"],
            text(select(vec!["ssh-ed25519", "+ssh-rsa", "^rsa-sha2-*", "-ecdsa-*,ssh-ed25519", "ecdsa-*", "nope", "rsa-sha2-512,ssh-ed25519"])),
        ),
        2 => keyed(
            &["CheckHostIP", "ExitOnForwardFailure", "HashKnownHosts", "KbdInteractiveAuthentication",
              "ChallengeResponseAuthentication", "PasswordAuthentication", "ProxyUseFdpass", "ControlMaster",
              "RequestTTY"],
            text(flag),
        ),
        1 => keyed(&["SessionType"], text(select(vec!["none", "subsystem", "default", "other"]))),
        1 => keyed(
            &["NumberOfPasswordPrompts", "RequiredRSASize", "ConnectionAttempts", "ServerAliveCountMax"],
            text(select(vec!["1", "0", "-1", "+7", "2048", "x", "1m", "4294967296"])),
        ),
        2 => keyed(
            &["RemoteCommand", "LocalCommand", "KnownHostsCommand", "PKCS11Provider"],
            text(select(vec!["none", "/bin/true %H", "a 'b", "\"a b\" c # d", "/x"])),
        ),
        1 => keyed(&["DynamicForward"], text(select(vec!["1080", "[::1]:1", "*:2", "a:3", "0", "x", "a/4"]))),
        1 => keyed(&["CanonicalDomains"], text(select(vec!["a.example B.example", "none", "none a", ".a", "a..b"]))),
        1 => keyed(&["AddKeysToAgent"], text(select(vec!["1h", "confirm 1h", "ask", "confirm x", "confirm 1h 2h"]))),
        1 => keyed(&["ForwardAgent", "IdentityAgent"], text(select(vec!["/a/s", "$SOCK", "~/s", "none", "${HOME}/s", "$", "$a-b"]))),
        1 => keyed(&["IgnoreUnknown"], text(select(vec!["Foo,B*", "none", "F*"]))),
        1 => select(vec!["Foo bar", "Bar", "GSSAPIKeyExchange no", "UseRsh no"]).prop_map(str::to_owned),
        1 => keyed(&["LogLevel"], text(select(vec!["debug", "QUIET", "loud"]))),
        1 => Just("User a b".to_owned()),
        1 => Just("Port".to_owned()),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let patterns = vec(quoted(pattern()), 1..4).prop_map(|words| words.join(" "));
    // 9.2 takes Match apart differently where there are quotes or escapes.
    let criterion = prop_oneof![
        (
            select(vec!["host", "originalhost", "user", "localuser", "!host", "!user"]),
            select(vec!["a", "b,a*", "*", "!b,*", "root", "*.example", "B"])
        )
            .prop_map(|(name, list)| format!("{name} {list}")),
        select(vec!["final", "!final", "canonical", "exec true", "exec false", "!exec false"])
            .prop_map(str::to_owned),
    ];
    let criteria = prop_oneof![
        8 => vec(criterion, 1..3).prop_map(|words| words.join(" ")),
        1 => Just("all".to_owned()),
        1 => Just("nothing".to_owned()),
    ];
    let include =
        select(vec!["1.conf", "*.conf", "~/.ssh/2.conf", "none.conf", "1.conf 2.conf", "config"]);
    prop_oneof![
        12 => values(),
        4 => patterns.prop_map(|patterns| format!("Host {patterns}")),
        3 => criteria.prop_map(|criteria| format!("Match {criteria}")),
        1 => include.prop_map(|path| format!("Include {path}")),
        1 => select(vec!["# a comment", "", "  ", "\t# User x", "Protocol 2", "User x # y"])
            .prop_map(str::to_owned),
    ]
}

/// The main file, and two that it may include.
fn files() -> impl Strategy<Value = [String; 3]> {
    let text = |most| {
        vec((select(vec!["", "  ", "\t"]), line()), 0..most).prop_map(|lines| {
            lines.iter().map(|(indent, line)| format!("{indent}{line}\n")).collect::<String>()
        })
    };
    [text(14).boxed(), text(4).boxed(), text(4).boxed()]
}

fn lay(home: &Path, files: &[String; 3]) {
    let folder = home.join(".ssh");
    fs::create_dir(&folder).unwrap();
    for (name, text) in ["config", "1.conf", "2.conf"].iter().zip(files) {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// By nss_wrapper, so that the home is this one for ssh too.
fn ask(mut command: Command, home: &Path) -> Output {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let passwd = home.join("passwd");
    let home_text = home.display();
    fs::write(&passwd, format!("alice:x:{uid}:{gid}::{home_text}:/bin/sh\n")).unwrap();
    let group = home.join("group");
    fs::write(&group, format!("alice:x:{gid}:\n")).unwrap();
    command
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("HOME", home), ("NSS_WRAPPER_PASSWD", &passwd), ("NSS_WRAPPER_GROUP", &group)])
        .envs([("LD_PRELOAD", "libnss_wrapper.so"), ("NSS_WRAPPER_HOSTNAME", "devbox.example")])
        .envs([("USER", "alice"), ("SHELL", "/bin/sh")])
        .output()
        .unwrap()
}

/// What a program says under each keyword; `None` if it refuses.
fn said(output: &Output) -> Option<BTreeMap<String, Vec<String>>> {
    if !output.status.success() {
        return None;
    }
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if COMPARED.contains(&key) {
            said.entry(key.to_owned()).or_default().push(value.trim().to_owned());
        }
    }
    Some(said)
}

/// The default key files, which are fewer in newer releases, the folder that
/// one writes with `~`, and the defaults of the lists that differ.
fn alike(said: &mut BTreeMap<String, Vec<String>>, home: &Path) {
    let home = format!("{}/", home.display());
    for values in said.values_mut().flatten() {
        *values = values.replace(&home, "~/");
    }
    let obsolete = ["~/.ssh/id_xmss", "~/.ssh/id_dsa"];
    if let Some(files) = said.get_mut("identityfile") {
        files.retain(|file| !obsolete.contains(&file.as_str()));
    }
    let amend = |list: &mut String, change: &dyn Fn(&mut Vec<&str>)| {
        let mut names: Vec<&str> = list.split(',').collect();
        change(&mut names);
        let changed = names.join(",");
        *list = changed;
    };
    for list in said.get_mut("ciphers").into_iter().flatten() {
        amend(list, &|names| names.sort_unstable());
    }
    for list in said.get_mut("kexalgorithms").into_iter().flatten() {
        amend(list, &|names| names.retain(|name| *name != "mlkem768x25519-sha256"));
    }
}

/// The same files each time, so that a change is to blame for what fails with it;
/// `PROPTEST_RNG_SEED` gives others, and `PROPTEST_CASES` more.
fn made_up() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let given = |name| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if given("PROPTEST_CASES") { usual.cases } else { 150 },
        rng_seed: match usual.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            fixed => fixed,
        },
        failure_persistence: None,
        ..usual
    }
}

proptest! {
    #![proptest_config(made_up())]
    #[test]
    fn ssh_says_the_same_of_made_up_files(
        files in files(),
        host in select(vec!["a", "b", "ab", "a.example", "B", "u@a", "x"]),
        user in select(vec![None, Some("root"), Some("alice")]),
    ) {
        let home = tempfile::tempdir().unwrap();
        lay(home.path(), &files);
        let config = home.path().join(".ssh/config");
        let mut ssh = Command::new("ssh");
        ssh.args(["-G", "-F"]).arg(&config);
        let mut longhaul = Command::new(env!("CARGO_BIN_EXE_longhaul"));
        longhaul.args(["ssh-config", "--local-host", "devbox.example", "--local-user", "alice"]);
        longhaul.arg("--home").arg(home.path()).arg("-F").arg(&config);
        if let Some(user) = user {
            ssh.args(["-l", user]);
            longhaul.args(["--user", user]);
        }
        let theirs = ask({ ssh.args(["--", host]); ssh }, home.path());
        let ours = ask({ longhaul.args(["--", host]); longhaul }, home.path());
        let (mut they_say, mut we_say) = (said(&theirs), said(&ours));
        // The one thing that ssh refuses and longhaul only warns of.
        if String::from_utf8_lossy(&ours.stderr).contains(": unknown keyword ") {
            we_say = None;
        }
        they_say.iter_mut().chain(&mut we_say).for_each(|said| alike(said, home.path()));
        let complaints = String::from_utf8_lossy(&theirs.stderr) + String::from_utf8_lossy(&ours.stderr);
        prop_assert_eq!(we_say, they_say, "{}\n{}", files.join("--- included ---\n"), complaints);
    }
}
