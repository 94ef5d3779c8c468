//! What waits for its turn on a line.
//!
//! A slow line is busy for as long as something waits for it, however late the
//! machine comes to look after it, so what that let slip is made up for. And
//! the sender sees its bytes taken at once, up to what a router holds. Where they
//! are taken only as they pass, TCP's acknowledgements wait for the reader, and how
//! fast the line is comes to depend on the kernel's congestion control: BBR made a
//! fifth of 1 Gbit/s out of it on each new connection.

use bytes::BytesMut;
use tokio::time::{Duration, Instant};

/// The most that moves at once.
pub(super) const PIECE: usize = 64 * 1024;
/// A line holds what it moves in this part of a second, and a slow one moves
/// something so often.
const TICKS: u64 = 20;
/// What is made up for at most: a line that could move nothing was idle.
const LAG: Duration = Duration::from_millis(100);

/// Bytes on their way.
#[derive(Debug)]
pub(super) struct Queue {
    bytes: BytesMut,
    /// When the line is free for the next of them.
    free: Instant,
}

impl Default for Queue {
    fn default() -> Self {
        Self { bytes: BytesMut::new(), free: Instant::now() }
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How much more it takes, on a line of so many bytes a second.
    pub(super) fn room(&self, rate: Option<u64>) -> usize {
        let most = rate.map_or(PIECE, |rate| (rate / TICKS).max(1) as usize);
        most.saturating_sub(self.bytes.len())
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.is_empty() {
            self.free = self.free.max(Instant::now());
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// When something may pass on a slow line.
    pub(super) fn free(&self) -> Instant {
        self.free
    }

    /// What may pass now.
    pub(super) fn pop(&mut self, rate: Option<u64>) -> Option<BytesMut> {
        let now = Instant::now();
        if self.is_empty() || rate.is_some() && self.free > now {
            return None;
        }
        let most = rate.map_or(PIECE, |rate| (rate / TICKS).clamp(1, PIECE as u64) as usize);
        let passing = self.bytes.split_to(most.min(self.bytes.len()));
        if let Some(rate) = rate {
            self.free = self.free.max(now.checked_sub(LAG).unwrap_or(now));
            self.free += Duration::from_secs_f64(passing.len() as f64 / rate as f64);
        }
        Some(passing)
    }
}
