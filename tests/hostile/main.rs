//! Those who mean harm: clients that the daemon's API has to withstand, as
//! `clients`, and SSH servers that lie, as `server`.
//!
//! All of it is the built binary, and what it holds is measured from outside.

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "the end-to-end tests use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod clients;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod liar;
#[cfg(test)]
mod server;
