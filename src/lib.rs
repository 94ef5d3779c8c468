//! longhaul.

pub mod actors;
pub mod api;
pub mod domain;
pub mod paths;
pub mod runner;
pub mod ssh;
pub mod store;
