//! Testing a remote, stage by stage, over a link of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::create::unresolved;
use super::handle::DaemonHandle;
use super::remotes;
use crate::actors::common::control_failure;
use crate::actors::{nonce, resolver};
use crate::api::backend::RequestError;
use crate::api::types::{TestReport, TestRequest, TestStage};
use crate::domain::config::Config;
use crate::domain::failure::Failure;
use crate::domain::failure::classify::{link_failure, session_failure};
use crate::domain::failure::exit_text::{Attempt, StartStage, from_exit};
use crate::domain::failure::trouble::{Phase, SessionTrouble};
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::ids::AgentName;
use crate::domain::plan::{self, with_usual_agents};
use crate::domain::resolve::ResolveError;
use crate::domain::target::SshSettings;
use crate::domain::transport::Transport;
use crate::runner::control::{self, ControlError, Found, HostFacts};
use crate::runner::program::BOOTSTRAP;
use crate::ssh::{self, Link, Prompter};

/// Tests a remote, or an ad hoc destination.
pub(super) async fn run(
    daemon: &DaemonHandle,
    name: &str,
    request: TestRequest,
) -> Result<TestReport, RequestError> {
    let config = with_usual_agents(Config::clone(&daemon.config_state().config));
    let argv = match &request.agent {
        Some(agent) => Some(version_command(&config, agent)?),
        None => None,
    };
    let ssh = remotes::destination(daemon, name)?
        .ok_or(RequestError::Invalid("this machine needs no test of its link"))?;
    let mut test = Test::new(name, daemon.attention().prompter(name.to_owned()));
    let settings = match resolver::settings(daemon.resolver(), ssh).await {
        Ok(settings) => settings,
        Err(trouble) => {
            test.failed("config", link_failure(&trouble, &test.at));
            return Ok(test.report);
        }
    };
    test.dialling(name, &settings);
    test.go(&settings, argv.as_deref(), request.agent.as_ref()).await;
    Ok(test.report)
}

fn version_command(config: &Config, name: &AgentName) -> Result<Vec<String>, RequestError> {
    let Some(agent) = config.agents.get(name) else {
        return Err(unresolved(ResolveError::UnknownAgent { name: name.clone(), nearest: None }));
    };
    Ok(plan::version_command(agent))
}

/// A test under way.
struct Test {
    report: TestReport,
    at: Whereabouts,
    prompter: Arc<dyn Prompter>,
    since: Instant,
}

impl Test {
    fn new(name: &str, prompter: Arc<dyn Prompter>) -> Self {
        Self {
            report: TestReport {
                remote: name.to_owned(),
                destination: None,
                stages: Vec::new(),
                hostname: None,
                failure: None,
                warnings: Vec::new(),
            },
            at: Whereabouts { place: name.to_owned(), destination: None, session: None },
            prompter,
            since: Instant::now(),
        }
    }

    fn dialling(&mut self, name: &str, settings: &SshSettings) {
        self.at = Whereabouts::remote(name, settings);
        self.report.destination =
            Some(format!("{}@{}:{}", settings.user, settings.host_name, settings.port));
        let hops: Vec<_> = settings.jumps.iter().map(|hop| hop.host_name.clone()).collect();
        let over = match settings.transport.transport {
            Transport::BuiltIn => None,
            Transport::OpenSsh => Some(format!("over {}", Transport::OpenSsh.as_str())),
        };
        let by = (!hops.is_empty()).then(|| format!("by way of {}", hops.join(", ")));
        let words: Vec<_> = by.into_iter().chain(over).collect();
        let detail = (!words.is_empty()).then(|| words.join(", "));
        self.passed("config", detail);
    }

    fn passed(&mut self, stage: &str, detail: Option<String>) {
        let took = self.since.elapsed();
        self.since = Instant::now();
        self.push(stage, took, true, detail);
    }

    fn failed(&mut self, stage: &str, failure: Failure) {
        let took = self.since.elapsed();
        self.push(stage, took, false, Some(failure.message.clone()));
        self.report.failure = Some(failure);
    }

    fn push(&mut self, name: &str, took: Duration, ok: bool, detail: Option<String>) {
        let took_ms = took.as_secs_f64() * 1000.0;
        self.report.stages.push(TestStage { name: name.to_owned(), took_ms, ok, detail });
    }

    async fn go(
        &mut self,
        settings: &SshSettings,
        argv: Option<&[String]>,
        agent: Option<&AgentName>,
    ) {
        let Some(link) = self.dial(settings).await else { return };
        if let Some(facts) = self.shell(&link).await
            && let (Some(argv), Some(agent)) = (argv, agent)
        {
            self.agent(&link, &facts, argv, agent).await;
        }
        link.close().await;
    }

    async fn dial(&mut self, settings: &SshSettings) -> Option<Link> {
        let passed = Mutex::new(Vec::new());
        let progress = |phase: Phase, took: Duration| {
            if let Ok(mut passed) = passed.lock() {
                passed.push((phase, took));
            }
        };
        let dialled = ssh::dial(settings, Some(self.prompter.clone()), &progress).await;
        let mut last = None;
        for (phase, took) in passed.into_inner().unwrap_or_default() {
            self.push(stage_name(phase), took, true, None);
            self.since += took;
            last = Some(phase);
        }
        match dialled {
            Ok(link) => {
                self.since = Instant::now();
                Some(link)
            }
            Err(trouble) => {
                let failure = link_failure(&trouble, &self.at);
                self.failed(failed_stage(last, &failure), failure);
                None
            }
        }
    }

    async fn shell(&mut self, link: &Link) -> Option<HostFacts> {
        let probed = match link.exec(BOOTSTRAP).await {
            Ok(channel) => control::probe(channel.into(), &nonce()).await,
            Err(trouble) => Err(ControlError::Cut(trouble)),
        };
        match probed {
            Ok(facts) => {
                self.report.hostname = Some(facts.hostname.clone());
                self.passed("shell", Some(format!("{} on {}", facts.hostname, facts.system)));
                if facts.logout_kills {
                    let warning = session_failure(&SessionTrouble::EndsAtLogout, &self.at);
                    self.passed("logout", Some(format!("warning: {}", warning.message)));
                    self.report.warnings.push(warning);
                }
                Some(facts)
            }
            Err(error) => {
                self.failed("shell", self.control_failure(error));
                None
            }
        }
    }

    async fn agent(&mut self, link: &Link, facts: &HostFacts, argv: &[String], agent: &AgentName) {
        let found = match link.exec(BOOTSTRAP).await {
            Ok(channel) => control::which(channel.into(), &nonce(), Some(&facts.path), argv).await,
            Err(trouble) => Err(ControlError::Cut(trouble)),
        };
        match found {
            Ok(found) if found.status == 0 => {
                self.passed("agent", Some(format!("{} ({})", found.version, found.file)));
            }
            Ok(found) => self.odd_version(&found, facts, agent),
            Err(ControlError::NoProgram { program }) => {
                let trouble = SessionTrouble::CommandNotFound {
                    program,
                    agent: Some(agent.to_string()),
                    path: facts.path.clone(),
                };
                self.failed("agent", session_failure(&trouble, &self.at));
            }
            Err(ControlError::ProgramDenied { program }) => {
                let trouble = SessionTrouble::NotExecutable { program };
                self.failed("agent", session_failure(&trouble, &self.at));
            }
            Err(ControlError::ProgramForeign { program }) => {
                let trouble = SessionTrouble::WrongFormat { program };
                self.failed("agent", session_failure(&trouble, &self.at));
            }
            Err(error) => self.failed("agent", self.control_failure(error)),
        }
    }

    /// The agent is there and would not tell its version: it may be broken.
    fn odd_version(&mut self, found: &Found, facts: &HostFacts, agent: &AgentName) {
        let attempt = Attempt {
            program: &found.file,
            agent: Some(agent.as_str()),
            dir: "~",
            path: &facts.path,
        };
        let said = found.version.as_bytes();
        match from_exit(found.status, StartStage::Running, said, &attempt) {
            Some(trouble) => self.failed("agent", session_failure(&trouble, &self.at)),
            None => {
                let detail = format!("{} (exit {}: {})", found.file, found.status, found.version);
                self.passed("agent", Some(detail));
            }
        }
    }

    fn control_failure(&self, error: ControlError) -> Failure {
        control_failure(error, &self.at)
    }
}

fn stage_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "resolve",
        Phase::Connect => "connect",
        Phase::KeyExchange => "key exchange",
        Phase::Authentication => "authentication",
        Phase::Channel => "channel",
    }
}

/// The stage after the last one that was passed; the host key is checked in
/// the middle of the key exchange, and has a name of its own.
fn failed_stage(last: Option<Phase>, failure: &Failure) -> &'static str {
    match last {
        _ if failure.code.starts_with("ssh.host-key.") => "host key",
        None => "resolve",
        Some(Phase::Resolve) => "connect",
        Some(Phase::Connect) => "key exchange",
        Some(_) => "authentication",
    }
}
