//! The end of a proxy that a test holds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::super::must::Must;
use super::super::ports::free_port;
use super::super::wait::eventually;
use super::carry::serve;
use super::orders::{End, Flow, Line, Way, Which};

/// Whether new connections are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    Shut,
    /// The proxy is being dropped.
    Gone,
}

/// What both ends of a proxy know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    lines: Mutex<Lines>,
    /// Whether the kernel takes connections for the proxy.
    pub(super) listens: AtomicBool,
    pub(super) accepted: AtomicUsize,
    pub(super) bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Lines {
    /// What the next connection gets.
    next: Line,
    /// The open ones, by their number.
    open: BTreeMap<usize, watch::Sender<Line>>,
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new connection in, and gives its orders.
    pub(super) fn open(&self) -> (usize, watch::Receiver<Line>) {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        let mut lines = self.lines();
        let (orders, seen) = watch::channel(lines.next);
        lines.next.delay = Duration::ZERO;
        lines.open.insert(number, orders);
        (number, seen)
    }

    /// Forgets a connection that has ended.
    pub(super) fn close(&self, number: usize) {
        self.lines().open.remove(&number);
    }
}

/// The proxy; it ends, with its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    door: watch::Sender<Door>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy in front of a port of this machine.
    pub(crate) fn to(target: u16) -> Self {
        let port = free_port();
        let (door, seen) = watch::channel(Door::Open);
        let shared = Arc::new(Shared::default());
        let sharing = Arc::clone(&shared);
        let (ready, listens) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.must("start a runtime").block_on(serve(port, target, seen, sharing, ready));
        });
        listens.blocking_recv().must("start the proxy");
        Self { port, door, shared, thread: Some(thread) }
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were ever taken.
    pub(crate) fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.shared.lines().open.len()
    }

    /// How many bytes have passed, both ways together.
    pub(crate) fn passed(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Treats bytes and new connections like this from now on.
    pub(crate) fn set(&self, flow: Flow) {
        for way in Way::BOTH {
            self.set_way(way, flow);
        }
    }

    /// [`set`](Self::set) for what goes one way.
    pub(crate) fn set_way(&self, way: Way, flow: Flow) {
        // Closing the listener is what makes the kernel refuse. Until then, who was
        // cut would be let in again.
        let opens = flow != Flow::Refuse;
        self.door.send_replace(if opens { Door::Open } else { Door::Shut });
        let obeyed = || self.shared.listens.load(Ordering::SeqCst) == opens;
        eventually("the proxy's door is as it was told", obeyed);
        let mut lines = self.shared.lines();
        // Nothing is refused to bytes.
        let flow = if flow == Flow::Refuse { Flow::Pass } else { flow };
        lines.next.lane_mut(way).flow = flow;
        drop(lines);
        self.order(Which::All, |line| line.lane_mut(way).flow = flow);
    }

    /// Treats the bytes of some open connections like this from now on.
    pub(crate) fn set_on(&self, which: Which, way: Way, flow: Flow) {
        self.order(which, |line| line.lane_mut(way).flow = flow);
    }

    /// Lets nothing move on the open connections any more, and tells nobody: a
    /// router on the way that has forgotten them. New ones pass. They stay until
    /// they are cut.
    pub(crate) fn abandon(&self) {
        self.order(Which::All, |line| line.abandoned = true);
    }

    /// Cuts what was abandoned: both sides find out in the end, by themselves.
    pub(crate) fn cut_abandoned(&self) {
        self.order(Which::All, |line| {
            if line.abandoned {
                line.end = Some(End::Cut);
            }
        });
    }

    /// Changes one bit of what passes next that way.
    pub(crate) fn corrupt(&self, which: Which, way: Way) {
        self.order(which, |line| line.lane_mut(way).corruptions += 1);
    }

    /// Takes the next connection, and lets it reach the server only after a
    /// while, so that a later one is served first.
    pub(crate) fn delay_next(&self, delay: Duration) {
        self.shared.lines().next.delay = delay;
    }

    /// Ends the open connections with FIN on both sides.
    pub(crate) fn cut(&self) {
        self.cut_one(Which::All);
    }

    /// [`cut`](Self::cut) for some of them.
    pub(crate) fn cut_one(&self, which: Which) {
        self.order(which, |line| line.end = Some(End::Cut));
    }

    /// Cuts so often while `length` bytes pass, at even distances.
    pub(crate) fn cut_along(&self, length: u64, cuts: u64) {
        let begin = self.passed();
        for cut in 1..=cuts {
            let upto = begin + length * cut / (cuts + 1);
            eventually("enough has passed for the next cut", || self.passed() >= upto);
            self.cut();
        }
    }

    /// Ends the open connections with RST on both sides.
    pub(crate) fn reset(&self) {
        self.reset_one(Which::All);
    }

    /// [`reset`](Self::reset) for some of them.
    pub(crate) fn reset_one(&self, which: Which) {
        self.order(which, |line| line.end = Some(End::Reset));
    }

    fn order(&self, which: Which, change: impl Fn(&mut Line)) {
        let lines = self.shared.lines();
        let count = lines.open.len();
        for (place, orders) in lines.open.values().enumerate() {
            if which.means(place, count) {
                orders.send_modify(&change);
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.door.send_replace(Door::Gone);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
