//! What every verb has at hand.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::CliError;
use super::paths_stub::Paths;
use super::start;
use crate::api::client::{Client, ClientError};

/// The daemon that a verb talks to, and how to get one.
#[derive(Debug)]
pub(super) struct Context {
    /// `--config`, made absolute.
    pub(super) config: Option<PathBuf>,
    /// Where the files are.
    pub(super) paths: Paths,
    /// The daemon, whether it runs or not.
    pub(super) client: Client,
}

impl Context {
    /// By the environment, and `--config`.
    pub(super) fn new(
        config: Option<&Path>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, CliError> {
        let paths = Paths::new(config, env)?;
        let client = Client::new(&paths.socket);
        Ok(Self { config: config.map(|_| paths.config.clone()), paths, client })
    }

    /// Makes a call; where no daemon runs, starts one and makes it again. Any
    /// call can be made twice then, since the first reached nobody.
    pub(super) async fn call<T>(
        &self,
        call: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        match call(&self.client).await {
            Err(ClientError::NotRunning { .. }) => {
                start::daemon(self).await?;
                Ok(call(&self.client).await?)
            }
            answer => Ok(answer?),
        }
    }

    /// Makes a call, and starts no daemon: `None` where none runs.
    pub(super) async fn ask<T>(
        &self,
        call: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Result<Option<T>, CliError> {
        match call(&self.client).await {
            Err(ClientError::NotRunning { .. }) => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }
}
