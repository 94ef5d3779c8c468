//! Spools, where sessions ran.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use tracing::{info, warn};

use super::sweep::{Effort, Fate, Item, What};
use super::task::Parts;
use crate::actors::session::{Cleared, Host};
use crate::actors::supervisor::SupervisorMsg;
use crate::actors::{ask, now};
use crate::domain::ids::SessionId;
use crate::domain::retention::Why;
use crate::domain::session::{Removal, SessionRecord};
use crate::domain::target::{Place, SshRequest};
use crate::runner::control::ControlError;

/// Spools that one program removes: a line of its parameters for each, and a
/// bound on what is tried again if nobody hears how it went.
const BATCH: usize = 64;

/// A spool that is to go.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    removal: Removal,
    why: Why,
}

impl Spool {
    pub(super) fn of(removal: Removal, why: Why) -> Self {
        Self { removal, why }
    }

    pub(super) fn size(&self) -> u64 {
        self.removal.size
    }

    fn id(&self) -> &SessionId {
        &self.removal.session
    }
}

/// Removes spools, on all hosts at once, and says what became of each.
pub(super) async fn clear(
    parts: &Parts,
    effort: &Effort,
    spools: Vec<Spool>,
    records: &HashMap<&SessionId, &SessionRecord>,
) -> Vec<Item> {
    let mut hosts: HashMap<(Place, Option<SshRequest>), Vec<Spool>> = HashMap::new();
    for spool in spools {
        let key = (spool.removal.place.clone(), spool.removal.ssh.clone());
        hosts.entry(key).or_default().push(spool);
    }
    let cleared = hosts.into_iter().map(|((place, ssh), spools)| async move {
        let fates = clear_host(parts, effort, place, ssh, &spools).await;
        spools.into_iter().zip(fates).collect::<Vec<_>>()
    });
    let mut items: Vec<Item> = join_all(cleared)
        .await
        .into_iter()
        .flatten()
        .map(|(spool, fate)| Item {
            name: records.get(spool.id()).and_then(|record| record.name.clone()),
            size: spool.size(),
            session: spool.removal.session,
            place: spool.removal.place,
            what: What::Spool,
            why: spool.why,
            fate,
        })
        .collect();
    items.sort_by(|a, b| a.session.as_str().cmp(b.session.as_str()));
    items
}

/// What became of each spool of one host.
async fn clear_host(
    parts: &Parts,
    effort: &Effort,
    place: Place,
    ssh: Option<SshRequest>,
    spools: &[Spool],
) -> Vec<Fate> {
    let reaches = spools.iter().any(|spool| effort.reaches_for(spool.id()));
    let host = find_host(parts, &place, ssh.as_ref(), reaches).await;
    let fates = match host {
        Some(host) if *effort == Effort::None && host.is_at_hand() => {
            vec![Fate::Due; spools.len()]
        }
        Some(host) if *effort != Effort::None && (reaches || host.is_at_hand()) => {
            clear_reached(parts, &host, spools).await
        }
        _ => vec![Fate::Waits; spools.len()],
    };
    if reaches && let Some(ssh) = ssh {
        // A connection that was made for this, and that the configuration does
        // not have, is of no more use.
        let _ = parts.supervisor.cast(SupervisorMsg::ReleaseHost(place, ssh));
    }
    fates
}

/// The host, connected or not; only one that is to be reached gets a connection
/// where there is none.
async fn find_host(
    parts: &Parts,
    place: &Place,
    ssh: Option<&SshRequest>,
    reaches: bool,
) -> Option<Host> {
    let (place, ssh) = (place.clone(), ssh.cloned());
    let question = |reply| match reaches {
        true => SupervisorMsg::HostOf(place, ssh, reply),
        false => SupervisorMsg::FindHost(place, ssh, reply),
    };
    ask::<_, Option<Host>>(&parts.supervisor, question).await.flatten()
}

/// Stops what may still run, then removes, then remembers.
async fn clear_reached(parts: &Parts, host: &Host, spools: &[Spool]) -> Vec<Fate> {
    let mut fates: HashMap<&SessionId, Fate> = HashMap::new();
    for spool in spools {
        let Some(grace) = spool.removal.stop_grace_s else { continue };
        if let Err(error) = host.stop_session(spool.id(), Duration::from_secs(grace)).await {
            fates.insert(spool.id(), fate(&error));
        }
    }
    let ids: Vec<SessionId> =
        spools.iter().map(Spool::id).filter(|id| !fates.contains_key(id)).cloned().collect();
    let mut cleared = Cleared::new();
    for batch in ids.chunks(BATCH) {
        match host.remove_spools(batch).await {
            Ok(done) => cleared.extend(done),
            Err(error) => {
                let fate = fate(&error);
                fates.extend(
                    spools
                        .iter()
                        .map(|spool| (spool.id(), fate.clone()))
                        .filter(|(id, _)| batch.contains(id)),
                );
                // The next batch would have to wait as long.
                break;
            }
        }
    }
    let gone = remember(parts, &cleared).await;
    let told: HashMap<&SessionId, &Result<(), ControlError>> =
        cleared.iter().map(|(id, how)| (id, how)).collect();
    spools
        .iter()
        .map(|spool| match (fates.remove(spool.id()), told.get(spool.id())) {
            (Some(fate), _) => fate,
            (None, Some(Ok(()))) => gone.clone(),
            (None, Some(Err(error))) => fate(error),
            (None, None) => Fate::Waits,
        })
        .collect()
}

/// Has the registry know which spools are gone; what became of those.
async fn remember(parts: &Parts, cleared: &Cleared) -> Fate {
    let gone: Vec<SessionId> =
        cleared.iter().filter(|(_, how)| how.is_ok()).map(|(id, _)| id.clone()).collect();
    if gone.is_empty() {
        return Fate::Removed;
    }
    info!(spools = gone.len(), "removed where they were");
    match parts.registry.spools_gone(gone, now()).await {
        Ok(()) => Fate::Removed,
        // They are removed once more by the next sweep, which harms nobody.
        Err(error) => Fate::Stays { detail: error.to_string() },
    }
}

fn fate(error: &ControlError) -> Fate {
    match error {
        // Nobody knows; it is tried again when there is a link.
        ControlError::Cut(_) | ControlError::NoAnswer { .. } => Fate::Waits,
        other => {
            warn!(%error, "a spool was not removed");
            Fate::Stays { detail: other.to_string() }
        }
    }
}
