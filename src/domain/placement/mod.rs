//! Which of several remotes a session runs on.
//!
//! [`wish`] is how somebody asks for one of several, or for all; [`load`] is what
//! a host tells of how busy it is; [`choice`] decides. Nothing here asks a host.

pub mod choice;
pub mod load;
pub mod wish;

pub use choice::{Candidate, LinkHealth, choose};
pub use load::{Gpu, Load};
pub use wish::Wish;
