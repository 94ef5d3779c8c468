//! Which control machine a session was started from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The length of a [`ControlId`], in characters.
const CONTROL_ID_LEN: usize = 32;
/// The longest name of a person and a machine, in bytes.
const MAX_WHO: usize = 128;

/// What is no [`ControlId`] or [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// An id of another length or alphabet.
    #[error("a control machine's id has {CONTROL_ID_LEN} hexadecimal digits")]
    NotAnId,
    /// A name that is empty, too long, or not for a terminal.
    #[error("not the name of a user on a machine")]
    NotAName,
}

/// The id of a control machine's state directory: random, and kept in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ControlId(String);

impl ControlId {
    /// The id that stands for `random`.
    #[must_use]
    pub fn from_bits(random: u128) -> Self {
        Self(format!("{random:032x}"))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ControlId {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == CONTROL_ID_LEN && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(OriginError::NotAnId)
        }
    }
}

impl TryFrom<String> for ControlId {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<ControlId> for String {
    fn from(id: ControlId) -> Self {
        id.0
    }
}

/// `user@hostname`, for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Who(String);

impl Who {
    /// The user of a machine. What cannot be shown is replaced, what is too
    /// long is cut.
    #[must_use]
    pub fn new(user: &str, hostname: &str) -> Self {
        let mut text = String::new();
        for c in format!("{user}@{hostname}").chars() {
            let c = if c.is_control() { '?' } else { c };
            if text.len() + c.len_utf8() > MAX_WHO {
                break;
            }
            text.push(c);
        }
        Self(text)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Who {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        if text.is_empty() || text.len() > MAX_WHO || text.chars().any(char::is_control) {
            Err(OriginError::NotAName)
        } else {
            Ok(Self(text))
        }
    }
}

impl From<Who> for String {
    fn from(who: Who) -> Self {
        who.0
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A control machine, as its sessions remember it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The id of its state directory. It is lost with that.
    pub id: ControlId,
    /// Whose it is.
    pub who: Who,
}

impl Origin {
    /// Whether `self` and `other` are the same person's on the same machine, as
    /// far as can be told: a state directory that was lost took its id along.
    #[must_use]
    pub fn is_akin_to(&self, other: &Self) -> bool {
        self.id == other.id || self.who == other.who
    }
}

#[cfg(test)]
impl Origin {
    /// An origin for tests.
    pub(crate) fn sample(bits: u128, user: &str) -> Self {
        Self { id: ControlId::from_bits(bits), who: Who::new(user, "laptop") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_32_hexadecimal_digits_and_nothing_else() {
        let id = ControlId::from_bits(7);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for bad in ["", "7", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
            assert_eq!(bad.parse::<ControlId>(), Err(OriginError::NotAnId), "{bad}");
        }
    }

    #[test]
    fn a_name_that_a_terminal_would_obey_is_none() {
        for bad in [String::new(), "a\x1b[2J@b".to_owned(), "x".repeat(129)] {
            assert_eq!(Who::try_from(bad.clone()), Err(OriginError::NotAName), "{bad:?}");
        }
        let made = Who::new("a\x1b", &"é".repeat(200));
        assert_eq!(Who::try_from(made.as_str().to_owned()), Ok(made));
    }

    #[test]
    fn a_lost_id_leaves_the_name_to_go_by() {
        let own = Origin::sample(1, "ann");
        for (other, akin) in [
            (Origin::sample(1, "bob"), true),
            (Origin::sample(2, "ann"), true),
            (Origin::sample(2, "bob"), false),
        ] {
            assert_eq!(own.is_akin_to(&other), akin, "{other:?}");
        }
    }
}
