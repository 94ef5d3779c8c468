//! Reading `[user@]host[:port]`.

use std::net::Ipv6Addr;
use std::num::IntErrorKind;
use std::str::FromStr;

use super::target::Destination;

/// Why a text is no `[user@]host[:port]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// Nothing before the `@`.
    #[error("there is no user before the '@'")]
    NoUser,
    /// Nothing where the host should be.
    #[error("there is no host")]
    NoHost,
    /// Characters that are in no user name or host name; a leading `-` would
    /// be an option to whatever is handed it.
    #[error("{0:?} cannot be there")]
    Character(char),
    /// Several colons and no brackets.
    #[error("an IPv6 address is written in brackets, as in [::1]:22")]
    BareIpv6,
    /// What is in the brackets is no IPv6 address.
    #[error("what is in the brackets is no IPv6 address")]
    NotIpv6,
    /// The bracket is not closed, or not followed by a port.
    #[error("after ']' comes nothing, or a colon and a port")]
    Bracket,
    /// The port is no number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        // The last '@': user names may have one, host names may not.
        let (user, rest) = match text.rsplit_once('@') {
            Some(("", _)) => return Err(DestinationError::NoUser),
            Some((user, rest)) => (Some(plain(user)?.to_owned()), rest),
            None => (None, text),
        };
        let (host, port) = split_port(rest)?;
        Ok(Self { user, host: host.to_owned(), port: port.map(read_port).transpose()? })
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), DestinationError> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']').ok_or(DestinationError::Bracket)?;
        // A link-local address carries its interface: fe80::1%eth0.
        let (bare, zone) = address.split_once('%').unwrap_or((address, "zone"));
        bare.parse::<Ipv6Addr>().map_err(|_| DestinationError::NotIpv6)?;
        plain(zone)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(port))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(DestinationError::Bracket),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(DestinationError::BareIpv6),
        Some((host, port)) => Ok((plain(host)?, Some(port))),
        None => Ok((plain(text)?, None)),
    }
}

fn plain(text: &str) -> Result<&str, DestinationError> {
    if text.is_empty() {
        return Err(DestinationError::NoHost);
    }
    if text.starts_with('-') {
        return Err(DestinationError::Character('-'));
    }
    let bad = |c: &char| c.is_whitespace() || c.is_control() || "'\"`$\\;&|<>(){}[]/%".contains(*c);
    match text.chars().find(bad) {
        Some(bad) => Err(DestinationError::Character(bad)),
        None => Ok(text),
    }
}

fn read_port(text: &str) -> Result<u16, DestinationError> {
    // parse() would take a leading '+'.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DestinationError::Port);
    }
    match text.parse::<u16>() {
        Ok(0) => Err(DestinationError::Port),
        Ok(port) => Ok(port),
        Err(error) => {
            debug_assert!(matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::Empty));
            Err(DestinationError::Port)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_user_host_and_port() {
        for (text, user, host, port) in [
            ("box", None, "box", None),
            ("me@box", Some("me"), "box", None),
            ("me@box:2222", Some("me"), "box", Some(2222)),
            ("box:22", None, "box", Some(22)),
            ("[::1]", None, "::1", None),
            ("me@[fe80::1%eth0]:22", Some("me"), "fe80::1%eth0", Some(22)),
            ("me@corp.example@box", Some("me@corp.example"), "box", None),
        ] {
            let wanted = Destination { user: user.map(Into::into), host: host.into(), port };
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_none() {
        use DestinationError as E;
        for (text, why) in [
            ("", E::NoHost),
            ("@box", E::NoUser),
            ("me@", E::NoHost),
            ("me@:22", E::NoHost),
            ("box:", E::Port),
            ("box:0", E::Port),
            ("box:65536", E::Port),
            ("box:+22", E::Port),
            ("box:ssh", E::Port),
            ("::1", E::BareIpv6),
            ("[::1", E::Bracket),
            ("[::1]22", E::Bracket),
            ("[box]", E::NotIpv6),
            ("-oProxyCommand=x@box", E::Character('-')),
            ("me@-x", E::Character('-')),
            ("me@a b", E::Character(' ')),
            ("me@$(x)", E::Character('$')),
        ] {
            assert_eq!(text.parse::<Destination>(), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(
            user in proptest::option::of("[a-z][a-z0-9]{0,8}"),
            host in "[a-z][a-z0-9.-]{0,12}",
            port in proptest::option::of(1u16..),
        ) {
            let destination = Destination { user, host, port };
            prop_assert_eq!(destination.to_string().parse(), Ok(destination));
        }
    }
}
