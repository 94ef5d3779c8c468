//! The configuration in force: loaded, watched and reloaded.
//!
//! What lives here: the [`ConfigActor`](actor::ConfigActor), the rule by which
//! one [`ConfigState`] follows another, the watching of directories (of the files of `ssh_config` as well), and the
//! look-up of env values when a session starts. What may not: the meaning of
//! the configuration (`domain::config`).
//!
//! A configuration that cannot be taken never replaces one that could. Where
//! none ever could, because the file was bad when the daemon started, the
//! daemon comes up all the same, since there may be sessions to look after; it
//! has no remotes and no agents, and [`ConfigState::refusal`] says why nothing
//! new may start.

pub mod actor;
pub mod env_values;
mod ssh_files;
mod state;
mod watch;

pub use actor::{ConfigArgs, ConfigHandle, ConfigMsg, Timing, start};
pub use env_values::resolve_env;
pub use ssh_files::SshFiles;
pub use state::{ConfigState, SshEdits};
