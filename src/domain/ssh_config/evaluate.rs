//! The passes over the files.

use std::path::{Path, PathBuf};

use super::canonical;
use super::effective::Effective;
use super::expand::Tokens;
use super::fault::{Complaint, Fault, Refusal};
use super::finish;
use super::jump::{self, Hop};
use super::keyword::Keyword;
use super::reader::Reader;
use super::settings::Settings;
use super::value::Value;
use super::world::{Machine, World};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// ssh's destination: `[user@]host` or `ssh://[user@]host[:port]`.
    pub destination: String,
    /// The user, which goes before the destination's.
    pub user: Option<String>,
    /// The port, which goes before the destination's.
    pub port: Option<u16>,
    /// The command; empty for a shell. Only `Match` asks.
    pub command: String,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Where relative `Include`s are looked for.
    pub(super) includes: String,
    pub(super) of_user: bool,
    /// Whether it is a fault that the file is missing.
    pub(super) required: bool,
    /// Whether it is a fault that others can write it.
    pub(super) private: bool,
}

impl Source {
    /// A file that was named, as with `ssh -F`.
    #[must_use]
    pub fn named(path: PathBuf) -> Self {
        Self { path, includes: "~/.ssh".to_owned(), of_user: true, required: true, private: false }
    }

    /// The user's own file, which may be missing.
    #[must_use]
    pub fn user(path: PathBuf) -> Self {
        Self { required: false, private: true, ..Self::named(path) }
    }

    /// The system's file, which may be missing. Relative includes are in its
    /// folder.
    #[must_use]
    pub fn system(path: PathBuf) -> Self {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let includes = folder.to_string_lossy().into_owned();
        Self { path, includes, of_user: false, required: false, private: false }
    }
}

/// Evaluates the files for one destination.
///
/// # Errors
///
/// Whatever OpenSSH refuses, except an unknown keyword.
pub fn evaluate(
    query: &Query,
    sources: &[Source],
    machine: &Machine,
    world: &dyn World,
) -> Result<Effective, Refusal> {
    let asked = destination(query, world)?;
    let mut reader = Reader::new(&asked.host, &query.command, machine, world);
    if let Some(user) = &asked.user {
        reader.settings.put(Keyword::User, Value::Text(user.clone()));
    }
    if let Some(port) = asked.port {
        reader.settings.put(Keyword::Port, Value::Number(port.into()));
    }
    reader.pass(sources)?;
    let host = resolved(&reader.settings, &asked.host, world)
        .map_err(|complaint| reader.refuse(complaint))?;
    let canonicalizes = canonical::is_on(&reader.settings);
    if reader.wants_final || canonicalizes {
        reader.settings.put(Keyword::HostName, Value::Text(host.clone()));
        reader.host.clone_from(&host);
        reader.is_final = true;
        reader.pass(sources)?;
    }
    let given = finish::Given {
        destination: asked.host.clone(),
        host,
        user_was_given: asked.user.is_some(),
        is_shell: query.command.is_empty(),
    };
    let settings = std::mem::take(&mut reader.settings);
    match finish::finish(given, settings, machine, world) {
        Ok(effective) => Ok(Effective {
            files: std::mem::take(&mut reader.files),
            warnings: std::mem::take(&mut reader.warnings),
            ..effective
        }),
        Err(complaint) => Err(reader.refuse(complaint)),
    }
}

/// The destination's parts, under what goes before them.
fn destination(query: &Query, world: &dyn World) -> Result<Hop, Refusal> {
    let text = query.destination.as_str();
    let refused = |fault| Refusal::from(Complaint { file: None, line: None, fault });
    let none = || refused(Fault::Destination { destination: text.to_owned() });
    let given = match text.strip_prefix("ssh://") {
        Some(uri) => jump::parse_uri(uri, world).ok_or_else(none)?,
        None => {
            let (user, host) = match text.rsplit_once('@') {
                Some(("", _)) => return Err(none()),
                Some((user, host)) => (Some(user.to_owned()), host),
                None => (None, text),
            };
            Hop { user, host: host.to_owned(), port: None }
        }
    };
    let asked = Hop {
        user: query.user.clone().or(given.user),
        host: given.host,
        port: query.port.or(given.port),
    };
    // An empty name is one to `ssh`, and has no address.
    if !jump::is_host_name(&asked.host) {
        return Err(refused(Fault::HostName));
    }
    if asked.user.as_deref().is_some_and(|user| !jump::is_user_name(user)) {
        return Err(refused(Fault::UserName));
    }
    Ok(asked)
}

/// The host's name after the first pass.
fn resolved(settings: &Settings, asked: &str, world: &dyn World) -> Result<String, Complaint> {
    let at = |keyword: Keyword, fault: Fault| {
        let origin = settings.origin(keyword);
        Complaint {
            file: origin.map(|origin| origin.file.to_path_buf()),
            line: origin.map(|origin| origin.line),
            fault,
        }
    };
    let host = match settings.text(Keyword::HostName) {
        None => asked.to_owned(),
        Some(name) => Tokens::new([('h', asked.to_owned())])
            .expand(name)
            .map_err(|fault| at(Keyword::HostName, Fault::Expand { keyword: "HostName", fault }))?,
    };
    canonical::host(host, settings, world)
        .map_err(|fault| at(Keyword::CanonicalizeFallbackLocal, fault))
}
