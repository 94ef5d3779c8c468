//! What a user would see: the built binary, a real sshd, a link that breaks.
//!
//! `harness` tries what the rest stands on with OpenSSH's own client; each
//! other module is a theme of the product.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod attention;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod input;
#[cfg(test)]
mod launching;
#[cfg(test)]
mod login_shells;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod remote_test;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod survival;
