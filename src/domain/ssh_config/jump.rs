//! `ProxyJump`, and destinations: `[user@]host[:port]` and `ssh://…`.

use std::fmt;

use super::forward;
use super::world::World;

/// A host on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The user, where one is named.
    pub user: Option<String>,
    /// The host, without brackets.
    pub host: String,
    /// The port, where one is named.
    pub port: Option<u16>,
}

/// A way of one hop or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    /// The hops before the last, as they are written; the first one is dialled
    /// directly.
    pub before: Vec<String>,
    /// The last hop, which connects to the destination.
    pub last: Hop,
}

/// The way of a line; its inner option is `None` for `none`.
#[expect(clippy::option_option, reason = "none is a way that is written down")]
pub(super) fn parse(text: &str, world: &dyn World) -> Option<Option<Jump>> {
    if text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let text = text.split('#').next().unwrap_or_default();
    // Everything after the first blank goes, as with ssh.
    let text = text.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    let mut hops = text.rsplit(',').map(|hop| parse_hop(hop, world).map(|parts| (hop, parts)));
    let (_, last) = hops.next()??;
    let mut before: Vec<String> =
        hops.map(|hop| hop.map(|(text, _)| text.to_owned())).collect::<Option<_>>()?;
    before.reverse();
    Some(Some(Jump { before, last }))
}

/// One hop, in either form; `None` for what is none.
pub fn parse_hop(text: &str, world: &dyn World) -> Option<Hop> {
    match text.strip_prefix("ssh://") {
        Some(uri) => parse_uri(uri, world),
        None => {
            let (user, rest) = match text.rsplit_once('@') {
                Some(("", _)) => return None,
                Some((user, rest)) => (Some(user.to_owned()), rest),
                None => (None, text),
            };
            let (host, port) = host_and_port(rest)?;
            let port = numbered(port, world)?;
            Some(Hop { user, host: host.to_owned(), port })
        }
    }
}

/// What follows `ssh://`.
pub(super) fn parse_uri(uri: &str, world: &dyn World) -> Option<Hop> {
    let (user, rest) = match uri.split_once('@') {
        Some((info, rest)) => {
            // Parameters of the connection are passed over.
            let user = info.split(';').next().filter(|user| !user.is_empty())?;
            (Some(decode(user)?), rest)
        }
        None => (None, uri),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !path.is_empty() {
        return None;
    }
    let (host, port) = host_and_port(authority)?;
    if !is_domain(host) {
        return None;
    }
    Some(Hop { user, host: host.to_owned(), port: numbered(port, world)? })
}

/// `host[:port]` or `[host][:port]`; no slash, and an empty host is none.
pub(super) fn host_and_port(text: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match text.find([':', '/']) {
            None => (text, None),
            Some(at) => (&text[..at], Some(text[at..].strip_prefix(':')?)),
        },
    };
    (!host.is_empty() || text.starts_with('[')).then_some((host, port))
}

/// An empty port is none; 0, and what is no port, is wrong.
#[expect(clippy::option_option, reason = "whether it is right, and whether there is one")]
fn numbered(port: Option<&str>, world: &dyn World) -> Option<Option<u16>> {
    match port {
        None | Some("") => Some(None),
        Some(text) => forward::port(text, world).filter(|&port| port != 0).map(Some),
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                let digits = str::from_utf8(digits).ok()?;
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return None;
                }
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether it can be a domain's name; underscores are common, if wrong.
pub(super) fn is_domain(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.starts_with(begins) && name.chars().all(fits) && !name.contains("..")
}

/// Whether a host may be called so: nothing that a shell would take for its own.
pub(super) fn is_host_name(name: &str) -> bool {
    let is_odd = |c: char| {
        "'`\"$\\;&<>|(){},".contains(c) || c.is_ascii_whitespace() || c.is_ascii_control()
    };
    !name.starts_with('-') && !name.contains(is_odd)
}

/// Whether a user may be called so, where the name is not the configuration's
/// very own.
pub(super) fn is_user_name(name: &str) -> bool {
    let is_odd = |c: char| "'`\";&<>|(){}".contains(c) || c.is_ascii_control();
    let mut pairs = name.chars().zip(name.chars().skip(1));
    !name.starts_with('-')
        && !name.contains(is_odd)
        && !name.ends_with('\\')
        && !pairs.any(|(c, next)| c.is_ascii_whitespace() && next == '-')
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hop in &self.before {
            write!(f, "{hop},")?;
        }
        if let Some(user) = &self.last.user {
            write!(f, "{user}@")?;
        }
        let host = &self.last.host;
        let is_address = host.contains(':') || host.chars().all(|c| c.is_ascii_digit() || c == '.');
        if is_address {
            write!(f, "[{host}]")?
        } else {
            f.write_str(host)?
        }
        match self.last.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
