//! Taking a session in.

use super::actor::{NewSession, SupervisorMsg};
use super::continued;
use super::disk;
use super::handle::{DaemonHandle, store};
use super::placement;
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
use crate::domain::max_output::{MaxOutput, MaxOutputError};
use crate::domain::plan::{Plan, PlanError};
use crate::domain::queue::Ticket;
use crate::domain::resolve::ResolveError;
use crate::domain::session::{Attempts, Phase, SessionRecord, Stdin};
use crate::store::mirror::{Lengths, Mirror, Piece};
use crate::store::registry::Inserted;

/// Takes a session in: it is in the registry, and its actor runs.
pub(super) async fn run(
    daemon: &DaemonHandle,
    request: RunRequest,
) -> Result<SessionView, RequestError> {
    let digest = request.idempotency_key.as_ref().map(|_| daemon.digests().of(&request));
    let before = continued::earlier(daemon, &request).await;
    let (request, before) = match before {
        Ok(None) => (request, None),
        Ok(Some(before)) => (continued::request(request, &before)?, Some(before)),
        // A request that is made again finds what came of the first.
        Err(error) => match earlier(daemon, &request).await? {
            Some(earlier) => return answer(daemon, &earlier, digest.as_deref()).await,
            None => return Err(error),
        },
    };
    check(&request)?;
    daemon.check_state_dir().await?;
    if let Some(failure) = disk::trouble(daemon).await {
        return Err(RequestError::Failed(Box::new(failure)));
    }
    let plan = match accepted(daemon, &request).await {
        Ok(plan) => plan,
        // What was taken in before the configuration changed stays taken in.
        Err(error) => match earlier(daemon, &request).await? {
            Some(earlier) => return answer(daemon, &earlier, digest.as_deref()).await,
            None => return Err(error),
        },
    };
    let plan = match &before {
        Some(before) => continued::plan(plan, before),
        None => plan,
    };
    let id = SessionId::from_bits(rand::random());
    let own = OwnLaunch { env: request.env.clone(), prompt: request.prompt.clone() };
    let (mut record, own, input) = split(record(id, &request, plan), own);
    record.attempts.launch_kept = !own.is_empty();
    record.continues = before.map(|before| before.id);
    record.request_digest.clone_from(&digest);
    let folder = daemon.folder(&record.id);
    let insert = daemon.registry().insert(record.clone());
    let prepare = prepare(daemon, &record, &own, input);
    // A session is never found without the input that it was taken in with; one
    // that lacks its launch file says so.
    let (inserted, mirror) = if record.stdin.accepted > 0 {
        let mirror = prepare.await;
        (insert.await, mirror)
    } else {
        tokio::join!(insert, prepare)
    };
    match inserted {
        Ok(Inserted::New) => {}
        Ok(Inserted::Existing(earlier)) => {
            discard(mirror).await;
            return answer(daemon, &earlier, digest.as_deref()).await;
        }
        Err(error) => {
            discard(mirror).await;
            return Err(disk::of_registry(daemon, error));
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
        Some(live) => view::in_queue(view::of_live(&live), daemon).await,
        // It is in the registry, and runs once the daemon is up again.
        None => view::of_record(&record, &folder),
    })
}

/// The plan for a request, where the configuration can be used.
async fn accepted(daemon: &DaemonHandle, request: &RunRequest) -> Result<Plan, RequestError> {
    match daemon.config_state().refusal() {
        Some(report) => Err(RequestError::ConfigRejected(report.to_string())),
        None => plan(daemon, &placement::placed(daemon, request.clone()).await?).await,
    }
}

/// The session that a request with the same key was answered with.
async fn earlier(
    daemon: &DaemonHandle,
    request: &RunRequest,
) -> Result<Option<SessionRecord>, RequestError> {
    match &request.idempotency_key {
        Some(key) => daemon.registry().by_key(key).await.map_err(|error| store(&error)),
        None => Ok(None),
    }
}

/// Answers with the session of an earlier request that has the same key, unless
/// that asked for something else.
async fn answer(
    daemon: &DaemonHandle,
    earlier: &SessionRecord,
    digest: Option<&str>,
) -> Result<SessionView, RequestError> {
    // A record from before there were digests says nothing against it.
    if earlier.request_digest.is_some() && earlier.request_digest.as_deref() != digest {
        return Err(RequestError::KeyTaken(earlier.id.clone()));
    }
    daemon.view_of(earlier).await
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
    max_output(request).map(drop)
}

/// The cap that the request asks for.
fn max_output(request: &RunRequest) -> Result<Option<MaxOutput>, RequestError> {
    let cap = request.max_output.map(MaxOutput::of_bytes).transpose();
    cap.map_err(|error| {
        RequestError::Invalid(match error {
            MaxOutputError::TooLarge => "max_output is less than 1000 TB, in bytes",
            MaxOutputError::TooSmall | MaxOutputError::NotASize => {
                "max_output is at least 64 KB, in bytes"
            }
        })
    })
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
        max_output: max_output(request)?,
        model: request.model.clone(),
        resume: request.resume.clone(),
        plan: request.plan,
    });
    let planned = ask(daemon.resolver(), |reply| ResolverMsg::Plan(order, reply)).await;
    planned.ok_or(RequestError::Unavailable)?.map_err(|error| match error {
        PlanError::Nowhere(error) => refused(error),
        PlanError::NothingToRun => RequestError::Invalid("there is nothing to run"),
        PlanError::Lacks(lacks) => RequestError::Lacks(lacks),
    })
}

/// What a person is told who asked for a place that is none.
pub(super) fn refused(error: ResolveError) -> RequestError {
    RequestError::Failed(Box::new(local_failure(&unresolved(error))))
}

/// Why a place that was asked for is none.
pub(super) fn unresolved(error: ResolveError) -> LocalTrouble {
    match error {
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
    }
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
        warnings: Vec::new(),
        max_output: plan.max_output,
        revision: 0,
        spool_gone_at: None,
        request_digest: None,
        attempts: Attempts {
            policy: request.restart.unwrap_or(plan.restart),
            ..Attempts::default()
        },
        adopted_from: None,
        keeps_spool: false,
        agent_run: plan.run.map(Box::new),
        continues: None,
        ticket: Ticket {
            priority: request.priority.unwrap_or_default(),
            client: request.client.clone(),
            ..Ticket::default()
        },
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
    let failed = |error| disk::of_mirror(daemon, &error);
    let mirror = Mirror::create(daemon.folder(&record.id)).await.map_err(failed)?;
    mirror.save_record(record).await.map_err(failed)?;
    if !own.is_empty() {
        mirror.save_launch(own).await.map_err(failed)?;
    }
    if let Some(input) = input {
        let ends = record.stdin.eof;
        let piece = Piece { bytes: input.into(), ends, ..Piece::default() };
        mirror.take_input(piece).await.map_err(failed)?;
    }
    Ok(mirror)
}

async fn discard(mirror: Result<Mirror, RequestError>) {
    if let Ok(mirror) = mirror {
        // An empty folder that stays behind harms nobody.
        let _ = mirror.remove().await;
    }
}
