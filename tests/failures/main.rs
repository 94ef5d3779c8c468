//! Every failure explained: each is induced, and has to be told by its code, with
//! the real host and file, wherever a person or a script may look.
//!
//! A row of the table says how a remote, an agent or a request goes wrong and what
//! has to be told (`row`). The rows stand by the part of the way that they break
//! (`request`, `reach`, `trust`, `session`), on a `bench` that they share: one daemon, real
//! servers where the truth is the server's, and ones that misbehave (`tcp`,
//! `ssh`) where no honest server would. `play` plays one row, `table` all of them.

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "the end-to-end tests use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod detours;
#[cfg(test)]
mod play;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod request;
#[cfg(test)]
mod row;
#[cfg(test)]
mod session;
#[cfg(test)]
mod ssh;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tcp;
#[cfg(test)]
mod trust;
