//! Agents: what is known about the programs by their profiles.
//!
//! What lives here: one file per agent, with its command, its installation
//! and how its output reads; and how one is looked for ([`detect`]). What may
//! not: anything that runs them.

pub mod detect;
mod profile;

pub use profile::{PROFILES, Profile, ProfileSpec, profile, profile_of_program};
