//! The daemon, as it always is, with nothing of the user's around it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::error::DemoError;
use super::stage::Stage;
use crate::api::client::{Client, ClientError};

/// How long it may take until it answers, or until it has ended.
const PATIENCE: Duration = Duration::from_secs(15);
/// The part of the log that is shown when something failed, in lines.
const TAIL: usize = 12;

/// A running daemon; it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Service {
    /// Its client.
    pub(super) client: Client,
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts it, and waits until it answers.
    pub(super) async fn start(stage: &Stage) -> Result<Self, DemoError> {
        let client = Client::new(stage.socket());
        let log = OpenOptions::new()
            .create_new(true)
            .append(true)
            .mode(0o600)
            .open(stage.log())
            .map_err(|source| DemoError::Stage { path: stage.log(), source })?;
        let child = Command::new(std::env::current_exe().map_err(DemoError::Spawn)?)
            // In a session of its own: our terminal's Ctrl-C is for us alone.
            .args(["daemon", "run", "--detached"])
            // No agent, no XDG folder and no setting of the user's shines through.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
            .env("HOME", stage.home())
            .env("USER", "demo")
            .env("LOGNAME", "demo")
            .env("LONGHAUL_CONFIG", stage.config())
            .env("LONGHAUL_STATE_DIR", stage.root().join("state"))
            .env("LONGHAUL_SOCKET", stage.socket())
            .current_dir(stage.root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(DemoError::Spawn)?;
        let mut service = Self { client, child, log: stage.log() };
        service.answers().await?;
        Ok(service)
    }

    async fn answers(&mut self) -> Result<(), DemoError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.client.version().await {
                Ok(_) => return Ok(()),
                Err(ClientError::NotRunning { .. } | ClientError::Broken(_)) => {}
                Err(other) => return Err(other.into()),
            }
            if let Some(status) = self.child.try_wait().map_err(DemoError::Spawn)? {
                return Err(DemoError::DaemonDied { status, log: self.log_tail() });
            }
            if Instant::now() >= until {
                return Err(DemoError::DaemonSilent { within: PATIENCE, log: self.log_tail() });
            }
            // Nothing tells that a socket has come to be.
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The end of its log.
    pub(super) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
    }

    /// Ends the sessions that still live; false where that was not to be had in
    /// time.
    pub(super) async fn end_sessions(&self) -> bool {
        timeout(PATIENCE, self.kill_all()).await.is_ok_and(|ended| ended.is_ok())
    }

    async fn kill_all(&self) -> Result<(), ClientError> {
        use crate::api::types::KillRequest;
        let kill = KillRequest { signal: Some("KILL".to_owned()), grace_s: None };
        for session in self.client.sessions(false).await? {
            // It may end by itself at this moment, which is as good.
            let _ = self.client.kill(session.id.as_str(), &kill).await;
            // Ends with the session.
            let mut pulses = self.client.watch(session.id.as_str()).await?;
            while pulses.next().await?.is_some() {}
        }
        Ok(())
    }

    /// Stops it; false where it had to be killed.
    pub(super) async fn stop(mut self) -> bool {
        let asked = self.client.stop().await.is_ok();
        if asked && timeout(PATIENCE, self.child.wait()).await.is_ok() {
            return true;
        }
        // Waits for its end as well.
        let _ = self.child.kill().await;
        false
    }
}
