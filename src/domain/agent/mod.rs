//! Agents: what is known about the programs by their profiles.
//!
//! What lives here: one file per agent, with its command, its installation
//! and how its output reads. What may not: anything that runs them.

mod profile;

pub use profile::{PROFILES, Profile, ProfileSpec, profile, profile_of_program};
