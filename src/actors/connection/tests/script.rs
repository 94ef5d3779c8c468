//! A connection whose dials go as a script says.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::actors::attention::Attention;
use crate::actors::config::SshFiles;
use crate::actors::connection::{
    ChannelRequest, ConnectionActor, ConnectionArgs, ConnectionMsg, Dial, Dialer, Granted,
    LinkReport, Reach,
};
use crate::actors::journal::Journal;
use crate::actors::resolver::ResolverActor;
use crate::domain::config::Config;
use crate::domain::connection::{LinkState, Purpose};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{SshConfigUse, SshRequest, SshSettings};
use crate::domain::timestamp::Timestamp;
use crate::domain::transport::TransportChoice;
use crate::ssh::fake::{self, Door};
use crate::ssh::settings::SshEnvironment;
use crate::ssh::{Link, Prompter, Reached};
use crate::store::registry::Registry;

/// How a dial goes.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It fails.
    Fails(LinkTrouble),
    /// It reaches a server that wants an answer.
    Guarded(Door),
    /// It never ends.
    Hangs,
    /// It panics.
    Panics,
    /// It reaches a server that opens so many channels at a time.
    Reaches(u32),
    /// It is refused until the host has come back.
    Away,
}

/// A failure that heals by itself.
pub(crate) fn refused() -> Step {
    Step::Fails(LinkTrouble::Refused)
}

/// A failure that only a person can mend.
pub(crate) fn locked_out() -> Step {
    Step::Fails(LinkTrouble::NoKeys { user: "me".into(), looked_for: vec![] })
}

/// Dials one step after the other; the last one again and again.
#[derive(Debug, Default)]
pub(crate) struct Script {
    steps: Vec<Step>,
    /// When each dial began.
    began: Mutex<Vec<Instant>>,
    /// Dials that are under way, and the most that were at once.
    under_way: Mutex<(usize, usize)>,
    /// The links that came of it.
    links: Mutex<Vec<Link>>,
    /// Whether the host's port can be reached.
    reachable: AtomicBool,
    /// When that was tried.
    knocks: Mutex<Vec<Instant>>,
    /// Dials on a connection that was reached before.
    on_reached: AtomicUsize,
}

struct UnderWay<'a>(&'a Script);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.lock().unwrap().0 -= 1;
    }
}

impl Dialer for Script {
    fn reach<'a>(&'a self, _: &'a SshSettings) -> Reach<'a> {
        self.knocks.lock().unwrap().push(Instant::now());
        let reachable = self.reachable.load(Ordering::Relaxed);
        let answer = if reachable { Ok(Reached::default()) } else { Err(LinkTrouble::Refused) };
        Box::pin(async move { answer })
    }

    fn dial<'a>(
        &'a self,
        settings: &'a SshSettings,
        reached: Option<Reached>,
        prompter: Arc<dyn Prompter>,
    ) -> Dial<'a> {
        Box::pin(async move {
            self.on_reached.fetch_add(usize::from(reached.is_some()), Ordering::Relaxed);
            let step = {
                let mut began = self.began.lock().unwrap();
                began.push(Instant::now());
                self.steps[(began.len() - 1).min(self.steps.len() - 1)].clone()
            };
            {
                let mut under_way = self.under_way.lock().unwrap();
                under_way.0 += 1;
                under_way.1 = under_way.1.max(under_way.0);
            }
            let _under_way = UnderWay(self);
            match step {
                Step::Fails(trouble) => Err(trouble),
                Step::Guarded(door) => {
                    let link = fake::login(settings, door, prompter).await?;
                    self.links.lock().unwrap().push(link.clone());
                    Ok(link)
                }
                Step::Hangs => std::future::pending().await,
                Step::Panics => panic!("as the test wants it"),
                Step::Away if !self.reachable.load(Ordering::Relaxed) => Err(LinkTrouble::Refused),
                Step::Away => self.connect(settings, 10).await,
                Step::Reaches(max_sessions) => self.connect(settings, max_sessions).await,
            }
        })
    }
}

impl Script {
    pub(crate) fn new(steps: impl Into<Vec<Step>>) -> Arc<Self> {
        Arc::new(Self { steps: steps.into(), ..Self::default() })
    }

    pub(crate) fn dials(&self) -> usize {
        self.began.lock().unwrap().len()
    }

    pub(crate) fn dials_under_way(&self) -> usize {
        self.under_way.lock().unwrap().0
    }

    pub(crate) fn most_dials_at_once(&self) -> usize {
        self.under_way.lock().unwrap().1
    }

    /// The host's port can be reached from now on.
    pub(crate) fn come_back(&self) {
        self.reachable.store(true, Ordering::Relaxed);
    }

    /// When the port was tried.
    pub(crate) fn knocks(&self) -> Vec<Instant> {
        self.knocks.lock().unwrap().clone()
    }

    /// How many dials went on where a try of the port had come to.
    pub(crate) fn dials_on_reached(&self) -> usize {
        self.on_reached.load(Ordering::Relaxed)
    }

    /// The times between one dial and the next.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.began.lock().unwrap().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    async fn connect(&self, settings: &SshSettings, most: u32) -> Result<Link, LinkTrouble> {
        let link = fake::link(settings, most).await?;
        self.links.lock().unwrap().push(link.clone());
        Ok(link)
    }

    pub(crate) fn link(&self, at: usize) -> Link {
        self.links.lock().unwrap()[at].clone()
    }
}

/// What `ssh_config` is asked with: a home in which there is none.
pub(crate) fn environment() -> SshEnvironment {
    SshEnvironment {
        home: PathBuf::from("/nonexistent"),
        local_user: "me".to_owned(),
        ssh_auth_sock: None,
        system_config: None,
    }
}

pub(crate) fn request() -> SshRequest {
    SshRequest {
        host: "box".to_owned(),
        port: None,
        user: None,
        identity_file: None,
        ssh_config: SshConfigUse::Off,
        transport: TransportChoice::Auto,
    }
}

/// How long a link may idle.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// No test waits so long, by its own clock, unless it fails.
pub(super) const LONG: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What becomes of a request; an error if it was dropped.
type Answer = Result<Result<Granted, LinkTrouble>, oneshot::error::RecvError>;

/// A connection under test.
pub(super) struct Bench {
    pub(super) script: Arc<Script>,
    pub(super) actor: ActorRef<ConnectionMsg>,
    pub(super) report: watch::Receiver<LinkReport>,
    pub(super) attention: Attention,
    _dir: tempfile::TempDir,
}

impl Bench {
    pub(super) async fn new(steps: impl Into<Vec<Step>>) -> Self {
        Self::with(steps, environment(), request()).await
    }

    /// One that is dialled by what `ssh_config` says in this environment.
    pub(super) async fn with(
        steps: impl Into<Vec<Step>>,
        environment: SshEnvironment,
        request: SshRequest,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(dir.path().join("registry")).await.unwrap();
        let resolver = (Arc::new(Config::default()), environment, SshFiles::default());
        let (resolver, _) = Actor::spawn(None, ResolverActor, resolver).await.unwrap();
        let script = Script::new(steps);
        let journal = Journal::open(registry);
        let attention = Attention::new(journal.clone());
        let new = LinkReport::new("box".to_owned(), Timestamp::from_millis(0));
        let (report, reports) = watch::channel(new);
        let args = ConnectionArgs {
            place: "box".to_owned(),
            request,
            idle: IDLE,
            resolver,
            dialer: script.clone(),
            attention: attention.clone(),
            journal,
            report,
        };
        let (actor, _) = Actor::spawn(None, ConnectionActor, args).await.unwrap();
        Self { script, actor, report: reports, attention, _dir: dir }
    }

    /// Asks for a channel, as a follower does.
    pub(super) fn ask(&self) -> impl Future<Output = Answer> + use<> {
        self.ask_for(Purpose::Session, false)
    }

    pub(super) fn ask_for(
        &self,
        purpose: Purpose,
        asked: bool,
    ) -> impl Future<Output = Answer> + use<> {
        let (reply, answer) = oneshot::channel();
        let request = ChannelRequest { purpose, asked, wants_facts: false, reply };
        self.actor.cast(ConnectionMsg::OpenChannel(request)).unwrap();
        async move { timeout(LONG, answer).await.expect("an answer") }
    }

    /// Waits until the connection is in a state.
    pub(super) async fn until(&mut self, state: LinkState) {
        let reached = self.report.wait_for(|report| report.state == state);
        timeout(LONG, reached).await.expect("the state is reached").unwrap();
    }

    pub(super) fn state(&self) -> LinkState {
        self.report.borrow().state
    }

    pub(super) fn links(&self) -> usize {
        self.report.borrow().links
    }
}
