//! The client: typed calls of the API over the Unix socket.
//!
//! What lives here: one method per route, and readers for the streams. What may
//! not: words for people, starting a daemon, trying again.

mod error;
mod http;
mod methods;
mod streams;

pub use error::ClientError;
pub use methods::{Client, OutputQuery};
pub use streams::{AllProgress, Bytes, Feed, FeedItem, Pulses};
