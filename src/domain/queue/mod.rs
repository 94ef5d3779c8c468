//! Who may start next, where not all may at once.
//!
//! [`limits`] is how many may run at once, and what one of them would go over;
//! [`ticket`] is what a session brings along and keeps in its record; [`line`](mod@line)
//! is those that wait and those that run, and decides. Nothing here knows how
//! a session is started, or when it ends.

pub mod limits;
pub mod line;
pub mod ticket;

pub use limits::{Limits, Needs, WaitsFor};
pub use line::{Line, Standing};
pub use ticket::{Priority, Ticket};
