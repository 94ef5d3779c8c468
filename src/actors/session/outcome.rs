//! From the end of a session to what is remembered of it.

use crate::domain::agent::{AgentRun, verdict};
use crate::domain::failure::classify::{link_failure, session_failure};
use crate::domain::failure::exit_text::{Attempt, StartStage, from_exit};
use crate::domain::failure::trouble::{NoEntry, SessionTrouble};
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::session::fsm::End;
use crate::domain::session::{Ending, Exit, Obstacle, Ordered, Outcome, SessionRecord};

/// The most of standard error that is looked at: a shell's complaint is a line.
pub(super) const TAIL: usize = 4096;

/// What there is to tell an outcome by.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) record: &'a SessionRecord,
    pub(super) at: Whereabouts,
    /// The end of standard error.
    pub(super) stderr: &'a [u8],
    /// The PATH that the command was looked for in.
    pub(super) path: &'a str,
    /// The folder of spools there.
    pub(super) spools: &'a str,
    /// Whether it was stopped because its time was up.
    pub(super) timed_out: bool,
    /// What its agent told, where it is one.
    pub(super) run: Option<&'a AgentRun>,
    /// The agents that were found where its own is not.
    pub(super) instead: &'a [String],
}

/// The outcome that an end stands for.
pub(super) fn outcome(end: End, evidence: &Evidence<'_>) -> Outcome {
    let at = evidence.at.clone().session(evidence.record.id.clone());
    let failure = |trouble: &SessionTrouble| session_failure(trouble, &at);
    match end {
        End::Cancelled => Outcome::Cancelled,
        End::NeverRan(trouble) => Outcome::Failed { failure: failure(&trouble) },
        End::NoLink(trouble) => Outcome::Failed { failure: link_failure(&trouble, &at) },
        End::Told(Ending::Lost(why)) => {
            Outcome::Lost { failure: failure(&SessionTrouble::Lost { why }) }
        }
        End::Told(Ending::Ran(exit) | Ending::Starved(exit)) if evidence.timed_out => {
            let seconds = evidence.record.timeout_s.unwrap_or_default();
            let failure = failure(&SessionTrouble::TimedOut { seconds });
            Outcome::TimedOut { exit: Some(exit), failure }
        }
        End::Told(Ending::Starved(exit)) => {
            let dir = evidence.spools.to_owned();
            Outcome::of_exit(exit, Some(failure(&SessionTrouble::OutputCut { dir })))
        }
        End::Told(Ending::Ran(exit)) => {
            let trouble =
                of_agent(exit, evidence).or_else(|| read(exit, StartStage::Running, evidence));
            Outcome::of_exit(exit, trouble.map(|trouble| failure(&trouble)))
        }
        End::Told(Ending::Stumbled { exit, over }) => {
            let stage = match over {
                Obstacle::DirectoryMissing => StartStage::WorkingDirectory(NoEntry::Missing),
                Obstacle::DirectoryIsNone => StartStage::WorkingDirectory(NoEntry::NotADirectory),
                Obstacle::DirectoryDenied => StartStage::WorkingDirectory(NoEntry::Denied),
                Obstacle::ProgramMissing | Obstacle::ProgramDenied => StartStage::Program,
                Obstacle::ProgramForeign => StartStage::Foreign,
            };
            let mut trouble = read(exit, stage, evidence);
            if let Some(SessionTrouble::CommandNotFound { instead, .. }) = &mut trouble {
                *instead = evidence.instead.to_vec();
            }
            Outcome::of_exit(exit, trouble.map(|trouble| failure(&trouble)))
        }
    }
}

/// What kept an agent from its work. One that a person has stopped need not say
/// why it stopped.
fn of_agent(exit: Exit, evidence: &Evidence<'_>) -> Option<SessionTrouble> {
    let run = evidence.run.filter(|_| evidence.record.attempts.ordered != Ordered::Stop)?;
    let status = match exit {
        Exit::Code(status) => Some(status),
        Exit::Signal(_) => None,
    };
    let complaint = verdict(run, status, &String::from_utf8_lossy(evidence.stderr))?;
    let name = evidence.record.agent.as_ref().map(ToString::to_string);
    Some(SessionTrouble::Agent {
        agent: name.unwrap_or_else(|| run.profile.cli().spec().name.to_owned()),
        profile: run.profile,
        conversation: run.conversation.clone(),
        complaint,
    })
}

fn read(exit: Exit, stage: StartStage, evidence: &Evidence<'_>) -> Option<SessionTrouble> {
    let Exit::Code(status) = exit else { return None };
    let attempt = Attempt {
        program: evidence.record.command.first().map_or("", String::as_str),
        agent: evidence.record.agent.as_ref().map(|agent| agent.as_str()),
        dir: evidence.record.cwd.as_deref().unwrap_or("~"),
        path: evidence.path,
    };
    from_exit(status, stage, evidence.stderr, &attempt)
}
