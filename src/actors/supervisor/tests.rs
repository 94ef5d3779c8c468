//! Children that fail, with real sessions on this machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::time::timeout;

use super::{NewSession, SupervisorActor, SupervisorArgs, SupervisorMsg};
use crate::actors::attention::Attention;
use crate::actors::config::{ConfigArgs, Timing};
use crate::actors::connection::ConnectionMsg;
use crate::actors::connection::tests::script::{Script, Step, environment, request};
use crate::actors::journal::Journal;
use crate::actors::session::{Host, OwnLaunch, SessionMsg};
use crate::actors::supervisor::Live;
use crate::actors::{ask, now};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ids::SessionId;
use crate::domain::origin::Origin;
use crate::domain::queue::Ticket;
use crate::domain::session::fsm::Order;
use crate::domain::session::{Attempts, Exit, Phase, SessionRecord, SessionState, Stdin};
use crate::domain::stream::Stream;
use crate::domain::target::{Destination, Place};
use crate::store::mirror::{Lengths, Mirror};
use crate::store::registry::Registry;

/// No test takes this long unless it fails.
const LONG: Duration = Duration::from_secs(60);

struct Bench {
    supervisor: ActorRef<SupervisorMsg>,
    registry: Registry,
    script: Arc<Script>,
    dir: tempfile::TempDir,
}

impl Bench {
    async fn new(steps: impl Into<Vec<Step>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(dir.path().join("registry")).await.unwrap();
        let script = Script::new(steps);
        let journal = Journal::open(registry.clone());
        let args = SupervisorArgs {
            config: ConfigArgs {
                main_path: dir.path().join("longhaul.ron"),
                home: Some(dir.path().to_owned()),
                timing: Timing::default(),
            },
            ssh: environment(),
            dialer: script.clone(),
            registry: registry.clone(),
            attention: Attention::new(journal.clone()),
            journal,
            local_root: dir.path().join("spool").to_string_lossy().into_owned(),
            origin: Origin::sample(1, "ann"),
        };
        let (supervisor, _) = Actor::spawn(None, SupervisorActor, args).await.unwrap();
        Self { supervisor, registry, script, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn run(&self, place: Place, script: &str) -> Live {
        let id = SessionId::from_bits(rand::random());
        let record = SessionRecord {
            id: id.clone(),
            name: None,
            agent: None,
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            ssh: (place != Place::Local).then(request),
            host: None,
            place,
            cwd: Some(self.dir.path().to_string_lossy().into_owned()),
            phase: Phase::Waiting,
            stop: None,
            created_at: now(),
            started_at: None,
            ended_at: None,
            timeout_s: None,
            start_within_s: Some(600),
            start_within_given: false,
            stdin: Stdin::default(),
            stdout: 0,
            stderr: 0,
            idempotency_key: None,
            adopted_from: None,
            keeps_spool: false,
            agent_run: None,
            continues: None,
            warnings: Vec::new(),
            max_output: None,
            revision: 0,
            spool_gone_at: None,
            request_digest: None,
            attempts: Attempts::default(),
            ticket: Ticket::default(),
        };
        self.registry.insert(record.clone()).await.unwrap();
        let mirror = Mirror::create(self.path(&format!("mirror-{id}"))).await.unwrap();
        let own = Some(OwnLaunch::default());
        let new = NewSession { record, mirror, lengths: Lengths::default(), own };
        let run = |reply| SupervisorMsg::RunSession(Box::new(new), Some(reply));
        ask(&self.supervisor, run).await.flatten().unwrap()
    }

    /// The live session, with the actor that it has by now.
    async fn live(&self, id: &SessionId) -> Option<Live> {
        ask(&self.supervisor, |reply| SupervisorMsg::FindLive(id.clone(), reply)).await.unwrap()
    }

    /// Has a session's actor fail, and waits for the one that takes its place.
    async fn crash(&self, live: &Live) -> Live {
        live.actor.cast(SessionMsg::Crash).unwrap();
        let again = async {
            loop {
                match self.live(&live.id()).await {
                    Some(next) if next.actor.get_id() != live.actor.get_id() => return next,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        timeout(LONG, again).await.expect("started again")
    }

    /// Has the connections' actors fail.
    async fn crash_connection(&self) {
        let place = Place::AdHoc(Destination { user: None, host: "box".into(), port: None });
        let host = |reply| SupervisorMsg::HostOf(place, Some(request()), reply);
        let Some(Some(Host::Remote(remote))) = ask(&self.supervisor, host).await else {
            panic!("no such host")
        };
        let actor = remote.connection.borrow().clone();
        actor.cast(ConnectionMsg::Crash).unwrap();
    }
}

async fn until_first_output(live: &mut Live) {
    let there = live.pulse.wait_for(|pulse| pulse.stdout > 0);
    timeout(LONG, there).await.expect("output").unwrap();
}

async fn until_ended(live: &mut Live) -> (SessionState, Option<Exit>) {
    let ended = live.pulse.wait_for(|pulse| pulse.state.has_ended());
    let pulse = timeout(LONG, ended).await.expect("an end").unwrap().clone();
    (pulse.state, pulse.exit)
}

const TWO_LINES: &str =
    "echo started >>starts; echo one; until [ -e go ]; do sleep 0.05; done; echo two; exit 3";

async fn output(live: &Live) -> String {
    let bytes = live.mirror.read_at(Stream::Stdout, 0, 1 << 16).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_session_whose_actor_fails_goes_on_from_its_record_and_loses_nothing() {
    let bench = Bench::new([Step::Hangs]).await;
    let mut live = bench.run(Place::Local, TWO_LINES).await;
    until_first_output(&mut live).await;
    live = bench.crash(&live).await;
    live = bench.crash(&live).await;
    std::fs::write(bench.path("go"), "").unwrap();
    assert_eq!(until_ended(&mut live).await, (SessionState::Exited, Some(Exit::Code(3))));
    assert_eq!(output(&live).await, "one\ntwo\n");
    assert_eq!(std::fs::read_to_string(bench.path("starts")).unwrap(), "started\n");
}

#[tokio::test]
async fn an_actor_that_fails_disturbs_no_other_session() {
    let bench = Bench::new([Step::Hangs]).await;
    let mut other = bench.run(Place::Local, TWO_LINES).await;
    let mut live = bench.run(Place::Local, "echo one; sleep 600").await;
    until_first_output(&mut other).await;
    until_first_output(&mut live).await;
    while !live.unattended {
        live.actor.cast(SessionMsg::Crash).unwrap();
        let id = live.id();
        let failed = live.actor.get_id();
        let seen = async {
            loop {
                match bench.live(&id).await {
                    Some(same) if same.actor.get_id() == failed && !same.unattended => {
                        tokio::task::yield_now().await;
                    }
                    next => return next.expect("it is not forgotten"),
                }
            }
        };
        live = timeout(LONG, seen).await.unwrap();
    }
    let view = super::view::of_live(&live);
    assert_eq!(view.state, SessionState::Running);
    assert_eq!(view.failure.map(|failure| failure.code).as_deref(), Some("session.unattended"));
    let same = bench.live(&other.id()).await.unwrap();
    assert_eq!(same.actor.get_id(), other.actor.get_id());
    std::fs::write(bench.path("go"), "").unwrap();
    assert_eq!(until_ended(&mut other).await.1, Some(Exit::Code(3)));
    // What was left alone still runs, and takes an order.
    let stop = Order::Stop { signal: "KILL".into(), grace_s: 1 };
    let attend = |reply| SupervisorMsg::Attend(live.id(), reply);
    let mut again = ask(&bench.supervisor, attend).await.flatten().unwrap();
    assert!(!again.unattended && super::view::of_live(&again).failure.is_none());
    again.actor.cast(SessionMsg::Order(stop, None)).unwrap();
    assert_eq!(until_ended(&mut again).await.1, Some(Exit::Signal(9)));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_left_alone_is_tried_again_after_some_minutes() {
    let bench = Bench::new([Step::Hangs]).await;
    let place = Place::AdHoc(Destination { user: None, host: "box".into(), port: None });
    let mut live = bench.run(place, "true").await;
    let id = live.id();
    while !live.unattended {
        live.actor.cast(SessionMsg::Crash).unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        live = bench.live(&id).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(bench.live(&id).await.unwrap().unattended, "not at once");
    tokio::time::sleep(Duration::from_secs(180)).await;
    live = bench.live(&id).await.unwrap();
    assert!(!live.unattended);
    live.actor
        .cast(SessionMsg::Order(Order::Stop { signal: "TERM".into(), grace_s: 1 }, None))
        .unwrap();
    assert_eq!(until_ended(&mut live).await.0, SessionState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_nudge_reaches_every_connection() {
    let bench = Bench::new([Step::Fails(LinkTrouble::Refused)]).await;
    let place = Place::AdHoc(Destination { user: None, host: "box".into(), port: None });
    let live = bench.run(place, "true").await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let dials = bench.script.dials();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let by_itself = bench.script.dials() - dials;
    assert!(by_itself <= 1, "pauses have grown");
    bench.supervisor.cast(SupervisorMsg::Nudge).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(bench.script.dials() > dials + by_itself + 1, "begun anew");
    let mut live = live;
    live.actor
        .cast(SessionMsg::Order(Order::Stop { signal: "TERM".into(), grace_s: 1 }, None))
        .unwrap();
    assert_eq!(until_ended(&mut live).await.0, SessionState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_waits_is_asked_for_again_by_itself_when_its_connection_fails() {
    let bench = Bench::new([Step::Hangs]).await;
    let place = Place::AdHoc(Destination { user: None, host: "box".into(), port: None });
    let live = bench.run(place, "true").await;
    // Beyond the restarts that are allowed at once, too.
    for crash in 0..8 {
        let dialled = async {
            while bench.script.dials() <= crash {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(LONG * 10, dialled).await.expect("dialled again");
        bench.crash_connection().await;
    }
    assert_eq!(live.pulse.borrow().state, SessionState::Waiting);
    assert!(bench.script.most_dials_at_once() <= 2);
    live.actor
        .cast(SessionMsg::Order(Order::Stop { signal: "TERM".into(), grace_s: 1 }, None))
        .unwrap();
    let mut live = live;
    assert_eq!(until_ended(&mut live).await.0, SessionState::Cancelled);
}
