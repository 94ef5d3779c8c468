//! The connection to ssh-agent.

use std::path::Path;
use std::time::Duration;

use russh::keys::agent::client::AgentClient;
use russh::keys::agent::{AgentIdentity, AgentSessionBinding, Constraint};
use russh::keys::{Error, PrivateKey};
use tokio::time::timeout;

use super::signer::AgentSigner;
use crate::ssh::people::Asker;

/// How long the agent may take to answer what needs no person.
const BOUND: Duration = Duration::from_secs(5);

/// An agent and what it holds.
pub(super) struct Agent {
    pub(super) identities: Vec<AgentIdentity>,
    pub(super) signer: AgentSigner,
}

/// The agent behind `socket`. None that answers is as good as none: the key
/// files are tried all the same.
pub(super) async fn connect(
    socket: &Path,
    binding: Option<AgentSessionBinding>,
    asker: &Asker,
) -> Option<Agent> {
    match timeout(BOUND, talk(socket, binding, asker)).await {
        Ok(Ok(agent)) => Some(agent),
        Ok(Err(error)) => {
            tracing::debug!(socket = %socket.display(), %error, "no use of the agent");
            None
        }
        Err(_) => {
            tracing::debug!(socket = %socket.display(), "the agent does not answer");
            None
        }
    }
}

/// Hands a key to the agent (`AddKeysToAgent`). That it cannot is no reason for
/// the login to fail, as with `ssh`.
pub(super) async fn add(
    socket: &Path,
    key: &PrivateKey,
    confirm: bool,
    lifetime: Option<Duration>,
) {
    let seconds = lifetime.map(|time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
    let lifetime = seconds.map(|seconds| Constraint::KeyLifetime { seconds });
    let constraints: Vec<_> =
        lifetime.into_iter().chain(confirm.then_some(Constraint::Confirm)).collect();
    let adding = async {
        let mut client = AgentClient::connect_uds(socket).await?;
        client.add_identity(key, &constraints).await
    };
    match timeout(BOUND, adding).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(socket = %socket.display(), %error, "the agent did not take the key");
        }
        Err(_) => tracing::warn!(socket = %socket.display(), "the agent does not answer"),
    }
}

async fn talk(
    socket: &Path,
    binding: Option<AgentSessionBinding>,
    asker: &Asker,
) -> Result<Agent, Error> {
    let mut client = AgentClient::connect_uds(socket).await?;
    if let Some(binding) = binding
        && let Err(error) = client.bind_session(&binding, false).await
    {
        // Agents other than OpenSSH's do not know the extension; only keys
        // with destination constraints need it.
        tracing::debug!(%error, "the agent does not bind keys to sessions");
    }
    let identities = client.request_identities().await?;
    Ok(Agent { identities, signer: AgentSigner::new(client, asker.clone()) })
}
