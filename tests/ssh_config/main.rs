//! `longhaul ssh-config` against what OpenSSH says: the answers kept in
//! `tests/ssh-config-corpus`, and the ssh of this machine.
//!
//! Both need Python and libnss-wrapper, by which a program sees another user,
//! host name and hosts file: `tests/run --prepare` installs them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail them")]

mod corpus;
mod destinations;
mod generated;
