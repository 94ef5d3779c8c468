//! The configuration: what it may say, what is wrong with it, what changed.
//!
//! What lives here: the schema, the way from source text to a checked
//! [`Config`] with every problem found on the way, the rendering of those
//! problems, the difference of two configurations, and edits of a text. What
//! may not: reading files (`store::config_files`) and deciding where a session
//! runs (`domain::resolve`).

mod decode;
mod diff;
pub mod edit;
mod load;
mod mask;
mod node;
mod problem;
mod report;
mod scan;
pub mod schema;
mod spot;
mod syntax;

pub use decode::host_trouble;
pub use diff::{ConfigDiff, RemoteChange};
pub use load::{Draft, Facts, Loaded, Role, SourceFile, load};
pub use node::Kind;
pub use problem::{KeyFile, Place, Problem, ProblemKind, SourceTrouble, Spot};
pub use report::Report;
pub use schema::{
    Agent, AgentRemote, Config, EnvName, EnvNameError, EnvValue, Profile, Remote, SshConfigUse,
    united_env,
};
