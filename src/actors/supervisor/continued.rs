//! Another turn of the conversation that an earlier session's agent had.

use super::handle::DaemonHandle;
use crate::api::backend::RequestError;
use crate::api::types::{RunRequest, Where};
use crate::domain::failure::catalogue::Session;
use crate::domain::plan::Plan;
use crate::domain::session::{Outcome, SessionRecord};
use crate::domain::target::Place;

/// The session that a request goes on from, where it goes on from one.
pub(super) async fn earlier(
    daemon: &DaemonHandle,
    request: &RunRequest,
) -> Result<Option<SessionRecord>, RequestError> {
    let Some(given) = &request.continues else { return Ok(None) };
    let record = daemon.current(daemon.record(given).await?).await?;
    if record.is_live() {
        return Err(RequestError::StillRunning(record.id));
    }
    if may_still_run(&record) {
        return Err(RequestError::Invalid(
            "nobody can tell that its processes are gone, and two would do the same work",
        ));
    }
    Ok(Some(record))
}

/// Whether nobody knows that nothing of it runs there any more.
fn may_still_run(record: &SessionRecord) -> bool {
    let unknown = [Session::LostSpoolGone, Session::LostUnknown].map(|code| code.entry().code);
    match record.outcome() {
        Some(Outcome::Lost { failure }) => unknown.contains(&failure.code.as_str()),
        _ => false,
    }
}

/// What is asked for, with all that the earlier session says about it.
pub(super) fn request(
    request: RunRequest,
    earlier: &SessionRecord,
) -> Result<RunRequest, RequestError> {
    const NONE: RequestError =
        RequestError::Invalid("its agent has told of no conversation to go on with");
    let run = earlier.agent_run.as_ref().ok_or(NONE)?;
    Ok(RunRequest {
        agent: Some(earlier.agent.clone().ok_or(NONE)?),
        on: Some(match &earlier.place {
            Place::Local => Where::Local,
            place => Where::On(place.to_string()),
        }),
        resume: Some(run.conversation.clone().ok_or(NONE)?),
        ..request
    })
}

/// The plan, to run where the earlier one did, whatever the configuration says
/// since: the conversation is there and nowhere else.
pub(super) fn plan(plan: Plan, earlier: &SessionRecord) -> Plan {
    Plan {
        place: earlier.place.clone(),
        ssh: earlier.ssh.clone(),
        cwd: earlier.cwd.clone(),
        ..plan
    }
}
