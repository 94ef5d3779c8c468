//! Which agents there are on a host.

use std::time::Duration;

use tokio::time::timeout;
use tracing::debug;

use super::host::{Channel, Host, Want};
use crate::actors::common::control_failure;
use crate::actors::nonce;
use crate::domain::config::Config;
use crate::domain::failure::Failure;
use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::domain::inventory::{AgentFound, Wanted, usable, wanted};
use crate::domain::plan::with_usual_agents;
use crate::domain::target::Place;
use crate::runner::control::{self, ControlError};

/// How long a person waits for a link that does not come up.
const LINK_WITHIN: Duration = Duration::from_secs(15);
/// How long programs may take to tell their versions.
const WITHIN: Duration = Duration::from_secs(60);
/// How long the end of a session may wait for it.
const AT_THE_END: Duration = Duration::from_secs(20);

/// What there is of these agents on a host; a link is dialled for it.
///
/// # Errors
///
/// The host cannot be asked, or does not answer as the program would.
pub async fn find_agents(host: &Host, wanted: &[Wanted]) -> Result<Vec<AgentFound>, Failure> {
    let slow = || LinkTrouble::TimedOut { phase: Phase::Channel };
    let found = match timeout(LINK_WITHIN, host.channel(Want::Examined)).await {
        Ok(Ok(channel)) => timeout(WITHIN, find(host, channel, wanted)).await,
        Ok(Err(trouble)) => Ok(Err(trouble.into())),
        // A link that does not come up has its reason.
        Err(_) => Ok(Err(host.trouble().unwrap_or_else(slow).into())),
    };
    let found = found.unwrap_or_else(|_| Err(slow().into()));
    found.map_err(|error| control_failure(error, &host.whereabouts()))
}

/// The agents that can be used on a host, in a line each, for a session whose own
/// is not there; nothing if the host does not tell in time.
pub(super) async fn agents_there(host: &Host, place: &Place) -> Vec<String> {
    let wanted = wanted(&with_usual_agents(Config::default()), place);
    let asked = async {
        let channel = host.channel(Want::ControlWithFacts).await?;
        find(host, channel, &wanted).await
    };
    match timeout(AT_THE_END, asked).await {
        Ok(Ok(found)) => usable(&found),
        Ok(Err(error)) => {
            debug!(%place, %error, "which agents there are instead is not known");
            Vec::new()
        }
        Err(_) => {
            debug!(%place, "which agents there are instead is not known in time");
            Vec::new()
        }
    }
}

async fn find(
    host: &Host,
    channel: Channel,
    wanted: &[Wanted],
) -> Result<Vec<AgentFound>, ControlError> {
    let searches: Vec<_> = wanted.iter().map(|one| one.search.clone()).collect();
    let path = channel.path.as_deref();
    let found = control::detect(channel.io, &nonce(), path, &searches).await;
    drop(channel.slot);
    let keychain = host.system().await.as_deref() == Some("Darwin");
    let pairs = wanted.iter().zip(found?);
    Ok(pairs.map(|(wanted, found)| AgentFound::of(wanted, found, keychain)).collect())
}
