//! One session's folder on this machine: files that a person can `less`.
//!
//! ```text
//! <state>/sessions/<id>/    0700
//!     out   err             0600   the output, a prefix of the spool's
//!     in                    0600   what was sent to standard input
//!     in.end                0600   there once that has its end
//!     launch.json           0600   until the last attempt has started
//!     out.gaps  err.gaps    0600   what was dropped before it could come here
//!     record.json           0600   what is remembered of it, for a lost registry
//! ```
//!
//! - `folder`: [`Mirror`], the folder and its readers.
//! - `writer`: [`MirrorWriter`], the only way to add output.
//! - `input`: what was sent and may not be there yet.
//! - `launch`: env values and the prompt of a session that waits.
//! - `gaps`: what was dropped where the session ran.
//! - `record`: what a registry that was lost is rebuilt from.
//! - `error`: what can go wrong.
//!
//! The length of `out` and `err` is where reading from the spool resumes, so a
//! byte that counts as written is in the file, and one that is in the file
//! counts as written. What may not live here: what the bytes mean.

mod error;
mod folder;
mod gaps;
mod input;
mod launch;
mod record;
mod writer;

#[cfg(test)]
mod tests;

pub use error::MirrorError;
pub use folder::{Lengths, Mirror, sizes};
pub use input::{Piece, Taken};
pub use record::kept_records;
pub use writer::MirrorWriter;
