//! The actor of one session.
//!
//! It performs what [`SessionFsm`](crate::domain::session::fsm::SessionFsm)
//! decides. Output never passes through it: the follower's task writes the
//! mirror and publishes its length. What is remembered goes to the registry
//! through one task, in order; the newest record is what counts.
//!
//! Owner: the supervisor, and not the connection, which may die. Failure
//! policy: a panic here ends the follower and nothing on the host; the
//! supervisor starts it again from the registry.

mod actor;
mod agent;
mod detecting;
mod due;
mod host;
mod input;
mod listing;
mod load;
mod outcome;
mod saver;
mod spools;
mod tasks;
mod turn;
mod warnings;

pub use actor::{SessionActor, SessionArgs, SessionMsg};
pub use detecting::find_agents;
pub use due::until;
pub use host::{Channel, Host, RemoteHost};
pub use listing::list_spools;
pub use load::sample_load;
pub use spools::Cleared;
pub use tasks::{OwnLaunch, goes_along};
pub use turn::Turn;
