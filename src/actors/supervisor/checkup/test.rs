//! Testing a machine, stage by stage, over a link of its own.

use std::collections::BTreeMap;

use super::ground::{Ground, Way};
use super::progress::Progress;
use crate::actors::common::control_failure;
use crate::actors::config::resolve_env;
use crate::actors::supervisor::adopt::LOCAL;
use crate::actors::supervisor::create::unresolved;
use crate::actors::supervisor::handle::DaemonHandle;
use crate::actors::{nonce, resolver};
use crate::api::backend::{Audience, RequestError};
use crate::api::types::{TestReport, TestRequest};
use crate::domain::agent::detect::VersionTold;
use crate::domain::config::{Config, EnvName, EnvValue};
use crate::domain::doctor::stage::{self, Stage};
use crate::domain::failure::Failure;
use crate::domain::failure::classify::{link_failure, local_failure, session_failure};
use crate::domain::failure::exit_text::{Attempt, StartStage, from_exit};
use crate::domain::failure::trouble::{LinkTrouble, SessionTrouble};
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::ids::AgentName;
use crate::domain::plan::{
    Order, Plan, PlanError, TurnRequest, plan, version_command, with_usual_agents,
};
use crate::domain::resolve::Override;
use crate::domain::target::{Place, SshSettings};
use crate::domain::transport::Transport;
use crate::runner::control::{self, ControlError};
use crate::runner::doctor::{Rehearsal, RehearseError, Step, rehearse};
use crate::runner::program::USUAL_SPOOLS;
use crate::ssh;

/// Tests a remote, an ad hoc destination, or this machine.
pub(in crate::actors::supervisor) async fn run(
    daemon: &DaemonHandle,
    name: &str,
    request: TestRequest,
    audience: Audience,
) -> Result<TestReport, RequestError> {
    let progress = Progress::new(name, audience);
    let Some(subject) = Subject::find(daemon, name, request, &progress)? else {
        return Ok(progress.report());
    };
    if let Some(ground) = subject.reach(daemon, &progress).await {
        ground.way.close().await;
    }
    Ok(progress.report())
}

/// The stage that stopped a test, and why.
struct Stopped {
    stage: Stage,
    failure: Box<Failure>,
}

impl Stopped {
    fn at(stage: Stage, failure: Failure) -> Self {
        Self { stage, failure: Box::new(failure) }
    }
}

/// What is tested.
pub(super) struct Subject {
    name: String,
    plan: Plan,
    agent: Option<AgentName>,
    argv: Vec<String>,
}

impl Subject {
    /// The machine of this name, and what a session there would run, and in which
    /// directory.
    ///
    /// `None` where there is no such place, or no such agent, which `progress` tells.
    ///
    /// # Errors
    ///
    /// The request makes no sense.
    pub(super) fn find(
        daemon: &DaemonHandle,
        name: &str,
        request: TestRequest,
        progress: &Progress,
    ) -> Result<Option<Self>, RequestError> {
        let TestRequest { agent, cwd } = request;
        let config = with_usual_agents(Config::clone(&daemon.config_state().config));
        let local = name == LOCAL && !config.remotes.contains_key(LOCAL);
        let command = ["true".to_owned()];
        let order = Order {
            on: Some(if local { Override::Local } else { Override::On(name) }),
            agent: agent.as_ref(),
            command: if agent.is_some() { &[] } else { &command },
            cwd: cwd.as_deref(),
            max_output: None,
            turn: TurnRequest::default(),
        };
        let plan = match plan(&config, &order) {
            Ok(plan) => plan,
            Err(PlanError::Nowhere(error)) => {
                let failure = local_failure(&unresolved(error));
                progress.failed(&Stage::of_refusal(failure.stage), failure);
                return Ok(None);
            }
            Err(PlanError::Lacks(lacks)) => return Err(RequestError::Lacks(lacks)),
            Err(PlanError::NothingToRun) => {
                return Err(RequestError::Invalid("there is nothing to run"));
            }
        };
        let argv = match agent.as_ref().and_then(|agent| config.agents.get(agent)) {
            Some(agent) => version_command(agent),
            None => plan.command.iter().take(1).cloned().collect(),
        };
        Ok(Some(Self { name: name.to_owned(), plan, agent, argv }))
    }

    /// The variables of a session there, which are no part of what is looked at any
    /// more: without them, the machine can be.
    pub(super) fn take_env(&mut self) -> BTreeMap<EnvName, EnvValue> {
        std::mem::take(&mut self.plan.env)
    }

    /// Where it is.
    pub(super) fn place(&self) -> &Place {
        &self.plan.place
    }

    /// Goes through all stages, and tells them in `progress`. `None` if a program
    /// cannot be run there; what keeps only a session from running is no reason
    /// not to look at the machine.
    pub(super) async fn reach(&self, daemon: &DaemonHandle, progress: &Progress) -> Option<Ground> {
        progress.expect([Stage::Config]);
        let (way, at, root) = match &self.plan.ssh {
            None => {
                self.look_up_env(&Whereabouts::local(), progress).await?;
                progress.passed(&Stage::Config, Some("this machine".to_owned()));
                let root = super::ground::local_root(daemon, &self.plan.place).await;
                (Way::Local, Whereabouts::local(), root)
            }
            Some(request) => {
                let settings = resolver::settings(daemon.resolver(), request.clone()).await;
                let at = Whereabouts { place: self.name.clone(), destination: None, session: None };
                let settings = settings
                    .map_err(|trouble| {
                        progress.failed(&Stage::Config, link_failure(&trouble, &at));
                    })
                    .ok()?;
                let at = Whereabouts::remote(&self.name, &settings);
                self.look_up_env(&at, progress).await?;
                (self.dial(daemon, &settings, &at, progress).await?, at, None)
            }
        };
        progress.expect(stage::of_machine(self.agent.is_some()));
        let mut ground = Ground::new(way, at, root);
        if let Err(Stopped { stage, failure }) = self.stand(&mut ground, progress).await {
            progress.failed(&stage, *failure);
        }
        if !ground.answers {
            ground.way.close().await;
            return None;
        }
        Some(ground)
    }

    /// As a session has them looked up when it starts. The values are of no use
    /// here.
    async fn look_up_env(&self, at: &Whereabouts, progress: &Progress) -> Option<()> {
        let looked_up = resolve_env(&self.plan.env).await;
        looked_up
            .map_err(|trouble| {
                progress.failed(&Stage::Config, session_failure(&trouble.into(), at));
            })
            .ok()
            .map(drop)
    }

    async fn dial(
        &self,
        daemon: &DaemonHandle,
        settings: &SshSettings,
        at: &Whereabouts,
        progress: &Progress,
    ) -> Option<Way> {
        let destination = format!("{}@{}:{}", settings.user, settings.host_name, settings.port);
        let hops: Vec<_> = settings.jumps.iter().map(|hop| hop.host_name.clone()).collect();
        let by = match hops.is_empty() {
            true => String::new(),
            false => format!(" by way of {}", hops.join(", ")),
        };
        let over = match settings.transport.transport {
            Transport::BuiltIn => String::new(),
            Transport::OpenSsh => format!(" over {}", Transport::OpenSsh.as_str()),
        };
        let detail = format!("{destination}{by}{over}");
        progress.passed(&Stage::Config, Some(detail));
        progress.reaches(destination);
        progress.expect(stage::of_link(settings));
        let prompter = daemon.attention().prompter(self.name.clone());
        let passed = |stage: Stage| progress.passed(&stage, None);
        match ssh::dial(settings, Some(prompter), &passed).await {
            Ok(link) => Some(Way::Link(link)),
            Err(trouble) => {
                let stage = stage::failed(&trouble, progress.pending().unwrap_or(Stage::Connect));
                progress.failed(&stage, link_failure(&trouble, at));
                None
            }
        }
    }

    /// The stages on the machine.
    async fn stand(&self, ground: &mut Ground, progress: &Progress) -> Result<(), Stopped> {
        let at = ground.at.clone();
        let link = |trouble: &LinkTrouble| link_failure(trouble, &at);
        let io = ground
            .way
            .open()
            .await
            .map_err(|trouble| Stopped::at(Stage::Channel, link(&trouble)))?;
        progress.passed(&Stage::Channel, None);
        let probed = control::probe(io, &nonce()).await;
        // What only lacks programs can be examined.
        ground.answers = matches!(probed, Ok(_) | Err(ControlError::Lacks { .. }));
        let facts =
            probed.map_err(|error| Stopped::at(Stage::Shell, control_failure(error, &at)))?;
        progress.calls_itself(facts.hostname.clone());
        progress.passed(&Stage::Shell, Some(format!("{} on {}", facts.hostname, facts.system)));
        if facts.logout_kills {
            progress.warn(session_failure(&SessionTrouble::EndsAtLogout, &at));
        }
        ground.path = Some(facts.path);
        let io = ground
            .way
            .open()
            .await
            .map_err(|trouble| Stopped::at(Stage::Channel, link(&trouble)))?;
        let rehearsal = Rehearsal {
            root: ground.root.as_deref(),
            cwd: self.plan.cwd.as_deref(),
            path: ground.path.as_deref(),
            argv: &self.argv,
        };
        let (mut file, mut ran) = (String::new(), None);
        let done = rehearse(io, &nonce(), &rehearsal, |step| match step {
            Step::Entered { dir } => progress.passed(&Stage::WorkingDirectory, Some(dir)),
            Step::Found { file: found } => {
                file.clone_from(&found);
                progress.passed(&Stage::Command, Some(found));
            }
            Step::Ran(told) => ran = Some(told),
        })
        .await;
        match done {
            Ok(()) => self.ran(&file, ran, ground, progress),
            Err(error) => Err(self.stuck(error, ground, progress)),
        }
    }

    /// What the agent's version was; one that would not tell it may be broken.
    fn ran(
        &self,
        file: &str,
        ran: Option<VersionTold>,
        ground: &Ground,
        progress: &Progress,
    ) -> Result<(), Stopped> {
        let (Some(agent), Some(VersionTold { status, line })) = (&self.agent, ran) else {
            return Ok(());
        };
        let path = ground.path.as_deref().unwrap_or_default();
        let attempt = Attempt { program: file, agent: Some(agent.as_str()), dir: "~", path };
        if status == 0 {
            progress.passed(&Stage::AgentVersion, Some(line));
        } else if let Some(trouble) =
            from_exit(status, StartStage::Running, line.as_bytes(), &attempt)
        {
            return Err(Stopped::at(Stage::AgentVersion, session_failure(&trouble, &ground.at)));
        } else {
            progress.passed(&Stage::AgentVersion, Some(format!("exit {status}: {line}")));
        }
        Ok(())
    }

    /// As a session that is kept from its command by the same would have it.
    fn stuck(&self, error: RehearseError, ground: &Ground, progress: &Progress) -> Stopped {
        let at = &ground.at;
        let path = ground.path.as_deref().unwrap_or_default();
        let agent = self.agent.as_ref().map(AgentName::as_str);
        let program = self.argv.first().map_or("", String::as_str);
        let dir = self.plan.cwd.as_deref().unwrap_or("~");
        let attempt = Attempt { program, agent, dir, path };
        let (stage, trouble) = match error {
            RehearseError::Control(error) => {
                let stage = progress.pending().unwrap_or(Stage::Command);
                return Stopped::at(stage, control_failure(error, at));
            }
            RehearseError::Directory(why) => (
                Stage::WorkingDirectory,
                from_exit(126, StartStage::WorkingDirectory(why), b"", &attempt),
            ),
            RehearseError::ProgramMissing => {
                (Stage::Command, from_exit(127, StartStage::Program, b"", &attempt))
            }
            RehearseError::ProgramDenied => {
                (Stage::Command, from_exit(126, StartStage::Program, b"", &attempt))
            }
            // It was run to find that out.
            RehearseError::ProgramForeign => (
                progress.pending().unwrap_or(Stage::Command),
                from_exit(126, StartStage::Foreign, b"", &attempt),
            ),
            RehearseError::NoSetsid => (Stage::Command, Some(SessionTrouble::NoSetsid)),
            RehearseError::Spool { detail } => {
                let spools = ground.root.clone().unwrap_or_else(|| USUAL_SPOOLS.to_owned());
                (Stage::Command, Some(SessionTrouble::Spool { dir: spools, detail }))
            }
        };
        let unknown = || SessionTrouble::CommandNotFound {
            program: program.to_owned(),
            agent: agent.map(str::to_owned),
            path: path.to_owned(),
            instead: Vec::new(),
        };
        Stopped::at(stage, session_failure(&trouble.unwrap_or_else(unknown), at))
    }
}
