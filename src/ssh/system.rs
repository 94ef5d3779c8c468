//! The system's `ssh` as a transport: one multiplexed master for each link.
//!
//! For what no library does: GSSAPI, PKCS#11, host-based logins, odd proxies.
//! `ssh` reads its own configuration, checks the host key and logs in; channels
//! go over its control socket. What it has to say when that fails is its own
//! log, and nothing else is taken for its words. What it asks, by `SSH_ASKPASS`,
//! goes to where all questions go.

mod arguments;
mod askpass;
mod exec;
mod log;
mod master;
mod program;
mod prompts;
mod words;

#[cfg(test)]
mod tests;

pub(super) use exec::{Channel, Reader, Writer};
pub(super) use master::{Master, dial};
pub(super) use program::program;
