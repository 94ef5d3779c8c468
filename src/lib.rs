//! longhaul.

pub mod api;
pub mod domain;
pub mod ssh;
