//! The connection to a remote: its links, and who gets a channel on them.
//!
//! [`fsm`] decides when to dial, when to wait and when to give up; [`knock`] how
//! a host that is away is looked out for; [`pool`] counts the channels of each
//! link; [`state`] and [`view`] are what people see.

pub mod fsm;
pub mod knock;
pub mod pool;
pub mod state;
pub mod view;

pub use fsm::{ConnectionFsm, Effect, Input};
pub use pool::{LinkId, Pool, Purpose};
pub use state::LinkState;
pub use view::LinkView;
