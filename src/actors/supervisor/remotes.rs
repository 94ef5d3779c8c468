//! Requests about remotes.

use super::actor::SupervisorMsg;
use super::create::refused;
use super::handle::DaemonHandle;
use super::view;
use crate::actors::ask;
use crate::api::backend::RequestError;
use crate::api::types::RemoteView;
use crate::domain::plan::{Order, PlanError, TurnRequest, plan};
use crate::domain::resolve::Override;
use crate::domain::target::SshRequest;

pub(super) async fn list(daemon: &DaemonHandle) -> Result<Vec<RemoteView>, RequestError> {
    let config = daemon.config_state();
    Ok(view::remotes(&config.config, daemon.connections().await?))
}

/// How a remote, or an ad hoc destination, is asked for; `None` is this machine.
pub(super) fn destination(
    daemon: &DaemonHandle,
    name: &str,
) -> Result<Option<SshRequest>, RequestError> {
    let command = ["true".to_owned()];
    let order = Order {
        on: Some(Override::On(name)),
        agent: None,
        command: &command,
        cwd: None,
        max_output: None,
        turn: TurnRequest::default(),
    };
    match plan(&daemon.config_state().config, &order) {
        Ok(plan) => Ok(plan.ssh),
        Err(PlanError::Nowhere(error)) => Err(refused(error)),
        Err(PlanError::Lacks(lacks)) => Err(RequestError::Lacks(lacks)),
        Err(PlanError::NothingToRun) => Err(RequestError::Invalid("there is nothing to run")),
    }
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
