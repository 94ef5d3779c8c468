//! The end-to-end tests of sessions once more, over the system's `ssh`: what a
//! user sees of a session is the same on both transports.
//!
//! Not run again is what no transport has a part in: `harness` and `proxy` try what
//! the tests stand on; `daemon`, `service` and `limits` have no remote.

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "other tests use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
#[path = "../e2e/adopting.rs"]
mod adopting;
#[cfg(test)]
#[path = "../e2e/agents.rs"]
mod agents;
#[cfg(test)]
mod asking_server;
#[cfg(test)]
#[path = "../e2e/attempts.rs"]
mod attempts;
#[cfg(test)]
#[path = "../e2e/attention.rs"]
mod attention;
#[cfg(test)]
#[path = "../e2e/capped.rs"]
mod capped;
#[cfg(test)]
#[path = "../e2e/configuration.rs"]
mod configuration;
#[cfg(test)]
#[path = "../e2e/doctor.rs"]
mod doctor;
#[cfg(test)]
#[path = "../e2e/dropbear.rs"]
mod dropbear;
#[cfg(test)]
#[path = "../e2e/exactly_once.rs"]
mod exactly_once;
#[cfg(test)]
#[path = "../e2e/failures.rs"]
mod failures;
#[cfg(test)]
#[path = "../e2e/forwarded_agent.rs"]
mod forwarded_agent;
#[cfg(test)]
#[path = "../e2e/full_disk.rs"]
mod full_disk;
#[cfg(test)]
#[path = "../e2e/input.rs"]
mod input;
#[cfg(test)]
#[path = "../e2e/killing.rs"]
mod killing;
#[cfg(test)]
#[path = "../e2e/launching.rs"]
mod launching;
#[cfg(test)]
#[path = "../e2e/links.rs"]
mod links;
#[cfg(test)]
#[path = "../e2e/login_shells.rs"]
mod login_shells;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod masters;
#[cfg(test)]
#[path = "../e2e/outages.rs"]
mod outages;
#[cfg(test)]
#[path = "../e2e/outcomes.rs"]
mod outcomes;
#[cfg(test)]
#[path = "../e2e/placement.rs"]
mod placement;
#[cfg(test)]
#[path = "../e2e/queries.rs"]
mod queries;
#[cfg(test)]
#[path = "../e2e/queue.rs"]
mod queue;
#[cfg(test)]
#[path = "../e2e/readers.rs"]
mod readers;
#[cfg(test)]
#[path = "../e2e/registry.rs"]
mod registry;
#[cfg(test)]
#[path = "../e2e/remote_test.rs"]
mod remote_test;
#[cfg(test)]
#[path = "../e2e/removing.rs"]
mod removing;
#[cfg(test)]
#[path = "../e2e/retention.rs"]
mod retention;
#[cfg(test)]
#[path = "../e2e/secrets.rs"]
mod secrets;
#[cfg(test)]
#[path = "../e2e/ssh_config.rs"]
mod ssh_config;
#[cfg(test)]
#[path = "../e2e/stopping.rs"]
mod stopping;
#[cfg(test)]
#[path = "../e2e/stories.rs"]
mod stories;
#[cfg(test)]
#[path = "../e2e/survival.rs"]
mod survival;
