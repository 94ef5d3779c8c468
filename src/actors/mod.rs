//! The moving parts: one actor each for what has a life of its own.
//!
//! What lives here: actors, which own state, take commands and perform the
//! effects that `domain` decides on. What may not: output, which goes through
//! files; decisions, which are pure; and waiting for the network or the disk
//! in a message handler.

pub mod attention;
pub mod config;
pub mod connection;
pub mod janitor;
pub mod journal;
pub mod resolver;
pub mod session;
pub mod supervisor;
pub mod surroundings;

mod common;

pub use common::{ask, nonce, now};
