//! The loop that follows one session.

use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::copier::Copier;
use super::interrupts::{Asked, Interrupts, Leave, Signals};
use super::notice::Notice;
use super::shown::Form;
use crate::api::client::{Client, ClientError, Pulses};
use crate::api::types::{AttemptView, Pulse, RestartPolicy, SessionView, Stream};
use crate::cli::attention::{Asking, Put};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{say, say_raw};
use crate::cli::render::{attempt_words, question_line, state_words};

/// How often in a row the daemon may go away without a pulse in between, before
/// it is given up: it is started again each time.
const TRIES: u32 = 5;

/// How following ended.
#[derive(Debug)]
pub(in crate::cli) enum Followed {
    /// The session has ended, with all its attempts, and all output was written.
    Ended(Box<Ended>),
    /// We leave, and it goes on.
    Left(Leave),
}

/// The end of a session.
#[derive(Debug)]
pub(in crate::cli) struct Ended {
    /// Its id: the last attempt's.
    pub(in crate::cli) id: String,
    /// The last that was told of it.
    pub(in crate::cli) pulse: Pulse,
}

/// One session that is followed, from attempt to attempt.
#[derive(Debug)]
pub(in crate::cli) struct Follower<'a> {
    context: &'a Context,
    id: String,
    /// How the output is written.
    form: Form,
    attempt: AttemptView,
    copiers: Vec<Copier>,
    pulse: Pulse,
    notice: Notice,
    /// Where Ctrl-C means the session; `None` where it ends us, as usual.
    signals: Option<Signals>,
    interrupts: Interrupts,
    feeder: Option<JoinHandle<Result<(), CliError>>>,
    /// Whether a person at the terminal is asked what the remote needs.
    asks: bool,
    /// Whether the daemon was told to stop, and no other has told anything yet.
    stopped: bool,
    asking: Option<Asking>,
}

/// What one turn of the loop brought.
enum Turn {
    Watched(Result<Option<Box<Pulse>>, ClientError>),
    Copied(Result<(), CliError>),
    Fed(Result<(), CliError>),
    Asked(Asked),
    Put(Result<Put, CliError>),
    Tick,
}

impl<'a> Follower<'a> {
    /// Follows `view`, each stream from its offset.
    pub(in crate::cli) fn new(
        context: &'a Context,
        view: &SessionView,
        streams: &[(Stream, u64)],
        form: Form,
    ) -> Self {
        let copier = |&(stream, at)| Copier::new(&context.client, view, stream, at, form);
        Self {
            context,
            id: view.id.to_string(),
            form,
            attempt: view.attempt.clone(),
            copiers: streams.iter().map(copier).collect(),
            pulse: pulse_of(view),
            notice: Notice::new(&view.place),
            signals: None,
            interrupts: Interrupts::default(),
            feeder: None,
            asks: false,
            stopped: false,
            asking: None,
        }
    }

    /// Has Ctrl-C mean the session, and HUP and TERM only leave it.
    pub(in crate::cli) fn with_signals(mut self, signals: Signals) -> Self {
        self.signals = Some(signals);
        self
    }

    /// Has no line drawn that updates: there are other followers.
    pub(in crate::cli) fn draw_nothing(&mut self) {
        self.notice.hold(true);
    }

    /// Has the person at the terminal asked what the remote needs.
    pub(in crate::cli) fn with_questions(mut self) -> Self {
        self.asks = std::io::stderr().is_terminal();
        self
    }

    /// Feeds the session meanwhile.
    pub(in crate::cli) fn with_feeder(
        mut self,
        feed: impl Future<Output = Result<(), CliError>> + Send + 'static,
    ) -> Self {
        self.feeder = Some(tokio::spawn(feed));
        self
    }

    /// Follows until the session has ended and all was written, or until we are
    /// told to leave.
    ///
    /// A daemon that dies meanwhile is started again; one that was stopped is
    /// not, since somebody wanted that. It may be one that another takes the place
    /// of, which is followed then.
    pub(in crate::cli) async fn run(mut self) -> Result<Followed, CliError> {
        self.ask();
        let mut tries = 0;
        loop {
            let watched = match self.context.client.watch(&self.id).await {
                Ok(mut pulses) => self.follow(&mut pulses, &mut tries).await?,
                Err(error) => Watched::Broken(error),
            };
            match watched {
                Watched::Done(Followed::Ended(ended)) => match self.next_attempt().await {
                    Ok(Some(next)) => self.move_on(&next),
                    Ok(None) => return Ok(Followed::Ended(ended)),
                    Err(error) => {
                        tries += 1;
                        self.restart(error, tries).await?;
                    }
                },
                Watched::Done(left) => return Ok(left),
                Watched::Stopped => self.succeed().await?,
                // What answered a moment ago was the one that was stopped.
                Watched::Broken(error) if self.stopped && is_away(&error) => self.succeed().await?,
                Watched::Broken(error) => {
                    tries += 1;
                    self.restart(error, tries).await?;
                }
            }
        }
    }

    /// Waits for the daemon that takes the place of the one that was stopped.
    async fn succeed(&mut self) -> Result<(), CliError> {
        self.stopped = true;
        if self.context.await_successor().await {
            return Ok(());
        }
        Err(CliError::DaemonStopped { id: self.id.clone() })
    }

    /// The attempt after the one that has ended, where there is one.
    async fn next_attempt(&self) -> Result<Option<SessionView>, ClientError> {
        if self.attempt.policy == RestartPolicy::Never {
            return Ok(None);
        }
        let view = self.context.client.session(&self.id).await?;
        match view.attempt.next {
            Some(next) => self.context.client.session(next.as_str()).await.map(Some),
            None => Ok(None),
        }
    }

    /// Follows the next attempt from its beginning. What feeds the session goes
    /// on: it is sent to whichever attempt there is.
    fn move_on(&mut self, next: &SessionView) {
        self.notice.clear();
        let ended = state_words(self.pulse.state, self.pulse.exit, self.pulse.failure.as_ref());
        say(&format!(
            "attempt {} {ended}; {} ({})",
            self.attempt.number,
            attempt_words(&next.attempt, SystemTime::now()),
            next.id
        ));
        let streams: Vec<Stream> = self.copiers.iter().map(Copier::stream).collect();
        let client = &self.context.client;
        self.copiers =
            streams.iter().map(|&s| Copier::new(client, next, s, 0, self.form)).collect();
        self.id = next.id.to_string();
        self.attempt = next.attempt.clone();
        self.pulse = pulse_of(next);
        self.notice = Notice::new(&next.place);
    }

    async fn restart(&mut self, error: ClientError, tries: u32) -> Result<(), CliError> {
        if !is_away(&error) || tries > TRIES {
            return Err(error.into());
        }
        if tries > 1 {
            sleep(Duration::from_millis(100) * tries).await;
        }
        match self.context.call(Client::version).await {
            // It died as it was asked: whoever watches next finds that, and counts.
            Err(CliError::Client(error)) if is_away(&error) => Ok(()),
            answered => answered.map(drop),
        }
    }

    async fn follow(&mut self, pulses: &mut Pulses, tries: &mut u32) -> Result<Watched, CliError> {
        loop {
            if self.copy_more()? {
                let (id, pulse) = (self.id.clone(), self.pulse.clone());
                return Ok(Watched::Done(Followed::Ended(Box::new(Ended { id, pulse }))));
            }
            match self.turn(pulses).await {
                Turn::Watched(Ok(Some(pulse))) => {
                    *tries = 0;
                    self.stopped = false;
                    self.pulse = *pulse;
                    self.ask();
                    self.notice.pulse(&self.pulse);
                }
                Turn::Watched(Ok(None)) => return Ok(Watched::Stopped),
                Turn::Watched(Err(error)) => return Ok(Watched::Broken(error)),
                Turn::Copied(Err(CliError::Client(error))) => return Ok(Watched::Broken(error)),
                Turn::Copied(copied) => copied?,
                // The session goes on without; it was told what came so far.
                Turn::Fed(fed) => self.fed(fed),
                Turn::Asked(Asked::Leave(leave)) => {
                    return Ok(Watched::Done(Followed::Left(leave)));
                }
                Turn::Asked(Asked::Interrupt) => {
                    self.notice.clear();
                    let client = &self.context.client;
                    if let Some(leave) =
                        self.interrupts.advance(client, &self.id, &self.pulse).await
                    {
                        return Ok(Watched::Done(Followed::Left(leave)));
                    }
                }
                Turn::Put(put) => self.put(put),
                Turn::Tick => self.notice.tick(&self.pulse),
            }
        }
    }

    /// Starts what can be copied; true when the session has ended and nothing is
    /// left.
    fn copy_more(&mut self) -> Result<bool, CliError> {
        let mut done = self.pulse.state.has_ended();
        for copier in &mut self.copiers {
            let length = self.pulse.length(copier.stream());
            if copier.at() < length {
                self.notice.clear();
                copier.start(length)?;
            }
            done &= !copier.is_busy() && copier.at() >= length;
        }
        if done {
            self.copiers.iter_mut().try_for_each(Copier::close)?;
        }
        Ok(done)
    }

    /// Waits for the next thing to happen. Every arm is cancel safe, and no
    /// arm's body awaits.
    async fn turn(&mut self, pulses: &mut Pulses) -> Turn {
        let ended = self.pulse.state.has_ended();
        let tick = self.notice.next_tick(&self.pulse);
        let (first, rest) = match self.copiers.as_mut_slice() {
            [] => (None, None),
            [first] => (Some(first), None),
            [first, rest, ..] => (Some(first), Some(rest)),
        };
        tokio::select! {
            // After the last pulse there is nothing to watch, only to copy.
            watched = pulses.next(), if !ended => {
                Turn::Watched(watched.map(|pulse| pulse.map(Box::new)))
            }
            copied = finished(first) => Turn::Copied(copied),
            copied = finished(rest) => Turn::Copied(copied),
            fed = joined(&mut self.feeder) => Turn::Fed(fed),
            asked = asked(self.signals.as_mut()) => Turn::Asked(asked),
            put = put(self.asking.as_mut()) => Turn::Put(put),
            () = at(tick) => Turn::Tick,
        }
    }

    /// Asks what is asked now, and stops asking what is not.
    fn ask(&mut self) {
        let link = self.pulse.link.as_ref();
        let question = link.and_then(|link| link.question.as_ref()).filter(|_| self.asks);
        if self.asking.as_ref().map(Asking::id) == question.map(|question| question.id) {
            return;
        }
        if self.asking.take().is_some_and(|asking| asking.is_under_way()) {
            say_raw("\n");
        }
        if let Some(question) = question {
            self.notice.clear();
            self.asking = Asking::begin(&self.context.client, question);
        }
        self.notice.hold(self.asking.is_some());
    }

    fn put(&mut self, put: Result<Put, CliError>) {
        match put {
            Ok(Put::Left) => {
                let remote = self.pulse.link.as_ref().and_then(|link| link.question.as_ref());
                if let Some(question) = remote {
                    say(&question_line(question));
                }
            }
            Ok(Put::Answered | Put::Shown | Put::Gone) => {}
            Err(error) => {
                if let Some(report) = error.report() {
                    say(&report);
                }
            }
        }
        self.notice.hold(false);
    }

    fn fed(&mut self, fed: Result<(), CliError>) {
        self.feeder = None;
        if let Err(error) = fed
            && let Some(report) = error.report()
        {
            self.notice.clear();
            say(&report);
        }
    }
}

/// Whether the daemon went away, and may be back soon.
fn is_away(error: &ClientError) -> bool {
    matches!(error, ClientError::Broken(_) | ClientError::NotRunning { .. })
}

/// What is known of a session before it is watched.
fn pulse_of(view: &SessionView) -> Pulse {
    Pulse {
        state: view.state,
        link: view.link.clone(),
        stdout: view.stdout,
        stderr: view.stderr,
        exit: view.exit,
        failure: view.failure.clone(),
        warnings: view.warnings.clone(),
        mirror_paused: view.mirror_paused.clone(),
        mirror_behind: view.mirror_behind,
        waits_for: view.queue.as_ref().map(|queue| queue.waits_for.clone()),
    }
}

/// How watching ended.
enum Watched {
    /// There is nothing left to follow.
    Done(Followed),
    /// The daemon was told to stop.
    Stopped,
    /// The daemon went away.
    Broken(ClientError),
}

async fn finished(copier: Option<&mut Copier>) -> Result<(), CliError> {
    match copier {
        Some(copier) => copier.finished().await,
        None => std::future::pending().await,
    }
}

async fn joined(feeder: &mut Option<JoinHandle<Result<(), CliError>>>) -> Result<(), CliError> {
    match feeder {
        Some(feeder) => {
            feeder.await.unwrap_or_else(|error| Err(CliError::Setup(std::io::Error::other(error))))
        }
        None => std::future::pending().await,
    }
}

async fn asked(signals: Option<&mut Signals>) -> Asked {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

async fn put(asking: Option<&mut Asking>) -> Result<Put, CliError> {
    match asking {
        Some(asking) => asking.done().await,
        None => std::future::pending().await,
    }
}

async fn at(tick: Option<Instant>) {
    match tick {
        Some(tick) => sleep_until(tick).await,
        None => std::future::pending().await,
    }
}

/// Waits for a session's end and nothing else.
pub(in crate::cli) async fn follow_to_the_end(
    context: &Context,
    view: &SessionView,
) -> Result<Followed, CliError> {
    Follower::new(context, view, &[], Form::Usual).run().await
}
