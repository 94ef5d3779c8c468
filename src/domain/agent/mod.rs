//! Agents: what is known about the programs by their profiles.
//!
//! What lives here: one file per agent, with its command line as data and how
//! its output reads ([`AgentCli`]); the vocabulary that all of them are read
//! into ([`AgentEvent`]), what it adds up to ([`AgentRun`]), and why an agent
//! stopped ([`verdict`]); and how one is looked for ([`detect`]). What may not:
//! anything that runs them.

mod claude;
mod cli;
mod codex;
mod copilot;
pub mod detect;
mod droid;
mod event;
mod gemini;
mod generic;
mod json;
mod lines;
mod opencode;
mod profile;
mod reader;
mod run;
mod trouble;
mod usd;
mod verdict;

pub use cli::{AgentCli, Arguments, Lacks, Permissions, Spec, Turn, words};
pub use event::{AgentEvent, Awaited, Usage};
pub use lines::MAX_LINE;
pub use profile::{PROFILES, Profile, profile_of_program};
pub use reader::{EventReader, Read};
pub use run::AgentRun;
pub use trouble::{Complaint, Passes, Trouble};
pub use usd::Usd;
pub use verdict::verdict;

#[cfg(test)]
mod tests;
