//! Taking in the sessions that are found on a host.

use super::actor::{NewSession, SupervisorMsg};
use super::attempts::furnish;
use super::create::refused;
use super::disk;
use super::handle::{DaemonHandle, store};
use crate::actors::resolver::{OwnedOrder, OwnedOverride, ResolverMsg};
use crate::actors::session::{Host, list_spools};
use crate::actors::{ask, now};
use crate::api::backend::RequestError;
use crate::api::types::{AdoptReport, AdoptRequest, FoundSession};
use crate::domain::adopt::{Choice, Spool, SpoolState, choose, record};
use crate::domain::ids::SessionId;
use crate::domain::plan::{Plan, PlanError};
use crate::domain::session::{Ending, SessionRecord};
use crate::store::mirror::Piece;
use crate::store::registry::{Inserted, RegistryError};

/// The name by which this machine is asked for.
pub(super) const LOCAL: &str = "local";

/// Finds the sessions on a remote, or on this machine, that are not known here,
/// and takes them in.
pub(super) async fn run(
    daemon: &DaemonHandle,
    name: &str,
    request: AdoptRequest,
) -> Result<AdoptReport, RequestError> {
    if !request.dry_run {
        daemon.check_state_dir().await?;
        if let Some(failure) = disk::trouble(daemon).await {
            return Err(RequestError::Failed(Box::new(failure)));
        }
    }
    let plan = plan(daemon, name).await?;
    let (place, ssh) = (plan.place.clone(), plan.ssh.clone());
    let host = |reply| SupervisorMsg::HostOf(place, ssh, reply);
    let host: Option<Host> = ask(daemon.supervisor(), host).await.flatten();
    let host = host.ok_or(RequestError::Unavailable)?;
    let spools = list_spools(&host).await.map_err(|f| RequestError::Failed(Box::new(f)))?;
    let mut report = AdoptReport {
        remote: plan.place.to_string(),
        dry_run: request.dry_run,
        known: 0,
        sessions: Vec::new(),
    };
    let removals = daemon.registry().removals().await.map_err(|error| store(&error))?;
    for spool in spools {
        // One that was removed here, and is yet to be removed there, stays so.
        let is_removed = removals.iter().any(|removal| removal.session == spool.id);
        if is_removed || is_known(daemon, &spool.id).await? {
            report.known += 1;
            continue;
        }
        let mut found = found(&spool);
        if choose(&spool, daemon.origin(), request.all) == Choice::Take {
            let record = record(&spool, &plan.place, plan.ssh.as_ref(), daemon.origin(), now());
            found.taken = true;
            if request.dry_run {
                found.name_taken = is_taken(daemon, &record).await?;
            } else {
                found.name_taken = take(daemon, record).await?;
            }
        }
        report.sessions.push(found);
    }
    Ok(report)
}

async fn is_known(daemon: &DaemonHandle, id: &SessionId) -> Result<bool, RequestError> {
    Ok(daemon.registry().get(id).await.map_err(|error| store(&error))?.is_some())
}

/// The plan for nothing but the place of this name.
pub(super) async fn plan(daemon: &DaemonHandle, name: &str) -> Result<Plan, RequestError> {
    let remotes = &daemon.config_state().config.remotes;
    let local = name == LOCAL && !remotes.contains_key(LOCAL);
    let order = OwnedOrder {
        on: Some(if local { OwnedOverride::Local } else { OwnedOverride::On(name.to_owned()) }),
        // Nothing is run: only the place is asked for.
        command: vec!["true".to_owned()],
        ..OwnedOrder::default()
    };
    let planned = ask(daemon.resolver(), |reply| ResolverMsg::Plan(Box::new(order), reply)).await;
    planned.ok_or(RequestError::Unavailable)?.map_err(|error| match error {
        PlanError::Nowhere(error) => refused(error),
        PlanError::Lacks(lacks) => RequestError::Lacks(lacks),
        PlanError::NothingToRun => RequestError::Invalid("there is nothing to run"),
    })
}

/// What is told of a session that was found.
fn found(spool: &Spool) -> FoundSession {
    let meta = spool.meta.as_ref();
    let exit = match spool.state {
        SpoolState::Ended(Some(Ending::Ran(exit) | Ending::Stumbled { exit, .. })) => Some(exit),
        SpoolState::Claimed | SpoolState::Running | SpoolState::Ended(_) => None,
    };
    FoundSession {
        id: spool.id.clone(),
        name: meta.and_then(|meta| meta.name.clone()),
        name_taken: false,
        agent: meta.and_then(|meta| meta.agent.clone()),
        command: meta.map(|meta| meta.command.clone()).unwrap_or_default(),
        cwd: meta.and_then(|meta| meta.cwd.clone()),
        created_at: meta.map(|meta| meta.created_at.to_string()),
        origin: meta.map(|meta| meta.origin.who.to_string()),
        state: spool.state.as_str().to_owned(),
        exit,
        stdout: spool.stdout,
        stderr: spool.stderr,
        taken: false,
    }
}

/// Whether a live session has the record's name already.
async fn is_taken(daemon: &DaemonHandle, record: &SessionRecord) -> Result<bool, RequestError> {
    let Some(name) = &record.name else { return Ok(false) };
    let live = daemon.registry().live().await.map_err(|error| store(&error))?;
    Ok(live.iter().any(|other| other.name.as_ref() == Some(name)))
}

/// Takes a session in, without its name if a live session has that; says
/// whether it was so.
///
/// The mirror is there before the registry knows of the session: one that was
/// cut short in between is found again.
async fn take(daemon: &DaemonHandle, record: SessionRecord) -> Result<bool, RequestError> {
    let failed = |error| disk::of_mirror(daemon, &error);
    // What an earlier registry had fetched is still right.
    let NewSession { mut record, mirror, lengths, .. } =
        furnish(daemon.folder(&record.id), record).await.map_err(failed)?;
    if record.stdin.open && record.stdin.eof {
        let end = Piece { ends: true, ..Piece::default() };
        mirror.take_input(end).await.map_err(failed)?;
    }
    let mut name_taken = false;
    loop {
        match daemon.registry().insert(record.clone()).await {
            Ok(Inserted::New) => break,
            Err(RegistryError::NameTaken { .. }) if record.name.is_some() => {
                record.name = None;
                name_taken = true;
            }
            // Somebody else has just taken it in.
            Ok(Inserted::Existing(_)) | Err(RegistryError::IdTaken(_)) => return Ok(false),
            Err(error) => return Err(disk::of_registry(daemon, error)),
        }
    }
    mirror.save_record(&record).await.map_err(failed)?;
    daemon.created(&record);
    let new = NewSession { record, mirror, lengths, own: None };
    let run = |reply| SupervisorMsg::RunSession(Box::new(new), Some(reply));
    // One that does not run now does once the daemon is up again.
    let _ = ask(daemon.supervisor(), run).await;
    Ok(name_taken)
}
