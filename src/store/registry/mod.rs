//! The sessions' records and the events, in one SQLite file.
//!
//! - `handle`: [`Registry`], what the rest of the program calls.
//! - `worker`: the one thread that owns the database, and its transactions.
//! - `schema`: opening, settings, migrations, damage.
//! - `sessions`, `events`, `removals`: the statements, each over an open database.
//! - `error`: what can go wrong, and what to do then.
//!
//! What may not live here: output, prompts, env values; decisions about
//! sessions.

mod error;
mod events;
mod handle;
mod removals;
mod schema;
mod sessions;
mod worker;

#[cfg(test)]
mod tests;

pub use error::RegistryError;
pub use events::{Events, KEPT_EVENTS};
pub use handle::{Inserted, Registry, Saved};
pub use schema::{Readable, readable};
pub use sessions::{Found, Page, Which};
