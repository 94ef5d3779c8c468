//! What one client, and all of them together, can have the daemon hold.
//!
//! Most of it is there for the TCP listener, to which everybody on this machine
//! can connect; nobody without the token gets further than a request's head.

use std::time::Duration;

/// How long a request's head may take, from the moment it could begin: a
/// connection that says nothing is closed after it as well.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a request's body may take. Clients have it ready when they ask.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);
/// The longest head of a request; also what is buffered of an answer.
pub(super) const MAX_HEAD: usize = 128 << 10;
/// The most header fields of one request.
pub(super) const MAX_FIELDS: usize = 64;

/// The largest request to run something: room for a prompt with a long file in
/// it, and a bound on what one request can make the daemon hold.
pub(super) const MAX_RUN: usize = 16 << 20;
/// The most input that one request adds.
pub(super) const MAX_INPUT: usize = 1 << 20;
/// The largest body of any other request.
pub(super) const MAX_OTHER: usize = 64 << 10;
/// The bodies of all requests that are being read, in bytes. Further ones wait.
pub(super) const MAX_BODIES: usize = 64 << 20;

/// Connections to the socket that are served at once; further ones wait. Each of
/// those who follow a session's output takes two.
pub(super) const MAX_OWNERS: usize = 4096;
/// The same for TCP, where most that knock may be strangers.
pub(super) const MAX_TCP: usize = 256;
