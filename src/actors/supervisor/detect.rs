//! Which agents there are on the machines, asked when somebody wants to know and
//! remembered for as long as the link is the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::actor::{ConnectionStatus, SupervisorMsg};
use super::adopt;
use super::handle::DaemonHandle;
use crate::actors::session::{Host, find_agents};
use crate::actors::{ask, now};
use crate::api::backend::RequestError;
use crate::domain::config::Config;
use crate::domain::inventory::{AgentFound, Inventory, wanted};
use crate::domain::plan::with_usual_agents;
use crate::domain::target::Place;
use crate::domain::timestamp::Timestamp;

/// What machines told of their agents, by the names of the places.
#[derive(Debug, Clone, Default)]
pub(super) struct Inventories(Arc<Mutex<HashMap<String, Kept>>>);

#[derive(Debug, Clone)]
struct Kept {
    /// Since when the link was up that it was told over; `None` on this machine.
    link: Option<Timestamp>,
    inventory: Inventory,
}

impl Inventories {
    fn keep(&self, link: Option<Timestamp>, inventory: Inventory) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(inventory.remote.clone(), Kept { link, inventory });
    }

    /// What a machine told of a program, over the link that it has now.
    pub(super) fn of(
        &self,
        place: &str,
        program: &str,
        connections: &[ConnectionStatus],
    ) -> Option<AgentFound> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(place).filter(|kept| kept.link == link(place, connections))?;
        kept.inventory.agents.iter().find(|found| found.program == program).cloned()
    }
}

/// Since when the link of a place is up; `None` without one.
fn link(place: &str, connections: &[ConnectionStatus]) -> Option<Timestamp> {
    let connection = connections.iter().find(|one| one.place == place && one.report.links > 0)?;
    Some(connection.report.since)
}

/// Asks a remote, an ad hoc destination, or this machine.
pub(super) async fn run(daemon: &DaemonHandle, name: &str) -> Result<Inventory, RequestError> {
    let plan = adopt::plan(daemon, name).await?;
    let config = with_usual_agents(Config::clone(&daemon.config_state().config));
    let wanted = wanted(&config, &plan.place);
    let (place, ssh) = (plan.place.clone(), plan.ssh.clone());
    let host = |reply| SupervisorMsg::HostOf(place, ssh, reply);
    let host: Option<Host> = ask(daemon.supervisor(), host).await.flatten();
    let host = host.ok_or(RequestError::Unavailable)?;
    let found = find_agents(&host, &wanted).await;
    let agents = found.map_err(|failure| RequestError::Failed(Box::new(failure)))?;
    let remote = plan.place.to_string();
    let inventory = Inventory { remote, at: now().to_string(), agents };
    let connections = daemon.connections().await?;
    let link = link(&inventory.remote, &connections);
    if link.is_some() || plan.place == Place::Local {
        daemon.inventories().keep(link, inventory.clone());
    }
    Ok(inventory)
}
