//! The wire types: what goes over the socket, as JSON.
//!
//! Times are RFC 3339 in UTC with milliseconds, lengths are bytes, durations
//! are seconds. Fields are only ever added; a reader ignores what it does not
//! know.

mod adopt;
mod agent;
mod check;
mod gc;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use adopt::{AdoptReport, AdoptRequest, FoundSession};
pub use agent::{ToldView, UsedView};
pub use check::{CheckLine, CheckNotice, DoctorReport, TestReport, TestRequest, TestStage};
pub use gc::{GcFate, GcItem, GcRequest, GcView, GcWhat};

pub use crate::domain::agent::{AgentEvent, AgentRun, Usage};
pub use crate::domain::attention::{Question, QuestionId, QuestionState, QuestionView};
pub use crate::domain::connection::{LinkState, LinkView};
pub use crate::domain::doctor::{Finding, Status as FindingStatus};
use crate::domain::event::Event;
pub use crate::domain::event::EventKind;
use crate::domain::failure::Failure;
pub use crate::domain::gaps::{Dropped, Gap};
pub use crate::domain::host_key::{HostKeyLine, HostKeyShown};
use crate::domain::ids::{AgentName, ClientName, RemoteName, SessionId, SessionName, Tag};
pub use crate::domain::inventory::{AgentFound, Inventory};
pub use crate::domain::queue::{Priority, WaitsFor};
pub use crate::domain::retention::Why;
use crate::domain::secret::Secret;
pub use crate::domain::session::{Exit, FailedSessions, Pulse, RestartPolicy, Retry, SessionState};
pub use crate::domain::stream::Stream;

/// `POST /v1/sessions`: what to run, and where.
///
/// Exactly one of `agent` and a non-empty `command` is given. With an agent,
/// `command` holds further arguments for it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunRequest {
    /// The agent to start.
    pub agent: Option<AgentName>,
    /// The command and its arguments, or an agent's further arguments.
    pub command: Vec<String>,
    /// Where; without it the agent's setting and the global default decide.
    pub on: Option<Where>,
    /// Where it leaves open which remote: the one with the fewest sessions, and
    /// not the least busy one. Without `on`, one of all.
    pub spread: bool,
    /// A name that no other live session has.
    pub name: Option<SessionName>,
    /// The working directory there; `~` is the home directory there.
    pub cwd: Option<String>,
    /// Environment variables, over those of the configuration.
    pub env: BTreeMap<String, String>,
    /// The prompt, for the agent's standard input.
    pub prompt: Option<String>,
    /// Standard input stays open for `POST …/input` until its end is sent.
    pub stdin_open: bool,
    /// Stop the session after so many seconds.
    pub timeout_s: Option<u64>,
    /// Give up when it could not be started for so many seconds.
    pub start_within_s: Option<u64>,
    /// Keep at most so many bytes of output where it runs, at least 64000; what
    /// is older is dropped, and told as dropped.
    pub max_output: Option<u64>,
    /// Whether it is started anew after its end; without it the agent's setting
    /// decides.
    pub restart: Option<RestartPolicy>,
    /// The agent's model; without it the agent's setting decides.
    pub model: Option<String>,
    /// The agent's own conversation that it is to go on from.
    pub resume: Option<String>,
    /// The agent is only to look and to plan.
    pub plan: bool,
    /// The agent of this session, which has ended, is to go on with its
    /// conversation, on the same host and in the same directory; `agent`, `on`,
    /// `cwd` and `resume` are its own then.
    pub continues: Option<String>,
    /// Whose turn comes before whose, where not all may run at once.
    pub priority: Option<Priority>,
    /// Who asks: turns go round between clients.
    pub client: Option<ClientName>,
    /// A second request with the same key answers with the first's session.
    pub idempotency_key: Option<String>,
}

impl fmt::Debug for RunRequest {
    /// Without the prompt and the values of `env`: this is what ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            agent,
            command,
            on,
            spread,
            name,
            cwd,
            env,
            prompt,
            stdin_open,
            timeout_s,
            start_within_s,
            max_output,
            restart,
            model,
            resume,
            plan,
            continues,
            priority,
            client,
            idempotency_key,
        } = self;
        f.debug_struct("RunRequest")
            .field("agent", agent)
            .field("command", command)
            .field("on", on)
            .field("spread", spread)
            .field("name", name)
            .field("cwd", cwd)
            .field("env", &env.keys())
            .field("prompt", &prompt.as_ref().map(|_| "…"))
            .field("stdin_open", stdin_open)
            .field("timeout_s", timeout_s)
            .field("start_within_s", start_within_s)
            .field("max_output", max_output)
            .field("restart", restart)
            .field("model", model)
            .field("resume", resume)
            .field("plan", plan)
            .field("continues", continues)
            .field("priority", priority)
            .field("client", client)
            .field("idempotency_key", idempotency_key)
            .finish()
    }
}

/// Where a request asks to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// On this machine.
    Local,
    /// On a remote of the configuration, on one that has a tag (`any:TAG`), or at
    /// `[user@]host[:port]`.
    On(String),
}

/// One session, as `ps`, `inspect` and scripts see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// The session's id.
    pub id: SessionId,
    /// The name a person gave it.
    pub name: Option<SessionName>,
    /// The agent it runs, if it runs one.
    pub agent: Option<AgentName>,
    /// The program and its arguments; never the prompt or an env value.
    pub command: Vec<String>,
    /// `local`, the remote's name, or the destination as it was given.
    pub place: String,
    /// The host name behind the remote, once it is known.
    pub host: Option<String>,
    /// Whose turn comes before whose.
    #[serde(default)]
    pub priority: Priority,
    /// Who asked for it, where they said so.
    #[serde(default)]
    pub client: Option<ClientName>,
    /// How the link to it is; `None` for local and for ended sessions.
    pub link: Option<LinkView>,
    /// Where in its life it is.
    pub state: SessionState,
    /// The status that the command ended with, where it did.
    pub exit: Option<Exit>,
    /// What went wrong, where something did.
    pub failure: Option<Failure>,
    /// What will go wrong if nobody does anything.
    #[serde(default)]
    pub warnings: Vec<Failure>,
    /// When it was asked for.
    pub created_at: String,
    /// When the command started there.
    pub started_at: Option<String>,
    /// When it was known to have ended.
    pub ended_at: Option<String>,
    /// Bytes of standard output up to which it is here; what was dropped counts.
    pub stdout: u64,
    /// Bytes of standard error up to which it is here; what was dropped counts.
    pub stderr: u64,
    /// The most bytes of output that are kept where it runs; `None` for all.
    #[serde(default)]
    pub max_output: Option<u64>,
    /// What of its output was dropped before it could come here: the last
    /// ranges, at most 100 of each stream.
    #[serde(default)]
    pub dropped: Vec<Dropped>,
    /// Bytes of standard output that were dropped, in all.
    #[serde(default)]
    pub stdout_dropped: u64,
    /// Bytes of standard error that were dropped, in all.
    #[serde(default)]
    pub stderr_dropped: u64,
    /// Standard input.
    pub stdin: StdinView,
    /// The process id there, once it is known.
    pub pid: Option<u32>,
    /// The folder of the mirror on this machine: files `out` and `err`.
    pub mirror: PathBuf,
    /// The working directory that was asked for.
    pub cwd: Option<String>,
    /// Who started it, as `user@hostname`, where that was another control
    /// machine and it was taken in here.
    #[serde(default)]
    pub adopted_from: Option<String>,
    /// Why its output does not come here for now, though it could.
    #[serde(default)]
    pub mirror_paused: Option<Failure>,
    /// How many bytes of it wait there meanwhile, as far as that is known.
    #[serde(default)]
    pub mirror_behind: Option<u64>,
    /// When nothing was left of it where it ran.
    #[serde(default)]
    pub spool_gone_at: Option<String>,
    /// Its place among the attempts.
    #[serde(default)]
    pub attempt: AttemptView,
    /// The session whose conversation its agent goes on with.
    #[serde(default)]
    pub continues: Option<SessionId>,
    /// What its agent has told of its work so far, where it is one whose output
    /// is known.
    #[serde(default)]
    pub agent_run: Option<AgentRun>,
    /// The last things that it told; only where one session is asked for.
    #[serde(default)]
    pub agent_events: Vec<ToldView>,
    /// Its place in the queue; `None` once its turn has come.
    #[serde(default)]
    pub queue: Option<QueueView>,
}

/// How far a live session is: one line of `GET /v1/watch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The session.
    pub session: SessionId,
    /// The name a person gave it.
    pub name: Option<SessionName>,
    /// Where in its life it is.
    pub state: SessionState,
    /// Bytes of standard output up to which it is here.
    pub stdout: u64,
    /// Bytes of standard error up to which it is here.
    pub stderr: u64,
    /// The folder of the mirror on this machine.
    pub mirror: PathBuf,
}

impl Progress {
    /// That of a session.
    #[must_use]
    pub fn of(view: &SessionView) -> Self {
        Self {
            session: view.id.clone(),
            name: view.name.clone(),
            state: view.state,
            stdout: view.stdout,
            stderr: view.stderr,
            mirror: view.mirror.clone(),
        }
    }
}

/// Where a session stands that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Its place among those that wait for the same, from 1.
    pub place: u32,
    /// How many those are.
    pub of: u32,
    /// Why its turn has not come.
    pub waits_for: WaitsFor,
}

/// A session's place among the attempts at one piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttemptView {
    /// Which one it is, from 1.
    pub number: u32,
    /// How many there may be.
    pub most: u32,
    /// When another one follows.
    pub policy: RestartPolicy,
    /// The first one; `None` for the first itself.
    pub first: Option<SessionId>,
    /// The one before.
    pub previous: Option<SessionId>,
    /// The one after.
    pub next: Option<SessionId>,
    /// It does not start before this.
    pub starts_at: Option<String>,
}

impl Default for AttemptView {
    fn default() -> Self {
        Self {
            number: 1,
            most: 1,
            policy: RestartPolicy::Never,
            first: None,
            previous: None,
            next: None,
            starts_at: None,
        }
    }
}

/// Standard input of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdinView {
    /// Whether it takes more.
    pub open: bool,
    /// Bytes taken from senders.
    pub accepted: u64,
    /// Bytes that are known to be in the spool there.
    pub delivered: u64,
}

/// One remote, as `remote ls`, `remote show` and `status` see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteView {
    /// Its key in the configuration, or the ad hoc destination.
    pub name: String,
    /// The name for people.
    pub label: Option<String>,
    /// Whether sessions may run there.
    pub enabled: bool,
    /// Whether it is the global default.
    pub default: bool,
    /// `user@host:port` after ssh_config; `None` if that could not be told.
    pub destination: Option<String>,
    /// The host as the configuration has it.
    pub host: String,
    /// How the connection is.
    pub link: LinkView,
    /// Links that are up.
    pub links: u32,
    /// Sessions that live there.
    pub sessions: u32,
    /// The working directory of sessions that name none.
    pub working_dir: Option<String>,
    /// The names of the environment variables that it sets; never the values.
    pub env: Vec<String>,
    /// What it can be found by.
    #[serde(default)]
    pub tags: BTreeSet<Tag>,
    /// How many sessions may run there at once.
    #[serde(default)]
    pub max_sessions: Option<u32>,
    /// How many it has room for, when one of several is chosen.
    #[serde(default)]
    pub slots: Option<u32>,
}

/// One agent, as `agent ls` sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// Its key in the configuration.
    pub name: AgentName,
    /// The profile's name.
    pub profile: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// `default`, `local`, or a remote's name.
    pub remote: String,
    /// Where it would run now, or why nowhere.
    pub runs_on: Result<String, String>,
    /// What was found of its program there, over the link that there is now.
    #[serde(default)]
    pub found: Option<AgentFound>,
}

/// `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    /// The daemon's version.
    pub version: String,
    /// The daemon's process id.
    pub pid: u32,
    /// When it started.
    pub started_at: String,
    /// The configuration in force.
    pub config: ConfigView,
    /// Remotes of the configuration, and ad hoc ones in use.
    pub remotes: Vec<RemoteView>,
    /// Sessions that have not ended.
    pub sessions: Vec<SessionView>,
    /// Sessions that failed within a day, by place and code: the newest first, and
    /// none that a later session of the same has got past.
    #[serde(default)]
    pub failed: Vec<FailedSessions>,
    /// The folder that holds mirrors and the registry.
    pub state_dir: PathBuf,
    /// What a person should know of this daemon's state.
    #[serde(default)]
    pub notices: Vec<String>,
    /// What is kept of all sessions.
    #[serde(default)]
    pub kept: KeptView,
    /// What the agents of all sessions that are in the list have taken, by agent
    /// and place.
    #[serde(default)]
    pub used: Vec<UsedView>,
    /// Why nothing new is begun, while this machine's disk is full.
    #[serde(default)]
    pub disk: Option<Failure>,
}

/// How much is kept, as of the last look; there is one every few minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptView {
    /// Bytes that all mirrors take here.
    pub mirrors: u64,
    /// Bytes of output in spools, here and elsewhere, as far as is known.
    pub spools: u64,
    /// Spools that are to go, and whose host is away.
    pub waiting: u32,
}

/// The configuration in force, and the edit that is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigView {
    /// The main file.
    pub path: PathBuf,
    /// Whether the main file was there at the last look.
    pub exists: bool,
    /// When the configuration in force was read.
    pub loaded_at: String,
    /// The report on the last edit, while it cannot be taken.
    pub rejected: Option<String>,
    /// The same as a failure.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// What the files say that is odd, but no error.
    pub warnings: Vec<String>,
    /// The global default.
    pub default_remote: Option<RemoteName>,
}

/// One event of `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventView {
    /// Durable and growing; gaps are allowed.
    pub seq: u64,
    /// When it happened.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self { seq: event.seq, at: event.at.to_string(), kind: event.kind }
    }
}

/// `POST /v1/sessions/{id}/kill`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KillRequest {
    /// The signal's name without `SIG`; `TERM` and `KILL` end the whole tree
    /// and verify it, any other is only delivered.
    pub signal: Option<String>,
    /// Seconds between TERM and KILL.
    pub grace_s: Option<u64>,
}

/// A piece of input, as a sender offers it: the body and the query of
/// `POST /v1/sessions/{id}/input`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputOffer {
    /// The bytes.
    pub bytes: bytes::Bytes,
    /// Where in the session's input they begin, as the sender knows it; without
    /// it they are added wherever it ends, and to offer them again adds them
    /// again.
    pub offset: Option<u64>,
    /// Whether they were offered before, and the answer was lost.
    pub again: bool,
    /// Whether the input ends behind them.
    pub eof: bool,
    /// Seconds to wait for room, at most 30.
    pub wait_s: u64,
}

/// `POST /v1/sessions/{id}/input` answers with this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputTaken {
    /// Bytes taken from senders, so far and in all.
    pub accepted: u64,
}

/// `POST /v1/remotes/{name}/host-key`: trust the key with this fingerprint, in
/// the place of those that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRequest {
    /// The SHA-256 fingerprint that a person has seen.
    pub fingerprint: String,
}

/// `POST /v1/attention/{id}`: what a person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRequest {
    /// The passphrase, password or code; `yes`, `no` or the fingerprint for a
    /// host key.
    pub answer: Secret,
}

/// On the wire a string, and nowhere else: [`Secret`] has no form of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainAnswer<'a> {
    #[serde(borrow)]
    answer: std::borrow::Cow<'a, str>,
}

impl Serialize for AnswerRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PlainAnswer { answer: self.answer.expose().into() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AnswerRequest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plain = PlainAnswer::deserialize(deserializer)?;
        Ok(Self { answer: Secret::new(plain.answer) })
    }
}

/// The data of the event `stale`: the cursor is older than what is kept, and a
/// `snapshot` of the present follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleCursor {
    /// What was asked for.
    pub since: u64,
    /// The oldest event that is kept.
    pub oldest: u64,
}

/// `GET /v1/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// The daemon's version.
    pub version: String,
    /// The daemon's process id.
    pub pid: u32,
}

/// An error's body: the failure, or what is wrong with the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A stable word: see [`RequestError`](super::backend::RequestError).
    pub error: String,
    /// One sentence.
    pub message: String,
    /// What to type.
    pub remedy: Option<String>,
    /// The failure behind it, where there is one.
    pub failure: Option<Failure>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_of_a_request_has_no_secrets() {
        let request = RunRequest {
            env: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
            prompt: Some("hunter3".to_owned()),
            ..RunRequest::default()
        };
        let text = format!("{request:?}");
        assert!(text.contains("TOKEN") && !text.contains("hunter"), "{text}");
    }
}
