//! What every verb has at hand.

use std::path::{Path, PathBuf};

use super::error::CliError;
use super::start;
use crate::api::client::{Client, ClientError};
use crate::paths::Environment;

/// The daemon that a verb talks to, and how to get one.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// What `--config` says, made absolute, for a daemon that is started.
    pub(super) given_config: Option<PathBuf>,
    /// The configuration's main file.
    pub(super) config: PathBuf,
    /// The folder of mirrors, registry and log.
    pub(super) state: PathBuf,
    /// The daemon, whether it runs or not.
    pub(super) client: Client,
}

impl Context {
    /// By the environment, and `--config`.
    pub(super) fn new(given: Option<&Path>, env: &Environment) -> Result<Self, CliError> {
        let config = env.config_file(given)?;
        Ok(Self {
            given_config: given.map(|_| config.clone()),
            config,
            state: env.state_dir()?,
            client: Client::new(env.socket()?),
        })
    }

    /// Makes a call; where no daemon runs, starts one and makes it again, and
    /// where one died of it, too: there is no call that does harm when it is
    /// made twice (a session is asked for with a key).
    pub(super) async fn call<T>(
        &self,
        call: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        match call(&self.client).await {
            Err(ClientError::NotRunning { .. } | ClientError::Broken(_)) => {
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
