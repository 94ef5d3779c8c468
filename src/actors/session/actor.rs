//! The actor itself: messages in, effects out.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::info;

use super::agent::{Ears, Listener};
use super::detecting::agents_there;
use super::host::{Channel, Host, Want};
use super::input::{Delivery, Feeding};
use super::outcome::{Evidence, TAIL, outcome};
use super::saver;
use super::tasks::{self, OwnLaunch};
use super::turn::{Turn, came, watch_turn};
use super::warnings;
use crate::actors::journal::Journal;
use crate::actors::now;
use crate::domain::adopt::Meta;
use crate::domain::agent::AgentRun;
use crate::domain::config::{EnvName, EnvValue};
use crate::domain::event::EventKind;
use crate::domain::failure::trouble::{LinkTrouble, SessionTrouble};
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::ids::Epoch;
use crate::domain::launch::Launch;
use crate::domain::origin::Origin;
use crate::domain::session::attempt::Death;
use crate::domain::session::fsm::SessionFsm;
use crate::domain::session::fsm::{Effect, End, FollowEnd, Input, Known, Order, OrderEnd};
use crate::domain::session::{
    Ending, Obstacle, Ordered, Outcome, Phase, Pulse, SessionRecord, SessionState, StopOrder,
};
use crate::domain::stream::Stream;
use crate::runner::follow::{Errand, Note};
use crate::runner::program::USUAL_SPOOLS;
use crate::store::mirror::Mirror;
use crate::store::registry::Registry;

/// What a session is made of.
#[derive(Debug)]
pub struct SessionArgs {
    /// What is remembered of it; it is in the registry.
    pub record: SessionRecord,
    /// Its mirror.
    pub mirror: Mirror,
    /// Where it runs.
    pub host: Host,
    /// Whether it may start.
    pub turn: watch::Receiver<Turn>,
    /// The variables that the configuration sets.
    pub config_env: BTreeMap<EnvName, EnvValue>,
    /// What it was given itself; `None` after a restart.
    pub own: Option<OwnLaunch>,
    /// Seconds between TERM and KILL when its time is up.
    pub kill_grace_s: u64,
    /// The control machine that starts it.
    pub origin: Origin,
    /// Where it is remembered.
    pub registry: Registry,
    /// Where what happens is written down.
    pub journal: Journal,
    /// Where its record is published.
    pub records: watch::Sender<SessionRecord>,
    /// Where what changes is published.
    pub pulse: watch::Sender<Pulse>,
    /// Where the revision is published that the registry has.
    pub saved: watch::Sender<u64>,
}

/// What a session is told.
#[derive(Debug)]
pub enum SessionMsg {
    /// Signal or stop it; the answer is the revision of the record that has it.
    Order(Order, Option<RpcReplyPort<u64>>),
    /// So much input was taken for it, and whether that is all.
    InputAccepted {
        /// Bytes in all.
        accepted: u64,
        /// Whether there will be no more.
        eof: bool,
    },
    /// What the start needs was got together, or cannot be.
    Prepared(Result<Box<Launch>, SessionTrouble>),
    /// The request for a channel was answered.
    #[doc(hidden)]
    ChannelAnswered { epoch: Epoch, answer: Box<Result<Channel, LinkTrouble>> },
    /// The spool is claimed.
    Claimed {
        /// The follower that tells it.
        epoch: Epoch,
    },
    /// The session was seen to run, and its output streams from here on.
    Streaming {
        /// The follower that tells it.
        epoch: Epoch,
        /// The command's process id, where it has one by now.
        pid: Option<u32>,
    },
    /// The runner has something to tell that is no end.
    Noted {
        /// The follower that tells it.
        epoch: Epoch,
        /// What.
        note: Note,
    },
    /// A follower has ended.
    FollowerEnded {
        /// Which.
        epoch: Epoch,
        /// How.
        how: FollowEnd,
    },
    /// An order was carried out, or not.
    OrderDone {
        /// Which try.
        epoch: Epoch,
        /// How it went.
        how: OrderEnd,
    },
    /// A delivery of input is over.
    InputDelivered(Delivery),
    /// Its turn has come, or it waits for something else.
    TurnChanged(Turn),
    /// A pause is over.
    PauseElapsed(Epoch),
    /// It could not be started for as long as it may take.
    StartDeadlineElapsed,
    /// It has run for as long as it may.
    TimeUp,
    /// Its agent has told more of its work: all of it so far.
    AgentHeard(Box<AgentRun>),
    /// How it ended has been made out, and all that its agent told.
    Concluded(Box<Outcome>, Option<Box<AgentRun>>),
    /// The registry knows that it has ended.
    Settled,
    /// The actor is to fail.
    #[cfg(test)]
    Crash,
}

/// The actor. its state is in `State`.
#[derive(Debug)]
pub struct SessionActor;

/// What the actor keeps between messages.
#[derive(Debug)]
pub struct State {
    args: SessionArgs,
    fsm: SessionFsm,
    launch: Option<Box<Launch>>,
    granted: Option<Channel>,
    /// The request or the follower that is under way.
    task: Option<JoinHandle<()>>,
    order_task: Option<JoinHandle<()>>,
    link_task: Option<JoinHandle<()>>,
    turn_task: Option<JoinHandle<()>>,
    feeding: Feeding,
    /// Who listens to its agent, where it has one.
    listener: Option<Listener>,
    /// Whether the registry knows that the launch was, or may have been, sent.
    starting_saved: watch::Receiver<bool>,
    path: String,
    /// What its end amounts to.
    death: Death,
}

impl Actor for SessionActor {
    type Msg = SessionMsg;
    type State = State;
    type Arguments = SessionArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMsg>,
        args: SessionArgs,
    ) -> Result<State, ActorProcessingErr> {
        let known = match args.record.phase {
            Phase::Waiting => Known::Unsent,
            Phase::Starting => Known::Sent,
            Phase::Running { .. } | Phase::Ended { .. } => Known::Claimed,
        };
        let order = args.record.stop.as_ref().map(StopOrder::order);
        let timed_out = args.record.stop.as_ref().is_some_and(|stop| stop.timed_out);
        let (fsm, effects) = SessionFsm::begin(known, order, timed_out);
        let starting_saved = saver::spawn(
            myself.clone(),
            args.records.subscribe(),
            args.registry.clone(),
            args.mirror.clone(),
            args.saved.clone(),
            args.own.as_ref().is_none_or(|own| !own.is_empty()),
        );
        let listener = args.record.agent_run.as_deref().map(|run| {
            let ears = Ears {
                session: args.record.id.clone(),
                mirror: args.mirror.clone(),
                pulse: args.pulse.subscribe(),
                journal: args.journal.clone(),
                registry: args.registry.clone(),
            };
            Listener::spawn(myself.clone(), ears, run)
        });
        let mut state = State {
            listener,
            fsm,
            launch: None,
            granted: None,
            task: None,
            order_task: None,
            link_task: tasks::watch_link(&args.host, &args.pulse),
            turn_task: watch_turn(myself.clone(), args.turn.clone()),
            feeding: Feeding::new(),
            starting_saved,
            path: String::new(),
            death: Death::NotToRepeat,
            args,
        };
        state.begin(&myself, known);
        state.perform_all(&myself, effects);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMsg>,
        message: SessionMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.handle(&myself, message);
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.feeding.stop();
        if let Some(listener) = &self.listener {
            listener.stop();
        }
        let tasks = [&self.task, &self.order_task, &self.link_task, &self.turn_task];
        for task in tasks.into_iter().flatten() {
            task.abort();
        }
    }
}

impl State {
    fn begin(&mut self, myself: &ActorRef<SessionMsg>, known: Known) {
        let turn = self.args.turn.borrow().clone();
        self.turn_changed(&turn);
        if known == Known::Unsent
            && let Some(seconds) = self.args.record.start_within_s
        {
            self.arm_start_deadline(myself, seconds, turn == Turn::Came);
        }
        self.arm_timeout(myself);
    }

    /// Its time for a start is for hosts that do not answer: it does not pass
    /// while it waits for its turn, unless somebody has set one for this session.
    fn arm_start_deadline(&self, myself: &ActorRef<SessionMsg>, seconds: u64, turn_came: bool) {
        let record = &self.args.record;
        if !turn_came && !record.start_within_given {
            let mut turn = self.args.turn.clone();
            let came = async move { came(&mut turn).await };
            tasks::count_from(myself.clone(), came, seconds);
            return;
        }
        let turn_at = record.ticket.turn_at.filter(|_| !record.start_within_given);
        let begun = turn_at.or(record.attempts.starts_at).unwrap_or(record.created_at);
        let left = Duration::from_secs(seconds).saturating_sub(begun.until(now()));
        myself.send_after(left, || SessionMsg::StartDeadlineElapsed);
    }

    /// Remembers whether it waits, for the start after a restart.
    fn turn_changed(&mut self, turn: &Turn) {
        let ticket = &mut self.args.record.ticket;
        let changed = match turn {
            Turn::NotDue => false,
            Turn::Waits(_) => !std::mem::replace(&mut ticket.waits, true),
            Turn::Came => ticket.turn_came(now()),
        };
        if changed && self.args.record.is_live() {
            self.save();
        }
        let waits_for = turn.waits_for().cloned();
        self.args.pulse.send_if_modified(|pulse| {
            let changed = pulse.waits_for != waits_for;
            pulse.waits_for = waits_for;
            changed
        });
    }

    fn handle(&mut self, myself: &ActorRef<SessionMsg>, message: SessionMsg) {
        match message {
            SessionMsg::Order(order, reply) => {
                if self.args.record.is_live() {
                    let ordered = &mut self.args.record.attempts.ordered;
                    *ordered = Ordered::by(&order).max(*ordered);
                    // What an earlier one left is looked for anew.
                    warnings::forget_survivors(&mut self.args.record.warnings);
                    self.save();
                }
                self.step(myself, Input::StopOrdered(order));
                if let Some(reply) = reply {
                    let _ = reply.send(self.args.record.revision);
                }
            }
            SessionMsg::InputAccepted { accepted, eof } => {
                let stdin = &mut self.args.record.stdin;
                stdin.accepted = stdin.accepted.max(accepted);
                stdin.eof |= eof;
                self.save();
                self.feed(myself);
            }
            SessionMsg::InputDelivered(delivery) => {
                self.feeding.done(delivery, &mut self.args.record.stdin);
                self.save();
                self.feed(myself);
            }
            SessionMsg::Prepared(Ok(launch)) => {
                self.launch = Some(launch);
                self.step(myself, Input::Prepared);
            }
            SessionMsg::Prepared(Err(trouble)) => {
                self.step(myself, Input::PreparationFailed(trouble));
            }
            SessionMsg::ChannelAnswered { epoch, answer } => match *answer {
                Ok(channel) => {
                    self.granted = Some(channel);
                    self.step(myself, Input::Granted { epoch });
                    // A grant that came too late closes here.
                    self.granted = None;
                }
                Err(trouble) => self.step(myself, Input::Denied { epoch, trouble }),
            },
            SessionMsg::Claimed { epoch } => {
                self.step(myself, Input::Claimed { epoch });
                self.feed(myself);
            }
            SessionMsg::Streaming { epoch, pid } => {
                if let Phase::Running { pid: known } = &mut self.args.record.phase
                    && pid.is_some()
                    && *known != pid
                {
                    *known = pid;
                    self.save();
                }
                self.step(myself, Input::Streaming { epoch });
            }
            // It holds whichever follower has told it.
            SessionMsg::Noted { epoch: _, note } => self.warn(note),
            SessionMsg::FollowerEnded { epoch, how } => {
                self.step(myself, Input::FollowerEnded { epoch, how });
            }
            SessionMsg::OrderDone { epoch, how } => {
                self.note_survivors(&how);
                self.step(myself, Input::OrderDone { epoch, how });
            }
            SessionMsg::TurnChanged(turn) => self.turn_changed(&turn),
            SessionMsg::PauseElapsed(epoch) => self.step(myself, Input::PauseElapsed { epoch }),
            SessionMsg::StartDeadlineElapsed => {
                let seconds = self.args.record.start_within_s.unwrap_or_default();
                if !self.args.record.start_within_given
                    && let Some(answered) = self.args.host.person_needed()
                {
                    return tasks::count_from(myself.clone(), answered, seconds);
                }
                let last = self.args.host.trouble();
                self.step(myself, Input::StartDeadlineElapsed { seconds, last });
            }
            SessionMsg::TimeUp => {
                let grace_s = self.args.kill_grace_s;
                self.step(myself, Input::TimeUp { grace_s });
            }
            SessionMsg::AgentHeard(run) => {
                // What was told again after a restart is no news.
                if self.args.record.is_live() && self.args.record.agent_run.as_ref() != Some(&run) {
                    self.args.record.agent_run = Some(run);
                    self.save();
                }
            }
            SessionMsg::Concluded(outcome, run) => {
                if run.is_some() {
                    self.args.record.agent_run = run;
                }
                self.concluded(*outcome);
            }
            SessionMsg::Settled => myself.stop(None),
            #[cfg(test)]
            SessionMsg::Crash => panic!("as the test wants it"),
        }
    }

    fn step(&mut self, myself: &ActorRef<SessionMsg>, input: Input) {
        let effects = self.fsm.step(input);
        self.perform_all(myself, effects);
    }

    fn perform_all(&mut self, myself: &ActorRef<SessionMsg>, effects: Vec<Effect>) {
        for effect in effects {
            self.perform(myself, effect);
        }
    }

    fn perform(&mut self, myself: &ActorRef<SessionMsg>, effect: Effect) {
        match effect {
            Effect::Prepare => {
                self.task = Some(tasks::prepare(
                    myself.clone(),
                    self.args.record.clone(),
                    self.args.config_env.clone(),
                    self.args.own.take(),
                    self.args.mirror.clone(),
                    self.args.host.clone(),
                    self.args.turn.clone(),
                ));
            }
            Effect::RequestChannel { epoch, starts } => {
                let want = match (starts, self.fsm.known()) {
                    // Nobody sits there who has just asked for a later attempt.
                    (true, Known::Unsent) if self.args.record.attempts.number == 1 => {
                        Want::FreshStart
                    }
                    (true, _) => Want::Start,
                    (false, _) => Want::Follow,
                };
                let host = self.args.host.clone();
                self.task = Some(tasks::request_channel(myself.clone(), host, want, epoch));
            }
            Effect::RunFollower { epoch, starts } => self.run_follower(myself, epoch, starts),
            Effect::StandDown => {
                if let Some(task) = self.task.take() {
                    task.abort();
                }
            }
            Effect::Pause { epoch, millis } => {
                let after = Duration::from_millis(millis);
                myself.send_after(after, move || SessionMsg::PauseElapsed(epoch));
            }
            Effect::CarryOut { epoch, order, after_millis } => {
                let (host, id) = (self.args.host.clone(), self.args.record.id.clone());
                let after = Duration::from_millis(after_millis);
                // A newer order goes before what is left of an older one.
                if let Some(older) = self.order_task.take() {
                    older.abort();
                }
                let task = tasks::carry_out(myself.clone(), host, id, order, epoch, after);
                self.order_task = Some(task);
            }
            Effect::RecordStarting => self.enter(Phase::Starting),
            Effect::RecordRunning => {
                self.args.record.started_at.get_or_insert_with(now);
                self.enter(Phase::Running { pid: None });
                self.launch = None;
                self.arm_timeout(myself);
            }
            Effect::RecordOrder(order) => {
                let timed_out = self.fsm.timed_out();
                let given = |order| StopOrder::given(order, now(), timed_out);
                self.args.record.stop = order.map(given);
                self.publish();
            }
            Effect::End(end) => self.conclude(myself, end),
        }
    }

    fn run_follower(&mut self, myself: &ActorRef<SessionMsg>, epoch: Epoch, starts: bool) {
        let Some(channel) = self.granted.take() else { return };
        if let Some(path) = &channel.path {
            self.path.clone_from(path);
        }
        let errand = match &self.launch {
            Some(launch) if starts => {
                let path = channel.path.clone();
                let meta = Meta::of(&self.args.record, &self.args.origin, now()).line();
                Errand::Start(Box::new(Launch { path, meta, ..Launch::clone(launch) }))
            }
            _ => Errand::Follow(self.args.record.id.clone()),
        };
        let follower = tasks::run_follower(
            myself.clone(),
            self.args.host.clone(),
            channel,
            errand,
            self.args.mirror.clone(),
            self.args.pulse.clone(),
            epoch,
        );
        let (mut saved, session) = (self.starting_saved.clone(), myself.clone());
        self.task = Some(tokio::spawn(async move {
            // A launch that nobody remembers after a crash could neither be
            // stopped nor reported: it is on record before it is sent.
            if starts && saved.wait_for(|saved| *saved).await.is_err() {
                return;
            }
            // A follower that panics must be heard of like any that ends.
            if AssertUnwindSafe(follower).catch_unwind().await.is_err() {
                let how = FollowEnd::Cut { held: false };
                let _ = session.cast(SessionMsg::FollowerEnded { epoch, how });
            }
        }));
    }

    fn arm_timeout(&mut self, myself: &ActorRef<SessionMsg>) {
        let (Some(started), Some(seconds)) =
            (self.args.record.started_at, self.args.record.timeout_s)
        else {
            return;
        };
        let left = Duration::from_secs(seconds).saturating_sub(started.until(now()));
        myself.send_after(left, || SessionMsg::TimeUp);
    }

    fn feed(&mut self, myself: &ActorRef<SessionMsg>) {
        if self.fsm.known() == Known::Claimed && !self.fsm.is_over() {
            let SessionArgs { host, record, mirror, .. } = &self.args;
            self.feeding.feed(myself, host, &record.id, mirror, &record.stdin);
        }
    }

    /// Makes out what the end means; the session's own words are in a file.
    fn conclude(&mut self, myself: &ActorRef<SessionMsg>, end: End) {
        self.feeding.stop();
        let (session, mirror) = (myself.clone(), self.args.mirror.clone());
        let (record, at) = (self.args.record.clone(), self.args.host.whereabouts());
        let (path, timed_out) = (self.path.clone(), self.fsm.timed_out());
        self.death = Death::of(&end, timed_out);
        let stderr = self.args.pulse.borrow().stderr;
        let spools = self.args.host.root().unwrap_or(USUAL_SPOOLS).to_owned();
        let heard = self.listener.as_ref().map(Listener::to_the_end);
        let host = self.args.host.clone();
        tokio::spawn(async move {
            let speaks = matches!(
                end,
                End::Told(Ending::Ran(_) | Ending::Starved(_) | Ending::Stumbled { .. })
            );
            let tail = if speaks && stderr > 0 {
                mirror.last_bytes(Stream::Stderr, stderr, TAIL).await.unwrap_or_default()
            } else {
                bytes::Bytes::new()
            };
            let run = match heard {
                Some(heard) => Some(Box::new(heard.await)),
                None => None,
            };
            let instead = match &end {
                End::Told(Ending::Stumbled { over: Obstacle::ProgramMissing, .. })
                    if record.agent.is_some() =>
                {
                    agents_there(&host, &record.place).await
                }
                _ => Vec::new(),
            };
            let (record, path, spools, run_ref) = (&record, &path, &spools, run.as_deref());
            let (stderr, run_ref, instead) = (&tail, run_ref, &instead);
            let evidence =
                Evidence { record, at, stderr, path, spools, timed_out, run: run_ref, instead };
            let outcome = outcome(end, &evidence);
            let _ = session.cast(SessionMsg::Concluded(Box::new(outcome), run));
        });
    }

    /// Remembers what was noted, once.
    fn warn(&mut self, note: Note) {
        let trouble = match note {
            Note::EndsAtLogout => SessionTrouble::EndsAtLogout,
        };
        let at = self.at();
        if warnings::add(&mut self.args.record.warnings, &trouble, &at) {
            self.publish();
        }
    }

    /// Remembers what an order to stop has left.
    fn note_survivors(&mut self, how: &OrderEnd) {
        let stops = |stop: &StopOrder| matches!(stop.order(), Order::Stop { .. });
        let at = self.at();
        if self.args.record.stop.as_ref().is_some_and(stops)
            && warnings::after_stop(&mut self.args.record.warnings, how, &at)
        {
            self.publish();
        }
    }

    fn at(&self) -> Whereabouts {
        self.args.host.whereabouts().session(self.args.record.id.clone())
    }

    fn concluded(&mut self, outcome: Outcome) {
        self.args.record.ended_at = Some(now());
        self.args.record.stop = None;
        if self.fsm.known() == Known::Unsent {
            // It never had a spool.
            self.args.record.spool_gone_at = self.args.record.ended_at;
        }
        if self.args.record.attempts.go_on_after(self.death) {
            self.args.record.attempts.next = Some(self.args.record.id.next_attempt());
        }
        let (stdout, stderr) = {
            let pulse = self.args.pulse.borrow();
            (pulse.stdout, pulse.stderr)
        };
        (self.args.record.stdout, self.args.record.stderr) = (stdout, stderr);
        info!(session = %self.args.record.id, state = outcome.state().as_str(), "ended");
        self.enter(Phase::Ended { outcome });
    }

    fn enter(&mut self, phase: Phase) {
        self.args.record.phase = phase;
        self.publish();
    }

    fn save(&mut self) {
        self.args.record.revision += 1;
        self.args.records.send_replace(self.args.record.clone());
    }

    /// Saves the record, and tells of a change of state.
    fn publish(&mut self) {
        self.save();
        let record = &self.args.record;
        let state = record.state();
        let link = if state.has_ended() { None } else { self.args.host.link() };
        let mut before = SessionState::Waiting;
        self.args.pulse.send_modify(|pulse| {
            before = pulse.state;
            pulse.state = state;
            pulse.link = link;
            pulse.exit = record.exit();
            pulse.failure = record.failure().cloned();
            pulse.warnings.clone_from(&record.warnings);
            if state.has_ended() {
                pulse.mirror_paused = None;
                pulse.mirror_behind = None;
                pulse.waits_for = None;
            }
        });
        if before != state {
            self.args.journal.write(EventKind::SessionChanged {
                session: record.id.clone(),
                state,
                exit: record.exit(),
                failure: record.failure().map(|failure| failure.code.clone()),
            });
        }
    }
}
