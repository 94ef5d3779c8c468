//! With a dialer that does as a script says, servers in memory, and a clock
//! that moves when nobody has anything to do.

mod channels;
mod dialling;
mod lookout;
mod questions;
pub(crate) mod script;
mod ssh_config;
