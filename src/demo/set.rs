//! Everything that the demonstration stands on, put up and cleared away.

use std::path::PathBuf;
use std::time::Duration;

use super::error::DemoError;
use super::keys;
use super::server::Server;
use super::service::Service;
use super::stage::Stage;

/// The remotes' names. The first one's link is cut.
const NAMES: [&str; 2] = ["amber", "birch"];
/// How long commands may take to notice that the daemon is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// A remote: a server, and the home of its account.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) name: &'static str,
    pub(super) home: PathBuf,
    pub(super) server: Server,
}

/// A folder, two remotes and a daemon.
///
/// The order of the fields is the order in which they are dropped, where
/// something fails while it is put up: the daemon before its folder.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) service: Service,
    pub(super) remotes: Vec<Remote>,
    pub(super) stage: Stage,
}

impl Set {
    /// Puts it up.
    pub(super) async fn up() -> Result<Self, DemoError> {
        let stage = Stage::make()?;
        let client = keys::new()?;
        let mut remotes = Vec::new();
        let mut host_keys = Vec::new();
        for name in NAMES {
            let home = stage.home_on(name);
            stage.folder(&home)?;
            let host_key = keys::new()?;
            let known = client.public_key().clone();
            let server = Server::start(host_key.clone(), known, home.clone()).await?;
            host_keys.push((server.port, host_key));
            remotes.push(Remote { name, home, server });
        }
        let identity = keys::write_ssh_folder(&stage, &client, &host_keys)?;
        let ports: Vec<_> =
            remotes.iter().map(|remote| (remote.name, remote.server.port)).collect();
        stage.file(&stage.config(), &keys::config(&ports, &identity))?;
        let service = Service::start(&stage).await?;
        Ok(Self { service, remotes, stage })
    }

    /// Clears it away: sessions, daemon, servers, folder.
    pub(super) async fn down(self) -> Result<(), DemoError> {
        let Self { service, remotes, stage } = self;
        for remote in &remotes {
            remote.server.mend();
            // Without waiting for its next try.
            let _ = service.client.reconnect(remote.name).await;
        }
        let sessions_ended = service.end_sessions().await;
        let stopped = service.stop().await;
        let mut commands_ended = true;
        for remote in remotes {
            commands_ended &= remote.server.close(PATIENCE).await;
        }
        let folder = stage.root().to_owned();
        // Sessions whose home is gone end by themselves.
        stage.remove()?;
        match (sessions_ended && commands_ended, stopped) {
            (true, true) => Ok(()),
            (false, _) => Err(DemoError::LeftBehind { what: "all commands in time", folder }),
            (true, false) => {
                Err(DemoError::LeftBehind { what: "the daemon in good order", folder })
            }
        }
    }
}
