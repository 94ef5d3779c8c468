//! A daemon without sessions of its own: a test says what happens to them.

#![expect(clippy::unwrap_used, reason = "a test whose daemon cannot go on has failed")]

mod backend;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use longhaul::api::backend::RequestError;
use longhaul::api::types::{
    AttemptView, ConfigView, Dropped, EventKind, EventView, Exit, Gap, KillRequest, LinkState,
    LinkView, Pulse, RunRequest, SessionState, SessionView, StdinView, Stream, Where,
};
use longhaul::domain::attention::{Desk, Question, QuestionId, QuestionView, Reply};
use longhaul::domain::event::Event;
use longhaul::domain::failure::{Disposition, Failure, Stage};
use longhaul::domain::ids::SessionId;
use longhaul::domain::timestamp::Timestamp;
use tokio::net::UnixListener;
use tokio::sync::{broadcast, oneshot, watch};

pub(crate) const AT: &str = "2026-01-02T03:04:05.678Z";
/// The same, in milliseconds since the epoch.
const AT_MILLIS: u64 = 1_767_323_045_678;

type Script<R> = Arc<dyn Fn(&Fake, &SessionId, &R) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    dir: tempfile::TempDir,
    state: Mutex<State>,
    live: broadcast::Sender<Event>,
}

struct State {
    sessions: Vec<Session>,
    events: Vec<EventView>,
    next_seq: u64,
    requests: Vec<RunRequest>,
    kills: Vec<(SessionId, KillRequest)>,
    /// Requests to add input that are answered with "full" before one is taken.
    full_for: u32,
    /// Questions for a session that are cut off before one is answered.
    cut_off_for: u32,
    on_run: Option<Script<RunRequest>>,
    on_kill: Option<Script<KillRequest>>,
    rejected: Option<String>,
    desk: Desk,
    /// Whether clients are told a folder that they cannot see.
    hides_mirrors: bool,
    stop: Option<oneshot::Sender<()>>,
}

struct Session {
    view: SessionView,
    pulse: watch::Sender<Pulse>,
    files: [File; 2],
    input: Vec<u8>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let state = State {
            sessions: Vec::new(),
            events: Vec::new(),
            next_seq: 1,
            requests: Vec::new(),
            kills: Vec::new(),
            full_for: 0,
            cut_off_for: 0,
            on_run: None,
            on_kill: None,
            rejected: None,
            desk: Desk::default(),
            hides_mirrors: false,
            stop: None,
        };
        let dir = tempfile::Builder::new().prefix("lh-fake").tempdir().unwrap();
        // Small on purpose: a reader that does not keep up has to lag.
        Self(Arc::new(Inner { dir, state: Mutex::new(state), live: broadcast::channel(8).0 }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.dir.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir().join("api.sock")
    }

    /// Serves it on its socket until it is told to stop; the sender stops it.
    pub(crate) fn listen(&self) -> tokio::task::JoinHandle<()> {
        let listener = UnixListener::bind(self.socket()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        self.state().stop = Some(stop);
        let backend = self.clone();
        tokio::spawn(longhaul::api::server::serve(listener, backend, async move {
            let _ = stopped.await;
        }))
    }

    pub(crate) fn stop(&self) {
        let _ = self.state().stop.take().unwrap().send(());
    }

    /// What happens when a session has been taken in.
    pub(crate) fn on_run(
        &self,
        script: impl Fn(&Self, &SessionId, &RunRequest) + Send + Sync + 'static,
    ) {
        self.state().on_run = Some(Arc::new(script));
    }

    /// What happens when a session is to be signalled.
    pub(crate) fn on_kill(
        &self,
        script: impl Fn(&Self, &SessionId, &KillRequest) + Send + Sync + 'static,
    ) {
        self.state().on_kill = Some(Arc::new(script));
    }

    /// Has a person asked, by a question with this number.
    pub(crate) fn ask(&self, remote: &str, question: &Question, number: u64) -> QuestionId {
        let (id, now) = (QuestionId::new(number), Timestamp::from_millis(AT_MILLIS));
        self.state().desk.ask(remote, question, false, id, now);
        id
    }

    /// What a person has said.
    pub(crate) fn answered(&self, remote: &str, question: &Question) -> Option<Reply> {
        self.state().desk.take(remote, question, Timestamp::from_millis(AT_MILLIS))
    }

    /// What a person is asked.
    pub(crate) fn question(&self, remote: &str) -> Option<QuestionView> {
        self.state().desk.of(remote)
    }

    /// A remote of which nothing is known any more.
    pub(crate) fn forget_answers(&self, remote: &str) {
        self.state().desk.forget(remote);
    }

    pub(crate) fn refuse_input(&self, times: u32) {
        self.state().full_for = times;
    }

    /// Hangs up on whoever asks for a session, as a daemon does that is killed.
    pub(crate) fn cut_off_views(&self, times: u32) {
        self.state().cut_off_for = times;
    }

    pub(crate) fn hide_mirrors(&self) {
        self.state().hides_mirrors = true;
    }

    /// The session's actor dies and comes back: its watchers lose it.
    pub(crate) fn restart_actor(&self, id: &SessionId) {
        self.find(id.as_str(), |session| {
            let pulse = session.pulse.borrow().clone();
            session.pulse = watch::Sender::new(pulse);
        })
        .unwrap();
    }

    /// Watchers of a session.
    pub(crate) fn watchers(&self, id: &SessionId) -> usize {
        self.find(id.as_str(), |session| session.pulse.receiver_count()).unwrap()
    }

    pub(crate) fn reject_config(&self, report: &str) {
        self.state().rejected = Some(report.to_owned());
    }

    pub(crate) fn requests(&self) -> Vec<RunRequest> {
        self.state().requests.clone()
    }

    /// All sessions, oldest first.
    pub(crate) fn ids(&self) -> Vec<SessionId> {
        self.state().sessions.iter().map(|session| session.view.id.clone()).collect()
    }

    pub(crate) fn view(&self, id: &SessionId) -> SessionView {
        self.find(id.as_str(), |session| session.view.clone()).unwrap()
    }

    pub(crate) fn kills(&self) -> Vec<Option<String>> {
        self.state().kills.iter().map(|(_, kill)| kill.signal.clone()).collect()
    }

    pub(crate) fn input_of(&self, id: &SessionId) -> Vec<u8> {
        self.find(id.as_str(), |session| session.input.clone()).unwrap()
    }

    /// Adds a running session, and returns its id.
    pub(crate) fn add(&self, number: u64, request: &RunRequest) -> SessionId {
        let id = SessionId::from_bits(number);
        let mirror = self.dir().join(id.as_str());
        std::fs::create_dir(&mirror).unwrap();
        let open = |stream: Stream| {
            let path = mirror.join(stream.file_name());
            OpenOptions::new().create(true).append(true).open(path).unwrap()
        };
        let files = [open(Stream::Stdout), open(Stream::Stderr)];
        let place = match &request.on {
            Some(Where::On(name)) => name.clone(),
            _ => "local".to_owned(),
        };
        let remote = place != "local";
        let view = SessionView {
            id: id.clone(),
            name: request.name.clone(),
            agent: request.agent.clone(),
            command: request.command.clone(),
            place,
            host: remote.then(|| "box.example".to_owned()),
            priority: request.priority.unwrap_or_default(),
            client: request.client.clone(),
            link: remote.then(|| link(LinkState::Connected, None)),
            state: SessionState::Running,
            exit: None,
            failure: None,
            warnings: Vec::new(),
            created_at: AT.to_owned(),
            started_at: None,
            ended_at: None,
            stdout: 0,
            stderr: 0,
            max_output: request.max_output,
            dropped: Vec::new(),
            stdout_dropped: 0,
            stderr_dropped: 0,
            stdin: StdinView { open: request.stdin_open, ..StdinView::default() },
            pid: Some(4711),
            mirror,
            cwd: request.cwd.clone(),
            adopted_from: None,
            mirror_paused: None,
            mirror_behind: None,
            spool_gone_at: None,
            agent_run: None,
            agent_events: Vec::new(),
            continues: None,
            attempt: AttemptView::default(),
            queue: None,
        };
        let pulse = watch::Sender::new(Pulse {
            state: view.state,
            link: view.link.clone(),
            stdout: 0,
            stderr: 0,
            exit: None,
            failure: None,
            warnings: Vec::new(),
            mirror_paused: None,
            mirror_behind: None,
            waits_for: None,
        });
        self.state().sessions.push(Session { view, pulse, files, input: Vec::new() });
        id
    }

    /// Adds output to a session.
    pub(crate) fn write(&self, id: &SessionId, stream: Stream, bytes: &[u8]) {
        self.change(id, |session| {
            let (file, length) = match stream {
                Stream::Stdout => (&mut session.files[0], &mut session.view.stdout),
                Stream::Stderr => (&mut session.files[1], &mut session.view.stderr),
            };
            file.write_all(bytes).unwrap();
            *length += bytes.len() as u64;
        });
    }

    /// Bytes of a session's output that never come.
    pub(crate) fn drop_output(&self, id: &SessionId, stream: Stream, bytes: u64) {
        self.change(id, |session| {
            let (file, length) = match stream {
                Stream::Stdout => (&session.files[0], &mut session.view.stdout),
                Stream::Stderr => (&session.files[1], &mut session.view.stderr),
            };
            let gap = Gap { from: *length, to: *length + bytes };
            let list = self.dir().join(id.as_str()).join(stream.gaps_file_name());
            let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
            list.write_all(gap.line().as_bytes()).unwrap();
            file.set_len(gap.to).unwrap();
            *length = gap.to;
            session.view.dropped.push(Dropped { stream, gap });
        });
    }

    /// Ends a session with a status.
    pub(crate) fn exit(&self, id: &SessionId, exit: Exit) {
        self.change(id, |session| {
            session.view.state = match exit {
                Exit::Code(_) => SessionState::Exited,
                Exit::Signal(_) => SessionState::Signalled,
            };
            session.view.exit = Some(exit);
        });
    }

    /// Ends a session without one.
    pub(crate) fn fail(&self, id: &SessionId, state: SessionState, failure: Failure) {
        self.change(id, |session| {
            session.view.state = state;
            session.view.failure = Some(failure);
        });
    }

    /// Warns of something in a session.
    pub(crate) fn warn(&self, id: &SessionId, warning: Failure) {
        self.change(id, |session| session.view.warnings.push(warning));
    }

    pub(crate) fn set(&self, id: &SessionId, state: SessionState, link: Option<LinkView>) {
        self.change(id, |session| {
            session.view.state = state;
            session.view.link = link;
        });
    }

    fn change(&self, id: &SessionId, change: impl FnOnce(&mut Session)) {
        self.find(id.as_str(), |session| {
            change(session);
            let view = &session.view;
            session.pulse.send_replace(Pulse {
                state: view.state,
                link: view.link.clone(),
                stdout: view.stdout,
                stderr: view.stderr,
                exit: view.exit,
                failure: view.failure.clone(),
                warnings: view.warnings.clone(),
                mirror_paused: None,
                mirror_behind: None,
                waits_for: None,
            });
        })
        .unwrap();
    }

    /// Forgets events up to and including `seq`.
    pub(crate) fn forget_events(&self, seq: u64) {
        self.state().events.retain(|event| event.seq > seq);
    }

    /// Something happened to a remote.
    pub(crate) fn event(&self, remote: &str) -> u64 {
        let mut state = self.state();
        let seq = state.next_seq;
        state.next_seq += 1;
        let kind = EventKind::LinkChanged {
            remote: remote.to_owned(),
            state: LinkState::Connected,
            failure: None,
        };
        let event = Event { seq, at: Timestamp::from_millis(AT_MILLIS), kind };
        state.events.push(event.clone().into());
        let _ = self.0.live.send(event);
        seq
    }

    fn find<T>(
        &self,
        given: &str,
        then: impl FnOnce(&mut Session) -> T,
    ) -> Result<T, RequestError> {
        let mut state = self.state();
        let fits = |session: &Session| {
            let named = session.view.name.as_ref().is_some_and(|name| name.as_str() == given);
            named || session.view.id.as_str().starts_with(given)
        };
        let ids: Vec<SessionId> =
            state.sessions.iter().filter(|s| fits(s)).map(|s| s.view.id.clone()).collect();
        match ids.as_slice() {
            [] => Err(RequestError::NoSuchSession(given.to_owned())),
            [_] => Ok(then(state.sessions.iter_mut().find(|s| fits(s)).unwrap())),
            _ => Err(RequestError::Ambiguous { given: given.to_owned(), ids }),
        }
    }
}

pub(crate) fn link(state: LinkState, failure: Option<Failure>) -> LinkView {
    let waits = state == LinkState::BackingOff;
    LinkView {
        state,
        failures: u32::from(failure.is_some()),
        next_try_ms: waits.then_some(4000),
        next_try_at: None,
        unreachable_since: failure.as_ref().map(|_| AT.to_owned()),
        failure,
        question: None,
        transport: None,
        since: AT.to_owned(),
    }
}

pub(crate) fn refused() -> Failure {
    Failure {
        code: "ssh.connect.refused".to_owned(),
        stage: Stage::Connect,
        disposition: Disposition::Retries,
        place: "box".to_owned(),
        message: "box.example refused the connection on port 22".to_owned(),
        evidence: Some("Connection refused (os error 111)".to_owned()),
        remedy: Some("ssh box.example systemctl start ssh".to_owned()),
    }
}

impl Fake {
    fn config(&self) -> ConfigView {
        ConfigView {
            path: PathBuf::from("/etc/longhaul.ron"),
            exists: true,
            loaded_at: AT.to_owned(),
            rejected: self.state().rejected.clone(),
            warnings: Vec::new(),
            default_remote: Some("box".parse().unwrap()),
        }
    }
}
