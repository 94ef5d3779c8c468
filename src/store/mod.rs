//! What is on this machine's disk.
//!
//! What lives here: reading and writing files, blocking. What may not:
//! decisions about what is read (`domain`), and actors.

pub mod config_files;
