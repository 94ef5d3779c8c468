//! What the API shows, made from records and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::actor::{ConnectionStatus, SupervisorMsg};
use super::handle::DaemonHandle;
use super::sessions::{Live, pulse_of};
use crate::actors::config::ConfigState;
use crate::actors::connection::LinkReport;
use crate::actors::{ask, now};
use crate::api::types::{
    AgentView, AttemptView, ConfigView, Progress, QueueView, RemoteView, SessionState, SessionView,
    StdinView,
};
use crate::domain::config::Config;
use crate::domain::failure::classify::{local_failure, session_failure};
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::failure::trouble::SessionTrouble;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::inventory::AgentFound;
use crate::domain::max_output::MaxOutput;
use crate::domain::plan::{
    TurnRequest, agent_command, agent_program, ssh_request, with_usual_agents,
};
use crate::domain::resolve::{PlaceRequest, resolve};
use crate::domain::session::{Attempts, Pulse, SessionRecord};
use crate::domain::target::Place;

/// A session that has ended, or of which only the registry knows.
pub(super) fn of_record(record: &SessionRecord, folder: &Path) -> SessionView {
    let pulse = pulse_of(record, record.stdout, record.stderr);
    session(record, &pulse, folder)
}

/// A live session.
pub(super) fn of_live(live: &Live) -> SessionView {
    let record = live.record.borrow().clone();
    let mut pulse = live.pulse.borrow().clone();
    if !pulse.state.has_ended() {
        // As of now: the next try of the pulse is as of when it changed.
        pulse.link = live.link.as_ref().map(|report| report.borrow().view());
    }
    let mut view = session(&record, &pulse, live.mirror.dir());
    if live.unattended && view.failure.is_none() {
        let at =
            live.link.as_ref().map_or_else(Whereabouts::local, |link| link.borrow().at.clone());
        let at = at.session(record.id);
        view.failure = Some(session_failure(&SessionTrouble::Unattended, &at));
    }
    view
}

/// How far a live session is.
pub(super) fn progress(live: &Live) -> Progress {
    let (record, pulse) = (live.record.borrow(), live.pulse.borrow());
    Progress {
        session: record.id.clone(),
        name: record.name.clone(),
        state: pulse.state,
        stdout: pulse.stdout,
        stderr: pulse.stderr,
        mirror: live.mirror.dir().to_owned(),
    }
}

fn session(record: &SessionRecord, pulse: &Pulse, folder: &Path) -> SessionView {
    SessionView {
        id: record.id.clone(),
        name: record.name.clone(),
        agent: record.agent.clone(),
        command: record.command.clone(),
        place: record.place.to_string(),
        host: record.host.clone(),
        priority: record.ticket.priority,
        client: record.ticket.client.clone(),
        link: pulse.link.clone(),
        state: record.state(),
        exit: record.exit(),
        failure: record.failure().cloned(),
        warnings: record.warnings.clone(),
        mirror_paused: pulse.mirror_paused.clone(),
        mirror_behind: pulse.mirror_behind,
        created_at: record.created_at.to_string(),
        started_at: record.started_at.map(|at| at.to_string()),
        ended_at: record.ended_at.map(|at| at.to_string()),
        stdout: pulse.stdout,
        stderr: pulse.stderr,
        max_output: record.max_output.map(MaxOutput::bytes),
        dropped: Vec::new(),
        stdout_dropped: 0,
        stderr_dropped: 0,
        stdin: StdinView {
            open: record.stdin.open && !record.stdin.eof && record.is_live(),
            accepted: record.stdin.accepted,
            delivered: record.stdin.delivered,
        },
        pid: record.pid(),
        mirror: folder.to_owned(),
        cwd: record.cwd.clone(),
        spool_gone_at: record.spool_gone_at.map(|at| at.to_string()),
        adopted_from: record.adopted_from.as_ref().map(|origin| origin.who.to_string()),
        attempt: attempt(&record.attempts),
        agent_run: record.agent_run.as_deref().cloned(),
        agent_events: Vec::new(),
        continues: record.continues.clone(),
        queue: None,
    }
}

/// Adds its place to one that waits for its turn.
pub(super) async fn in_queue(view: SessionView, daemon: &DaemonHandle) -> SessionView {
    let mut views = [view];
    fill_in_queue(&mut views, daemon).await;
    let [view] = views;
    view
}

/// The same for several. Nobody is asked where none waits.
pub(super) async fn fill_in_queue(views: &mut [SessionView], daemon: &DaemonHandle) {
    if views.iter().all(|view| view.state != SessionState::Waiting) {
        return;
    }
    // A supervisor that is gone leaves the views without places.
    let standings = ask(daemon.supervisor(), SupervisorMsg::ListStandings).await;
    let standings = standings.unwrap_or_default();
    for view in views {
        if let Some(standing) = standings.get(&view.id) {
            view.queue = Some(QueueView {
                place: standing.place,
                of: standing.of,
                waits_for: standing.waits_for.clone(),
            });
        }
    }
}

fn attempt(attempts: &Attempts) -> AttemptView {
    AttemptView {
        number: attempts.number,
        most: attempts.policy.attempts(),
        policy: attempts.policy,
        first: attempts.first.clone(),
        previous: attempts.previous.clone(),
        next: attempts.next.clone(),
        starts_at: attempts.starts_at.map(|at| at.to_string()),
    }
}

/// The configuration in force, and the edit that is not.
pub(super) fn config(state: &ConfigState) -> ConfigView {
    let rejected = state.rejected.as_ref().map(ToString::to_string);
    let invalid = |report: &String| {
        local_failure(&LocalTrouble::ConfigInvalid { detail: report.trim_end().to_owned() })
    };
    ConfigView {
        failure: rejected.as_ref().map(invalid),
        path: state.main_path.clone(),
        exists: state.exists,
        loaded_at: crate::domain::timestamp::Timestamp::from(state.loaded_at).to_string(),
        rejected,
        warnings: state.warnings.iter().map(|problem| problem.summary()).collect(),
        default_remote: state.config.default_remote.clone(),
    }
}

/// All remotes of the configuration, then the places in use that it does not
/// have, or not any more.
pub(super) fn remotes(config: &Config, connections: Vec<ConnectionStatus>) -> Vec<RemoteView> {
    let mut current = BTreeMap::new();
    let mut others = Vec::new();
    for connection in connections {
        let known = config.remotes.iter().find(|(name, remote)| {
            name.as_str() == connection.place && ssh_request(remote) == connection.request
        });
        match known {
            Some((name, _)) if !connection.draining => _ = current.insert(name, connection),
            _ => others.push(connection),
        }
    }
    let mut views: Vec<RemoteView> = config
        .remotes
        .iter()
        .map(|(name, remote)| {
            let connection = current.remove(name);
            let report = match &connection {
                Some(connection) => connection.report.clone(),
                None => LinkReport::new(name.to_string(), now()),
            };
            RemoteView {
                name: name.to_string(),
                label: remote.label.clone(),
                enabled: remote.enabled,
                default: config.default_remote.as_ref() == Some(name),
                destination: destination(&report),
                host: remote.host.clone(),
                link: report.view(),
                links: u32::try_from(report.links).unwrap_or(u32::MAX),
                sessions: sessions(connection.as_ref()),
                working_dir: remote.working_dir.clone(),
                env: remote.env.keys().map(ToString::to_string).collect(),
                tags: remote.tags.clone(),
                max_sessions: remote.max_sessions,
                slots: remote.slots,
            }
        })
        .collect();
    views.extend(others.iter().map(unlisted));
    views
}

fn unlisted(connection: &ConnectionStatus) -> RemoteView {
    RemoteView {
        name: connection.place.clone(),
        label: None,
        enabled: !connection.draining,
        default: false,
        destination: destination(&connection.report),
        host: connection.request.host.clone(),
        link: connection.report.view(),
        links: u32::try_from(connection.report.links).unwrap_or(u32::MAX),
        sessions: sessions(Some(connection)),
        working_dir: None,
        env: Vec::new(),
        tags: BTreeSet::new(),
        max_sessions: None,
        slots: None,
    }
}

fn sessions(connection: Option<&ConnectionStatus>) -> u32 {
    connection.map_or(0, |status| u32::try_from(status.sessions).unwrap_or(u32::MAX))
}

fn destination(report: &LinkReport) -> Option<String> {
    report.at.destination.as_ref().map(|endpoint| {
        if endpoint.host.contains(':') {
            format!("{}@[{}]:{}", endpoint.user, endpoint.host, endpoint.port)
        } else {
            format!("{}@{}:{}", endpoint.user, endpoint.host, endpoint.port)
        }
    })
}

/// All agents, the usual ones with them, and what is known of their programs
/// where they would run.
pub(super) fn agents(
    config: &Config,
    found: impl Fn(&str, &str) -> Option<AgentFound>,
) -> Vec<AgentView> {
    let config = with_usual_agents(config.clone());
    let runs_on = |name| {
        let request = PlaceRequest { on: None, agent: Some(name) };
        match resolve(&config, &request) {
            Ok(resolved) => Ok(place_name(&resolved.place)),
            Err(error) => Err(error.to_string()),
        }
    };
    config
        .agents
        .iter()
        .map(|(name, agent)| AgentView {
            found: runs_on(name).ok().and_then(|place| {
                let program = agent_program(agent).into_iter().next()?;
                found(&place, &program)
            }),
            name: name.clone(),
            profile: agent.profile.cli().spec().name.to_owned(),
            command: agent_command(agent, &TurnRequest::default(), &[])
                .unwrap_or_else(|_| agent_program(agent)),
            remote: agent.remote.to_string(),
            runs_on: runs_on(name),
        })
        .collect()
}

fn place_name(place: &Place) -> String {
    place.to_string()
}
