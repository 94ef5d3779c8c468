//! Requests about a remote's host key.

use super::handle::DaemonHandle;
use super::remotes;
use crate::actors::resolver;
use crate::api::backend::RequestError;
use crate::domain::failure::classify::link_failure;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::host_key::{HostKeyShown, TrustError};
use crate::domain::target::SshSettings;
use crate::ssh;

/// Has the remote show its host key.
pub(super) async fn show(daemon: &DaemonHandle, name: &str) -> Result<HostKeyShown, RequestError> {
    let settings = settings(daemon, name).await?;
    let prompter = daemon.attention().prompter(name.to_owned());
    ssh::host_key(&settings, Some(prompter))
        .await
        .map_err(|trouble| failed(&trouble, name, &settings))
}

/// Trusts the key that a person has agreed to, and has the connection try again.
pub(super) async fn trust(
    daemon: &DaemonHandle,
    name: &str,
    agreed: &str,
) -> Result<HostKeyShown, RequestError> {
    let settings = settings(daemon, name).await?;
    let prompter = daemon.attention().prompter(name.to_owned());
    let trusted = ssh::trust_host_key(&settings, agreed, Some(prompter)).await;
    let trusted = trusted.map_err(|error| match error {
        TrustError::Link(trouble) => failed(&trouble, name, &settings),
        other => RequestError::NotTrusted(other),
    })?;
    // It may have waited for just this; an ad hoc one has nothing that waits.
    let _ = remotes::reconnect(daemon, name).await;
    Ok(trusted)
}

async fn settings(daemon: &DaemonHandle, name: &str) -> Result<SshSettings, RequestError> {
    let ssh = remotes::destination(daemon, name)?
        .ok_or(RequestError::Invalid("this machine has no host key to trust"))?;
    let nowhere = Whereabouts { place: name.to_owned(), destination: None, session: None };
    resolver::settings(daemon.resolver(), ssh)
        .await
        .map_err(|trouble| RequestError::Failed(Box::new(link_failure(&trouble, &nowhere))))
}

fn failed(trouble: &LinkTrouble, name: &str, settings: &SshSettings) -> RequestError {
    let at = Whereabouts::remote(name, settings);
    RequestError::Failed(Box::new(link_failure(trouble, &at)))
}
