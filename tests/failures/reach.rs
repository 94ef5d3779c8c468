//! From the name to the exchanged keys.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};

use crate::bench::Bench;
use crate::row::{Row, retries, waits};
use crate::ssh::{self, Server};
use crate::support::config::Entry;
use crate::support::must::Must;
use crate::support::ports::free_port;
use crate::support::sshd::{Setup, account};
use crate::support::wait::eventually;
use crate::tcp::{DeadPort, Fake, Manner};

/// What keeps servers and connections that rows need; dropped after the rows.
pub(crate) type Kept = Vec<Box<dyn std::any::Any>>;

/// Names that have no address that is of use.
pub(crate) fn names(bench: &mut Bench) -> Vec<Row> {
    let remote = |name: &str, host: &str, bench: &Bench| {
        Entry::remote(name, 22, &bench.home.identity()).text("host", host)
    };
    let unknown = remote("unknown", "no-such-host.invalid", bench);
    bench.add(unknown);
    bench.address("six.test", "::1");
    let mut rows = vec![Row::link(
        "unknown",
        retries("ssh.resolve.unknown-host", "resolve")
            .says("no-such-host.invalid")
            .remedy("getent hosts no-such-host.invalid"),
    )];
    bench.host("family", &["HostName six.test", "AddressFamily inet"]);
    rows.push(Row::link(
        "family",
        retries("ssh.resolve.address-family", "resolve")
            .says("six.test has no IPv4 address")
            .remedy("getent ahosts six.test"),
    ));
    // Linux has no way there for TCP, with IPv6 or without: it stands for many hosts.
    bench.address("far.test", "ff02::1");
    let far = remote("far", "far.test", bench);
    bench.add(far);
    rows.push(Row::link(
        "far",
        retries("ssh.connect.no-ipv6", "connect")
            .says("far.test has IPv6 addresses alone")
            .remedy("getent ahostsv4 far.test"),
    ));
    rows
}

/// Ports that do not answer, and ways there that break.
pub(crate) fn connections(bench: &mut Bench, kept: &mut Kept) -> Vec<Row> {
    let refusing = free_port();
    bench.remote("refused", refusing);
    let dead = DeadPort::new();
    bench.host_at("dead", dead.port, &["ConnectTimeout 1"]);
    bench.host_at("proxy", 22, &["ProxyCommand echo no way through >&2; exit 3"]);
    let closed = Server::start(ssh::Manner::NoCommands);
    bench.host_at("hop", closed.port, &[]);
    bench.host_at("behind-the-hop", 22, &["ProxyJump hop"]);
    let forwards = bench.sshd(&Setup::default()).port();
    bench.host_at("good-hop", forwards, &[]);
    bench.host_at("nowhere", refusing, &["ProxyJump good-hop"]);
    bench.host_at("lost-hop", refusing, &[]);
    bench.host_at("behind-a-lost-hop", 22, &["ProxyJump lost-hop"]);
    kept.push(Box::new(dead));
    let hop = format!("{}@127.0.0.1:{}", account(), closed.port);
    vec![
        Row::link(
            "refused",
            retries("ssh.connect.refused", "connect")
                .says(format!("127.0.0.1:{refusing} refused the connection"))
                .remedy(format!("ssh -v -p {refusing}")),
        ),
        Row::link("dead", retries("ssh.connect.timeout", "connect").remedy("ping -c 3 127.0.0.1")),
        Row::link("proxy", retries("ssh.connect.proxy", "connect").remedy("ssh -v")),
        Row::link(
            "behind-the-hop",
            waits("ssh.jump.prohibited", "connect")
                .says(hop)
                .remedy("AllowTcpForwarding yes")
                .remedy("longhaul remote reconnect behind-the-hop"),
        )
        .counted(&closed.taken),
        Row::link(
            "nowhere",
            retries("ssh.jump.unreachable", "connect")
                .says(format!("could not reach 127.0.0.1:{refusing}"))
                .remedy(format!("-J {}@127.0.0.1:{forwards}", account())),
        ),
        Row::link(
            "behind-a-lost-hop",
            retries("ssh.connect.refused", "connect")
                .says(format!("at the jump host {}@127.0.0.1:{refusing}", account()))
                .remedy(format!("-p {refusing}")),
        ),
    ]
}

/// Servers that do not greet.
pub(crate) fn greetings(bench: &mut Bench, kept: &mut Kept) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut fake = |name, manner, told| {
        let fake = Fake::start(manner);
        // Those that wait are to be given up soon, and what they say is to be heard.
        bench.host_at(name, fake.port, &["ConnectTimeout 3"]);
        rows.push(Row::link(name, told).counted(&fake.taken));
    };
    let kex = "key-exchange";
    fake(
        "silent",
        Manner::Silent,
        retries("ssh.banner.silent", kex).says("said nothing").remedy("ssh -v"),
    );
    fake("closes", Manner::Closes, retries("ssh.banner.closed", kex).remedy("journalctl -u ssh"));
    let mail = Manner::SaysAndWaits("220 mail.test ESMTP\r\n");
    fake("mail", mail, retries("ssh.banner.not-ssh", kex).remedy("the SSH server's port"));
    let web = Manner::Says("HTTP/1.1 400 Bad Request\r\nServer: test\r\n\r\n<html></html>\r\n");
    fake("web", web, retries("ssh.banner.not-ssh", kex));
    fake("flood", Manner::Floods, retries("ssh.banner.too-long", kex));
    fake("old", Manner::SaysAndWaits("SSH-1.5-1.2.27\r\n"), waits("ssh.banner.version", kex));
    fake(
        "penalty",
        Manner::Says("Not allowed at this time\r\n"),
        retries("ssh.limit.penalised", kex)
            .remedy("PerSourcePenaltyExemptList")
            .remedy("longhaul remote show penalty"),
    );
    fake("brief", Manner::Says("SSH-2.0-brief\r\n"), retries("ssh.kex.closed", kex));
    fake("mute", Manner::SaysAndWaits("SSH-2.0-mute\r\n"), retries("ssh.kex.timeout", kex));
    let garbage = "SSH-2.0-odd\r\n\u{1}\u{1}\u{1}\u{1}garbage garbage garbage garbage garbage";
    fake("garbage", Manner::SaysAndWaits(garbage), retries("ssh.kex.protocol", kex));

    // A server that turns every further login away while one is under way.
    let first = "LoginGraceTime 600";
    let full = Setup { max_startups: "1", first, ..Setup::default() };
    let port = bench.sshd(&full).port();
    bench.remote("crowded", port);
    // Who looked whether it is up may still count as one.
    eventually("somebody is logging in", || {
        let mut waiting = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).must("connect");
        let mut greeting = [0; 4];
        let taken = waiting.read_exact(&mut greeting).is_ok() && greeting == *b"SSH-";
        if taken {
            kept.push(Box::new(waiting));
        }
        taken
    });
    rows.push(Row::link(
        "crowded",
        retries("ssh.limit.max-startups", kex).remedy("MaxStartups in /etc/ssh/sshd_config"),
    ));
    rows
}

/// Servers that offer nothing that is safe.
pub(crate) fn algorithms(bench: &mut Bench) -> Vec<Row> {
    let old = [
        ("old-kex", "KexAlgorithms diffie-hellman-group1-sha1", "key exchange"),
        ("old-ciphers", "Ciphers 3des-cbc,aes128-cbc", "cipher"),
        ("old-macs", "Ciphers aes256-ctr\nMACs hmac-md5", "MAC"),
    ];
    old.map(|(name, first, kind)| {
        let port = bench.sshd(&Setup { first, ..Setup::default() }).port();
        bench.remote(name, port);
        let told = waits("ssh.kex.no-common-algorithm", "key-exchange");
        Row::link(
            name,
            told.says(format!("no {kind} algorithm in common"))
                .remedy(format!("ssh -v -p {port}"))
                .remedy(format!("longhaul remote reconnect {name}")),
        )
    })
    .into()
}
