//! The actor itself: messages in, effects out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{info, warn};

use super::dialer::Dialer;
use super::lookout::{self, Lookout};
use super::report::{Change, LinkReport};
use super::request::{ChannelRequest, Granted, Queue, Slot};
use super::spare::{self, Keeper, Spare};
use super::tasks::{self, Facts, Way};
use crate::actors::attention::Attention;
use crate::actors::journal::Journal;
use crate::actors::now;
use crate::actors::resolver::ResolverMsg;
use crate::domain::attention::QuestionView;
use crate::domain::backoff::Backoff;
use crate::domain::connection::fsm::{Effect, Input};
use crate::domain::connection::{ConnectionFsm, LinkId, LinkState, Purpose};
use crate::domain::event::EventKind;
use crate::domain::failure::classify::{heals_by_itself, link_failure};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::ids::Epoch;
use crate::domain::target::{SshRequest, SshSettings};
use crate::runner::control::HostFacts;
use crate::ssh::{Link, Reached};

/// A link that was up for less than this was none: the next dial waits.
const HELD: Duration = Duration::from_secs(10);
/// Bytes after which a link was one, however short it lasted: far more than a
/// server sends that lets us in and then thinks better of it.
const MUCH: u64 = 1 << 20;
/// How long after a link came up a host that is known is asked what it is by now:
/// those who wait for the link have it to themselves until then.
const PROBE_AFTER: Duration = Duration::from_secs(1);
/// How long a link's refusal counts. What is lost by asking once more is a
/// round trip, and what is gained is a handshake and a process on the host.
const FORGET: Duration = Duration::from_secs(300);

/// What a connection is made of.
#[derive(Debug)]
pub struct ConnectionArgs {
    /// The remote's name, or the destination as it was given.
    pub place: String,
    /// What to dial.
    pub request: SshRequest,
    /// How long a link without channels is kept.
    pub idle: Duration,
    /// Who turns the request into settings.
    pub resolver: ActorRef<ResolverMsg>,
    /// Who brings links up.
    pub dialer: Arc<dyn Dialer>,
    /// Where a person is asked.
    pub attention: Attention,
    /// Where what happens is written down.
    pub journal: Journal,
    /// Where its state is published.
    pub report: watch::Sender<LinkReport>,
}

/// What a connection is told.
#[derive(Debug)]
pub enum ConnectionMsg {
    /// Somebody wants a channel.
    OpenChannel(ChannelRequest),
    /// A person wants a try now.
    Reconnect,
    /// The network changed, or the machine woke.
    Nudged,
    /// The host can be reached again.
    Reached {
        /// The pause in which it was looked out for.
        epoch: Epoch,
        /// The connection that was taken.
        reached: Reached,
    },
    /// `ssh_config` is another one: what is wrong may be mended by it.
    SshConfigEdited,
    /// What it comes to by now.
    SettingsRead(Box<Result<SshSettings, LinkTrouble>>),
    /// There will be no new sessions; those that are here go on.
    Drain,
    /// The remote is again what it was: it takes new sessions.
    EndDrain,
    /// A dial is over.
    DialFinished {
        /// Which.
        epoch: Epoch,
        /// What was dialled, where that could be told.
        settings: Option<Box<SshSettings>>,
        /// The link, or why there is none.
        result: Result<Link, LinkTrouble>,
    },
    /// A link is gone.
    LinkLost {
        /// Which.
        link: LinkId,
        /// How.
        trouble: LinkTrouble,
    },
    /// A channel was given back.
    ChannelFreed {
        /// Its link.
        link: LinkId,
    },
    /// The server would not open a channel, or run the program on it.
    ChannelRefused {
        /// Its link.
        link: LinkId,
        /// Who still waits for one; `None` for a probe.
        request: Option<ChannelRequest>,
        /// How.
        trouble: LinkTrouble,
    },
    /// A channel could not be opened for another reason; its slot is free.
    ChannelFailed {
        /// Who still waits for one.
        request: ChannelRequest,
    },
    /// What a person is asked for the remote is another thing, or nothing.
    QuestionChanged(Option<Box<QuestionView>>),
    /// A pause is over.
    RetryElapsed(Epoch),
    /// A link's idle timer ran out.
    IdleElapsed {
        /// The link.
        link: LinkId,
    },
    /// A link refused channels a while ago.
    RefusalAged {
        /// The link.
        link: LinkId,
    },
    /// It is time to ask a host that is known what it is by now.
    ProbeDue {
        /// The link that came up.
        link: LinkId,
    },
    /// The host was asked what it is.
    Probed {
        /// The link on which it was asked.
        link: LinkId,
        /// What it told, if it did.
        found: Option<Arc<HostFacts>>,
    },
    /// It is time for a spare channel.
    OpenSpare,
    /// A spare channel was opened, or could not be.
    SpareOpened(Option<Box<Spare>>),
    /// A spare channel was kept long enough.
    SpareExpired(Epoch),
    /// The actor is to fail.
    #[cfg(test)]
    Crash,
}

/// The actor. Its state is in `ConnectionState`.
#[derive(Debug)]
pub struct ConnectionActor;

/// What the actor keeps between messages.
#[derive(Debug)]
pub struct ConnectionState {
    args: ConnectionArgs,
    fsm: ConnectionFsm,
    queue: Queue,
    links: HashMap<LinkId, (Link, Instant)>,
    spare: Keeper,
    /// The link that a dial brought and that has no id yet.
    arrived: Option<Link>,
    facts: watch::Sender<Facts>,
    at: Whereabouts,
    next_try: Option<Instant>,
    dials: HashMap<Epoch, JoinHandle<()>>,
    /// What was last dialled.
    settings: Option<Arc<SshSettings>>,
    /// While a host that is away is looked out for.
    lookout: Option<Lookout>,
    /// What that has brought, for the dial that follows.
    reached: Option<Reached>,
    /// Since when no dial has succeeded.
    away: Option<Instant>,
    /// What was last dialled, or why that could not be told.
    dialled: Option<Result<SshSettings, LinkTrouble>>,
    /// `ssh_config` was edited during a dial, which may not know it yet.
    edited: bool,
    question: Option<QuestionView>,
    questions: JoinHandle<()>,
}

/// Also when the actor is killed or panics, which skips `post_stop`: a link that
/// nobody owns would be watched by its task for ever.
impl Drop for ConnectionState {
    fn drop(&mut self) {
        for (_, dial) in self.dials.drain() {
            dial.abort();
        }
        self.questions.abort();
        let links = self.links.drain().map(|(_, (link, _))| link).chain(self.arrived.take());
        let links: Vec<Link> = links.collect();
        // Outside a runtime nothing can be sent, and the sessions are gone too.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                for link in links {
                    link.close().await;
                }
            });
        }
    }
}

impl Actor for ConnectionActor {
    type Msg = ConnectionMsg;
    type State = ConnectionState;
    type Arguments = ConnectionArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<ConnectionMsg>,
        args: ConnectionArgs,
    ) -> Result<ConnectionState, ActorProcessingErr> {
        let at = args.report.borrow().at.clone();
        let questions = tasks::watch_question(myself, args.attention.clone(), args.place.clone());
        let mut state = ConnectionState {
            args,
            fsm: ConnectionFsm::default(),
            queue: Queue::default(),
            links: HashMap::new(),
            spare: Keeper::default(),
            arrived: None,
            facts: watch::Sender::new(Facts::Awaited),
            at,
            next_try: None,
            dials: HashMap::new(),
            settings: None,
            lookout: None,
            reached: None,
            away: None,
            dialled: None,
            edited: false,
            question: None,
            questions,
        };
        // The report may still be that of an actor that has failed.
        state.publish();
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<ConnectionMsg>,
        message: ConnectionMsg,
        state: &mut ConnectionState,
    ) -> Result<(), ActorProcessingErr> {
        state.handle(&myself, message);
        state.publish();
        Ok(())
    }

    /// Not after a failure: then there will be another actor for the remote.
    async fn post_stop(
        &self,
        _: ActorRef<ConnectionMsg>,
        state: &mut ConnectionState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.attention.forget(&state.args.place);
        Ok(())
    }
}

impl ConnectionState {
    fn handle(&mut self, myself: &ActorRef<ConnectionMsg>, message: ConnectionMsg) {
        match message {
            ConnectionMsg::OpenChannel(request) => {
                let Some(request) = self.grant_spare(myself, request) else { return };
                let asked = request.asked;
                self.queue.push(request);
                self.step(myself, Input::Wanted { asked });
            }
            ConnectionMsg::Reconnect => self.step(myself, Input::ReconnectAsked),
            ConnectionMsg::Nudged => self.step(myself, Input::Nudged),
            ConnectionMsg::Reached { epoch, reached } => {
                self.reached = Some(reached);
                self.step(myself, Input::Reached { epoch });
                // One that came too late, or for nobody.
                self.reached = None;
            }
            ConnectionMsg::SshConfigEdited => self.ssh_config_edited(myself),
            ConnectionMsg::SettingsRead(settings) => self.settings_read(myself, *settings),
            ConnectionMsg::Drain => {
                self.spare.take();
                self.step(myself, Input::DrainAsked);
            }
            ConnectionMsg::OpenSpare => self.open_spare(myself),
            ConnectionMsg::SpareOpened(Some(spare)) => {
                let epoch = self.spare.keep(*spare);
                myself.send_after(spare::KEPT, move || ConnectionMsg::SpareExpired(epoch));
            }
            ConnectionMsg::SpareOpened(None) => self.spare.cancel(),
            ConnectionMsg::SpareExpired(epoch) => self.spare.expire(epoch),
            ConnectionMsg::EndDrain => self.step(myself, Input::DrainRevoked),
            ConnectionMsg::DialFinished { epoch, settings, result } => {
                if let Some(settings) = &settings {
                    self.at = Whereabouts::remote(self.args.place.clone(), settings);
                    self.settings = Some(Arc::new(SshSettings::clone(settings)));
                }
                self.dialled = match (settings, &result) {
                    (Some(settings), _) => Some(Ok(*settings)),
                    (None, Err(trouble)) => Some(Err(trouble.clone())),
                    (None, Ok(_)) => None,
                };
                self.dial_finished(myself, epoch, result);
                if std::mem::take(&mut self.edited) {
                    self.ssh_config_edited(myself);
                }
            }
            ConnectionMsg::LinkLost { link, trouble } => {
                let Some((lost, up_since)) = self.links.remove(&link) else { return };
                self.spare.link_lost(link);
                let held = up_since.elapsed() >= HELD || lost.received() >= MUCH;
                warn!(remote = %self.args.place, %trouble, held, "link lost");
                self.step(myself, Input::LinkLost { link, trouble, held });
            }
            ConnectionMsg::ChannelFreed { link } => self.step(myself, Input::ChannelFreed { link }),
            ConnectionMsg::ChannelRefused { link, request, trouble } => {
                if let Some(request) = request {
                    self.queue.push_front(request);
                }
                self.step(myself, Input::ChannelRefused { link, trouble });
            }
            ConnectionMsg::ChannelFailed { request } => {
                self.queue.push_front(request);
                // Nobody has asked anew: a pause that began since goes on.
                self.step(myself, Input::Wanted { asked: false });
            }
            ConnectionMsg::QuestionChanged(question) => {
                self.question = question.map(|question| *question);
            }
            ConnectionMsg::RetryElapsed(epoch) => {
                self.step(myself, Input::RetryElapsed { epoch });
            }
            ConnectionMsg::IdleElapsed { link } => self.step(myself, Input::IdleElapsed { link }),
            ConnectionMsg::RefusalAged { link } => self.step(myself, Input::RefusalAged { link }),
            ConnectionMsg::ProbeDue { link } => {
                if self.links.contains_key(&link) {
                    // What is known is good enough where there is no room.
                    let _ = self.probe(myself);
                }
            }
            ConnectionMsg::Probed { link, found } => self.probed(link, found),
            #[cfg(test)]
            ConnectionMsg::Crash => panic!("as the test wants it"),
        }
    }

    /// Links that are up stay. One that is missing is asked about once more.
    fn ssh_config_edited(&mut self, myself: &ActorRef<ConnectionMsg>) {
        if self.fsm.trouble().is_some() {
            let (resolver, request) = (self.args.resolver.clone(), self.args.request.clone());
            tasks::read_settings(myself.clone(), resolver, request);
        } else {
            self.edited = self.fsm.state() == LinkState::Connecting;
        }
    }

    /// Tries once more at once if the edit has changed something for this host:
    /// a login that was refused is not repeated for an edit that was about others.
    /// What the system's `ssh` makes of it, it alone knows.
    fn settings_read(
        &mut self,
        myself: &ActorRef<ConnectionMsg>,
        settings: Result<SshSettings, LinkTrouble>,
    ) {
        let by_system = settings.as_ref().is_ok_and(|settings| settings.system_ssh.is_some());
        if self.fsm.trouble().is_some() && (by_system || self.dialled.as_ref() != Some(&settings)) {
            self.step(myself, Input::ReconnectAsked);
        }
    }

    fn probed(&mut self, link: LinkId, found: Option<Arc<HostFacts>>) {
        let first = self.links.keys().min();
        match found {
            Some(found) => _ = self.facts.send_replace(Facts::Known(found)),
            // An old answer is better than none, and the probe of a link that
            // came up since is still under way.
            None if self.facts.borrow().known().is_none()
                && first.is_none_or(|first| *first <= link) =>
            {
                self.facts.send_replace(Facts::None);
            }
            None => {}
        }
    }

    fn dial_finished(
        &mut self,
        myself: &ActorRef<ConnectionMsg>,
        epoch: Epoch,
        result: Result<Link, LinkTrouble>,
    ) {
        self.dials.remove(&epoch);
        let input = match result {
            Ok(link) => {
                self.args.attention.withdraw(&self.args.place);
                self.arrived = Some(link);
                Input::Dialled { epoch }
            }
            Err(trouble) => {
                info!(remote = %self.args.place, %trouble, "no link");
                let heals = heals_by_itself(&trouble);
                if !heals && !trouble.is_unanswered() {
                    // An answer would not mend what it failed of.
                    self.args.attention.withdraw(&self.args.place);
                }
                Input::DialFailed { epoch, trouble, heals }
            }
        };
        self.step(myself, input);
        // A dial that was overtaken brought a link that nobody wants.
        if let Some(link) = self.arrived.take() {
            tokio::spawn(async move { link.close().await });
        }
    }

    /// Takes an input in and performs what follows, until nothing more does.
    fn step(&mut self, myself: &ActorRef<ConnectionMsg>, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let waiting = self.queue.waiting();
            for effect in self.fsm.step(input, waiting) {
                if effect == Effect::Serve {
                    self.serve(myself);
                    inputs.push(Input::Served);
                } else {
                    self.perform(myself, effect);
                }
            }
        }
        if self.fsm.pause_epoch().is_none() {
            self.lookout = None;
        }
    }

    fn perform(&mut self, myself: &ActorRef<ConnectionMsg>, effect: Effect) {
        match effect {
            Effect::Dial(epoch) => {
                self.next_try = None;
                let (resolver, dialer) = (self.args.resolver.clone(), self.args.dialer.clone());
                let request = self.args.request.clone();
                let prompter = self.args.attention.prompter(self.args.place.clone());
                let reached = self.reached.take();
                let dial = tasks::dial(
                    myself.clone(),
                    Way { resolver, dialer, prompter, reached },
                    request,
                    epoch,
                );
                self.dials.insert(epoch, dial);
            }
            Effect::RetryAfter { epoch, failures, knocks } => {
                self.look_out(myself, epoch, knocks);
                let delay = Backoff::LINK.delay(failures, rand::random());
                self.next_try = Some(Instant::now() + delay);
                myself.send_after(delay, move || ConnectionMsg::RetryElapsed(epoch));
            }
            Effect::IdleAfter { link } => {
                myself.send_after(self.args.idle, move || ConnectionMsg::IdleElapsed { link });
            }
            Effect::ForgetAfter { link } => {
                myself.send_after(FORGET, move || ConnectionMsg::RefusalAged { link });
            }
            Effect::Keep(id) => self.keep(myself, id),
            Effect::Close(link) => {
                if let Some((link, _)) = self.links.remove(&link) {
                    tokio::spawn(async move { link.close().await });
                }
            }
            Effect::FailAsked(trouble) => {
                // Whoever is told reads in the report where it was tried.
                self.publish();
                for request in self.queue.take_asked() {
                    // Whoever asked may have gone.
                    let _ = request.reply.send(Err(trouble.clone()));
                }
            }
            Effect::Probe(id) => {
                if let Some((link, _)) = self.links.get(&id) {
                    lookout::for_link(myself.clone(), id, link.clone());
                }
            }
            Effect::Serve => self.serve(myself),
        }
    }

    fn look_out(&mut self, myself: &ActorRef<ConnectionMsg>, epoch: Epoch, knocks: bool) {
        let since = *self.away.get_or_insert_with(Instant::now);
        let (connection, dialer) = (myself.clone(), self.args.dialer.clone());
        self.lookout = self
            .settings
            .clone()
            .filter(|_| knocks)
            .map(|settings| lookout::for_host(connection, dialer, settings, epoch, since));
    }

    fn keep(&mut self, myself: &ActorRef<ConnectionMsg>, id: LinkId) {
        let Some(link) = self.arrived.take() else { return };
        info!(remote = %self.args.place, "link up");
        self.away = None;
        tasks::watch_link(myself.clone(), id, link.clone());
        let first = self.links.is_empty();
        self.links.insert(id, (link, Instant::now()));
        // The host may have changed since it was last seen: once for each time
        // that the first link to it comes up.
        if first && self.facts.borrow().known().is_some() {
            myself.send_after(PROBE_AFTER, move || ConnectionMsg::ProbeDue { link: id });
        } else if first && self.probe(myself) {
            self.facts.send_replace(Facts::Awaited);
        }
    }

    /// Asks the host what it is; whether it can be asked.
    fn probe(&mut self, myself: &ActorRef<ConnectionMsg>) -> bool {
        let Some(id) = self.fsm.take(Purpose::Control) else { return false };
        // A link leaves both maps in one step, so it is in both or in none.
        let Some((link, _)) = self.links.get(&id) else { return false };
        tasks::probe(myself.clone(), link.clone(), Slot::new(id, myself.clone()));
        true
    }

    /// Grants the spare channel to a start; else hands the request back.
    fn grant_spare(
        &mut self,
        myself: &ActorRef<ConnectionMsg>,
        request: ChannelRequest,
    ) -> Option<ChannelRequest> {
        if !request.is_start() || matches!(*self.facts.borrow(), Facts::Awaited) {
            return Some(request);
        }
        let Some(Spare { io, slot }) = self.spare.take() else { return Some(request) };
        let facts = self.facts.borrow().known();
        // Nobody there any more: what is granted closes as it drops.
        let _ = request.reply.send(Ok(Granted { io, facts, slot, primed: true }));
        self.order_spare(myself);
        None
    }

    fn order_spare(&mut self, myself: &ActorRef<ConnectionMsg>) {
        if self.spare.order() {
            myself.send_after(spare::AFTER, || ConnectionMsg::OpenSpare);
        }
    }

    fn open_spare(&mut self, myself: &ActorRef<ConnectionMsg>) {
        let waiting = self.queue.waiting();
        // Whoever waits goes before.
        let free = waiting.session == 0 && waiting.control == 0;
        let taken = if free { self.fsm.take(Purpose::Session) } else { None };
        match taken.and_then(|id| Some((id, self.links.get(&id)?.0.clone()))) {
            Some((id, link)) => {
                let slot = Slot::new(id, myself.clone());
                spare::open(myself.clone(), link, slot);
            }
            None => self.spare.cancel(),
        }
    }

    fn serve(&mut self, myself: &ActorRef<ConnectionMsg>) {
        for purpose in [Purpose::Control, Purpose::Session] {
            self.serve_line(myself, purpose);
        }
    }

    fn serve_line(&mut self, myself: &ActorRef<ConnectionMsg>, purpose: Purpose) {
        while let Some(request) = self.queue.pop(purpose) {
            if request.reply.is_closed() {
                continue;
            }
            let Some(id) = self.fsm.take(purpose) else {
                self.queue.push_front(request);
                // Its place is wanted; that it is free comes as a message.
                self.spare.take();
                return;
            };
            if request.is_start() {
                self.order_spare(myself);
            }
            let slot = Slot::new(id, myself.clone());
            // A link leaves both maps in one step, so it is in both or in none.
            if let Some((link, _)) = self.links.get(&id) {
                tasks::open_channel(link.clone(), slot, request, self.facts.subscribe());
            }
        }
    }

    /// Publishes what has changed, and writes a change of state down.
    fn publish(&mut self) {
        let state = match self.fsm.state() {
            // It goes on as soon as somebody answers.
            LinkState::Connecting if self.question.is_some() => LinkState::NeedsAttention,
            state => state,
        };
        let failure = self.fsm.trouble().map(|trouble| link_failure(trouble, &self.at));
        if failure.is_none() {
            self.next_try = None;
        }
        let new = LinkReport {
            state,
            links: self.links.len(),
            failures: self.fsm.failures(),
            next_try: self.next_try,
            trouble: self.fsm.trouble().cloned(),
            failure: failure.clone(),
            at: self.at.clone(),
            transport: self.settings.as_ref().map(|settings| settings.transport.clone()),
            question: self.question.clone(),
            facts: self.facts.borrow().known(),
            ..LinkReport::new(String::new(), now())
        };
        let mut moved = false;
        self.args.report.send_if_modified(|report| {
            let change = report.follow(new);
            moved = change == Change::State;
            change != Change::Nothing
        });
        if moved {
            self.args.journal.write(EventKind::LinkChanged {
                remote: self.args.place.clone(),
                state,
                failure: failure.map(|failure| failure.code),
            });
        }
    }
}
