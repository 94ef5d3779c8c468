//! The demonstration: `longhaul demo`.
//!
//! What lives here: a folder that is gone afterwards (`stage`), two SSH
//! servers on loopback (`server`, `exec`, `keys`), a private daemon
//! (`service`), commands whose output is known beforehand (`script`), and
//! what is done with them: run, cut, shown (`story`, `screen`) and checked
//! (`verdict`). What may not: anything that the product needs. Towards the
//! daemon this is a client like any other, and nothing knows of it but the
//! command line.
//!
//! Nothing of the user's is read or written: the daemon and the sessions have
//! an environment of their own.

mod entry;
mod error;
mod exec;
mod keys;
mod screen;
mod script;
mod server;
mod service;
mod set;
mod stage;
mod story;
mod verdict;
mod watcher;

pub use entry::run;
pub use exec::lead;
