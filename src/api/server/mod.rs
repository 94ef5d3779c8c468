//! The server: HTTP and JSON, on a Unix socket that answers its owner only.
//!
//! What lives here: routes that turn a request into one call of a
//! [`Backend`](super::backend::Backend), and the streams that follow a session
//! or the events. What may not: anything that knows actors, SSH or the store.
//!
//! No stream holds up the daemon: output is read from the mirror's file at the
//! reader's own pace, pulses are coalesced, and an event reader that lags reads
//! what it missed from the registry.

mod error;
mod events;
mod extract;
mod listener;
mod output;
mod routes;
mod serve;
mod watch;
mod watch_all;

pub use serve::serve;
