//! Servers that are none: TCP listeners on loopback that misbehave.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

use crate::support::must::Must;

/// What a listener does with a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Takes it, and says nothing.
    Silent,
    /// Closes it at once.
    Closes,
    /// Says this and closes it.
    Says(&'static str),
    /// Says this and waits.
    SaysAndWaits(&'static str),
    /// Sends a mebibyte of lines, and closes it.
    Floods,
}

/// A listener. It listens until the test's process ends.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) port: u16,
    /// How many connections it has taken.
    pub(crate) taken: Arc<AtomicUsize>,
}

impl Fake {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).must("listen");
        let port = listener.local_addr().must("the port").port();
        let taken = Arc::<AtomicUsize>::default();
        let count = taken.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || serve(stream, manner));
            }
        });
        Self { port, taken }
    }
}

/// A client that hangs up is no trouble here: errors are the end.
fn serve(mut stream: TcpStream, manner: Manner) {
    match manner {
        Manner::Silent => wait(stream),
        Manner::Closes => {}
        Manner::Says(words) => {
            _ = stream.write_all(words.as_bytes());
            // With what we have not read yet, a close would be a reset.
            _ = stream.shutdown(Shutdown::Write);
            wait(stream);
        }
        Manner::SaysAndWaits(words) => {
            _ = stream.write_all(words.as_bytes());
            wait(stream);
        }
        Manner::Floods => {
            let line = format!("{}\r\n", "welcome ".repeat(15));
            for _ in 0..(1 << 20) / line.len() {
                if stream.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        }
    }
}

/// Reads until the other side closes.
fn wait(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer) {}
}

/// A port that answers no connection: its queue is full, and Linux drops what
/// comes then, as a firewall does.
#[derive(Debug)]
pub(crate) struct DeadPort {
    pub(crate) port: u16,
    _listener: OwnedFd,
    _queued: Vec<TcpStream>,
}

impl DeadPort {
    pub(crate) fn new() -> Self {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).must("a socket");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        bind(&listener, &any).must("an address");
        listen(&listener, 0).must("listen");
        let own = getsockname(&listener).must("the port");
        let own: SocketAddr = own.try_into().must("an IP address");
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&own, Duration::from_millis(300)) {
            queued.push(stream);
            assert!(queued.len() < 100, "the queue of {own} never fills");
        }
        Self { port: own.port(), _listener: listener, _queued: queued }
    }
}

/// Passes connections to a port of `[::1]` on to a port of 127.0.0.1; `None` where
/// this machine has no `::1`.
pub(crate) fn from_ipv6(to: u16) -> Option<u16> {
    let listener = TcpListener::bind("[::1]:0").ok()?;
    let port = listener.local_addr().must("the port").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(onward) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { continue };
            for (from, to) in [(&stream, &onward), (&onward, &stream)] {
                let (mut from, mut to) =
                    (from.try_clone().must("clone"), to.try_clone().must("clone"));
                thread::spawn(move || {
                    _ = std::io::copy(&mut from, &mut to);
                    _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    Some(port)
}
