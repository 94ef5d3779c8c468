//! Bringing links up: the one thing of a connection that a test replaces.

use std::fmt::Debug;
use std::pin::Pin;

use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;
use crate::ssh::{self, Link};

/// A dial under way. Dropping it ends what it has opened.
pub type Dial<'a> = Pin<Box<dyn Future<Output = Result<Link, LinkTrouble>> + Send + 'a>>;

/// Brings links up.
pub trait Dialer: Debug + Send + Sync {
    /// Dials once.
    fn dial<'a>(&'a self, settings: &'a SshSettings) -> Dial<'a>;
}

/// The dialer that dials.
#[derive(Debug, Clone, Copy, Default)]
pub struct SshDialer;

impl Dialer for SshDialer {
    fn dial<'a>(&'a self, settings: &'a SshSettings) -> Dial<'a> {
        Box::pin(ssh::dial(settings, &|_, _| {}))
    }
}
