//! Which transport a link goes over, and why. Pure.
//!
//! The built-in one is preferred: it resumes sooner, tells more of what went
//! wrong, and needs no program. The system's `ssh` is taken where the settings
//! of the destination, or of a jump host before it, need what no library has.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ssh_config::{Keyword, Settings};

/// What a remote asks for: `transport` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum TransportChoice {
    /// The built-in one, unless the settings need the other.
    #[default]
    Auto,
    /// The built-in one.
    BuiltIn,
    /// The system's `ssh`.
    OpenSsh,
}

impl TransportChoice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::BuiltIn, Self::OpenSsh];

    /// Whether it is [`Self::Auto`].
    #[must_use]
    pub const fn is_auto(&self) -> bool {
        matches!(self, Self::Auto)
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "Auto",
            Self::BuiltIn => "BuiltIn",
            Self::OpenSsh => "OpenSsh",
        }
    }
}

/// What a link goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// The SSH that is part of longhaul.
    BuiltIn,
    /// The system's `ssh`, with one master for each link.
    OpenSsh,
}

impl Transport {
    /// The words for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built in",
            Self::OpenSsh => "the system's ssh",
        }
    }
}

/// Something that the settings ask for and that the built-in transport lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Kerberos.
    Gssapi,
    /// A login by the name and the key of this machine.
    HostBased,
    /// Keys of a smart card or an HSM, by a library.
    Pkcs11,
    /// A library of one's own for security keys.
    SecurityKeyProvider,
    /// Host keys from the DNS.
    HostKeyDns,
    /// A list of algorithms of which none is built in.
    Algorithms(&'static str),
}

impl Need {
    /// The keyword of `ssh_config`(5) that asks for it.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Gssapi => "GSSAPIAuthentication",
            Self::HostBased => "HostbasedAuthentication",
            Self::Pkcs11 => "PKCS11Provider",
            Self::SecurityKeyProvider => "SecurityKeyProvider",
            Self::HostKeyDns => "VerifyHostKeyDNS",
            Self::Algorithms(keyword) => keyword,
        }
    }
}

/// What the settings of one destination need of the system's `ssh`.
///
/// `has_ticket` is whether there is a sign of a Kerberos ticket: distributions
/// turn GSSAPI on for everybody, and what is nobody's wish is only followed
/// where it could be of use. Lists of algorithms are not looked at here.
#[must_use]
pub fn needs(set: &Settings, has_ticket: bool) -> Vec<Need> {
    let preferred = set.text(Keyword::PreferredAuthentications);
    let tried = |method: &str| preferred.is_none_or(|list| list.split(',').any(|it| it == method));
    let with_keys =
        tried("publickey") && set.choice(Keyword::PubkeyAuthentication) != Some("false");
    let is_on = |keyword| set.flag(keyword) == Some(true);
    let is_wish = |keyword| {
        let origin = set.get(keyword).and_then(|setting| setting.origin.as_ref());
        origin.is_some_and(|origin| origin.is_users())
    };
    let library = |keyword| set.text_not_none(keyword).filter(|text| !text.is_empty());
    let gssapi = Keyword::GSSAPIAuthentication;
    let dns = set.choice(Keyword::VerifyHostKeyDNS).is_some_and(|value| value != "false");
    let own_provider = library(Keyword::SecurityKeyProvider).is_some_and(|it| it != "internal");
    [
        (
            Need::Gssapi,
            is_on(gssapi) && tried("gssapi-with-mic") && (is_wish(gssapi) || has_ticket),
        ),
        (Need::HostBased, is_on(Keyword::HostbasedAuthentication) && tried("hostbased")),
        (Need::Pkcs11, library(Keyword::PKCS11Provider).is_some() && with_keys),
        (Need::SecurityKeyProvider, own_provider && with_keys),
        (Need::HostKeyDns, dns && is_wish(Keyword::VerifyHostKeyDNS)),
    ]
    .into_iter()
    .filter_map(|(need, there)| there.then_some(need))
    .collect()
}

/// The name under which the daemon's own program asks for `ssh`, as
/// `SSH_ASKPASS`; a link of this name leads to it.
pub const ASKPASS: &str = "longhaul-askpass";

/// The socket beside that link on which the daemon hears what it asks.
pub const ASKPASS_SOCKET: &str = "q";

/// Why a transport was taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Why {
    /// The remote says so.
    Configured,
    /// Nothing needs the system's `ssh`.
    NothingLacks,
    /// The settings need the system's `ssh`.
    Needs(Vec<Need>),
    /// The settings need the system's `ssh`, which is not installed.
    NotInstalled(Vec<Need>),
}

/// The transport of a destination, and why it is that one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chosen {
    /// The transport.
    pub transport: Transport,
    /// Why.
    pub why: Why,
}

impl Default for Chosen {
    fn default() -> Self {
        Self { transport: Transport::BuiltIn, why: Why::NothingLacks }
    }
}

/// The system's `ssh` was asked for by name and is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's ssh is not installed")]
pub struct SshNotInstalled;

/// Decides.
///
/// # Errors
///
/// [`SshNotInstalled`]; `Auto` makes do with what is built in.
pub fn choose(
    asked: TransportChoice,
    needs: Vec<Need>,
    has_ssh: bool,
) -> Result<Chosen, SshNotInstalled> {
    let chosen = |transport, why| Ok(Chosen { transport, why });
    match asked {
        TransportChoice::BuiltIn => chosen(Transport::BuiltIn, Why::Configured),
        TransportChoice::OpenSsh if has_ssh => chosen(Transport::OpenSsh, Why::Configured),
        TransportChoice::OpenSsh => Err(SshNotInstalled),
        TransportChoice::Auto if needs.is_empty() => chosen(Transport::BuiltIn, Why::NothingLacks),
        TransportChoice::Auto if has_ssh => chosen(Transport::OpenSsh, Why::Needs(needs)),
        TransportChoice::Auto => chosen(Transport::BuiltIn, Why::NotInstalled(needs)),
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keywords = |needs: &[Need]| {
            let all: Vec<_> = needs.iter().map(|need| need.keyword()).collect();
            let verb = if all.len() == 1 { "needs" } else { "need" };
            format!("{} {verb}", all.join(", "))
        };
        match self {
            Self::Configured => f.write_str("as configured"),
            Self::NothingLacks => f.write_str("Auto: nothing needs the system's ssh"),
            Self::Needs(needs) => write!(f, "Auto: {} the system's ssh", keywords(needs)),
            Self::NotInstalled(needs) => {
                write!(f, "Auto: {} the system's ssh, which is not installed", keywords(needs))
            }
        }
    }
}

/// A transport as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportView {
    /// The transport.
    pub kind: Transport,
    /// Why it is that one, in words.
    pub why: String,
}

impl From<&Chosen> for TransportView {
    fn from(chosen: &Chosen) -> Self {
        Self { kind: chosen.transport, why: chosen.why.to_string() }
    }
}

#[cfg(test)]
mod tests;
