//! The configuration: what it may say, what is wrong with it, what changed.
//!
//! What lives here: the schema, the way from source text to a checked
//! [`Config`] with every problem found on the way, the rendering of those
//! problems, and the difference of two configurations. What may not: reading
//! files (`store::config_files`) and deciding where a session runs
//! (`domain::resolve`).

pub mod schema;

pub use schema::{
    Agent, AgentRemote, Config, EnvName, EnvNameError, EnvValue, Profile, Remote, SshConfigUse,
};
