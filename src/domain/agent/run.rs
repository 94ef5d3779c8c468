//! What an agent's events add up to.

use serde::{Deserialize, Serialize};

use super::event::{AgentEvent, Awaited, Usage};
use super::profile::Profile;
use super::trouble::Complaint;

/// One agent's run, as far as it has told of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentRun {
    /// Which program it is.
    pub profile: Profile,
    /// The conversation that it was to go on from.
    pub resumed: Option<String>,
    /// Its own name for the conversation: what a later turn goes on from.
    pub conversation: Option<String>,
    /// The model that answers.
    pub model: Option<String>,
    /// What it has taken so far.
    pub usage: Usage,
    /// How many events it has told.
    pub events: u64,
    /// How many times it has used a tool.
    pub tool_calls: u64,
    /// What was refused it, since nobody was there to allow it.
    pub denied: u64,
    /// What it waits for; `None` while it works.
    pub waiting: Option<Awaited>,
    /// Whether it has done what it should, once it has said so.
    pub result: Option<bool>,
    /// The last thing that it complained of, since it last got on.
    pub complaint: Option<Complaint>,
}

impl AgentRun {
    /// A run of which nothing is known yet.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }

    /// The same run before anything was known of it.
    #[must_use]
    pub fn unheard(&self) -> Self {
        Self { profile: self.profile, resumed: self.resumed.clone(), ..Self::default() }
    }

    /// Adds what the agent has told.
    pub fn add(&mut self, event: &AgentEvent) {
        self.events += 1;
        if !matches!(event, AgentEvent::Result { .. } | AgentEvent::Usage { .. }) {
            self.waiting = None;
        }
        match event {
            AgentEvent::Started { conversation, model } => {
                if conversation.is_some() {
                    self.conversation.clone_from(conversation);
                }
                if model.is_some() {
                    self.model.clone_from(model);
                }
            }
            // It got on: what it complained of before has passed.
            AgentEvent::Text { .. } | AgentEvent::Reasoning { .. } => self.complaint = None,
            AgentEvent::ToolCall { .. } => {
                self.complaint = None;
                self.tool_calls += 1;
            }
            AgentEvent::ToolResult { .. } => {}
            AgentEvent::Usage { usage, total: true } => self.usage = *usage,
            AgentEvent::Usage { usage, total: false } => self.usage = self.usage.plus(*usage),
            AgentEvent::Waiting { what, .. } => {
                self.waiting = Some(*what);
                self.denied += u64::from(*what == Awaited::Permission);
            }
            AgentEvent::Retrying { complaint, .. } | AgentEvent::Error { complaint } => {
                self.complaint = Some(complaint.clone());
            }
            AgentEvent::Result { ok, complaint } => {
                self.waiting = None;
                self.result = Some(*ok);
                if *ok {
                    self.complaint = None;
                } else if let Some(last) = complaint {
                    self.complaint = Some(last.clone());
                }
            }
        }
    }
}
