//! What this machine remembers: files and a database, and no decisions.
//!
//! - [`state_dir`]: the folder that holds the rest, and the lock that lets one
//!   daemon at a time use it.
//! - [`registry`]: the sessions' records and the events, in SQLite.
//! - [`rescue`]: what becomes of a registry that is damaged.
//! - [`mirror`]: one session's output and input, as plain files, and what it
//!   needs for its start and the registry must never see.
//! - [`control_id`]: what tells this state directory from any other.
//! - [`token`]: what whoever comes by TCP has to know.
//! - [`config_files`]: the configuration's files, as the disk has them.
//! - [`marks`]: files of others, to see that they were edited.
//!
//! What may not live here: knowledge of SSH, of actors, or of the wire.

pub mod config_files;
pub mod control_id;
mod files;
pub mod marks;
pub mod mirror;
pub mod registry;
pub mod rescue;
pub mod state_dir;
pub mod token;
