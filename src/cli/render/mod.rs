//! What people see: tables, ages, failures.
//!
//! What lives here: text made from wire types and the present time. What may
//! not: reading clocks or terminals, writing anything.

mod adopt;
mod attention;
mod away;
mod check;
mod events;
mod failure;
mod gc;
mod inventory;
mod sessions;
mod status;
mod table;
mod told;
mod words;

pub(super) use adopt::{adopted, adoption_words};
pub(super) use attention::{prompt, question_line, questions};
pub(super) use away::away_line;
pub(super) use check::{finding, pending, stage};
pub(super) use events::event_line;
pub(super) use failure::failure_block;
pub(super) use gc::gc;
pub(super) use inventory::inventories;
pub(super) use sessions::{attempt_words, inspect, ps, state_words, waits_words};
pub(super) use status::{agents, config, remote, remotes, status};
pub(super) use table::table;
pub(super) use told::Story;
pub(super) use words::{harmless, is_obeyed, tame};

/// What rendering depends on besides the data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// The present, for ages.
    pub(super) now: std::time::SystemTime,
    /// The terminal's width; `None` where it is no terminal, and nothing is cut.
    pub(super) width: Option<u16>,
}

#[cfg(test)]
mod tests;
