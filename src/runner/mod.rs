//! What runs where the session runs: programs in POSIX sh, and this side of
//! the talk with them.
//!
//! What lives here: the `.sh` files and how they travel ([`program`]), what
//! they say ([`speech`]), the host that is this machine ([`local`], [`limits`]),
//! the streams of a program wherever it runs ([`io`]), and the two ways to use
//! one: [`follow`] streams a session into its mirror, [`control`] does one
//! thing and ends, [`list`] tells what sessions there are, and [`doctor`] what the machine is like. What may not: decisions about what to do next; those are
//! the session's state machine's.
//!
//! Nothing is installed on a host. A program goes to the login shell as the
//! constant [`program::BOOTSTRAP`], then as one line on standard input; nothing
//! of it, and none of its parameters, is ever in an argument list.
//!
//! What the programs leave on a host is the spool, and the last part of
//! [`program::USUAL_SPOOLS`] is the version of its format. The rule: files may be
//! added to a spool, and a program does without a file that an earlier version
//! did not write; what a file or a word in it means never changes. Who has to
//! break that counts the version up, and keeps the programs that follow, stop
//! and remove spools of the earlier one. `tests/runner/format.rs` holds spools
//! of each version.

pub mod control;
pub mod doctor;
pub mod follow;
pub mod io;
pub mod limits;
pub mod list;
pub mod local;
pub mod program;
pub mod speech;
