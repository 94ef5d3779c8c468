//! Bringing links up: the one thing of a connection that a test replaces.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::debug;

use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::domain::target::SshSettings;
use crate::ssh::{self, Link, Prompter, Reached};

/// A dial under way. Dropping it ends what it has opened.
pub type Dial<'a> = Pin<Box<dyn Future<Output = Result<Link, LinkTrouble>> + Send + 'a>>;

/// An attempt to reach a host's port under way. Dropping it gives it up.
pub type Reach<'a> = Pin<Box<dyn Future<Output = Result<Reached, LinkTrouble>> + Send + 'a>>;

/// Brings links up.
pub trait Dialer: Debug + Send + Sync {
    /// Dials once, on a connection that was reached before where there is one.
    /// `prompter` asks a person where one is needed.
    fn dial<'a>(
        &'a self,
        settings: &'a SshSettings,
        reached: Option<Reached>,
        prompter: Arc<dyn Prompter>,
    ) -> Dial<'a>;

    /// Tries once whether the host's port, or that of its first hop, can be
    /// reached.
    fn reach<'a>(&'a self, settings: &'a SshSettings) -> Reach<'a>;
}

/// The dialer that dials.
#[derive(Debug, Clone, Copy, Default)]
pub struct SshDialer;

fn note(phase: Phase, took: Duration) {
    debug!(?phase, ?took, "dialled so far");
}

impl Dialer for SshDialer {
    fn dial<'a>(
        &'a self,
        settings: &'a SshSettings,
        reached: Option<Reached>,
        prompter: Arc<dyn Prompter>,
    ) -> Dial<'a> {
        let reached = reached.unwrap_or_default();
        Box::pin(ssh::dial_reached(settings, reached, Some(prompter), &note))
    }

    fn reach<'a>(&'a self, settings: &'a SshSettings) -> Reach<'a> {
        Box::pin(ssh::reach(settings))
    }
}
