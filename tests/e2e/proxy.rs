//! What the proxy does to links, between bare sockets.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::time::Instant;

use crate::support::must::Must;
use crate::support::proxy::{Flow, Proxy, Way, Which};
use crate::support::wait::{PATIENCE, eventually};

/// A proxy, and the server that is behind it.
struct Stage {
    listener: TcpListener,
    proxy: Proxy,
}

/// The two ends of a connection through the proxy.
struct Pair {
    client: TcpStream,
    server: TcpStream,
}

impl Stage {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).must("listen");
        let port = listener.local_addr().must("the server's address").port();
        Self { listener, proxy: Proxy::to(port) }
    }

    fn connect(&self) -> TcpStream {
        patient(TcpStream::connect((Ipv4Addr::LOCALHOST, self.proxy.port())).must("connect"))
    }

    fn accept(&self) -> TcpStream {
        patient(self.listener.accept().must("accept").0)
    }

    fn pair(&self) -> Pair {
        let client = self.connect();
        let mut pair = Pair { client, server: self.accept() };
        // Whatever is ordered from here on finds it open.
        pair.says_both_ways();
        pair
    }
}

impl Pair {
    fn says_both_ways(&mut self) {
        passes(&mut self.client, &mut self.server, b"there");
        passes(&mut self.server, &mut self.client, b"and back");
    }
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).must("set a timeout");
    stream
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).must("read");
    bytes
}

#[track_caller]
fn passes(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).must("write");
    assert_eq!(read(to, bytes.len()), bytes);
}

/// Whether nothing can be read for a moment.
fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(200))).must("set a timeout");
    let seen = stream.read(&mut [0; 16]).map_err(|error| error.kind());
    stream.set_read_timeout(Some(PATIENCE)).must("set a timeout");
    seen == Err(ErrorKind::WouldBlock)
}

fn end(stream: &mut TcpStream) -> Result<usize, ErrorKind> {
    stream.read(&mut [0; 16]).map_err(|error| error.kind())
}

#[test]
fn a_cut_and_a_reset_reach_both_sides_of_the_connection_that_is_meant() {
    let stage = Stage::new();
    let [mut first, mut second, mut third] = [(); 3].map(|()| stage.pair());
    stage.proxy.cut_one(Which::Nth(1));
    assert_eq!(end(&mut second.client), Ok(0));
    assert_eq!(end(&mut second.server), Ok(0));
    drop(second);
    eventually("the second is forgotten", || stage.proxy.open() == 2);
    // Two are open: the third is the second of them, and so is every other odd.
    stage.proxy.reset_one(Which::Nth(5));
    assert_eq!(end(&mut third.client), Err(ErrorKind::ConnectionReset));
    assert_eq!(end(&mut third.server), Err(ErrorKind::ConnectionReset));
    first.says_both_ways();
    assert_eq!(stage.proxy.connections(), 3);
}

#[test]
fn a_hole_of_one_way_leaves_the_other_open_and_thaws_with_nothing_lost() {
    let stage = Stage::new();
    for way in Way::BOTH {
        let Pair { client, server } = stage.pair();
        let (mut held, mut holds, mut free, mut gets) = match way {
            Way::Up => {
                let (c, s) = (client.try_clone().must("clone"), server.try_clone().must("clone"));
                (client, server, s, c)
            }
            Way::Down => {
                let (c, s) = (client.try_clone().must("clone"), server.try_clone().must("clone"));
                (server, client, c, s)
            }
        };
        stage.proxy.set_way(way, Flow::BlackHole);
        held.write_all(b"held up").must("write");
        assert!(is_silent(&mut holds), "{way:?}");
        passes(&mut free, &mut gets, b"the other way");
        stage.proxy.set(Flow::Pass);
        assert_eq!(read(&mut holds, 7), b"held up");
    }
}

#[test]
fn what_is_ordered_for_one_connection_leaves_the_others_alone() {
    let stage = Stage::new();
    let [mut first, mut second] = [(); 2].map(|()| stage.pair());
    stage.proxy.set_on(Which::Nth(0), Way::Up, Flow::BlackHole);
    first.client.write_all(b"held up").must("write");
    second.says_both_ways();
    assert!(is_silent(&mut first.server));
    stage.proxy.set_on(Which::Nth(0), Way::Up, Flow::Pass);
    assert_eq!(read(&mut first.server, 7), b"held up");
}

#[test]
fn an_abandoned_connection_never_moves_again_and_new_ones_pass() {
    let stage = Stage::new();
    let mut old = stage.pair();
    stage.proxy.abandon();
    old.client.write_all(b"lost").must("write");
    stage.proxy.set(Flow::Pass);
    assert!(is_silent(&mut old.server));
    stage.pair().says_both_ways();
    stage.proxy.cut();
    assert_eq!(end(&mut old.server), Ok(0));
}

#[test]
fn one_bit_is_changed_once_and_that_way_only() {
    let stage = Stage::new();
    let mut pair = stage.pair();
    stage.proxy.corrupt(Which::All, Way::Down);
    passes(&mut pair.client, &mut pair.server, b"untouched");
    pair.server.write_all(&[0; 9]).must("write");
    let seen = read(&mut pair.client, 9);
    assert_eq!(seen.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1, "{seen:?}");
    pair.says_both_ways();
}

#[test]
fn a_connection_that_is_delayed_is_served_after_a_later_one() {
    let stage = Stage::new();
    stage.proxy.delay_next(Duration::from_millis(300));
    let mut delayed = stage.connect();
    delayed.write_all(b"1").must("write");
    eventually("the first is taken", || stage.proxy.connections() == 1);
    let mut later = stage.connect();
    later.write_all(b"2").must("write");
    assert_eq!(read(&mut stage.accept(), 1), b"2");
    assert_eq!(read(&mut stage.accept(), 1), b"1");
}

#[test]
fn a_slow_connection_takes_its_time_and_is_fast_again_at_once() {
    let stage = Stage::new();
    let mut pair = stage.pair();
    stage.proxy.set(Flow::Throttle(1024));
    let started = Instant::now();
    pair.client.write_all(&[7; 64 * 1024]).must("write");
    read(&mut pair.server, 512);
    assert!(started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
    stage.proxy.set(Flow::Pass);
    assert_eq!(read(&mut pair.server, 64 * 1024 - 512), vec![7; 64 * 1024 - 512]);
    assert!(started.elapsed() < PATIENCE, "at the old rate this would take a minute");
}

#[test]
fn what_is_refused_for_a_while_leaves_open_connections_alone() {
    let stage = Stage::new();
    let mut pair = stage.pair();
    stage.proxy.set(Flow::Refuse);
    let address = (Ipv4Addr::LOCALHOST, stage.proxy.port());
    let refused = || TcpStream::connect(address).map_err(|error| error.kind());
    eventually("new ones are refused", || matches!(refused(), Err(ErrorKind::ConnectionRefused)));
    pair.says_both_ways();
    stage.proxy.set(Flow::Pass);
    eventually("new ones are taken", || refused().is_ok());
}
