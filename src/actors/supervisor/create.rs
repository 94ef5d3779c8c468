//! Taking a session in.

use super::actor::{NewSession, SupervisorMsg};
use super::handle::{DaemonHandle, store, taken};
use super::view;
use crate::actors::resolver::{OwnedOrder, OwnedOverride, ResolverMsg};
use crate::actors::session::{OwnLaunch, goes_along};
use crate::actors::{ask, now};
use crate::api::backend::RequestError;
use crate::api::types::{RunRequest, SessionView, Where};
use crate::domain::config::{EnvName, EnvNameError};
use crate::domain::failure::classify::local_failure;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::ids::SessionId;
use crate::domain::plan::{Plan, PlanError};
use crate::domain::resolve::ResolveError;
use crate::domain::session::{Phase, SessionRecord, Stdin};
use crate::store::mirror::{Lengths, Mirror};
use crate::store::registry::Inserted;

/// Takes a session in: it is in the registry, and its actor runs.
pub(super) async fn run(
    daemon: &DaemonHandle,
    request: RunRequest,
) -> Result<SessionView, RequestError> {
    if let Some(report) = daemon.config_state().refusal() {
        return Err(RequestError::ConfigRejected(report.to_string()));
    }
    check(&request)?;
    let plan = plan(daemon, &request).await?;
    let id = SessionId::from_bits(rand::random());
    let own = OwnLaunch { env: request.env.clone(), prompt: request.prompt.clone() };
    let (record, own, input) = split(record(id, &request, plan), own);
    let folder = daemon.folder(&record.id);
    let (inserted, mirror) = tokio::join!(
        daemon.registry().insert(record.clone()),
        prepare(daemon, &record, &own, input)
    );
    match inserted {
        Ok(Inserted::New) => {}
        Ok(Inserted::Existing(earlier)) => {
            discard(mirror).await;
            return daemon.view_of(&earlier).await;
        }
        Err(error) => {
            discard(mirror).await;
            return Err(taken(error));
        }
    }
    let mirror = match mirror {
        Ok(mirror) => mirror,
        Err(error) => {
            // Nothing was started, so nothing is to be remembered.
            let _ = daemon.registry().remove(&record.id).await;
            return Err(error);
        }
    };
    daemon.created(&record);
    let new =
        NewSession { record: record.clone(), mirror, lengths: Lengths::default(), own: Some(own) };
    let live =
        ask(daemon.supervisor(), |reply| SupervisorMsg::RunSession(Box::new(new), Some(reply)))
            .await
            .flatten();
    Ok(match live {
        Some(live) => view::of_live(&live),
        // It is in the registry, and runs once the daemon is up again.
        None => view::of_record(&record, &folder),
    })
}

fn check(request: &RunRequest) -> Result<(), RequestError> {
    if request.agent.is_none() && request.command.is_empty() {
        return Err(RequestError::Invalid("neither an agent nor a command was given"));
    }
    if request.prompt.is_some() && request.agent.is_none() {
        return Err(RequestError::Invalid("a prompt needs an agent to go to"));
    }
    if request.command.iter().any(|word| word.contains('\0'))
        || request.env.values().any(|value| value.contains('\0'))
    {
        return Err(RequestError::Invalid("an argument or a variable cannot hold a NUL"));
    }
    for name in request.env.keys() {
        if let Err(error) = name.parse::<EnvName>() {
            return Err(RequestError::Invalid(match error {
                EnvNameError::Reserved(_) => {
                    "a variable that shells keep for themselves, such as UID or PPID, cannot be set"
                }
                EnvNameError::Empty | EnvNameError::DigitFirst | EnvNameError::Character(_) => {
                    "a variable's name has letters, digits and '_', and no digit first"
                }
            }));
        }
    }
    Ok(())
}

async fn plan(daemon: &DaemonHandle, request: &RunRequest) -> Result<Plan, RequestError> {
    let order = Box::new(OwnedOrder {
        on: request.on.as_ref().map(|on| match on {
            Where::Local => OwnedOverride::Local,
            Where::On(place) => OwnedOverride::On(place.clone()),
        }),
        agent: request.agent.clone(),
        command: request.command.clone(),
        cwd: request.cwd.clone(),
    });
    let planned = ask(daemon.resolver(), |reply| ResolverMsg::Plan(order, reply)).await;
    planned.ok_or(RequestError::Unavailable)?.map_err(|error| match error {
        PlanError::Nowhere(error) => unresolved(error),
        PlanError::NothingToRun => RequestError::Invalid("there is nothing to run"),
    })
}

/// What a person is told who asked for a place that is none.
pub(super) fn unresolved(error: ResolveError) -> RequestError {
    let trouble = match error {
        ResolveError::UnknownRemote { name, nearest, .. } => {
            LocalTrouble::RemoteUnknown { name, nearest: nearest.map(|name| name.to_string()) }
        }
        ResolveError::RemoteDisabled { name, .. } => {
            LocalTrouble::RemoteDisabled { name: name.to_string() }
        }
        ResolveError::UnknownAgent { name, nearest } => LocalTrouble::AgentUnknown {
            name: name.to_string(),
            nearest: nearest.map(|name| name.to_string()),
        },
        ResolveError::BadDestination { given, .. } => {
            LocalTrouble::RemoteUnknown { name: given, nearest: None }
        }
    };
    RequestError::Failed(Box::new(local_failure(&trouble)))
}

fn record(id: SessionId, request: &RunRequest, plan: Plan) -> SessionRecord {
    SessionRecord {
        id,
        name: request.name.clone(),
        agent: request.agent.clone(),
        command: plan.command,
        host: plan.ssh.as_ref().map(|ssh| ssh.host.clone()),
        place: plan.place,
        ssh: plan.ssh,
        cwd: plan.cwd,
        phase: Phase::Waiting,
        stop: None,
        created_at: now(),
        started_at: None,
        ended_at: None,
        timeout_s: request.timeout_s,
        start_within_given: request.start_within_s.is_some(),
        start_within_s: Some(request.start_within_s.unwrap_or(plan.start_within.as_secs())),
        stdin: Stdin { open: request.stdin_open, ..Stdin::default() },
        stdout: 0,
        stderr: 0,
        idempotency_key: request.idempotency_key.clone(),
    }
}

/// A prompt that is too long to go along with the launch, or that more input
/// follows, goes the way of input.
fn split(
    mut record: SessionRecord,
    mut own: OwnLaunch,
) -> (SessionRecord, OwnLaunch, Option<String>) {
    let apart = own.prompt.as_ref().is_some_and(|prompt| record.stdin.open || !goes_along(prompt));
    if !apart {
        return (record, own, None);
    }
    let input = own.prompt.take();
    record.stdin.eof = !record.stdin.open;
    record.stdin.open = true;
    record.stdin.accepted = input.as_ref().map_or(0, |input| input.len() as u64);
    (record, own, input)
}

async fn prepare(
    daemon: &DaemonHandle,
    record: &SessionRecord,
    own: &OwnLaunch,
    input: Option<String>,
) -> Result<Mirror, RequestError> {
    let mirror = Mirror::create(daemon.folder(&record.id)).await.map_err(|error| store(&error))?;
    if !own.is_empty() {
        mirror.save_launch(own).await.map_err(|error| store(&error))?;
    }
    if let Some(input) = input {
        mirror.append_input(input.into()).await.map_err(|error| store(&error))?;
    }
    Ok(mirror)
}

async fn discard(mirror: Result<Mirror, RequestError>) {
    if let Ok(mirror) = mirror {
        // An empty folder that stays behind harms nobody.
        let _ = mirror.remove().await;
    }
}
