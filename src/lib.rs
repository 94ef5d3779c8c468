//! longhaul.

pub mod api;
pub mod domain;
pub mod runner;
pub mod store;
