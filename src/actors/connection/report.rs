//! What the connection publishes about itself.

use std::sync::Arc;

use tokio::time::Instant;

use crate::actors::now;
use crate::domain::attention::QuestionView;
use crate::domain::connection::{LinkState, LinkView};
use crate::domain::failure::Failure;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::timestamp::Timestamp;
use crate::domain::transport::{Chosen, TransportView};
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
    /// Since when there is no link where there should be one, and a reason.
    pub away_since: Option<Timestamp>,
    /// The remote, and where it was last dialled.
    pub at: Whereabouts,
    /// What its links go over.
    pub transport: Option<Chosen>,
    /// What a person is asked.
    pub question: Option<QuestionView>,
    /// What the host told about itself.
    pub facts: Option<Arc<HostFacts>>,
}

/// What changed from one report to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The state, and maybe more.
    State,
    /// Something that those who watch want to know.
    Detail,
    /// Nothing of the kind.
    Nothing,
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
            away_since: None,
            at: Whereabouts { place, destination: None, session: None },
            transport: None,
            question: None,
            facts: None,
        }
    }

    /// Becomes `new`, except for the times of what stays as it was.
    pub(super) fn follow(&mut self, new: Self) -> Change {
        let moved = self.state != new.state;
        let away = new.failure.is_some() && new.links == 0;
        let same = !moved
            && self.away_since.is_some() == away
            && self.failure == new.failure
            && self.links == new.links
            && self.next_try == new.next_try
            && self.at == new.at
            && self.transport == new.transport
            && self.question == new.question
            && self.facts.is_some() == new.facts.is_some();
        let since = if moved { new.since } else { self.since };
        let away_since = away.then(|| self.away_since.unwrap_or(new.since));
        *self = Self { since, away_since, ..new };
        match (moved, same) {
            (true, _) => Change::State,
            (false, false) => Change::Detail,
            (false, true) => Change::Nothing,
        }
    }

    /// What people see of it, as of now.
    #[must_use]
    pub fn view(&self) -> LinkView {
        let left = |at: Instant| {
            let left = at.saturating_duration_since(Instant::now()).as_millis();
            u64::try_from(left).unwrap_or(u64::MAX)
        };
        let next_try_ms = self.next_try.map(left);
        let at = |left: u64| Timestamp::from_millis(now().as_millis().saturating_add(left));
        LinkView {
            state: self.state,
            failures: self.failures,
            next_try_ms,
            next_try_at: next_try_ms.map(|left| at(left).to_string()),
            failure: self.failure.clone(),
            question: self.question.clone(),
            transport: self.transport.as_ref().map(TransportView::from),
            since: self.since.to_string(),
            unreachable_since: self.away_since.map(|since| since.to_string()),
        }
    }
}
