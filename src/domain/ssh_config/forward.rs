//! `LocalForward`, `RemoteForward` and `DynamicForward`.

use std::fmt;

use super::expand::{self, ExpandFault, Tokens};
use super::fault::Fault;
use super::keyword::Keyword;
use super::number;
use super::words::Words;
use super::world::World;

/// A Unix socket's path has to fit the system's address of one.
const LONGEST_PATH: usize = 108;

/// One end of a forwarding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Port { host: Option<String>, port: u16 },
    Path(String),
}

/// A forwarding. Its `Display` is that of `ssh -G`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    listen: End,
    /// `None` for SOCKS.
    connect: Option<End>,
}

/// A port by its number (0 is one), or by its service's name.
pub(super) fn port(text: &str, world: &dyn World) -> Option<u16> {
    let number = number::whole(text, 0, 65535).and_then(|port| u16::try_from(port).ok());
    number.or_else(|| world.service(text))
}

/// The forwarding of a line.
pub(super) fn parse(
    keyword: Keyword,
    words: &mut Words,
    world: &dyn World,
) -> Result<Forward, Fault> {
    let listen = words.needed()?;
    let remote = keyword == Keyword::RemoteForward;
    let target = match keyword {
        Keyword::DynamicForward => None,
        _ => words.next().filter(|word| !word.is_empty()),
    };
    let dynamic = match (&target, keyword) {
        (Some(_), _) => false,
        (None, Keyword::LocalForward) => return Err(Fault::MissingArgument),
        (None, _) => true,
    };
    let spec = target.map_or_else(|| listen.clone(), |target| format!("{listen}:{target}"));
    let forward = from_spec(&spec, dynamic, world).ok_or(Fault::InvalidForward)?;
    match forward.listen {
        End::Port { port: 0, .. } if !remote => Err(Fault::InvalidForward),
        _ => Ok(forward),
    }
}

struct Field {
    text: String,
    is_path: bool,
}

fn from_spec(spec: &str, dynamic: bool, world: &dyn World) -> Option<Forward> {
    let spec = expand::variables(spec, world).ok()?;
    let fields = fields(spec.trim_start_matches(|c: char| c.is_ascii_whitespace()))?;
    let at = |host: Option<&Field>, port_field: &Field| {
        let port = port(&port_field.text, world)?;
        Some(End::Port { host: host.map(|host| host.text.clone()), port })
    };
    let path =
        |field: &Field| (field.text.len() < LONGEST_PATH).then(|| End::Path(field.text.clone()));
    let (listen, connect) = match fields.as_slice() {
        [a] if a.is_path => (path(a)?, None),
        [a] => (at(None, a)?, None),
        [a, b] if a.is_path && b.is_path => (path(a)?, Some(path(b)?)),
        [a, b] if b.is_path => (at(None, a)?, Some(path(b)?)),
        [a, b] => (at(Some(a), b)?, None),
        [a, b, c] if a.is_path => (path(a)?, Some(at(Some(b), c)?)),
        [a, b, c] if c.is_path => (at(Some(a), b)?, Some(path(c)?)),
        [a, b, c] => (at(None, a)?, Some(at(Some(b), c)?)),
        [a, b, c, d] => (at(Some(a), b)?, Some(at(Some(c), d)?)),
        _ => return None,
    };
    if dynamic {
        return (fields.len() <= 2).then_some(Forward { listen, connect });
    }
    let reaches = match &connect {
        Some(End::Path(_)) => true,
        Some(End::Port { port, .. }) => fields.len() >= 3 && *port != 0,
        None => false,
    };
    reaches.then_some(Forward { listen, connect })
}

/// The fields of a specification: parted by colons, which brackets keep.
fn fields(spec: &str) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut rest = spec;
    while !rest.is_empty() {
        if fields.len() == 4 {
            return None;
        }
        let (field, after) = match rest.strip_prefix('[') {
            Some(inner) => bracketed(inner)?,
            None => plain(rest)?,
        };
        fields.push(field);
        rest = after;
    }
    Some(fields)
}

fn bracketed(inner: &str) -> Option<(Field, &str)> {
    let (text, after) = inner.split_once(']')?;
    let after = if after.is_empty() { after } else { after.strip_prefix(':')? };
    Some((Field { text: text.to_owned(), is_path: text.contains('/') }, after))
}

fn plain(rest: &str) -> Option<(Field, &str)> {
    let (mut text, mut is_path) = (String::new(), false);
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => text.push(chars.next()?.1),
            ':' => return Some((Field { text, is_path }, &rest[at + 1..])),
            c => {
                is_path |= c == '/';
                text.push(c);
            }
        }
    }
    Some((Field { text, is_path }, ""))
}

impl Forward {
    /// Whether `ssh -G` shows it under `DynamicForward`. It does so with
    /// forwardings to a socket as well.
    pub(super) fn shows_as_dynamic(&self) -> bool {
        !matches!(&self.connect, Some(End::Port { .. }))
    }

    pub(super) fn is_dynamic(&self) -> bool {
        self.connect.is_none()
    }

    /// The end that listens.
    pub(super) fn listening(&self) -> &End {
        &self.listen
    }

    /// With the tokens of its paths expanded.
    pub(super) fn expand(&self, tokens: &Tokens) -> Result<Self, ExpandFault> {
        let end = |end: &End| {
            Ok(match end {
                End::Path(path) => End::Path(tokens.expand(path)?),
                port @ End::Port { .. } => port.clone(),
            })
        };
        let connect = self.connect.as_ref().map(end).transpose()?;
        Ok(Self { listen: end(&self.listen)?, connect })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Port { host: None, port } => port.fmt(f),
            Self::Port { host: Some(host), port } => write!(f, "[{host}]:{port}"),
        }
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.connect {
            None => write!(f, "{} [socks]:0", self.listen),
            Some(connect) => write!(f, "{} {connect}", self.listen),
        }
    }
}
