//! Examining a machine: a test, then all that may trouble its sessions.

use std::collections::{BTreeMap, BTreeSet};

use super::ground::{Ground, Way};
use super::progress::Progress;
use super::test::Subject;
use crate::actors::config::resolve_env;
use crate::actors::nonce;
use crate::actors::supervisor::handle::{DaemonHandle, store};
use crate::api::backend::{Audience, RequestError};
use crate::api::types::{DoctorReport, TestRequest};
use crate::domain::adopt::{Choice, Spool, choose};
use crate::domain::agent::detect::Search;
use crate::domain::config::{Config, EnvName, EnvValue};
use crate::domain::doctor::Finding;
use crate::domain::doctor::facts::{AgentFacts, Channels, Facts, LinkFacts, Marked, Skew, Strays};
use crate::domain::doctor::judge::{Gathered, environment, judge, ungathered};
use crate::domain::failure::trouble::{LinkTrouble, SessionTrouble};
use crate::domain::ids::SessionId;
use crate::domain::inventory::{Wanted, wanted};
use crate::domain::plan::with_usual_agents;
use crate::domain::target::Place;
use crate::runner::control::{self, ControlError};
use crate::runner::doctor::examine;
use crate::runner::list::{Listed, PAGE, list};

/// Channels that are opened at once to see how many there are; OpenSSH's default
/// is ten.
const MOST_CHANNELS: u32 = 12;
/// Answers that are asked for at most when sessions are listed.
const PAGES: u64 = 20;

/// Examines a remote, an ad hoc destination, or this machine.
pub(in crate::actors::supervisor) async fn run(
    daemon: &DaemonHandle,
    name: &str,
    audience: Audience,
) -> Result<DoctorReport, RequestError> {
    let progress = Progress::new(name, audience);
    let found = Subject::find(daemon, name, TestRequest::default(), &progress)?;
    let Some(mut subject) = found else {
        return Ok(DoctorReport { test: progress.report(), findings: Vec::new() });
    };
    let env = subject.take_env();
    let Some(ground) = subject.reach(daemon, &progress).await else {
        return Ok(DoctorReport { test: progress.report(), findings: Vec::new() });
    };
    let examination = Examination { daemon, ground: &ground, progress: &progress, env };
    let examined = examination.all(&subject).await;
    ground.way.close().await;
    Ok(DoctorReport { test: progress.report(), findings: examined? })
}

struct Examination<'a> {
    daemon: &'a DaemonHandle,
    ground: &'a Ground,
    progress: &'a Progress,
    /// The variables of a session there.
    env: BTreeMap<EnvName, EnvValue>,
}

impl Examination<'_> {
    async fn all(&self, subject: &Subject) -> Result<Vec<Finding>, RequestError> {
        let at = &self.ground.at;
        let mut gathered = Gathered::default();
        let mut findings = Vec::new();
        self.progress.busy("the machine");
        match self.machine().await {
            Ok((facts, skew)) => {
                gathered.facts = facts;
                gathered.link = match self.ground.way {
                    Way::Local => None,
                    Way::Link(_) => Some(LinkFacts { skew, channels: None }),
                };
            }
            Err(error) => {
                // Nothing that follows makes sense without it.
                let finding = ungathered("doctor.machine", &error.to_string(), at);
                self.progress.found(&finding);
                return Ok(vec![finding]);
            }
        }
        self.progress.busy("sessions");
        match self.spools().await {
            Ok(spools) => {
                gathered.strays = Some(self.strays(&spools, &gathered.facts.marked).await?)
            }
            Err(error) => findings.push(ungathered("doctor.orphans", &error.to_string(), at)),
        }
        self.progress.busy("agents");
        match self.agents(subject.place()).await {
            Ok(agents) => gathered.agents = Some(agents),
            Err(error) => findings.push(ungathered("doctor.agents", &error.to_string(), at)),
        }
        if let Some(link) = &mut gathered.link {
            self.progress.busy("channels");
            link.channels = self.channels().await;
        }
        findings.splice(0..0, judge(&gathered, at));
        findings.extend(self.env().await);
        for finding in &findings {
            self.progress.found(finding);
        }
        Ok(findings)
    }

    /// What a session there would not get, where its remote sets variables.
    async fn env(&self) -> Option<Finding> {
        if self.env.is_empty() {
            return None;
        }
        let trouble = resolve_env(&self.env).await.err().map(SessionTrouble::from);
        Some(environment(self.env.len(), trouble.as_ref(), &self.ground.at))
    }

    async fn machine(&self) -> Result<(Facts, Option<Skew>), ControlError> {
        let io = self.ground.way.open().await?;
        examine(io, &nonce(), self.ground.root.as_deref()).await
    }

    async fn spools(&self) -> Result<Vec<Spool>, ControlError> {
        let mut spools = Vec::new();
        for page in 0..PAGES {
            let io = self.ground.way.open().await?;
            let root = self.ground.root.as_deref();
            let Listed { spools: found, more } = list(io, &nonce(), root, page * PAGE).await?;
            spools.extend(found);
            if !more {
                break;
            }
        }
        Ok(spools)
    }

    /// What of it nobody here knows of. What was removed here, and waits to be
    /// removed there, is known.
    async fn strays(&self, spools: &[Spool], marked: &[Marked]) -> Result<Strays, RequestError> {
        let registry = self.daemon.registry();
        let removals = registry.removals().await.map_err(|error| store(&error))?;
        let mut strays = Strays::default();
        for spool in spools {
            let is_removed = removals.iter().any(|removal| removal.session == spool.id);
            if is_removed || registry.get(&spool.id).await.map_err(|error| store(&error))?.is_some()
            {
                continue;
            }
            match choose(spool, self.daemon.origin(), false) {
                Choice::Take => strays.ours.push(spool.id.clone()),
                Choice::Leave => strays.others += 1,
            }
        }
        let there: BTreeSet<&SessionId> = spools.iter().map(|spool| &spool.id).collect();
        for Marked { pid, session } in marked {
            let live = match registry.get(session).await.map_err(|error| store(&error))? {
                Some(record) => record.is_live(),
                // Another's, or one that is told of above.
                None => there.contains(session),
            };
            if !live {
                strays.processes.push(*pid);
            }
        }
        Ok(strays)
    }

    /// All agents that may run there: those that everybody knows, and those of the
    /// configuration.
    async fn agents(&self, place: &Place) -> Result<Vec<AgentFacts>, ControlError> {
        let config = with_usual_agents(Config::clone(&self.daemon.config_state().config));
        let wanted = wanted(&config, place);
        let searches: Vec<Search> = wanted.iter().map(|one| one.search.clone()).collect();
        let io = self.ground.way.open().await?;
        let path = self.ground.path.as_deref();
        let found = control::detect(io, &nonce(), path, &searches).await?;
        let facts = wanted.into_iter().zip(found);
        Ok(facts
            .map(|(Wanted { search, configured }, found)| AgentFacts { search, found, configured })
            .collect())
    }

    /// How many channels the server opens at once. The link is nobody else's, so
    /// nobody is refused one for it.
    async fn channels(&self) -> Option<Channels> {
        let mut open = Vec::new();
        loop {
            let opened = u32::try_from(open.len()).unwrap_or(u32::MAX);
            if opened >= MOST_CHANNELS {
                return Some(Channels { opened, refused: false });
            }
            match self.ground.way.open().await {
                Ok(io) => open.push(io),
                Err(LinkTrouble::ChannelRefused { .. }) => {
                    return Some(Channels { opened, refused: true });
                }
                Err(_) => return None,
            }
        }
    }
}
