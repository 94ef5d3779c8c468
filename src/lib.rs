//! longhaul.

pub mod api;
pub mod cli;
pub mod daemon;
pub mod domain;
