//! The outside contract: HTTP and JSON on a Unix socket.
//!
//! What lives here: the wire types, the server that turns requests into calls
//! of a [`Backend`](backend::Backend), and the client that the command line
//! uses. What may not: decisions about sessions (`domain`) or effects
//! (`actors`); words for people (`cli`).

pub mod backend;
pub mod client;
pub mod server;
pub mod types;
