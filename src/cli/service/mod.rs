//! `daemon install|uninstall`: the daemon as a service of the user's own service
//! manager.
//!
//! What lives here: the files that a service manager reads, as text, and the
//! commands that make it read them. What may not: what the daemon and the manager
//! say to each other (that is `crate::service`).

mod error;
mod files;
mod install;
mod render;
mod tool;

pub(super) use error::ServiceError;
pub(super) use install::{InstallArgs, Order, install, leave_to_manager, uninstall};
