//! The supervisor: owner of all other actors, and the one that the API asks.
//!
//! `actor` keeps the maps of sessions and connections, spawns, and starts
//! again what failed; `handle` is the daemon as the API sees it; the other
//! files are what the handle does for its requests.
//!
//! Failure policy: one-for-one. A child that fails too often is left alone for
//! some minutes, and what it stands for is shown as it was last known.

mod actor;
mod adopt;
mod agents;
mod attempts;
mod checkup;
mod connections;
mod continued;
mod create;
mod detect;
mod digest;
mod disk;
mod dropped;
mod gc;
mod handle;
mod host_key;
mod input;
mod placement;
mod remotes;
mod remove;
mod sessions;
mod turns;
mod view;

#[cfg(test)]
mod tests;

pub use actor::{
    Children, ConnectionStatus, NewSession, SupervisorActor, SupervisorArgs, SupervisorMsg,
};
pub use attempts::furnish;
pub use digest::RequestDigests;
pub use handle::{DaemonHandle, Parts};
pub use sessions::Live;
