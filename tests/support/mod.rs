//! What the end-to-end tests and the benchmark stand on.
//!
//! What lives here: a real sshd, a home for the control side, a proxy that
//! breaks links, known data, and waiting for what other processes do. What may
//! not: anything that knows how longhaul works inside; it is a program with
//! arguments, outputs and an exit status.
//!
//! Everything belongs to a temporary folder whose path is in the environment,
//! the working directory or the arguments of every process that a test starts,
//! here or behind sshd. That is how a test ends what it started, and how it
//! sees what longhaul should have ended.

pub(crate) mod checksum;
pub(crate) mod client_home;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod keys;
pub(crate) mod must;
pub(crate) mod plain_ssh;
pub(crate) mod ports;
pub(crate) mod processes;
pub(crate) mod proxy;
pub(crate) mod small_disk;
pub(crate) mod sshd;
pub(crate) mod wait;
pub(crate) mod world;
