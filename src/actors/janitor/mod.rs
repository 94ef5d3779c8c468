//! The janitor: removes what need not be kept, here and where sessions ran.
//!
//! `task` is its life: when it looks, and who may ask it to. `sweep` is one
//! look: what is to be removed (`domain::retention` decides), and removing what
//! is here. `hosts` removes spools, host by host.
//!
//! A task and no actor: it does one thing after the other, and waits for disks
//! and hosts while it does. Failure policy: a sweep that panics is the last
//! thing of that sweep alone; whatever was left is found again by the next.
//!
//! What may not be in here: opening a link to a host for the sake of a spool,
//! unless a person has asked. A host that is asleep stays so.

mod hosts;
mod sweep;
mod task;

pub use sweep::{Fate, ForgetError, Item, Swept, What, forget};
pub use task::{Janitor, Parts, Usage};
