//! Which agents there are on a host.

use std::time::Duration;

use tokio::time::timeout;

use super::host::{Host, Want};
use crate::actors::common::control_failure;
use crate::actors::nonce;
use crate::domain::config::Config;
use crate::domain::failure::Failure;
use crate::domain::failure::classify::link_failure;
use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::domain::inventory::{AgentFound, Wanted, usable, wanted};
use crate::domain::plan::with_usual_agents;
use crate::domain::target::Place;
use crate::runner::control::{self, ControlError};

/// How long it may take, with a link that has to come up first and programs that
/// take their time to tell their version.
const WITHIN: Duration = Duration::from_secs(60);
/// How long the end of a session may wait for it.
const AT_THE_END: Duration = Duration::from_secs(20);

/// What there is of these agents on a host; a link is dialled for it.
///
/// # Errors
///
/// The host cannot be asked, or does not answer as the program would.
pub async fn find_agents(host: &Host, wanted: &[Wanted]) -> Result<Vec<AgentFound>, Failure> {
    match timeout(WITHIN, find(host, wanted, Want::Examined)).await {
        Ok(found) => found.map_err(|error| control_failure(error, &host.whereabouts())),
        Err(_) => {
            // A link that does not come up has its reason.
            let slow = || LinkTrouble::TimedOut { phase: Phase::Channel };
            Err(link_failure(&host.trouble().unwrap_or_else(slow), &host.whereabouts()))
        }
    }
}

/// The agents that can be used on a host, in a line each, for a session whose own
/// is not there; nothing if the host does not tell in time.
pub(super) async fn agents_there(host: &Host, place: &Place) -> Vec<String> {
    let wanted = wanted(&with_usual_agents(Config::default()), place);
    let found = timeout(AT_THE_END, find(host, &wanted, Want::ControlWithFacts)).await;
    usable(&found.ok().and_then(Result::ok).unwrap_or_default())
}

async fn find(host: &Host, wanted: &[Wanted], want: Want) -> Result<Vec<AgentFound>, ControlError> {
    let channel = host.channel(want).await?;
    let searches: Vec<_> = wanted.iter().map(|one| one.search.clone()).collect();
    let path = channel.path.as_deref();
    let found = control::detect(channel.io, &nonce(), path, &searches).await;
    drop(channel.slot);
    let keychain = host.system().await.as_deref() == Some("Darwin");
    let pairs = wanted.iter().zip(found?);
    Ok(pairs.map(|(wanted, found)| AgentFound::of(wanted, found, keychain)).collect())
}
