//! What a service manager and the daemon have to do with each other.
//!
//! What lives here: the words that systemd wants to hear (`sd_notify(3)`), the
//! socket that it hands over (`sd_listen_fds(3)`), and the log's file where
//! nobody else keeps one. What may not: what a session is, and who installs the
//! service (that is `cli::service`).

mod attend;
mod log_file;
mod manager;
mod sockets;

pub use attend::{Vitals, attend};
pub use log_file::LogFile;
pub use manager::Manager;
pub use sockets::handed_over;
