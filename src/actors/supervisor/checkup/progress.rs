//! How far a test has come.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::api::backend::Audience;
use crate::api::types::{CheckNotice, TestReport, TestStage};
use crate::domain::doctor::Finding;
use crate::domain::doctor::stage::Stage;
use crate::domain::failure::Failure;

/// A report that is being written, and who listens meanwhile.
pub(super) struct Progress {
    audience: Audience,
    state: Mutex<State>,
}

struct State {
    report: TestReport,
    /// The stages ahead; the first of them is under way.
    ahead: VecDeque<Stage>,
    since: Instant,
}

impl Progress {
    pub(super) fn new(name: &str, audience: Audience) -> Self {
        let report = TestReport {
            remote: name.to_owned(),
            destination: None,
            stages: Vec::new(),
            hostname: None,
            failure: None,
            warnings: Vec::new(),
        };
        let state = State { report, ahead: VecDeque::new(), since: Instant::now() };
        Self { audience, state: Mutex::new(state) }
    }

    /// These stages come next, and the first of them now.
    pub(super) fn expect(&self, stages: impl IntoIterator<Item = Stage>) {
        let mut state = self.state();
        state.ahead = stages.into_iter().collect();
        state.since = Instant::now();
        self.begin(&state);
    }

    /// The stage under way.
    pub(super) fn pending(&self) -> Option<Stage> {
        self.state().ahead.front().cloned()
    }

    /// A stage is over, and well.
    pub(super) fn passed(&self, stage: &Stage, detail: Option<String>) {
        let mut state = self.state();
        self.push(&mut state, stage, true, detail);
        if let Some(at) = state.ahead.iter().position(|ahead| ahead == stage) {
            state.ahead.drain(..=at);
        }
        self.begin(&state);
    }

    /// A stage has failed, and is the last.
    pub(super) fn failed(&self, stage: &Stage, failure: Failure) {
        let mut state = self.state();
        self.push(&mut state, stage, false, Some(failure.message.clone()));
        state.report.failure = Some(failure);
    }

    pub(super) fn warn(&self, warning: Failure) {
        self.state().report.warnings.push(warning);
    }

    pub(super) fn reaches(&self, destination: String) {
        self.state().report.destination = Some(destination);
    }

    pub(super) fn calls_itself(&self, hostname: String) {
        self.state().report.hostname = Some(hostname);
    }

    /// Something that is no stage of the test is under way.
    pub(super) fn busy(&self, with: &str) {
        self.audience.tell(CheckNotice::Began(with.to_owned()));
    }

    pub(super) fn found(&self, finding: &Finding) {
        self.audience.tell(CheckNotice::Finding(finding.clone()));
    }

    /// The report as it stands.
    pub(super) fn report(&self) -> TestReport {
        self.state().report.clone()
    }

    fn begin(&self, state: &State) {
        if let Some(next) = state.ahead.front() {
            self.audience.tell(CheckNotice::Began(next.to_string()));
        }
    }

    fn push(&self, state: &mut State, stage: &Stage, ok: bool, detail: Option<String>) {
        let took_ms = state.since.elapsed().as_secs_f64() * 1000.0;
        state.since = Instant::now();
        let stage = TestStage { name: stage.to_string(), took_ms, ok, detail };
        self.audience.tell(CheckNotice::Stage(stage.clone()));
        state.report.stages.push(stage);
    }

    /// What is written down is whole after each line above.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
