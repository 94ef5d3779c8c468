//! What the connection publishes about itself.

use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::attention::QuestionView;
use crate::domain::connection::{LinkState, LinkView};
use crate::domain::failure::Failure;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::timestamp::Timestamp;
use crate::runner::control::HostFacts;

/// How a connection is, for everybody who wants to know.
#[derive(Debug, Clone)]
pub struct LinkReport {
    /// The state that people see.
    pub state: LinkState,
    /// Links that are up.
    pub links: usize,
    /// Dials in a row that failed.
    pub failures: u32,
    /// When the next dial is due.
    pub next_try: Option<Instant>,
    /// What keeps it from being connected.
    pub trouble: Option<LinkTrouble>,
    /// The same, for people.
    pub failure: Option<Failure>,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// The remote, and where it was last dialled.
    pub at: Whereabouts,
    /// What a person is asked.
    pub question: Option<QuestionView>,
    /// What the host told about itself.
    pub facts: Option<Arc<HostFacts>>,
}

impl LinkReport {
    /// A connection that nobody has needed yet.
    #[must_use]
    pub fn new(place: String, now: Timestamp) -> Self {
        Self {
            state: LinkState::Idle,
            links: 0,
            failures: 0,
            next_try: None,
            trouble: None,
            failure: None,
            since: now,
            at: Whereabouts { place, destination: None, session: None },
            question: None,
            facts: None,
        }
    }

    /// What people see of it, as of now.
    #[must_use]
    pub fn view(&self) -> LinkView {
        let left = |at: Instant| at.saturating_duration_since(Instant::now()).as_millis();
        LinkView {
            state: self.state,
            failures: self.failures,
            next_try_ms: self.next_try.map(|at| u64::try_from(left(at)).unwrap_or(u64::MAX)),
            failure: self.failure.clone(),
            question: self.question.clone(),
            since: self.since.to_string(),
        }
    }
}
