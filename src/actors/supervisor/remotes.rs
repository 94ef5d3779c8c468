//! Requests about remotes.

use super::actor::SupervisorMsg;
use super::handle::DaemonHandle;
use super::view;
use crate::actors::ask;
use crate::api::backend::RequestError;
use crate::api::types::RemoteView;

pub(super) async fn list(daemon: &DaemonHandle) -> Result<Vec<RemoteView>, RequestError> {
    let config = daemon.config_state();
    Ok(view::remotes(&config.config, daemon.connections().await?))
}

pub(super) async fn reconnect(daemon: &DaemonHandle, name: &str) -> Result<(), RequestError> {
    let known = list(daemon).await?.iter().any(|remote| remote.name == name);
    if !known {
        return Err(RequestError::NoSuchRemote(name.to_owned()));
    }
    // A remote that nobody has used has no connection, and nothing to mend.
    let reconnect = |reply| SupervisorMsg::Reconnect(name.to_owned(), reply);
    ask(daemon.supervisor(), reconnect).await.map(drop).ok_or(RequestError::Unavailable)
}
