//! Where the daemon listens besides its socket, and which requests it takes there.
//!
//! A port of this machine is open to all who have an account on it, and to every
//! page that their browsers show. A page can send requests to `127.0.0.1` under
//! its own name (`Origin`), or have its own name lead there (DNS rebinding:
//! `Host` is that name then). Neither is taken, nor is any request without the
//! token.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// An address of this machine alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(SocketAddr);

/// Why an address is none to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// It cannot be read.
    #[error("neither a port nor an address with one, such as 8722 or 127.0.0.1:8722")]
    Unreadable,
    /// Others can reach it, and nothing is encrypted there.
    #[error(
        "{0} can be reached from elsewhere, and the token would go there unencrypted; \
         listen on a port of this machine, and come by ssh -L"
    )]
    NotLoopback(IpAddr),
}

impl Listen {
    /// The address.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    /// A port, which is one of 127.0.0.1, or a loopback address with one.
    fn from_str(text: &str) -> Result<Self, ListenError> {
        let port = text.parse().map(|port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
        let address: SocketAddr =
            port.or_else(|_| text.parse()).map_err(|_| ListenError::Unreadable)?;
        match address.ip() {
            ip if ip.is_loopback() => Ok(Self(address)),
            ip => Err(ListenError::NotLoopback(ip)),
        }
    }
}

/// Whether a `Host` header, or the authority of a request's target, names this
/// machine in a way that no name server has a say in. Any port will do: it may
/// have been forwarded.
#[must_use]
pub fn names_this_machine(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) => (name, port),
            None => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port_fits =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let bracketed = host.starts_with('[');
    let address = name.parse::<IpAddr>();
    let name_fits = match address {
        Ok(address) => address.is_loopback() && address.is_ipv6() == bracketed,
        Err(_) => !bracketed && name.eq_ignore_ascii_case("localhost"),
    };
    port_fits && name_fits
}

/// Whether a request with this `Origin` comes from what was served under `host`
/// itself, and from no other page.
#[must_use]
pub fn is_same_origin(origin: &str, host: &str) -> bool {
    origin.strip_prefix("http://").is_some_and(|site| site.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens_on_this_machine_alone() {
        for (text, expected) in [
            ("8722", Ok("127.0.0.1:8722")),
            ("127.0.0.1:0", Ok("127.0.0.1:0")),
            ("127.9.9.9:1", Ok("127.9.9.9:1")),
            ("[::1]:8722", Ok("[::1]:8722")),
            ("0.0.0.0:8722", Err(ListenError::NotLoopback(Ipv4Addr::UNSPECIFIED.into()))),
            ("[::]:1", Err(ListenError::NotLoopback("::".parse().unwrap()))),
            ("10.0.0.1:1", Err(ListenError::NotLoopback("10.0.0.1".parse().unwrap()))),
            ("localhost:1", Err(ListenError::Unreadable)),
            ("127.0.0.1", Err(ListenError::Unreadable)),
            ("65536", Err(ListenError::Unreadable)),
            ("", Err(ListenError::Unreadable)),
        ] {
            let parsed = text.parse::<Listen>().map(|listen| listen.address().to_string());
            assert_eq!(parsed, expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn a_name_that_a_name_server_answers_for_is_not_this_machine() {
        for (host, ours) in [
            ("localhost", true),
            ("LocalHost:8722", true),
            ("127.0.0.1", true),
            ("127.0.0.1:9000", true),
            ("[::1]:8722", true),
            ("[::1]", true),
            ("", false),
            ("evil.example", false),
            ("evil.example:8722", false),
            ("localhost.evil.example", false),
            ("localhost.", false),
            ("127.0.0.1.nip.io", false),
            ("127.0.0.1@evil.example", false),
            ("evil.example@127.0.0.1", false),
            ("192.168.0.1:8722", false),
            ("0.0.0.0:8722", false),
            ("[127.0.0.1]", false),
            ("::1", false),
            ("[::1", false),
            ("[::1]8722", false),
            ("localhost:", false),
            ("localhost:x", false),
            ("localhost:8722:1", false),
            ("[localhost]", false),
        ] {
            assert_eq!(names_this_machine(host), ours, "{host:?}");
        }
    }

    #[test]
    fn only_what_was_served_here_is_the_same_origin() {
        for (origin, same) in [
            ("http://localhost:8722", true),
            ("http://LOCALHOST:8722", true),
            ("http://localhost", false),
            ("http://localhost:3000", false),
            ("https://localhost:8722", false),
            ("http://evil.example", false),
            ("http://localhost:8722.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_same_origin(origin, "localhost:8722"), same, "{origin:?}");
        }
    }
}
