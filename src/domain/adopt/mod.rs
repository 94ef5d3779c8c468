//! Sessions that are found on a host and taken in.
//!
//! [`meta`] is what a launch leaves in the spool for that; [`spool`] reads what
//! a host tells of a spool; [`choose()`] decides which of them are taken in, and
//! as what. All of it came from a host, which may have been taken over: it is
//! read with bounds, and nothing of it ever becomes a path here.

pub mod choose;
pub mod meta;
pub mod spool;

pub use choose::{Choice, choose, record};
pub use meta::Meta;
pub use spool::{Spool, SpoolState};
