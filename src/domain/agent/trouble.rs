//! Why an agent could not do its work.

use serde::{Deserialize, Serialize};

/// What went wrong, one variant per thing that a person would mend in another
/// way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Nobody has logged in there.
    NotLoggedIn,
    /// The provider refuses the key or the login.
    KeyInvalid,
    /// Too much in too short a time; it passes.
    RateLimited,
    /// The provider has more to do than it can.
    Overloaded,
    /// The account's money or quota is used up.
    NoCredit,
    /// The conversation is longer than the model can take.
    ContextTooLong,
    /// There is no conversation of that name to go on from.
    NoConversation,
    /// The agent's own rules forbid what it would have to do.
    Denied,
    /// There is no such model, or not for this account.
    ModelUnknown,
    /// The provider could not be reached, or the line to it broke.
    Unreachable,
    /// A limit that the agent was given: turns, money, time.
    Limit,
    /// It ended without a result.
    Crashed,
    /// Anything else that it complains of.
    Other,
}

/// A trouble, and the agent's words for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// What went wrong.
    pub trouble: Trouble,
    /// The words of the agent's program; never those of a model.
    pub said: String,
    /// When it will have passed, where that is told.
    #[serde(default)]
    pub passes: Option<Passes>,
}

/// When a trouble will have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passes {
    /// So many seconds after it was told.
    InS(u64),
    /// At that moment, in seconds since the Unix epoch.
    AtS(u64),
}

/// A complaint is a line or two, whatever a server sent.
const MOST_SAID: usize = 2000;

impl Complaint {
    /// A complaint of which it is not told when it passes.
    #[must_use]
    pub fn new(trouble: Trouble, said: impl Into<String>) -> Self {
        let mut said = said.into();
        super::event::clip(&mut said, MOST_SAID);
        Self { trouble, said, passes: None }
    }

    /// The same, and when it passes.
    #[must_use]
    pub fn passing(self, passes: Option<Passes>) -> Self {
        Self { passes, ..self }
    }
}

impl Trouble {
    /// What a provider's HTTP status stands for; `None` where it says no more
    /// than that something went wrong.
    #[must_use]
    pub fn of_status(status: u64) -> Option<Self> {
        Some(match status {
            401 | 403 => Self::KeyInvalid,
            402 => Self::NoCredit,
            404 => Self::ModelUnknown,
            413 => Self::ContextTooLong,
            429 => Self::RateLimited,
            500 | 502 | 503 | 529 => Self::Overloaded,
            408 | 504 => Self::Unreachable,
            _ => return None,
        })
    }

    /// What a provider's own word for an error stands for: OpenAI's `code` and
    /// `type`, and Anthropic's `type`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "insufficient_quota" | "billing_error" | "billing_not_active" | "quota" => {
                Self::NoCredit
            }
            "context_length_exceeded" | "prompt_too_long" => Self::ContextTooLong,
            "rate_limit_exceeded" | "rate_limit_error" | "rate_limit" => Self::RateLimited,
            "invalid_api_key" | "authentication_error" | "permission_error" => Self::KeyInvalid,
            "overloaded" | "overloaded_error" | "server_overloaded" => Self::Overloaded,
            "model_not_found" | "not_found_error" => Self::ModelUnknown,
            _ => return None,
        })
    }

    /// Whether it passes by itself, so that the same work may be gone on with
    /// later.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded | Self::Unreachable)
    }
}
