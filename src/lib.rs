//! longhaul.

pub mod actors;
pub mod api;
pub mod cli;
pub mod daemon;
pub mod demo;
pub mod domain;
pub mod paths;
pub mod runner;
pub mod ssh;
pub mod store;
pub mod telemetry;
