//! Every failure that longhaul knows, by code.
//!
//! One file per group of codes; a code and its entry stand together, so there
//! is none without the other. Nothing here depends on what happened in a given
//! case: `classify` chooses the code and fills the remedy's slots.

mod agent;
mod code;
mod entry;
mod link;
mod local;
mod reach;
mod session;
mod trust;

pub use agent::Agent;
pub use code::{Code, UnknownCode};
pub use entry::{Entry, Remedy};
pub use link::Link;
pub use local::Local;
pub use reach::Reach;
pub use session::Session;
pub use trust::Trust;

/// The code of a configuration that cannot be taken.
pub const CONFIG_INVALID: &str = Reach::ConfigInvalid.entry().code;
