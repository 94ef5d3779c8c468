//! SSH: from settings to an authenticated link, and exec channels on it.
//!
//! What lives here: dialling (name, TCP, jump hosts, key exchange), host keys,
//! authentication, channels, and the reading of `ssh_config`(5). What may not:
//! actors, retries, sessions. A dial is tried once; who tries again, and when,
//! is decided elsewhere.
//!
//! Reading order: [`settings`] → [`dial()`] → [`Link`] → [`ExecChannel`].
//! `known_hosts` and `pattern` are pure; `host_key` and `auth` do the IO, and ask
//! whom `people` finds.

mod algorithms;
mod auth;
mod channel;
mod client;
mod config_lines;

mod dial;
mod host_key;
mod known_hosts;
mod link;
mod pattern;
mod people;
mod persons_time;
pub mod settings;
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
pub use dial::{dial, host_key, trust_host_key};
pub use link::{Link, Peer};
pub use people::{Answer, Notice, Prompter};
