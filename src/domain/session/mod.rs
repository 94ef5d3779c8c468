//! One session's life.
//!
//! [`record`] is what is remembered of a session from the moment it is taken
//! in; [`state`] is what people see of that; [`ending`] reads what a spool says
//! of its end. None holds a prompt, an env value or any output.

pub mod ending;
pub mod record;
pub mod state;

pub use ending::{Ending, Obstacle};
pub use record::{Outcome, Phase, SessionRecord, Stdin, StopOrder};
pub use state::{Exit, SessionState};
