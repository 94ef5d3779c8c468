//! Follows a session, with all its attempts: its output to our own streams, its state to the caller.
//!
//! What lives here: the one loop that `run`, `attach` and `logs -f` share, and
//! its parts: copying a stream, feeding standard input, Ctrl-C, and what a
//! person is told while a link is away. What may not: how a session is asked for.
//!
//! Output does not come over the socket. The daemon tells how long the mirror's
//! files are, and they are copied from here, by the kernel where it can: at the
//! speed of a file copy, and at nobody's pace but the reader's.

mod copier;
mod dropped;
mod feeder;
mod follower;
mod interrupts;
mod many;
mod notice;
mod shown;
mod tail;

pub(super) use copier::copy_once;
pub(super) use feeder::{Recipient, feed, feed_bytes};
pub(super) use follower::{Followed, Follower, follow_to_the_end};
pub(super) use interrupts::{Asked, Leave, Signals};
pub(super) use many::follow_all;
pub(super) use shown::Form;
pub(super) use tail::offset_of_last_lines;
