//! Bringing links up: the one thing of a connection that a test replaces.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;
use crate::ssh::{self, Link, Prompter};

/// A dial under way. Dropping it ends what it has opened.
pub type Dial<'a> = Pin<Box<dyn Future<Output = Result<Link, LinkTrouble>> + Send + 'a>>;

/// Brings links up.
pub trait Dialer: Debug + Send + Sync {
    /// Dials once. `prompter` asks a person where one is needed.
    fn dial<'a>(&'a self, settings: &'a SshSettings, prompter: Arc<dyn Prompter>) -> Dial<'a>;
}

/// The dialer that dials.
#[derive(Debug, Clone, Copy, Default)]
pub struct SshDialer;

impl Dialer for SshDialer {
    fn dial<'a>(&'a self, settings: &'a SshSettings, prompter: Arc<dyn Prompter>) -> Dial<'a> {
        Box::pin(ssh::dial(settings, Some(prompter), &|_, _| {}))
    }
}
