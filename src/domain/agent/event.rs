//! What an agent tells of its work, in one vocabulary for all of them.

use serde::{Deserialize, Serialize};

use super::trouble::Complaint;
use super::usd::Usd;

/// One thing that an agent told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum AgentEvent {
    /// It has begun.
    Started {
        /// Its own name for the conversation: what a later turn goes on from.
        conversation: Option<String>,
        /// The model that answers.
        model: Option<String>,
    },
    /// It says something.
    Text {
        /// What.
        text: String,
        /// Whether more of the same follows without a break.
        #[serde(default)]
        partial: bool,
    },
    /// It thinks.
    Reasoning {
        /// What.
        text: String,
    },
    /// It uses a tool.
    ToolCall {
        /// What ties the call to its result.
        id: String,
        /// The tool.
        name: String,
        /// What the tool is given, in a line.
        input: String,
    },
    /// A tool has ended.
    ToolResult {
        /// The call's.
        id: String,
        /// Whether it did what it should.
        ok: bool,
        /// What came of it.
        output: String,
    },
    /// What the work has taken.
    Usage {
        /// How much.
        usage: Usage,
        /// Whether it is the sum so far, and not what has come on top.
        total: bool,
    },
    /// It cannot go on without a person.
    Waiting {
        /// What it waits for.
        what: Awaited,
        /// The tool or the question.
        detail: String,
    },
    /// It tries again by itself.
    Retrying {
        /// The pause before that, in milliseconds, where it is told.
        wait_ms: Option<u64>,
        /// Why.
        complaint: Complaint,
    },
    /// It has given its result; it should exit now.
    Result {
        /// Whether the work is done.
        ok: bool,
        /// Why not, where that is told with it.
        complaint: Option<Complaint>,
    },
    /// Something went wrong.
    Error {
        /// What.
        complaint: Complaint,
    },
}

/// What an agent waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Awaited {
    /// That somebody allows something: without a person it is refused.
    Permission,
    /// An answer.
    Input,
}

/// The longest name of a conversation, a model, a tool or a call, in bytes.
const MAX_NAME: usize = 256;

/// Tokens and money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens that went to the model; those that it had cached are among them.
    pub input: u64,
    /// Tokens that the model had cached.
    pub cached: u64,
    /// Tokens that the model wrote, its reasoning included.
    pub output: u64,
    /// US dollars, where the agent tells; what its provider bills may differ.
    pub cost_usd: Option<Usd>,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let cost_usd = match (self.cost_usd, other.cost_usd) {
            (Some(one), Some(two)) => Some(one.plus(two)),
            (one, two) => one.or(two),
        };
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            output: self.output.saturating_add(other.output),
            cost_usd,
        }
    }

    /// Whether nothing was used, as far as is known.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.input == 0 && self.output == 0 && self.cost_usd.is_none_or(Usd::is_zero)
    }
}

impl AgentEvent {
    /// The same without names that are too long to be any: a name is kept for as
    /// long as its session, and a conversation's that was cut would lead nowhere.
    #[must_use]
    pub(super) fn named_sanely(mut self) -> Self {
        match &mut self {
            Self::Started { conversation, model } => {
                for name in [conversation, model] {
                    name.take_if(|name| name.len() > MAX_NAME);
                }
            }
            Self::ToolCall { id, name, .. } => {
                clip(id, MAX_NAME);
                clip(name, MAX_NAME);
            }
            Self::ToolResult { id, .. } => clip(id, MAX_NAME),
            Self::Text { .. }
            | Self::Reasoning { .. }
            | Self::Usage { .. }
            | Self::Waiting { .. }
            | Self::Retrying { .. }
            | Self::Result { .. }
            | Self::Error { .. } => {}
        }
        self
    }

    /// The same with no text longer than `most` bytes: for where many are kept.
    #[must_use]
    pub fn clipped(mut self, most: usize) -> Self {
        match &mut self {
            Self::Text { text, .. } | Self::Reasoning { text } => clip(text, most),
            Self::ToolCall { input, .. } => clip(input, most),
            Self::ToolResult { output, .. } => clip(output, most),
            Self::Waiting { detail, .. } => clip(detail, most),
            Self::Retrying { complaint, .. }
            | Self::Error { complaint }
            | Self::Result { complaint: Some(complaint), .. } => clip(&mut complaint.said, most),
            Self::Started { .. } | Self::Usage { .. } | Self::Result { complaint: None, .. } => {}
        }
        self
    }
}

/// Cuts `text` at a character's end, and says so.
pub(super) fn clip(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clipped_text_ends_at_a_character() {
        let event = AgentEvent::Text { text: "aé".repeat(40), partial: false };
        let AgentEvent::Text { text, .. } = event.clipped(5) else { panic!("a text") };
        assert_eq!(text, "aéa…");
    }

    #[test]
    fn names_that_are_none_are_not_kept() {
        let long = "x".repeat(10 << 20);
        let started = |name: &str| AgentEvent::Started {
            conversation: Some(name.to_owned()),
            model: Some("m".to_owned()),
        };
        assert_eq!(started("c").named_sanely(), started("c"));
        let AgentEvent::Started { conversation, model } = started(&long).named_sanely() else {
            panic!("it has started")
        };
        assert_eq!((conversation, model.as_deref()), (None, Some("m")));
        let call = AgentEvent::ToolCall { id: long.clone(), name: long, input: "i".to_owned() };
        let AgentEvent::ToolCall { id, name, .. } = call.named_sanely() else { panic!("a call") };
        assert!(id.len() < 300 && name.len() < 300);
    }

    #[test]
    fn costs_add_up_where_they_are_known() {
        let cost = |micros: Option<u64>| micros.map(Usd::from_micros);
        let usage = |micros| Usage { cost_usd: cost(micros), ..Usage::default() };
        let sum = |one, two| usage(one).plus(usage(two)).cost_usd;
        assert_eq!(sum(None, None), None);
        assert_eq!(sum(Some(5), None), cost(Some(5)));
        assert_eq!(sum(Some(5), Some(2)), cost(Some(7)));
    }
}
