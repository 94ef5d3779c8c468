//! What sessions there are on a host, all of them.

use std::time::Duration;

use tokio::time::timeout;

use super::host::{Host, Want};
use crate::actors::common::control_failure;
use crate::actors::nonce;
use crate::domain::adopt::Spool;
use crate::domain::failure::Failure;
use crate::domain::failure::classify::link_failure;
use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::runner::control::ControlError;
use crate::runner::list::{Listed, PAGE, list};

/// How long it may take, with a link that has to come up first.
const WITHIN: Duration = Duration::from_secs(40);
/// Answers that are asked for at most: room for more sessions than anybody has,
/// and an end to a host that always has another one.
const PAGES: u64 = 20;

/// All spools of the account on a host.
///
/// # Errors
///
/// The host cannot be asked, or does not answer as the program would.
pub async fn list_spools(host: &Host) -> Result<Vec<Spool>, Failure> {
    match timeout(WITHIN, all_pages(host)).await {
        Ok(listed) => listed.map_err(|error| control_failure(error, &host.whereabouts())),
        Err(_) => {
            // A link that does not come up has its reason.
            let slow = || LinkTrouble::TimedOut { phase: Phase::Channel };
            Err(link_failure(&host.trouble().unwrap_or_else(slow), &host.whereabouts()))
        }
    }
}

async fn all_pages(host: &Host) -> Result<Vec<Spool>, ControlError> {
    let mut spools = Vec::new();
    for page in 0..PAGES {
        let channel = host.channel(Want::Asked).await?;
        let listed = list(channel.io, &nonce(), host.root(), page * PAGE).await;
        drop(channel.slot);
        let Listed { spools: found, more } = listed?;
        spools.extend(found);
        if !more {
            break;
        }
    }
    Ok(spools)
}
