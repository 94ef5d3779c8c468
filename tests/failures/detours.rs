//! What is in the way and stops nothing.

use std::io::Write as _;

use crate::bench::Bench;
use crate::support::must::Must;
use crate::support::sshd::Setup;
use crate::tcp::from_ipv6;

/// Of an address where nothing listens, and of one where the server is, in both
/// orders.
#[test]
fn the_next_address_is_tried_where_one_is_dead() {
    let mut bench = Bench::new();
    let port = bench.sshd(&Setup::default()).port();
    for (name, first, second) in
        [("last.test", "127.0.0.9", "127.0.0.1"), ("first.test", "127.0.0.1", "127.0.0.9")]
    {
        bench.address(name, first);
        bench.address(name, second);
        bench.host_at(name, port, &[&format!("HostName {name}")]);
    }
    bench.start();
    for name in ["last.test", "first.test"] {
        let said = bench.home.longhaul(&["run", "--on", name, "--", "echo", "up"]).exited(0);
        assert_eq!(said.out(), "up\n");
    }
}

#[test]
fn a_name_with_an_ipv6_address_alone_is_enough() {
    let mut bench = Bench::new();
    let port = bench.sshd(&Setup::default()).port();
    let Some(port) = from_ipv6(port) else {
        let words = "NOT TRIED: this machine has no ::1\n";
        return std::io::stderr().write_all(words.as_bytes()).must("say so");
    };
    bench.address("six.test", "::1");
    bench.host_at("six", port, &["HostName six.test"]);
    bench.start();
    let said = bench.home.longhaul(&["run", "--on", "six", "--", "echo", "up"]).exited(0);
    assert_eq!(said.out(), "up\n");
}
