//! The command line.
//!
//! What lives here: one file per family of verbs, what they share (`follow` a
//! session, `start` a daemon, `render` for people), and the words that people
//! read. What may not: anything that a client on the socket could not do. The
//! few things that need no daemon come in through `parts`.
//!
//! On standard output goes what was asked for and nothing else; on standard
//! error what a person should know. A closed standard output ends a verb without
//! a word, as it does `cat`.

mod adopt;
mod agent;
mod askpass;
mod attach;
mod attention;
mod config;
mod context;
mod daemon;
mod entry;
mod error;
mod events;
mod exit;
mod explain;
mod follow;
mod gc;
mod logs;
mod map;
mod output;
mod parts;
mod remote;
mod render;
mod resume;
mod run;
mod send;
mod service;
mod sessions;
mod ssh_config;
mod start;
mod status;
mod values;

pub use entry::main;
