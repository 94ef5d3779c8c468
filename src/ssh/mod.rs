//! SSH: from settings to an authenticated link, and exec channels on it.
//!
//! What lives here: dialling (name, TCP, proxy commands, jump hosts, key exchange), host keys,
//! authentication, channels, and what `ssh_config`(5) is evaluated with. What may not:
//! actors, retries, sessions. A dial is tried once; who tries again, and when,
//! is decided elsewhere.
//!
//! Reading order: [`settings`] → [`dial()`] → [`Link`] → [`ExecChannel`].
//! `known_hosts` is pure; `host_key` and `auth` do the IO, and ask whom `people`
//! finds.

mod algorithms;
mod auth;
mod channel;
mod client;
mod dial;
mod forwarded_agent;
mod host_key;
mod known_hosts;
mod link;
mod people;
mod persons_time;
mod proxy;
mod reach;
pub mod settings;
mod socket;
mod system;
mod tcp;
mod update;
mod wire;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use channel::{ExecChannel, ExecEvent, ExecReader, ExecWriter};
pub use dial::{dial, dial_reached, host_key, trust_host_key};
pub use link::{Link, Peer};
pub use people::{Answer, Notice, Prompter};
pub use reach::{Reached, reach};
