//! Decisions, and nothing else.
//!
//! What lives here: values, tables and state machines. What may not: tokio,
//! ractor, russh, file systems, environment variables, clocks, randomness.
//! Time comes in as an argument, chance as a number; what is to be done goes
//! out as an effect that an actor performs. `tests/architecture.rs` holds it.

pub mod adopt;
pub mod agent;
pub mod attention;
pub mod backoff;
pub mod config;
pub mod connection;
pub mod destination;
pub mod doctor;
pub mod event;
pub mod failure;
pub mod gaps;
pub mod host_key;
pub mod ids;
pub mod import;
pub mod inventory;
pub mod launch;
pub mod listen;
pub mod max_output;
pub mod nearest;
pub mod origin;
pub mod placement;
pub mod plan;
pub mod queue;
pub mod resolve;
pub mod restart;
pub mod retention;
pub mod secret;
pub mod session;
pub mod ssh_config;
pub mod ssh_options;
pub mod stream;
pub mod target;
pub mod timestamp;
pub mod transport;
pub mod wake;
