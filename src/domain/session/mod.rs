//! One session's life.
//!
//! [`record`] is what is remembered of a session from the moment it is taken
//! in; [`state`] is what people see of that; [`ending`] reads what a spool says
//! of its end; [`removal`] is what outlives its place in the list; [`fsm`]
//! decides what to do next for it; [`attempt`] decides whether it is started anew
//! when it has ended; [`failed`] which failures are still worth a look; [`piece`]
//! decides where input goes. None holds a prompt, an
//! env value or any output.

pub mod attempt;
pub mod ending;
pub mod failed;
pub mod fsm;
pub mod piece;
pub mod pulse;
pub mod record;
pub mod removal;
pub mod state;

pub use attempt::{Attempts, Ordered, RestartPolicy, Retry};
pub use ending::{Ending, Obstacle};
pub use failed::FailedSessions;
pub use pulse::Pulse;
pub use record::{Outcome, Phase, SessionRecord, Stdin, StopOrder};
pub use removal::Removal;
pub use state::{Exit, SessionState};
