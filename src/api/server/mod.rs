//! The server: HTTP and JSON, on a Unix socket that answers its owner only, and
//! where it was asked for on a TCP port that answers whoever has the token.
//!
//! What lives here: routes that turn a request into one call of a
//! [`Backend`](super::backend::Backend), and the streams that follow a session
//! or the events. What may not: anything that knows actors, SSH or the store.
//!
//! Who may ask, and what one client can have the daemon hold: `listener`, `guard`
//! and `bounds`.
//!
//! No stream holds up the daemon: output is read from the mirror's file at the
//! reader's own pace, pulses are coalesced, and an event reader that lags reads
//! what it missed from the registry.

mod bounds;
mod check;
mod connection;
mod error;
mod events;
mod extract;
mod guard;
mod listener;
mod output;
mod routes;
mod serve;
mod watch;
mod watch_all;

pub use serve::{Doors, TcpDoor, serve};
