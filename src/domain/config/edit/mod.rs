//! Edits of a configuration's text that leave alone what they are not about.
//!
//! What lives here: finding the place of an edit in the text as its owner
//! wrote it, the few bytes that change, and the proof that nothing else did.
//! What may not: files. `store::config_files` reads and replaces them.
//!
//! The file is never printed anew. ron, through `node`, says where each value
//! stands; `config::scan` finds what ron passes over (commas, comments, line ends);
//! `splice` puts in, replaces or takes out. Then `check` reads both texts as
//! the daemon would: they differ in what was asked for and in nothing else, and
//! every comment is still there. An edit that cannot show that is refused, with
//! the lines for a person to put in.

mod check;
mod entry;
mod error;
mod hunk;
mod plan;
mod request;
mod splice;
mod tree;

#[cfg(test)]
mod tests;

pub use error::{EditError, Unsafe, Use};
pub use hunk::Line;
pub use plan::{EMPTY, Edit, plan};
pub use request::{Assignment, EnvSource, Field, Literal, NewRemote, Request};
