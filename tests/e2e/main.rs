//! What a user would see: the built binary, a real sshd, a link that breaks.
//!
//! `harness` tries what the rest stands on with OpenSSH's own client, and
//! `proxy` with bare sockets; each other module is a theme of the product.

#[cfg(test)]
#[expect(dead_code, reason = "the schedules of faults use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod adopting;
#[cfg(test)]
mod agents;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod attention;
#[cfg(test)]
mod capped;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod dropbear;
#[cfg(test)]
mod exactly_once;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod forwarded_agent;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod input;
#[cfg(test)]
mod killing;
#[cfg(test)]
mod launching;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod links;
#[cfg(test)]
mod login_shells;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod remote_test;
#[cfg(test)]
mod removing;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod service;
#[cfg(test)]
mod ssh_config;
mod stopping;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod survival;
