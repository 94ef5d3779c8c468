//! What a user would see: the built binary, a real sshd, a link that breaks.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod harness;
