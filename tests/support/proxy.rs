//! A TCP proxy that breaks links in every way that networks do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use super::must::Must;
use super::sshd::free_port;

/// What becomes of bytes and of new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They pass.
    Pass,
    /// They pass, at most so many bytes a second on each connection and way.
    Throttle(u64),
    /// Connections stay open and new ones are taken, but nothing moves and
    /// nobody is told: a cable that was pulled.
    BlackHole,
    /// New connections are refused; open ones go on.
    Refuse,
}

/// How open connections were ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Both sides see the end of the stream (FIN).
    Cut,
    /// Both sides see a reset (RST).
    Reset,
}

#[derive(Debug, Clone, Copy)]
struct Orders {
    flow: Flow,
    /// How often open connections were ended, and how the last time.
    ends: (u64, End),
    /// The proxy is being dropped.
    over: bool,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicUsize,
    bytes: AtomicU64,
}

/// The proxy; it ends, with its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    orders: watch::Sender<Orders>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy in front of a port of this machine.
    pub(crate) fn to(target: u16) -> Self {
        let port = free_port();
        let first = Orders { flow: Flow::Pass, ends: (0, End::Cut), over: false };
        let (orders, seen) = watch::channel(first);
        let counters = Arc::new(Counters::default());
        let counting = Arc::clone(&counters);
        let (ready, listens) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.must("start a runtime").block_on(async {
                let _ = tokio::join!(serve(port, target, seen, counting, ready));
            });
        });
        listens.blocking_recv().must("start the proxy");
        Self { port, orders, counters, thread: Some(thread) }
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were ever taken.
    pub(crate) fn connections(&self) -> usize {
        self.counters.accepted.load(Ordering::Relaxed)
    }

    /// How many bytes have passed, both ways together.
    pub(crate) fn passed(&self) -> u64 {
        self.counters.bytes.load(Ordering::Relaxed)
    }

    /// Treats bytes and new connections like this from now on.
    pub(crate) fn set(&self, flow: Flow) {
        self.orders.send_modify(|orders| orders.flow = flow);
    }

    /// Ends the open connections with FIN on both sides.
    pub(crate) fn cut(&self) {
        self.end(End::Cut);
    }

    /// Ends the open connections with RST on both sides.
    pub(crate) fn reset(&self) {
        self.end(End::Reset);
    }

    fn end(&self, how: End) {
        self.orders.send_modify(|orders| orders.ends = (orders.ends.0 + 1, how));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.orders.send_modify(|orders| orders.over = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    port: u16,
    target: u16,
    mut orders: watch::Receiver<Orders>,
    counters: Arc<Counters>,
    ready: oneshot::Sender<()>,
) {
    let mut ready = Some(ready);
    loop {
        // Closing the listener is what makes the kernel refuse.
        if orders.wait_for(|o| o.over || o.flow != Flow::Refuse).await.must("orders").over {
            return;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.must("listen for the proxy");
        if let Some(ready) = ready.take() {
            let _ = ready.send(());
        }
        loop {
            tokio::select! {
                taken = listener.accept() => {
                    let (client, _) = taken.must("accept a connection");
                    counters.accepted.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(carry(client, target, orders.clone(), Arc::clone(&counters)));
                }
                changed = orders.changed() => {
                    changed.must("orders");
                    let now = *orders.borrow_and_update();
                    if now.over || now.flow == Flow::Refuse {
                        break;
                    }
                }
            }
        }
    }
}

async fn carry(
    mut client: TcpStream,
    target: u16,
    orders: watch::Receiver<Orders>,
    counters: Arc<Counters>,
) {
    let ends_before = orders.borrow().ends.0;
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
        return;
    };
    for side in [&client, &server] {
        let _ = side.set_nodelay(true);
    }
    let how = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::join!(
                pump(from_client, to_server, orders.clone(), &counters),
                pump(from_server, to_client, orders.clone(), &counters),
            )
        };
        tokio::select! {
            _ = both => return,
            how = ended(orders.clone(), ends_before) => how,
        }
    };
    match how {
        End::Reset => {
            for side in [&client, &server] {
                let _ = side.set_zero_linger();
            }
        }
        End::Cut => {
            let _ = client.shutdown().await;
            let _ = server.shutdown().await;
            // Dropping a socket that has unread data sends RST, not FIN.
            let mut ashore = tokio::io::sink();
            let _ = tokio::io::copy(&mut client, &mut ashore).await;
            let _ = tokio::io::copy(&mut server, &mut ashore).await;
        }
    }
}

/// Returns once open connections were ended after `before`.
async fn ended(mut orders: watch::Receiver<Orders>, before: u64) -> End {
    let now = orders.wait_for(|orders| orders.over || orders.ends.0 != before).await;
    now.map_or(End::Reset, |now| if now.over { End::Reset } else { now.ends.1 })
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut orders: watch::Receiver<Orders>,
    counters: &Counters,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let passes = orders.wait_for(|orders| orders.flow != Flow::BlackHole).await;
        let Ok(flow) = passes.map(|orders| orders.flow) else { return };
        let length = tokio::select! {
            biased;
            changed = orders.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => break,
                Ok(length) => length,
            },
        };
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        counters.bytes.fetch_add(length as u64, Ordering::Relaxed);
        if let Flow::Throttle(rate) = flow {
            tokio::time::sleep(Duration::from_secs_f64(length as f64 / rate as f64)).await;
        }
    }
    let _ = to.shutdown().await;
}
