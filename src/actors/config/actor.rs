//! The actor: when to look, and who is told.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr};
use tokio::sync::watch::{Receiver, Sender, channel};

use super::ssh_files::{SshFiles, SshLook, SshLooked};
use super::state::{ConfigState, Look};
use super::watch::{Activity, Watch, directories};
use crate::domain::config::ConfigDiff;
use crate::store::config_files::{Snapshot, fragment_dir};
use crate::store::marks::Marks;

/// What a configuration actor needs to know.
#[derive(Debug, Clone)]
pub struct ConfigArgs {
    /// The main file: an absolute path.
    pub main_path: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// When to look.
    pub timing: Timing,
}

/// When to look at the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A look follows a change once nothing has changed for so long: editors
    /// and `rsync` write in several steps.
    pub quiet: Duration,
    /// It follows after so many quiet times even if changes go on, which in a
    /// directory shared with others they may for ever.
    pub patience: u32,
    /// The pause between looks that nothing gives reason for: file systems
    /// over the network send no events, and keys change outside of the watched
    /// directories.
    pub poll: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { quiet: Duration::from_millis(300), patience: 7, poll: Duration::from_secs(30) }
    }
}

/// What the actor takes.
#[derive(Debug)]
pub enum ConfigMsg {
    /// Look now, for SIGHUP and `config reload`; the answer is the state after
    /// a look that began after this was sent.
    Reload(RpcReplyPort<Arc<ConfigState>>),
    /// Somebody read files of `ssh_config` that are not watched yet.
    SshFilesRead,
    /// Something changed in a watched directory.
    SomethingChanged,
    /// It may have been quiet since.
    QuietElapsed {
        /// What had happened when the wait began.
        seen: u64,
        /// How often it has been waited for.
        waited: u32,
    },
    /// It is time to look without a reason.
    PollElapsed,
    /// A look is over.
    Looked(LookDone),
    /// A look broke off.
    LookFailed,
}

/// What a look hands back: opaque to everybody but the actor.
#[derive(Debug)]
pub struct LookDone {
    snapshot: Arc<Snapshot>,
    /// `None` where the files are as they were.
    look: Option<Box<Look>>,
    watch: Watch,
    ssh: SshLooked,
}

/// A running configuration actor.
#[derive(Debug, Clone)]
pub struct ConfigHandle {
    /// The actor.
    pub actor: ActorRef<ConfigMsg>,
    publisher: Sender<Arc<ConfigState>>,
    ssh_files: SshFiles,
}

impl ConfigHandle {
    /// Where those who read `ssh_config` say which files they read.
    #[must_use]
    pub fn ssh_files(&self) -> SshFiles {
        self.ssh_files.clone()
    }

    /// The state, and word of every change of it.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Arc<ConfigState>> {
        self.publisher.subscribe()
    }
}

/// Loads the configuration and starts the actor that keeps it current. When
/// this returns, the state is that of a first look.
///
/// A supervisor that restarts a dead one hands in its handle: subscribers keep
/// their channel, and what was in force stays in force.
///
/// # Errors
///
/// The actor could not be started. A bad configuration is no error: see the
/// module.
pub async fn start(
    args: ConfigArgs,
    before: Option<&ConfigHandle>,
    supervisor: ActorCell,
) -> Result<ConfigHandle, SpawnErr> {
    let publisher = before.map_or_else(
        || {
            let unknown = ConfigState::unknown(args.main_path.clone(), SystemTime::now());
            channel(Arc::new(unknown)).0
        },
        |before| before.publisher.clone(),
    );
    let ssh_files = before.map(ConfigHandle::ssh_files).unwrap_or_default();
    let (main, home) = (args.main_path.clone(), args.home.clone());
    let first = tokio::task::spawn_blocking(move || {
        let snapshot = Snapshot::take(&main, home.as_deref());
        let look = Look::at(&snapshot, home.as_deref());
        (Arc::new(snapshot), look)
    });
    let (snapshot, look) = first.await.map_err(|error| SpawnErr::StartupFailed(error.into()))?;
    publish(&publisher, look);
    let state = State {
        activity: Arc::default(),
        publisher: publisher.clone(),
        snapshot: Some(snapshot),
        looking: Looking::No { watch: None },
        waiting: Vec::new(),
        marks: Marks::new(),
        ssh_files: ssh_files.clone(),
        args,
    };
    let (actor, _joined) = Actor::spawn_linked(None, ConfigActor, state, supervisor).await?;
    ssh_files.tell_of_news(&actor);
    Ok(ConfigHandle { actor, publisher, ssh_files })
}

/// Keeps the configuration current; see [`start`].
#[derive(Debug)]
pub struct ConfigActor;

/// The actor's own.
#[derive(Debug)]
pub struct State {
    args: ConfigArgs,
    activity: Arc<Activity>,
    publisher: Sender<Arc<ConfigState>>,
    /// The files at the last look that went through.
    snapshot: Option<Arc<Snapshot>>,
    looking: Looking,
    /// What the files of `ssh_config` were like.
    marks: Marks,
    ssh_files: SshFiles,
    /// Whoever asked for a look that has not begun.
    waiting: Vec<RpcReplyPort<Arc<ConfigState>>>,
}

/// One look at a time: the watches go with it, since arming them blocks.
#[derive(Debug)]
enum Looking {
    No { watch: Option<Watch> },
    Yes { again: bool, waiting: Vec<RpcReplyPort<Arc<ConfigState>>> },
}

impl Actor for ConfigActor {
    type Msg = ConfigMsg;
    type State = State;
    type Arguments = State;

    async fn pre_start(
        &self,
        myself: ActorRef<ConfigMsg>,
        mut state: State,
    ) -> Result<State, ActorProcessingErr> {
        // Arms the watches, and sees what changed since the first look.
        state.look(&myself);
        myself.send_after(state.args.timing.poll, || ConfigMsg::PollElapsed);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<ConfigMsg>,
        message: ConfigMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ConfigMsg::Reload(reply) => {
                state.waiting.push(reply);
                state.look(&myself);
            }
            ConfigMsg::SshFilesRead => state.look(&myself),
            ConfigMsg::SomethingChanged => state.wait_for_quiet(&myself, 0),
            ConfigMsg::QuietElapsed { seen, waited } => {
                let is_quiet = state.activity.count() == seen;
                if is_quiet || waited >= state.args.timing.patience {
                    state.activity.listen();
                    state.look(&myself);
                } else {
                    state.wait_for_quiet(&myself, waited);
                }
            }
            ConfigMsg::PollElapsed => {
                state.look(&myself);
                myself.send_after(state.args.timing.poll, || ConfigMsg::PollElapsed);
            }
            ConfigMsg::Looked(LookDone { snapshot, look, watch, ssh }) => {
                state.snapshot = Some(snapshot);
                state.ssh_looked(ssh);
                if let Some(look) = look {
                    publish(&state.publisher, *look);
                }
                state.look_is_over(&myself, Some(watch));
            }
            // The watches are lost with it; the next look makes new ones.
            ConfigMsg::LookFailed => state.look_is_over(&myself, None),
        }
        Ok(())
    }
}

impl State {
    fn ssh_looked(&mut self, SshLooked { read, now, edited }: SshLooked) {
        self.ssh_files.told(&read, &now);
        self.marks = now;
        if !edited.is_empty() {
            tracing::info!(files = ?edited, "ssh_config was edited");
            let tell = |state: &mut Arc<ConfigState>| {
                *state = Arc::new(state.after_ssh_edit(edited));
            };
            self.publisher.send_modify(tell);
        }
    }

    fn wait_for_quiet(&self, myself: &ActorRef<ConfigMsg>, waited: u32) {
        let seen = self.activity.count();
        let waited = waited + 1;
        myself.send_after(self.args.timing.quiet, move || ConfigMsg::QuietElapsed { seen, waited });
    }

    /// Looks, or sees to it that a look follows the one that is under way: that
    /// one may have passed the change already.
    fn look(&mut self, myself: &ActorRef<ConfigMsg>) {
        let watch = match &mut self.looking {
            Looking::Yes { again, .. } => {
                *again = true;
                return;
            }
            Looking::No { watch } => watch.take(),
        };
        let waiting = std::mem::take(&mut self.waiting);
        self.looking = Looking::Yes { again: false, waiting };
        let (activity, args) = (Arc::clone(&self.activity), self.args.clone());
        let (before, myself) = (self.snapshot.clone(), myself.clone());
        let ssh = SshLook { looked: self.marks.clone(), read: self.ssh_files.marks() };
        tokio::spawn(async move {
            let teller = myself.clone();
            let blocking = tokio::task::spawn_blocking(move || {
                let tell = move || {
                    // An actor that is gone needs no word.
                    let _gone = teller.cast(ConfigMsg::SomethingChanged);
                };
                let watch = watch.unwrap_or_else(|| Watch::new(activity, tell));
                look_now(&args, before, watch, ssh)
            });
            let message = match blocking.await {
                Ok(done) => ConfigMsg::Looked(done),
                Err(error) => {
                    tracing::error!(%error, "looking at the configuration broke off");
                    ConfigMsg::LookFailed
                }
            };
            let _gone = myself.cast(message);
        });
    }

    fn look_is_over(&mut self, myself: &ActorRef<ConfigMsg>, watch: Option<Watch>) {
        let over = std::mem::replace(&mut self.looking, Looking::No { watch });
        let Looking::Yes { again, waiting } = over else { return };
        for reply in waiting {
            let state = Arc::clone(&self.publisher.borrow());
            // Whoever asked may have left.
            let _left = reply.send(state);
        }
        if again {
            self.look(myself);
        }
    }
}

/// Arms the watches, then reads: what changes after the reading is an event.
fn look_now(
    args: &ConfigArgs,
    before: Option<Arc<Snapshot>>,
    mut watch: Watch,
    ssh: SshLook,
) -> LookDone {
    let main = &args.main_path;
    let mut all: BTreeSet<PathBuf> = directories(main);
    all.extend(directories(&fragment_dir(main)));
    if let Some(before) = &before {
        // Fragments may be links.
        all.extend(before.files.iter().flat_map(|file| directories(&file.path)));
    }
    all.extend(ssh.read.keys().flat_map(|path| directories(path)));
    watch.rearm(all);
    let ssh = ssh.look();
    let snapshot = Snapshot::take(main, args.home.as_deref());
    match before {
        Some(before) if *before == snapshot => {
            LookDone { snapshot: before, look: None, watch, ssh }
        }
        _ => {
            let look = Look::at(&snapshot, args.home.as_deref());
            LookDone { snapshot: Arc::new(snapshot), look: Some(Box::new(look)), watch, ssh }
        }
    }
}

fn publish(publisher: &Sender<Arc<ConfigState>>, look: Look) {
    let old = Arc::clone(&publisher.borrow());
    let new = old.after(look, SystemTime::now());
    match &new.rejected {
        Some(report) if new.rejected != old.rejected => {
            tracing::warn!(problems = report.problems.len(), "configuration refused:\n{report}");
        }
        None if new.generation != old.generation => {
            let changes = ConfigDiff::between(&old.config, &new.config).describe();
            tracing::info!(generation = new.generation, ?changes, "configuration in force");
        }
        _ => {}
    }
    publisher.send_replace(Arc::new(new));
}

#[cfg(test)]
mod tests;
