//! What runs where the session runs: programs in POSIX sh, and this side of
//! the talk with them.
//!
//! What lives here: the `.sh` files and how they travel ([`program`]), what
//! they say ([`speech`]), the host that is this machine ([`local`]), the
//! streams of a program wherever it runs ([`io`]), and the two ways to use
//! one: [`follow`] streams a session into its mirror, [`control`] does one
//! thing and ends, [`list`] tells what sessions there are. What may not: decisions about what to do next; those are
//! the session's state machine's.
//!
//! Nothing is installed on a host. A program goes to the login shell as the
//! constant [`program::BOOTSTRAP`], then as one line on standard input; nothing
//! of it, and none of its parameters, is ever in an argument list.

pub mod control;
pub mod follow;
pub mod io;
pub mod list;
pub mod local;
pub mod program;
pub mod speech;
