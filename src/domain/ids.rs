//! The names of things, as types that cannot be mixed up.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a string is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name cannot be empty")]
    Empty,
    /// Longer than [`MAX_NAME`] bytes.
    #[error("a name has at most {MAX_NAME} characters")]
    TooLong,
    /// A character that a shell, a path or a table would trip over.
    #[error(
        "a name has letters, digits, '.', '_' and '-' and starts with a letter or digit; {0:?} is not one"
    )]
    Character(char),
    /// A session id of another length or alphabet.
    #[error("a session id has {SESSION_ID_LEN} characters of {SESSION_ID_ALPHABET:?}")]
    NotASessionId,
}

/// The longest name, in bytes: it has to fit a table column and a file name.
pub const MAX_NAME: usize = 64;
/// The length of a [`SessionId`], in characters.
pub const SESSION_ID_LEN: usize = 10;
/// The alphabet of a [`SessionId`]: Crockford's base 32, which has no `i`,
/// `l`, `o` and `u`, so an id can be read out over the phone.
pub const SESSION_ID_ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";

fn check_name(name: &str) -> Result<(), NameError> {
    let Some(first) = name.chars().next() else {
        return Err(NameError::Empty);
    };
    if name.len() > MAX_NAME {
        return Err(NameError::TooLong);
    }
    if !first.is_ascii_alphanumeric() {
        return Err(NameError::Character(first));
    }
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
        Some(bad) => Err(NameError::Character(bad)),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check_name(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name! {
    /// The key of a remote in the configuration.
    RemoteName
}
name! {
    /// The key of an agent in the configuration.
    AgentName
}
name! {
    /// The name that a person gave a session.
    SessionName
}

name! {
    /// What somebody calls themselves who asks for sessions.
    ClientName
}
name! {
    /// What remotes have in common: `gpu`, `web`.
    Tag
}

/// The name of one session, unique over all control machines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

impl SessionId {
    /// The id that stands for `random`; its lower 50 bits count.
    #[must_use]
    pub fn from_bits(random: u64) -> Self {
        let alphabet = SESSION_ID_ALPHABET.as_bytes();
        let digit = |at: usize| char::from(alphabet[((random >> (5 * at)) & 31) as usize]);
        Self((0..SESSION_ID_LEN).rev().map(digit).collect())
    }

    /// The id of the attempt that follows this one. Whoever decides on it anew,
    /// having forgotten that it did, comes to the same id, and so to the same
    /// claim: of the two only one is ever started.
    #[must_use]
    pub fn next_attempt(&self) -> Self {
        // FNV-1a, then the finalizer of splitmix64 to spread it over all bits.
        let mut hash = self.0.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self::from_bits(hash ^ (hash >> 31))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() == SESSION_ID_LEN && text.chars().all(|c| SESSION_ID_ALPHABET.contains(c)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::NotASessionId)
        }
    }
}

impl TryFrom<String> for SessionId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The generation of something that is done anew after each failure.
///
/// A task carries the epoch that it was started in, and what it reports is
/// dropped once the epoch has moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(u64);

impl Epoch {
    /// Moves on to the next generation and returns it.
    pub fn advance(&mut self) -> Self {
        self.0 += 1;
        *self
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_what_a_shell_leaves_alone() {
        for good in ["box", "gpu-box", "a.b_c-1", "9"] {
            assert!(good.parse::<RemoteName>().is_ok(), "{good}");
        }
        for bad in ["", "-x", ".x", "a b", "a/b", "a;b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<RemoteName>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_id_parses_back(bits: u64) {
            let id = SessionId::from_bits(bits);
            prop_assert_eq!(id.as_str().parse::<SessionId>(), Ok(id.clone()));
        }

        #[test]
        fn a_next_attempt_is_another_and_always_the_same(a in 0u64..1 << 50, b in 0u64..1 << 50) {
            let (first, other) = (SessionId::from_bits(a), SessionId::from_bits(b));
            prop_assert_ne!(first.next_attempt(), first.clone());
            prop_assert_eq!(first.next_attempt() == other.next_attempt(), a == b);
        }

        #[test]
        fn ids_differ_where_their_bits_do(a in 0u64..1 << 50, b in 0u64..1 << 50) {
            prop_assert_eq!(a == b, SessionId::from_bits(a) == SessionId::from_bits(b));
        }
    }
}
