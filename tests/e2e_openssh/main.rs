//! The end-to-end tests of sessions once more, over the system's `ssh`: what a
//! user sees of a session is the same on both transports.

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "other tests use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
#[path = "../e2e/attention.rs"]
mod attention;
#[cfg(test)]
#[path = "../e2e/exactly_once.rs"]
mod exactly_once;
#[cfg(test)]
#[path = "../e2e/input.rs"]
mod input;
#[cfg(test)]
#[path = "../e2e/launching.rs"]
mod launching;
#[cfg(test)]
mod masters;
#[cfg(test)]
#[path = "../e2e/outcomes.rs"]
mod outcomes;
#[cfg(test)]
#[path = "../e2e/stopping.rs"]
mod stopping;
#[cfg(test)]
#[path = "../e2e/survival.rs"]
mod survival;
