//! Against a real sshd; against russh's own server where a fault is wanted
//! that sshd would not commit.

mod agent;
mod channels;
mod faults;
mod host_key_rules;
mod host_keys;
mod jumps;
mod login;
pub(super) mod people;
mod proxy;
mod security_key;
mod ssh_config;
