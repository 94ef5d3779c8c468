//! Finding the one of several remotes that a session runs on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::actor::{ConnectionStatus, SupervisorMsg};
use super::handle::DaemonHandle;
use super::sessions::Live;
use crate::actors::session::sample_load;
use crate::actors::{ask, now};
use crate::api::backend::RequestError;
use crate::api::types::{RunRequest, Where};
use crate::domain::connection::LinkState;
use crate::domain::ids::RemoteName;
use crate::domain::placement::wish::tagged;
use crate::domain::placement::{Candidate, LinkHealth, Load, Wish, choose};
use crate::domain::plan::ssh_request;
use crate::domain::target::Place;
use crate::domain::timestamp::Timestamp;

/// How long what a host has told holds.
const FRESH: Duration = Duration::from_secs(15);

/// What hosts told of how busy they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Loads(Arc<Mutex<HashMap<RemoteName, Sample>>>);

#[derive(Debug, Clone)]
struct Sample {
    /// `None` where the host did not tell.
    load: Option<Load>,
    asked: Instant,
    at: Timestamp,
}

impl Loads {
    fn get(&self, name: &RemoteName) -> Option<Sample> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.get(name).filter(|sample| sample.asked.elapsed() < FRESH).cloned()
    }

    fn set(&self, name: RemoteName, sample: Sample) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.retain(|_, old| old.asked.elapsed() < FRESH);
        samples.insert(name, sample);
    }
}

/// The request with the remote that it runs on, where it left open which.
pub(super) async fn placed(
    daemon: &DaemonHandle,
    mut request: RunRequest,
) -> Result<RunRequest, RequestError> {
    let wish = match &request.on {
        Some(Where::On(given)) => Wish::parse(given),
        _ => None,
    };
    let tag = match (wish, &request.on) {
        (Some(Wish::Any(tag)), _) => Some(tag),
        (Some(Wish::All(_)), _) => {
            return Err(RequestError::Invalid("a session runs on one remote: ask for each of all"));
        }
        // All of them, with no tag.
        (None, None) if request.spread => None,
        (None, _) if request.spread => {
            return Err(RequestError::Invalid("spread is for any:TAG, or for all remotes"));
        }
        (None, _) => return Ok(request),
    };
    let config = daemon.config_state();
    let names: Vec<RemoteName> = tagged(&config.config, tag.as_ref()).cloned().collect();
    if names.is_empty() {
        return Err(RequestError::NoRemoteTagged(tag));
    }
    let candidates = candidates(daemon, names).await?;
    let chosen = choose(&candidates, request.spread).ok_or(RequestError::NoRemoteTagged(tag))?;
    request.on = Some(Where::On(chosen.to_string()));
    Ok(request)
}

async fn candidates(
    daemon: &DaemonHandle,
    names: Vec<RemoteName>,
) -> Result<Vec<Candidate>, RequestError> {
    let connections = daemon.connections().await?;
    let config = daemon.config_state();
    let connection = |name: &RemoteName| {
        let request = ssh_request(config.config.remotes.get(name)?);
        connections.iter().find(|one| one.place == name.as_str() && one.request == request)
    };
    let mut samples = JoinSet::new();
    for name in &names {
        if let Some(connection) = connection(name).filter(|one| one.report.links > 0)
            && daemon.loads().get(name).is_none()
        {
            samples.spawn(sample(daemon.clone(), name.clone(), connection.clone()));
        }
    }
    samples.join_all().await;
    let live = ask(daemon.supervisor(), SupervisorMsg::ListLive).await;
    let live = live.ok_or(RequestError::Unavailable)?;
    let candidate = |name: RemoteName| {
        let remote = config.config.remotes.get(&name);
        let sample = daemon.loads().get(&name);
        let since = sample.as_ref().map(|sample| sample.at);
        let (sessions, placed) = count(&live, &name, since);
        Candidate {
            link: connection(&name).map_or(LinkHealth::Unknown, health),
            sessions,
            placed,
            slots: remote.and_then(|remote| remote.slots.or(remote.max_sessions)),
            load: sample.and_then(|sample| sample.load),
            name,
        }
    };
    Ok(names.into_iter().map(candidate).collect())
}

/// Sessions of a remote, and those of them that came since.
fn count(live: &[Live], name: &RemoteName, since: Option<Timestamp>) -> (u32, u32) {
    let (mut sessions, mut placed) = (0, 0);
    for live in live {
        let record = live.record.borrow();
        if matches!(&record.place, Place::Remote(place) if place == name) {
            sessions += 1;
            placed += u32::from(since.is_some_and(|since| record.created_at >= since));
        }
    }
    (sessions, placed)
}

fn health(connection: &ConnectionStatus) -> LinkHealth {
    match connection.report.state {
        LinkState::Connected | LinkState::Draining => LinkHealth::Up,
        LinkState::BackingOff | LinkState::NeedsAttention => LinkHealth::Away,
        LinkState::Connecting | LinkState::Idle => LinkHealth::Unknown,
    }
}

/// Asks a host that has a link. None is dialled for it.
async fn sample(daemon: DaemonHandle, name: RemoteName, connection: ConnectionStatus) {
    let place = Place::Remote(name.clone());
    let find = |reply| SupervisorMsg::FindHost(place, Some(connection.request), reply);
    let Some(Some(host)) = ask(daemon.supervisor(), find).await else { return };
    let at = now();
    let load = sample_load(&host).await;
    daemon.loads().set(name, Sample { load, asked: Instant::now(), at });
}
