//! One session's life.
//!
//! [`record`] is what is remembered of a session from the moment it is taken
//! in; [`state`] is what people see of that. Neither holds a prompt, an env
//! value or any output.

pub mod record;
pub mod state;

pub use record::{Outcome, Phase, SessionRecord, Stdin, StopOrder};
pub use state::{Exit, SessionState};
