//! Who the host is, and who we are; channels.

use std::fs;

use crate::bench::Bench;
use crate::row::{Row, retries, waits};
use crate::ssh::{Manner, Server};
use crate::support::config::Entry;
use crate::support::keys::KeyPair;
use crate::support::must::Must;
use crate::support::sshd::{Setup, account};

/// Host keys that are not what they should be.
pub(crate) fn host_keys(bench: &mut Bench) -> Vec<Row> {
    let port = bench.sshd(&Setup::default()).port();
    let known = |name: &str, marker: &str, key: &KeyPair, bench: &Bench| {
        let line = format!("{marker}[127.0.0.1]:{port} {}\n", key.public());
        let file = bench.file(&format!("known-{name}"), &line, 0o600);
        (format!("UserKnownHostsFile {}", file.display()), file.display().to_string())
    };
    let strict = "StrictHostKeyChecking yes";
    let (other, other_file) = known("changed", "", &KeyPair::generate(""), bench);
    bench.host_at("changed", port, &[&other]);
    let (revoked, revoked_file) = known("revoked", "@revoked ", KeyPair::host(), bench);
    bench.host_at("revoked", port, &[&revoked]);
    bench.host_at("stranger", port, &[strict, "UserKnownHostsFile /dev/null"]);
    let folder = bench.home.path().join(".ssh/known-folder");
    fs::create_dir(&folder).must("make a folder");
    let setting = format!("UserKnownHostsFile {}", folder.display());
    bench.host_at("no-file", port, &[&setting]);
    let key = "host-key";
    vec![
        Row::link(
            "changed",
            waits("ssh.host-key.changed", key)
                .says("line 1")
                .says(&other_file)
                .remedy("longhaul remote trust changed")
                .remedy("SHA256:"),
        ),
        Row::link(
            "revoked",
            waits("ssh.host-key.revoked", key).says(&revoked_file).remedy("grep -n @revoked"),
        ),
        Row::link(
            "stranger",
            waits("ssh.host-key.unknown", key)
                .says("SHA256:")
                .remedy("longhaul remote trust stranger"),
        ),
        Row::link("no-file", waits("ssh.host-key.file", key).says("known-folder").remedy("ls -l")),
    ]
}

/// Logins that are not let in.
pub(crate) fn logins(bench: &mut Bench) -> Vec<Row> {
    let port = bench.sshd(&Setup::default()).port();
    let other = KeyPair::generate("").write_to(&bench.home.path().join(".ssh/other"));
    let other_file = other.display().to_string();
    bench.add(Entry::remote("denied", port, &other));
    let locked = KeyPair::generate("a passphrase");
    let locked_file = locked.write_to(&bench.home.path().join(".ssh/locked")).display().to_string();
    let sshd = bench.sshd(&Setup::default());
    sshd.authorize(&[&locked]);
    let locking = sshd.port();
    let of = |file: &str| [format!("IdentityFile {file}"), "IdentitiesOnly yes".to_owned()];
    let mut with_key = |name: &str, port: u16, file: &str, more: &[&str]| {
        let [file, only] = of(file);
        let port = format!("Port {port}");
        let mut all = vec!["HostName 127.0.0.1", &port, &file, &only];
        all.extend(more);
        bench.host(name, &all);
    };
    with_key("locked", locking, &locked_file, &["BatchMode yes"]);
    with_key("missing", port, "~/.ssh/none", &[]);
    with_key("keyless", port, "none", &[]);
    let short = Setup { first: "MaxAuthTries 1", ..Setup::default() };
    let tries = bench.sshd(&short).port();
    let third = KeyPair::generate("").write_to(&bench.home.path().join(".ssh/third"));
    let more = format!("IdentityFile {}", third.display());
    let (port_of, first_key) = (format!("Port {tries}"), format!("IdentityFile {other_file}"));
    bench.host("many", &["HostName 127.0.0.1", &port_of, &first_key, &more, "IdentitiesOnly yes"]);
    let exposed = bench.file("exposed", &fs::read_to_string(&other).must("the key"), 0o644);
    let [exposed_key, only] = of(&exposed.display().to_string());
    bench.host("exposed", &["HostName 127.0.0.1", &format!("Port {port}"), &exposed_key, &only]);
    let broken = bench.file("broken", "no key at all\n", 0o600);
    let [broken_key, only] = of(&broken.display().to_string());
    bench.host("broken", &["HostName 127.0.0.1", &format!("Port {port}"), &broken_key, &only]);
    let no_keys = Server::start(Manner::NoKeys);
    bench.remote("no-public-keys", no_keys.port);
    let hangs_up = Server::start(Manner::HangsUpAtLogin);
    bench.remote("hangs-up", hangs_up.port);
    // sshd reads no more than a mebibyte, and cannot send what is far below that.
    let text = format!("{}\n", "welcome ".repeat(9)).repeat(14_000);
    let banner = bench.file("banner", &text, 0o600);
    let first = String::leak(format!("Banner {}", banner.display()));
    let long = bench.sshd(&Setup { first, ..Setup::default() }).port();
    bench.remote("long-banner", long);
    let auth = "authentication";
    vec![
        Row::link(
            "denied",
            waits("ssh.auth.denied", auth)
                .says(account())
                .remedy(format!("-p {port} {}@127.0.0.1", account()))
                .remedy("ssh-copy-id -i")
                .remedy("other.pub"),
        ),
        Row::link("locked", waits("ssh.auth.passphrase", auth).says("locked").remedy("ssh-add")),
        Row::link(
            "missing",
            waits("ssh.auth.identity-missing", auth).says(".ssh/none").remedy("ls -l"),
        ),
        Row::link("keyless", waits("ssh.auth.no-keys", auth).remedy("ssh-keygen -t ed25519")),
        Row::link("many", waits("ssh.auth.too-many", auth).remedy("identity_file of many")),
        Row::link(
            "exposed",
            waits("ssh.auth.identity-exposed", auth).says("0644").remedy("chmod 600"),
        ),
        Row::link("broken", waits("ssh.auth.identity-unusable", auth).remedy("ssh-keygen -l -f")),
        Row::link(
            "no-public-keys",
            waits("ssh.auth.no-public-keys", auth).remedy("PubkeyAuthentication yes"),
        )
        .counted(&no_keys.taken),
        Row::link("long-banner", retries("ssh.auth.closed", auth).remedy(format!("-p {long}"))),
        Row::link("hangs-up", retries("ssh.auth.closed", auth).remedy("ssh -v"))
            .counted(&hangs_up.taken),
    ]
}

/// Servers that let us in and give us nothing.
pub(crate) fn channels(bench: &mut Bench) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut server = |name, manner, settings: &[&str], told| {
        let server = Server::start(manner);
        bench.host_at(name, server.port, settings);
        // Who has just asked for a session is told, and need not wait.
        rows.push(Row::session(name, &["--", "true"], told).counted(&server.taken));
    };
    let channel = "channel";
    server("no-channels", Manner::NoChannels, &[], retries("ssh.channel.refused", channel));
    server(
        "no-commands",
        Manner::NoCommands,
        &[],
        retries("ssh.channel.command-refused", channel).remedy("-- echo ok"),
    );
    let deaf = Server::start(Manner::DeafToCommands);
    bench.host_at("deaf", deaf.port, &["ConnectTimeout 5"]);
    let told = retries("ssh.channel.timeout", channel).remedy("ssh -p");
    rows.push(Row::link("deaf", told).counted(&deaf.taken));
    rows
}
