//! What a test of a remote goes through, and what a doctor makes of a machine.
//!
//! What lives here: the stages of a test ([`stage`]), what is gathered on a
//! machine ([`facts`], [`read`]), what is found in it ([`judge`]),
//! and the manual of that ([`topic`]). What may not: the gathering itself; that is the runner's, and the link's.

pub mod facts;
mod finding;
pub mod judge;
pub mod read;
pub mod stage;
pub mod topic;

pub use finding::{Finding, Status};
