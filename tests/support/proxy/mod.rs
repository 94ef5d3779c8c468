//! A TCP proxy that breaks links in every way that networks do.
//!
//! What lives here: what can be ordered (`orders`), who orders it (`handle`), who
//! carries it out (`carry`), and what waits on a slow line (`queue`). What may not:
//! anything that knows SSH.

mod carry;
mod handle;
mod orders;
mod queue;

pub(crate) use handle::Proxy;
pub(crate) use orders::{Flow, Way, Which};
