//! The codes of all groups, as one type.

use std::fmt;
use std::str::FromStr;

use super::{Agent, Entry, Link, Local, Reach, Session, Trust};
use crate::domain::failure::Disposition;

/// A failure's stable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// From the request to an SSH transport.
    Reach(Reach),
    /// Who the host is, and who we are.
    Trust(Trust),
    /// The link, its channels and its hops.
    Link(Link),
    /// The session itself.
    Session(Session),
    /// The agent that the session runs.
    Agent(Agent),
    /// This machine.
    Local(Local),
}

/// No failure has this code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no failure has the code {given:?}")]
pub struct UnknownCode {
    /// What was given.
    pub given: String,
}

impl Code {
    /// Every code, in the order of the way to a session.
    pub fn all() -> impl Iterator<Item = Self> {
        let reach = Reach::ALL.iter().copied().map(Self::Reach);
        let trust = Trust::ALL.iter().copied().map(Self::Trust);
        let link = Link::ALL.iter().copied().map(Self::Link);
        let session = Session::ALL.iter().copied().map(Self::Session);
        let agent = Agent::ALL.iter().copied().map(Self::Agent);
        let local = Local::ALL.iter().copied().map(Self::Local);
        reach.chain(trust).chain(link).chain(session).chain(agent).chain(local)
    }

    /// What the catalogue says about it.
    #[must_use]
    pub const fn entry(self) -> &'static Entry {
        match self {
            Self::Reach(code) => code.entry(),
            Self::Trust(code) => code.entry(),
            Self::Link(code) => code.entry(),
            Self::Session(code) => code.entry(),
            Self::Agent(code) => code.entry(),
            Self::Local(code) => code.entry(),
        }
    }

    /// The code as text, such as `ssh.auth.denied`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.entry().code
    }

    /// Whether it is tried again without anybody doing anything.
    #[must_use]
    pub const fn retries(self) -> bool {
        matches!(self.entry().disposition, Disposition::Retries)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let unknown = || UnknownCode { given: text.to_owned() };
        Self::all().find(|code| code.as_str() == text).ok_or_else(unknown)
    }
}

macro_rules! from_group {
    ($($group:ident),*) => {
        $(impl From<$group> for Code {
            fn from(code: $group) -> Self {
                Self::$group(code)
            }
        })*
    };
}
from_group!(Reach, Trust, Link, Session, Agent, Local);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Remedy;
    use super::*;
    use crate::domain::failure::template::{Manual, fill};

    #[test]
    fn codes_are_unique_and_parse_back() {
        let mut seen = BTreeSet::new();
        for code in Code::all() {
            assert!(seen.insert(code.as_str()), "{code} is there twice");
            assert_eq!(code.as_str().parse(), Ok(code));
        }
        for unknown in ["", "ssh", "ssh.auth", "SSH.AUTH.DENIED", "ssh.auth.denied "] {
            assert!(unknown.parse::<Code>().is_err(), "{unknown:?}");
        }
    }

    #[test]
    fn codes_are_lower_case_words_joined_by_dots() {
        for code in Code::all() {
            let parts: Vec<&str> = code.as_str().split('.').collect();
            assert!((2..=3).contains(&parts.len()), "{code}");
            for part in parts {
                let of_a_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                let word = part.chars().all(of_a_word);
                assert!(word && !part.is_empty() && !part.starts_with('-'), "{code}");
            }
        }
    }

    #[test]
    fn every_code_says_what_happened_and_what_mends_it() {
        for code in Code::all() {
            let entry = code.entry();
            assert!(!entry.title.is_empty() && !entry.title.ends_with('.'), "{code}");
            assert!(entry.why.ends_with('.') && !entry.why.contains('\n'), "{code}");
            match entry.remedy {
                Remedy::Type(template) => {
                    let typed = fill(template, &Manual);
                    assert!(!typed.contains(['{', '}']), "{code}: {typed}");
                    let command = |line: &str| !line.is_empty() && !line.starts_with('#');
                    assert!(typed.lines().any(command), "{code} has nothing to type");
                }
                Remedy::Nothing(reason) => assert!(reason.len() > 20, "{code}"),
            }
        }
    }

    #[test]
    fn what_waits_for_a_person_tells_them_what_to_do() {
        for code in Code::all() {
            let entry = code.entry();
            if entry.disposition == Disposition::WaitsForYou {
                assert!(matches!(entry.remedy, Remedy::Type(_)), "{code}");
            }
        }
    }

    /// Scripts compare codes: one that is taken from this list breaks them.
    #[test]
    fn published_codes_stay() {
        for code in [
            "ssh.resolve.unknown-host",
            "ssh.connect.refused",
            "ssh.connect.timeout",
            "ssh.connect.no-route",
            "ssh.connect.network-unreachable",
            "ssh.kex.no-common-algorithm",
            "ssh.kex.closed",
            "ssh.host-key.changed",
            "ssh.host-key.unknown",
            "ssh.host-key.revoked",
            "ssh.auth.denied",
            "ssh.auth.passphrase",
            "ssh.auth.too-many",
            "ssh.auth.no-keys",
            "ssh.link.lost",
            "ssh.link.silent",
            "ssh.channel.refused",
            "session.cwd.missing",
            "session.command.not-found",
            "session.interpreter.missing",
            "session.shell.broken",
            "session.lost.rebooted",
            "agent.not-found",
            "agent.not-logged-in",
            "agent.rate-limited",
            "agent.no-credit",
            "agent.crashed",
            "config.invalid",
            "remote.unknown",
            "remote.disabled",
            "local.daemon-unreachable",
        ] {
            assert!(code.parse::<Code>().is_ok(), "{code}");
        }
    }
}
