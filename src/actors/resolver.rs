//! The actor that knows where things run and how places are reached.
//!
//! It keeps the configuration in force and answers with plans; the effective
//! settings of a destination are read from `ssh_config`(5) anew for every dial,
//! in a thread of their own, so an edit there counts from the next dial on. The files that it read are
//! watched, so that a connection that waits need not wait on.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use crate::actors::config::SshFiles;
use crate::domain::config::Config;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ids::AgentName;
use crate::domain::max_output::MaxOutput;
use crate::domain::plan::{Order, Plan, PlanError, TurnRequest, plan};
use crate::domain::resolve::Override;
use crate::domain::target::{SshRequest, SshSettings};
use crate::ssh::settings::{SshEnvironment, evaluate};

/// Warnings that are remembered as told.
const TOLD: usize = 1000;

/// What somebody wants to have run, as it travels in a message.
#[derive(Debug, Clone, Default)]
pub struct OwnedOrder {
    /// Where, if they said so.
    pub on: Option<OwnedOverride>,
    /// The agent, if it is one.
    pub agent: Option<AgentName>,
    /// The command, or the agent's further arguments.
    pub command: Vec<String>,
    /// The working directory, if they said so.
    pub cwd: Option<String>,
    /// How much of its output its spool keeps, if they said so.
    pub max_output: Option<MaxOutput>,
    /// The agent's model, if they said so.
    pub model: Option<String>,
    /// The conversation that the agent is to go on from.
    pub resume: Option<String>,
    /// Whether the agent is only to look and to plan.
    pub plan: bool,
}

/// Somebody's own word on the place.
#[derive(Debug, Clone)]
pub enum OwnedOverride {
    /// On this machine.
    Local,
    /// On a remote, or at a destination.
    On(String),
}

/// What the resolver is asked.
#[derive(Debug)]
pub enum ResolverMsg {
    /// From now on this is the configuration.
    UseConfig(Arc<Config>),
    /// What would be run, where, and with what?
    Plan(Box<OwnedOrder>, RpcReplyPort<Result<Plan, PlanError>>),
    /// How is this destination dialled?
    Settings(SshRequest, RpcReplyPort<Result<SshSettings, LinkTrouble>>),
}

/// The actor.
#[derive(Debug)]
pub struct ResolverActor;

/// What it keeps.
#[derive(Debug)]
pub struct ResolverState {
    config: Arc<Config>,
    environment: Arc<SshEnvironment>,
    ssh_files: SshFiles,
    told: Arc<Mutex<BTreeSet<String>>>,
}

impl Actor for ResolverActor {
    type Msg = ResolverMsg;
    type State = ResolverState;
    type Arguments = (Arc<Config>, SshEnvironment, SshFiles);

    async fn pre_start(
        &self,
        _: ActorRef<ResolverMsg>,
        (config, environment, ssh_files): (Arc<Config>, SshEnvironment, SshFiles),
    ) -> Result<ResolverState, ActorProcessingErr> {
        Ok(ResolverState {
            config,
            environment: Arc::new(environment),
            ssh_files,
            told: Arc::default(),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<ResolverMsg>,
        message: ResolverMsg,
        state: &mut ResolverState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ResolverMsg::UseConfig(config) => state.config = config,
            ResolverMsg::Plan(order, reply) => {
                let _ = reply.send(plan(&state.config, &order.borrow()));
            }
            ResolverMsg::Settings(request, reply) => {
                let (environment, files) = (state.environment.clone(), state.ssh_files.clone());
                let told = state.told.clone();
                tokio::task::spawn_blocking(move || {
                    let before = files.before();
                    let evaluated = evaluate(&request, &environment);
                    files.read(evaluated.files, &before);
                    for warning in evaluated.warnings {
                        tell_once(&told, &request.host, &warning.to_string());
                    }
                    // Whoever asked may have gone.
                    let _ = reply.send(evaluated.settings);
                });
            }
        }
        Ok(())
    }
}

/// Says a warning once, and not with every dial.
fn tell_once(told: &Mutex<BTreeSet<String>>, host: &str, warning: &str) {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() >= TOLD {
        told.clear();
    }
    if told.insert(format!("{host}: {warning}")) {
        tracing::warn!(host, "{warning}");
    }
}

impl OwnedOrder {
    fn borrow(&self) -> Order<'_> {
        Order {
            on: self.on.as_ref().map(|on| match on {
                OwnedOverride::Local => Override::Local,
                OwnedOverride::On(place) => Override::On(place),
            }),
            agent: self.agent.as_ref(),
            command: &self.command,
            cwd: self.cwd.as_deref(),
            max_output: self.max_output,
            turn: TurnRequest {
                resume: self.resume.as_deref(),
                model: self.model.as_deref(),
                plan: self.plan,
            },
        }
    }
}

/// Asks for the settings of a destination.
///
/// # Errors
///
/// `ssh_config` could not be read or understood, or the daemon is stopping.
pub async fn settings(
    resolver: &ActorRef<ResolverMsg>,
    request: SshRequest,
) -> Result<SshSettings, LinkTrouble> {
    let file = std::path::PathBuf::from("~/.ssh/config");
    let silent = || LinkTrouble::SshConfig {
        file,
        line: None,
        detail: "could not be read in time".to_owned(),
    };
    super::ask(resolver, |reply| ResolverMsg::Settings(request, reply))
        .await
        .unwrap_or_else(|| Err(silent()))
}
