//! What the server needs from the daemon, and how that can say no.

use std::path::PathBuf;

use tokio::sync::{broadcast, mpsc, watch};

use super::types::{
    AdoptReport, AdoptRequest, AgentView, AnswerRequest, CheckNotice, ConfigView, DoctorReport,
    EventView, GcRequest, GcView, HostKeyShown, InputOffer, InputTaken, Inventory, KillRequest,
    Progress, Pulse, RemoteView, RunRequest, SessionView, StatusView, TestReport, TestRequest,
    TrustRequest,
};
use crate::domain::agent::Lacks;
use crate::domain::attention::{AnswerError, QuestionId, QuestionView};
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::host_key::TrustError;
use crate::domain::ids::{NameError, SessionId, Tag};

/// Why a request was turned down.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// No session has this id, prefix or name.
    #[error("no session {0:?}")]
    NoSuchSession(String),
    /// The prefix fits several sessions.
    #[error("{given:?} is {} sessions", ids.len())]
    Ambiguous {
        /// What was given.
        given: String,
        /// All that it fits.
        ids: Vec<SessionId>,
    },
    /// A live session has this name.
    #[error("the name {name} is taken by session {by}")]
    NameTaken {
        /// The name.
        name: String,
        /// The session that has it.
        by: SessionId,
    },
    /// Another request, for something else, had this idempotency key.
    #[error("the idempotency key was used for another request, which became session {0}")]
    KeyTaken(SessionId),
    /// No remote has this name.
    #[error("no remote {0:?}")]
    NoSuchRemote(String),
    /// No remote that may be used has this tag; without a tag, there is none.
    #[error("no remote that may be used has the tag {}", .0.as_ref().map_or("", Tag::as_str))]
    NoRemoteTagged(Option<Tag>),
    /// A name that cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The session has ended.
    #[error("session {0} has ended")]
    HasEnded(SessionId),
    /// The session is still alive.
    #[error("session {0} has not ended")]
    StillRunning(SessionId),
    /// Its standard input is not open.
    #[error("session {0} takes no input")]
    StdinClosed(SessionId),
    /// The input does not end where the piece was to begin.
    #[error("the input of session {session} goes on at byte {accepted}")]
    InputMoved {
        /// The session.
        session: SessionId,
        /// Where it ends now.
        accepted: u64,
    },
    /// More input than is held for a session that cannot take it now.
    #[error("session {0} has {1} bytes of input waiting")]
    InputFull(SessionId, u64),
    /// The request contradicts itself.
    #[error("{0}")]
    Invalid(&'static str),
    /// The agent's program cannot do what is asked of it.
    #[error(transparent)]
    Lacks(#[from] Lacks),
    /// No such signal.
    #[error("no signal {0:?}")]
    NoSuchSignal(String),
    /// A host key was not taken over.
    #[error(transparent)]
    NotTrusted(#[from] TrustError),
    /// An answer was not taken.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The configuration cannot be taken; the report is for people.
    #[error("{0}")]
    ConfigRejected(String),
    /// The cursor is older than the oldest event kept.
    #[error("event {since} is gone; the oldest is {oldest}")]
    StaleCursor {
        /// What was asked for.
        since: u64,
        /// The oldest that is kept.
        oldest: u64,
    },
    /// It failed, and the failure says why.
    #[error("{}", .0.message)]
    Failed(Box<Failure>),
    /// This machine's disk or registry failed.
    #[error("{0}")]
    Store(String),
    /// The daemon is stopping or too busy to answer.
    #[error("the daemon does not answer")]
    Unavailable,
}

/// A session's output, for a reader: two files that only grow, and word of it.
#[derive(Debug, Clone)]
pub struct Output {
    /// The folder that holds the files `out` and `err`.
    pub dir: PathBuf,
    /// The lengths, and whether there will be more.
    pub pulse: watch::Receiver<Pulse>,
}

/// Who is told how far a test or an examination has come.
///
/// Nobody waits for them: one who does not keep up misses a word, and has
/// everything in the report.
#[derive(Debug, Clone)]
pub struct Audience(Option<mpsc::Sender<CheckNotice>>);

impl Audience {
    /// Nobody listens.
    #[must_use]
    pub fn nobody() -> Self {
        Self(None)
    }

    /// One who listens, and where; so many notices wait for them.
    #[must_use]
    pub fn of(waiting: usize) -> (Self, mpsc::Receiver<CheckNotice>) {
        let (sender, receiver) = mpsc::channel(waiting);
        (Self(Some(sender)), receiver)
    }

    /// Tells them.
    pub fn tell(&self, notice: CheckNotice) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(notice);
        }
    }
}

/// The daemon, as the server sees it.
///
/// All of it answers within seconds, except [`test_remote`](Self::test_remote),
/// [`doctor`](Self::doctor), [`adopt`](Self::adopt),
/// [`detect_agents`](Self::detect_agents), [`host_key`](Self::host_key) and
/// [`trust`](Self::trust), which take as long as the remote's own time-outs
/// allow and a person who may be asked takes, [`gc`](Self::gc), which removes while one waits,
/// [`remove`](Self::remove) with force, which sees processes end, and
/// [`input`](Self::input), which waits for room as long as it is told to.
pub trait Backend: Clone + Send + Sync + 'static {
    /// Takes a session in; it is in the registry when this returns.
    fn run(
        &self,
        request: RunRequest,
    ) -> impl Future<Output = Result<SessionView, RequestError>> + Send;
    /// Sessions, newest first: the live ones, or all.
    fn sessions(
        &self,
        all: bool,
    ) -> impl Future<Output = Result<Vec<SessionView>, RequestError>> + Send;
    /// How far all live sessions are; asked often, so it looks at no disk.
    fn progress(&self) -> impl Future<Output = Result<Vec<Progress>, RequestError>> + Send;
    /// One session, by its id, a unique prefix of it, or its name.
    fn session(
        &self,
        given: &str,
    ) -> impl Future<Output = Result<SessionView, RequestError>> + Send;
    /// All attempts that a session is one of, the first first.
    fn attempts(
        &self,
        given: &str,
    ) -> impl Future<Output = Result<Vec<SessionView>, RequestError>> + Send;
    /// A session's output.
    fn output(&self, given: &str) -> impl Future<Output = Result<Output, RequestError>> + Send;
    /// Adds to a session's standard input; what was taken is on the disk.
    fn input(
        &self,
        given: &str,
        offer: InputOffer,
    ) -> impl Future<Output = Result<InputTaken, RequestError>> + Send;
    /// Signals or stops a session; returns once the order is recorded.
    fn kill(
        &self,
        given: &str,
        request: KillRequest,
    ) -> impl Future<Output = Result<SessionView, RequestError>> + Send;
    /// Removes an ended session with all its attempts and their mirrors;
    /// `force` stops one that runs before. What is left on a host that is away goes when it is back.
    fn remove(
        &self,
        given: &str,
        force: bool,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;
    /// Removes what need not be kept, or only says what that is.
    fn gc(&self, request: GcRequest) -> impl Future<Output = Result<GcView, RequestError>> + Send;
    /// Everything at a glance.
    fn status(&self) -> impl Future<Output = Result<StatusView, RequestError>> + Send;
    /// All remotes.
    fn remotes(&self) -> impl Future<Output = Result<Vec<RemoteView>, RequestError>> + Send;
    /// Tests a remote, an ad hoc destination, or this machine (`local`), over a
    /// link of its own.
    fn test_remote(
        &self,
        name: &str,
        request: TestRequest,
        audience: Audience,
    ) -> impl Future<Output = Result<TestReport, RequestError>> + Send;
    /// Tests it, and looks for all that may trouble sessions there.
    fn doctor(
        &self,
        name: &str,
        audience: Audience,
    ) -> impl Future<Output = Result<DoctorReport, RequestError>> + Send;
    /// Takes in the sessions on a remote, or on this machine (`local`), that
    /// are not known here; they follow when this returns.
    fn adopt(
        &self,
        name: &str,
        request: AdoptRequest,
    ) -> impl Future<Output = Result<AdoptReport, RequestError>> + Send;
    /// Has a remote show its host key, without logging in to it.
    fn host_key(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<HostKeyShown, RequestError>> + Send;
    /// Trusts the host key that a person has agreed to.
    fn trust(
        &self,
        name: &str,
        request: TrustRequest,
    ) -> impl Future<Output = Result<HostKeyShown, RequestError>> + Send;
    /// What people are asked, by the names of the remotes.
    fn attention(&self) -> impl Future<Output = Result<Vec<QuestionView>, RequestError>> + Send;
    /// Takes a person's answer; a connection that has given up dials again.
    fn answer(
        &self,
        id: QuestionId,
        request: AnswerRequest,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;
    /// Tries a remote's connection at once, whatever it waits for.
    fn reconnect(&self, name: &str) -> impl Future<Output = Result<(), RequestError>> + Send;
    /// Which agents a remote, an ad hoc destination, or this machine (`local`) has.
    fn detect_agents(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Inventory, RequestError>> + Send;
    /// All agents.
    fn agents(&self) -> impl Future<Output = Result<Vec<AgentView>, RequestError>> + Send;
    /// Reads the configuration again, now.
    fn reload(&self) -> impl Future<Output = Result<ConfigView, RequestError>> + Send;
    /// Kept events after `since`, oldest first, at most `limit`.
    fn events(
        &self,
        since: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EventView>, RequestError>> + Send;
    /// The newest event's number, and the events after it as they come; a
    /// reader that lags reads what it missed with [`events`](Self::events).
    fn subscribe(
        &self,
    ) -> impl Future<Output = Result<(u64, broadcast::Receiver<Event>), RequestError>> + Send;
    /// Stops the daemon; sessions go on.
    fn shutdown(&self) -> impl Future<Output = Result<(), RequestError>> + Send;
}
