//! The wire types: what goes over the socket, as JSON.
//!
//! Times are RFC 3339 in UTC with milliseconds, lengths are bytes, durations
//! are seconds. Fields are only ever added; a reader ignores what it does not
//! know.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::domain::attention::{Question, QuestionId, QuestionState, QuestionView};
pub use crate::domain::connection::{LinkState, LinkView};
use crate::domain::event::Event;
pub use crate::domain::event::EventKind;
use crate::domain::failure::Failure;
pub use crate::domain::host_key::{HostKeyLine, HostKeyShown};
use crate::domain::ids::{AgentName, RemoteName, SessionId, SessionName};
use crate::domain::secret::Secret;
pub use crate::domain::session::{Exit, Pulse, SessionState};
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
            name,
            cwd,
            env,
            prompt,
            stdin_open,
            timeout_s,
            start_within_s,
            idempotency_key,
        } = self;
        f.debug_struct("RunRequest")
            .field("agent", agent)
            .field("command", command)
            .field("on", on)
            .field("name", name)
            .field("cwd", cwd)
            .field("env", &env.keys())
            .field("prompt", &prompt.as_ref().map(|_| "…"))
            .field("stdin_open", stdin_open)
            .field("timeout_s", timeout_s)
            .field("start_within_s", start_within_s)
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
    /// On a remote of the configuration, or at `[user@]host[:port]`.
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
    /// How the link to it is; `None` for local and for ended sessions.
    pub link: Option<LinkView>,
    /// Where in its life it is.
    pub state: SessionState,
    /// The status that the command ended with, where it did.
    pub exit: Option<Exit>,
    /// What went wrong, where something did.
    pub failure: Option<Failure>,
    /// When it was asked for.
    pub created_at: String,
    /// When the command started there.
    pub started_at: Option<String>,
    /// When it was known to have ended.
    pub ended_at: Option<String>,
    /// Bytes of standard output that are here.
    pub stdout: u64,
    /// Bytes of standard error that are here.
    pub stderr: u64,
    /// Standard input.
    pub stdin: StdinView,
    /// The process id there, once it is known.
    pub pid: Option<u32>,
    /// The folder of the mirror on this machine: files `out` and `err`.
    pub mirror: PathBuf,
    /// The working directory that was asked for.
    pub cwd: Option<String>,
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
    /// The folder that holds mirrors and the registry.
    pub state_dir: PathBuf,
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

/// `POST /v1/sessions/{id}/input` answers with this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputTaken {
    /// Bytes taken from senders, so far and in all.
    pub accepted: u64,
}

/// `POST /v1/remotes/{name}/test`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestRequest {
    /// The agent whose command is looked for.
    pub agent: Option<AgentName>,
}

/// How a remote's test went, stage by stage, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// The remote.
    pub remote: String,
    /// `user@host:port`, once it is known.
    pub destination: Option<String>,
    /// The stages that were reached.
    pub stages: Vec<TestStage>,
    /// The remote's own host name.
    pub hostname: Option<String>,
    /// What stopped the test.
    pub failure: Option<Failure>,
}

/// One stage of a remote's test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestStage {
    /// `resolve`, `connect`, `key exchange`, …
    pub name: String,
    /// Milliseconds that it took.
    pub took_ms: f64,
    /// Whether it went well.
    pub ok: bool,
    /// What was found.
    pub detail: Option<String>,
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
