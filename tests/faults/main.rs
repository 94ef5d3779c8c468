//! Schedules of faults, played against the built binary and a real sshd.
//!
//! A seed gives sessions whose output and end are known, and what goes wrong
//! meanwhile (`schedule`, `role`). They are played on a `stage` by one thread for
//! each session (`driver`) and one for each fault (`trouble`); then all is well
//! again, and `verdict` holds that nothing was lost, doubled or left behind.
//!
//! `cargo test` plays fixed seeds. `tests/soak` plays new ones for as long as it
//! is told to, by two variables: `LONGHAUL_SOAK_MINUTES`, and the first seed in
//! `LONGHAUL_SOAK_SEED`. `LONGHAUL_SOAK_PARALLEL` says how many at once.

#[cfg(test)]
#[expect(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod dice;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod play;
#[cfg(test)]
mod role;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod verdict;
