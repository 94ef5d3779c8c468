//! longhaul.

pub mod api;
pub mod domain;
pub mod runner;
pub mod ssh;
pub mod store;
