//! From a trouble to a failure: its code, its sentence, its evidence and the
//! real host, user and file in its remedy.

mod agent;
mod code;
mod link;
mod local;
mod session;
mod shell;
mod told;

#[cfg(test)]
mod tests;

pub use code::{heals_by_itself, link_code, local_code, session_code};
pub use link::link_failure;
pub use local::local_failure;
pub use session::session_failure;
