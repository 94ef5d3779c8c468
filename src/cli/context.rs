//! What every verb has at hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::error::CliError;
use super::start;
use crate::api::client::{Client, ClientError};
use crate::paths::Environment;

/// How often a call is made whose daemon goes away.
const TRIES: u32 = 4;
/// The pause before the third try; each is longer by as much as the one before.
const PAUSE: Duration = Duration::from_millis(100);
/// How long another daemon may take to come once one was stopped: it is started
/// when that one is gone.
const SUCCESSION: Duration = Duration::from_secs(5);

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
    /// made twice (a session is asked for with a key). One that was just started
    /// may be killed as well, so that is done a few times.
    pub(super) async fn call<T>(
        &self,
        call: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        for tries in 1..TRIES {
            match call(&self.client).await {
                Err(ClientError::NotRunning { .. } | ClientError::Broken(_)) => {
                    start::daemon(self).await?;
                    sleep(PAUSE * (tries - 1)).await;
                }
                answer => return Ok(answer?),
            }
        }
        Ok(call(&self.client).await?)
    }

    /// Waits for the daemon that takes the place of one that was stopped; false
    /// where none has come.
    pub(super) async fn await_successor(&self) -> bool {
        let until = Instant::now() + SUCCESSION;
        while Instant::now() < until {
            // Somebody may listen in its place, and not answer before it has come.
            if let Ok(Ok(_)) = timeout_at(until, self.client.version()).await {
                return true;
            }
            sleep(PAUSE).await;
        }
        false
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
