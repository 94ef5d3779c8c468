//! Real agents, run by the built binary on a real sshd, against a model provider
//! on loopback.
//!
//! `tests/agents/run` gets the agents and says where they are, in
//! `LONGHAUL_TEST_AGENTS`; plain `cargo test` leaves this binary out.
//! `bench` is where an agent runs, `provider` and `api` are who answers it;
//! `modes` and `broken` have every way to answer, `going_on` the second turn and
//! cuts.

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "the end-to-end tests use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod api;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod going_on;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod provider;
