//! What the server asks of a daemon.

use std::collections::BTreeSet;
use std::path::PathBuf;

use longhaul::api::backend::{Audience, Backend, Output, RequestError};
use longhaul::api::types::{
    AdoptReport, AdoptRequest, AgentFound, AgentView, AnswerRequest, CheckNotice, ConfigView,
    DoctorReport, EventView, Finding, FindingStatus, GcRequest, GcView, HostKeyLine, HostKeyShown,
    InputOffer, InputTaken, Inventory, KeptView, KillRequest, LinkState, Progress, QuestionId,
    QuestionView, RemoteView, RunRequest, SessionView, StatusView, TestReport, TestRequest,
    TestStage, TrustRequest,
};
use longhaul::domain::event::Event;
use longhaul::domain::host_key::TrustError;
use longhaul::domain::timestamp::Timestamp;
use tokio::sync::broadcast;

use super::{AT, AT_MILLIS, Fake, link, refused};

impl Backend for Fake {
    async fn run(&self, request: RunRequest) -> Result<SessionView, RequestError> {
        if request.command == ["refuse"] {
            return Err(RequestError::Failed(Box::new(refused())));
        }
        let number = {
            let mut state = self.state();
            state.requests.push(request.clone());
            // Far apart, so that short prefixes tell them from each other.
            (state.requests.len() as u64) << 40
        };
        let id = self.add(number, &request);
        let view = self.session(id.as_str()).await?;
        let script = self.state().on_run.clone();
        if let Some(script) = script {
            script(self, &id, &request);
        }
        Ok(view)
    }

    async fn sessions(&self, all: bool) -> Result<Vec<SessionView>, RequestError> {
        let state = self.state();
        let mut views: Vec<SessionView> =
            state.sessions.iter().map(|session| session.view.clone()).collect();
        views.retain(|view| all || !view.state.has_ended());
        Ok(views)
    }

    async fn session(&self, given: &str) -> Result<SessionView, RequestError> {
        let (hides, cut_off) = {
            let mut state = self.state();
            let cut_off = state.cut_off_for > 0;
            state.cut_off_for = state.cut_off_for.saturating_sub(1);
            (state.hides_mirrors, cut_off)
        };
        if cut_off {
            // The server drops the connection of a handler that unwinds.
            std::panic::resume_unwind(Box::new("cut off"));
        }
        self.find(given, |session| {
            let mut view = session.view.clone();
            if hides {
                view.mirror = PathBuf::from("/nonexistent/mirror");
            }
            view
        })
    }

    async fn progress(&self) -> Result<Vec<Progress>, RequestError> {
        Ok(self.sessions(false).await?.iter().map(Progress::of).collect())
    }

    async fn attempts(&self, given: &str) -> Result<Vec<SessionView>, RequestError> {
        Ok(vec![self.session(given).await?])
    }

    async fn output(&self, given: &str) -> Result<Output, RequestError> {
        self.find(given, |session| Output {
            dir: session.view.mirror.clone(),
            pulse: session.pulse.subscribe(),
        })
    }

    async fn input(&self, given: &str, offer: InputOffer) -> Result<InputTaken, RequestError> {
        let full = {
            let mut state = self.state();
            let full = state.full_for > 0;
            state.full_for = state.full_for.saturating_sub(1);
            full
        };
        self.find(given, |session| {
            if !session.view.stdin.open {
                return Err(RequestError::StdinClosed(session.view.id.clone()));
            }
            if full {
                return Err(RequestError::InputFull(session.view.id.clone(), 1 << 20));
            }
            let accepted = session.view.stdin.accepted;
            if offer.offset.is_some_and(|offset| offset != accepted) {
                let session = session.view.id.clone();
                return Err(RequestError::InputMoved { session, accepted });
            }
            session.input.extend_from_slice(&offer.bytes);
            session.view.stdin.open = !offer.eof;
            session.view.stdin.accepted += offer.bytes.len() as u64;
            Ok(InputTaken { accepted: session.view.stdin.accepted })
        })?
    }

    async fn kill(&self, given: &str, request: KillRequest) -> Result<SessionView, RequestError> {
        let id = self.find(given, |session| session.view.id.clone())?;
        let script = {
            let mut state = self.state();
            state.kills.push((id.clone(), request.clone()));
            state.on_kill.clone()
        };
        if let Some(script) = script {
            script(self, &id, &request);
        }
        self.session(given).await
    }

    async fn remove(&self, given: &str, force: bool) -> Result<(), RequestError> {
        let id = self.find(given, |session| {
            let view = &session.view;
            if force || view.state.has_ended() {
                Ok(view.id.clone())
            } else {
                Err(RequestError::StillRunning(view.id.clone()))
            }
        })??;
        self.state().sessions.retain(|session| session.view.id != id);
        Ok(())
    }

    async fn gc(&self, request: GcRequest) -> Result<GcView, RequestError> {
        Ok(GcView { dry_run: request.dry_run, items: Vec::new() })
    }

    async fn status(&self) -> Result<StatusView, RequestError> {
        Ok(StatusView {
            version: "9.9.9".to_owned(),
            pid: 42,
            started_at: AT.to_owned(),
            config: self.config(),
            remotes: self.remotes().await?,
            sessions: self.sessions(false).await?,
            state_dir: self.dir().to_owned(),
            notices: Vec::new(),
            kept: KeptView::default(),
            used: Vec::new(),
            failed: Vec::new(),
            disk: None,
        })
    }

    async fn remotes(&self) -> Result<Vec<RemoteView>, RequestError> {
        Ok(vec![RemoteView {
            name: "box".to_owned(),
            label: None,
            enabled: true,
            default: true,
            destination: Some("me@box.example:22".to_owned()),
            host: "box.example".to_owned(),
            link: link(LinkState::BackingOff, Some(refused())),
            links: 0,
            sessions: 1,
            working_dir: None,
            env: vec!["TOKEN".to_owned()],
            tags: BTreeSet::new(),
            max_sessions: None,
            slots: None,
        }])
    }

    async fn test_remote(
        &self,
        name: &str,
        _request: TestRequest,
        audience: Audience,
    ) -> Result<TestReport, RequestError> {
        if name == "nowhere" {
            return Err(RequestError::NoSuchRemote(name.to_owned()));
        }
        let good = name == "good";
        let stage = TestStage { name: "connect".to_owned(), took_ms: 1.25, ok: good, detail: None };
        audience.tell(CheckNotice::Began("connect".to_owned()));
        audience.tell(CheckNotice::Stage(stage.clone()));
        Ok(TestReport {
            remote: name.to_owned(),
            destination: Some("me@box.example:22".to_owned()),
            stages: vec![stage],
            hostname: good.then(|| "box".to_owned()),
            failure: (!good).then(refused),
            warnings: Vec::new(),
        })
    }

    async fn doctor(&self, name: &str, audience: Audience) -> Result<DoctorReport, RequestError> {
        let test = self.test_remote(name, TestRequest::default(), audience.clone()).await?;
        let why = "It was made so.";
        let ill = Finding::new("doctor.disk", FindingStatus::Fail, "full", why).with("df -h");
        let findings = vec![Finding::ok("doctor.shell", "/bin/sh"), ill];
        for finding in &findings {
            audience.tell(CheckNotice::Finding(finding.clone()));
        }
        Ok(DoctorReport { test, findings })
    }

    async fn detect_agents(&self, name: &str) -> Result<Inventory, RequestError> {
        if name == "away" {
            return Err(RequestError::Failed(Box::new(refused())));
        }
        let agents = vec![AgentFound {
            program: "claude".to_owned(),
            file: Some("/usr/bin/claude".to_owned()),
            version: Some("2.1.0".to_owned()),
            trouble: None,
            logged_in: Some(false),
            login_sign: None,
        }];
        Ok(Inventory { remote: name.to_owned(), at: AT.to_owned(), agents })
    }

    async fn adopt(&self, name: &str, request: AdoptRequest) -> Result<AdoptReport, RequestError> {
        let AdoptRequest { dry_run, .. } = request;
        let remote = name.to_owned();
        Ok(AdoptReport { remote, dry_run, known: 0, sessions: Vec::new() })
    }

    async fn host_key(&self, name: &str) -> Result<HostKeyShown, RequestError> {
        Ok(HostKeyShown {
            name: name.to_owned(),
            kind: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:new".to_owned(),
            known: false,
            others: vec![HostKeyLine {
                file: "/home/ann/.ssh/known_hosts".into(),
                line: 7,
                kind: "ssh-rsa".to_owned(),
                fingerprint: "SHA256:old".to_owned(),
            }],
            file: Some("/home/ann/.ssh/known_hosts".into()),
        })
    }

    async fn trust(&self, name: &str, request: TrustRequest) -> Result<HostKeyShown, RequestError> {
        let shown = self.host_key(name).await?;
        if request.fingerprint != shown.fingerprint {
            let shown = shown.fingerprint;
            return Err(RequestError::NotTrusted(TrustError::OtherKey { shown }));
        }
        Ok(HostKeyShown { known: true, others: Vec::new(), ..shown })
    }

    async fn attention(&self) -> Result<Vec<QuestionView>, RequestError> {
        Ok(self.state().desk.open())
    }

    async fn answer(&self, id: QuestionId, request: AnswerRequest) -> Result<(), RequestError> {
        let now = Timestamp::from_millis(AT_MILLIS);
        self.state().desk.answer(id, request.answer, now)?;
        Ok(())
    }

    async fn reconnect(&self, name: &str) -> Result<(), RequestError> {
        if name == "box" { Ok(()) } else { Err(RequestError::NoSuchRemote(name.to_owned())) }
    }

    async fn agents(&self) -> Result<Vec<AgentView>, RequestError> {
        Ok(vec![AgentView {
            name: "claude".parse().unwrap(),
            profile: "Claude".to_owned(),
            command: vec!["claude".to_owned(), "-p".to_owned()],
            remote: "default".to_owned(),
            runs_on: Err("remote box is disabled".to_owned()),
            found: None,
        }])
    }

    async fn reload(&self) -> Result<ConfigView, RequestError> {
        match self.config().rejected {
            Some(report) => Err(RequestError::ConfigRejected(report)),
            None => Ok(self.config()),
        }
    }

    async fn events(&self, since: u64, limit: usize) -> Result<Vec<EventView>, RequestError> {
        let state = self.state();
        let oldest = state.events.first().map_or(state.next_seq, |event| event.seq);
        if since + 1 < oldest {
            return Err(RequestError::StaleCursor { since, oldest });
        }
        Ok(state.events.iter().filter(|event| event.seq > since).take(limit).cloned().collect())
    }

    async fn subscribe(&self) -> Result<(u64, broadcast::Receiver<Event>), RequestError> {
        let state = self.state();
        Ok((state.next_seq - 1, self.0.live.subscribe()))
    }

    async fn shutdown(&self) -> Result<(), RequestError> {
        self.stop();
        Ok(())
    }
}
