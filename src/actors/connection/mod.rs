//! The actor of a remote's connection.
//!
//! It performs what [`ConnectionFsm`](crate::domain::connection::ConnectionFsm) decides: dials, closes, waits, and hands
//! out channels. It never awaits the network itself; every dial, every opening
//! of a channel and every probe is a task that reports back with a message.
//!
//! Owner: the supervisor. Failure policy: a panic here loses the links and
//! nothing else; the supervisor starts it again, and the sessions ask anew.

mod actor;
mod dialer;
mod lookout;
mod report;
mod request;
mod spare;
mod tasks;

#[cfg(test)]
pub(crate) mod tests;

pub use actor::{ConnectionActor, ConnectionArgs, ConnectionMsg};
pub use dialer::{Dial, Dialer, Reach, SshDialer};
pub use report::LinkReport;
pub use request::{ChannelRequest, Granted, Slot};
pub use spare::Spare;
