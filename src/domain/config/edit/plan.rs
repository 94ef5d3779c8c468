//! From a request to the new text of one file.

use std::path::{Path, PathBuf};

use super::check;
use super::entry::{Entry, Style, Written, string};
use super::error::{EditError, Unsafe, Use};
use super::hunk::{Line, Masked, differences};
use super::request::{Assignment, NewRemote, Request, fields};
use super::splice::{Splice, append, applied, insert_after, remove};
use super::tree::{Map, Slot, Struct};
use crate::domain::config::decode::{At, Document, decode};
use crate::domain::config::load::{Role, SourceFile};
use crate::domain::config::node;
use crate::domain::config::problem::Place;
use crate::domain::config::spot::spot;
use crate::domain::ids::RemoteName;
use crate::domain::nearest::nearest;

/// A main file that says nothing yet.
pub const EMPTY: &str = "\
// The configuration of longhaul. Comments and layout are yours: `longhaul remote
// add`, `set` and `rm` leave them alone.
(
    version: 1,
    remotes: {},
)
";

/// An edit of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub file: PathBuf,
    /// Its new text; the old one if there was nothing to do.
    pub text: String,
    /// What is different.
    pub lines: Vec<Line>,
}

/// Plans an edit of the configuration that `files` are; `home` is what `~`
/// stands for. The first file that is a main file gets what has no place yet.
///
/// # Errors
///
/// See [`EditError`]. Whether the result can be taken is for a load to say.
pub fn plan(
    files: &[SourceFile],
    home: Option<&Path>,
    request: &Request,
) -> Result<Edit, EditError> {
    let sources = sources(files, home)?;
    let at = sources.target(request)?;
    let source = &sources.all[at];
    let text = edited(source.text, request).map_err(|why| source.unsafe_to_edit(why))?;
    let after = decode(&text, source.is_main, home);
    check::check((source.text, &source.document), (&text, &after), request)
        .map_err(|why| source.unsafe_to_edit(why))?;
    let lines = differences(
        &Masked { text: source.text, masked: &source.document.masked },
        &Masked { text: &text, masked: &after.masked },
    );
    Ok(Edit { file: source.path.to_owned(), text, lines })
}

/// A file that was read.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    is_main: bool,
    document: Document,
}

impl Source<'_> {
    fn place<T>(&self, at: &At<T>) -> Place {
        let spot = spot(self.text, &at.range, &self.document.masked);
        Place { file: self.path.to_owned(), spot: Some(spot) }
    }

    fn unsafe_to_edit(&self, why: Unsafe) -> EditError {
        EditError::Unsafe { file: self.path.to_owned(), why }
    }
}

struct Sources<'a> {
    all: Vec<Source<'a>>,
}

/// All files, if all of them can be read: a remote may be in any of them.
fn sources<'a>(files: &'a [SourceFile], home: Option<&Path>) -> Result<Sources<'a>, EditError> {
    let source = |file: &'a SourceFile| {
        let broken = || EditError::Broken { file: file.path.clone() };
        let text = file.text.as_ref().map_err(|_| broken())?;
        let is_main = file.role == Role::Main;
        let document = decode(text, is_main, home);
        if document.is_broken {
            return Err(broken());
        }
        Ok(Source { path: &file.path, text, is_main, document })
    };
    Ok(Sources { all: files.iter().map(source).collect::<Result<_, _>>()? })
}

impl Sources<'_> {
    /// The file that the request is about.
    fn target(&self, request: &Request) -> Result<usize, EditError> {
        let main = || self.all.iter().position(|source| source.is_main).unwrap_or(0);
        match request {
            Request::Add(remotes) => {
                self.are_new(remotes)?;
                Ok(main())
            }
            Request::Set { name, .. } => self.with_remote(name),
            Request::Remove(name) => {
                let at = self.with_remote(name)?;
                let by = self.uses(name);
                if by.is_empty() {
                    Ok(at)
                } else {
                    Err(EditError::InUse { name: name.clone(), by })
                }
            }
            Request::Default(name) => {
                if let Some(name) = name {
                    self.with_remote(name)?;
                }
                let set = |source: &Source<'_>| source.document.default_remote.is_some();
                Ok(self.all.iter().position(set).unwrap_or_else(main))
            }
        }
    }

    fn are_new(&self, remotes: &[NewRemote]) -> Result<(), EditError> {
        for (at, NewRemote { name, .. }) in remotes.iter().enumerate() {
            if remotes[..at].iter().any(|other| other.name == *name) {
                return Err(EditError::Twice { name: name.clone() });
            }
            for source in &self.all {
                let known = source.document.remotes.iter().find(|it| it.name.value == *name);
                if let Some(known) = known {
                    let place = source.place(&known.name);
                    return Err(EditError::AlreadyThere { name: name.clone(), place });
                }
            }
        }
        Ok(())
    }

    fn with_remote(&self, name: &RemoteName) -> Result<usize, EditError> {
        let has = |source: &Source<'_>| {
            source.document.remotes.iter().any(|entry| entry.name.value == *name)
        };
        self.all.iter().position(has).ok_or_else(|| {
            let all: Vec<_> = self
                .all
                .iter()
                .flat_map(|source| &source.document.remotes)
                .map(|entry| entry.name.value.clone())
                .collect();
            let nearest = nearest(name.as_str(), &all, RemoteName::as_str).cloned();
            EditError::NoRemote { name: name.clone(), nearest, all }
        })
    }

    fn uses(&self, name: &RemoteName) -> Vec<Use> {
        let mut uses = Vec::new();
        for source in &self.all {
            let default = source.document.default_remote.as_ref();
            if let Some(at) = default.filter(|at| at.value == *name) {
                uses.push(Use::Default(source.place(at)));
            }
            for entry in &source.document.agents {
                if let Some(at) = entry.on.as_ref().filter(|at| at.value == *name) {
                    uses.push(Use::Agent(entry.name.value.clone(), source.place(at)));
                }
            }
        }
        uses
    }
}

/// The text as the request wants it.
pub(super) fn edited(text: &str, request: &Request) -> Result<String, Unsafe> {
    match request {
        Request::Add(remotes) => {
            let new: Vec<_> = remotes.iter().map(NewRemote::entry).collect();
            if new.is_empty() { Ok(text.to_owned()) } else { spliced(text, |text| add(text, &new)) }
        }
        Request::Set { name, assignments } => {
            let mut text = text.to_owned();
            for assignment in assignments {
                text = spliced(&text, |text| set(text, name, assignment))?;
            }
            Ok(text)
        }
        Request::Remove(name) => spliced(text, |text| {
            let root = root(text)?;
            let (remotes, _) = remotes(text, &root)?;
            let at = remotes.position(name.as_str()).ok_or(Unsafe::Shape { what: "`remotes`" })?;
            Ok(vec![remove(text, &remotes.group, at, &Style::of(text, &root.group))])
        }),
        Request::Default(name) => spliced(text, |text| default(text, name.as_ref())),
    }
}

fn spliced(
    text: &str,
    make: impl FnOnce(&str) -> Result<Vec<Splice>, Unsafe>,
) -> Result<String, Unsafe> {
    Ok(applied(text, make(text)?))
}

fn root(text: &str) -> Result<Struct<'_>, Unsafe> {
    let shape = Unsafe::Shape { what: "the file" };
    let node = node::document(text).map_err(|_| shape)?;
    Struct::read(text, node, "Config").ok_or(shape)
}

/// The map of remotes, which is there; and whether its file has lines.
fn remotes<'a>(text: &str, root: &Struct<'a>) -> Result<(Map<'a>, bool), Unsafe> {
    let shape = Unsafe::Shape { what: "`remotes`" };
    let Slot::Full(node) = root.slot("remotes") else { return Err(shape) };
    let has_lines = text[root.group.open..root.group.close].contains('\n');
    Ok((Map::read(text, node).ok_or(shape)?, has_lines))
}

fn add(text: &str, new: &[Entry]) -> Result<Vec<Splice>, Unsafe> {
    let root = root(text)?;
    let style = Style::of(text, &root.group);
    match root.slot("remotes") {
        Slot::Full(_) => {
            let (remotes, breaks) = remotes(text, &root)?;
            Ok(append(text, &remotes.group, new, &style, breaks))
        }
        // First an empty map, then what is in it.
        Slot::Empty(_) | Slot::Absent => {
            let field = Entry::new("remotes", Written::Map(Vec::new()));
            let with = match root.slot("remotes") {
                Slot::Empty(none) => vec![(none.range(), field.value.inline())],
                _ => append(text, &root.group, &[field], &style, false),
            };
            let text_with = applied(text, with);
            let all = applied(&text_with, add(&text_with, new)?);
            Ok(vec![(0..text.len(), all)])
        }
    }
}

fn set(text: &str, name: &RemoteName, assignment: &Assignment) -> Result<Vec<Splice>, Unsafe> {
    let shape = Unsafe::Shape { what: "the remote" };
    let root = root(text)?;
    let (remotes, _) = remotes(text, &root)?;
    let style = Style::of(text, &root.group);
    let node = remotes.value(name.as_str()).ok_or(shape)?;
    let remote = Struct::read(text, node, "Remote").ok_or(shape)?;
    match assignment {
        Assignment::Field(field, value) => {
            let value = value.as_ref().map(|value| value.written());
            Ok(assign(text, &remote, field.name(), value, &style))
        }
        Assignment::Env(variable, source) => {
            let env = match remote.slot("env") {
                Slot::Full(node) => Map::read(text, node).ok_or(Unsafe::Shape { what: "`env`" })?,
                Slot::Absent | Slot::Empty(_) if source.is_none() => return Ok(Vec::new()),
                Slot::Absent | Slot::Empty(_) => {
                    let made = fields(std::slice::from_ref(assignment)).pop();
                    let value = made.map(|entry| entry.value);
                    return Ok(assign(text, &remote, "env", value, &style));
                }
            };
            let key = string(variable.as_str());
            Ok(match (env.value(variable.as_str()), env.position(variable.as_str()), source) {
                (Some(old), _, Some(source)) => vec![(old.range(), source.written().inline())],
                (_, Some(at), None) => vec![remove(text, &env.group, at, &style)],
                (_, _, Some(source)) => {
                    append(text, &env.group, &[Entry::new(key, source.written())], &style, false)
                }
                (_, None, None) => Vec::new(),
            })
        }
    }
}

/// Gives a field of a struct a value, or takes the field out.
fn assign(
    text: &str,
    of: &Struct<'_>,
    name: &str,
    value: Option<Written>,
    style: &Style,
) -> Vec<Splice> {
    match (of.slot(name), value) {
        (Slot::Full(old) | Slot::Empty(old), Some(value)) => vec![(old.range(), value.inline())],
        (Slot::Absent, Some(value)) => {
            append(text, &of.group, &[Entry::new(name, value)], style, false)
        }
        (_, None) => {
            of.position(name).map(|at| remove(text, &of.group, at, style)).into_iter().collect()
        }
    }
}

fn default(text: &str, name: Option<&RemoteName>) -> Result<Vec<Splice>, Unsafe> {
    let root = root(text)?;
    let style = Style::of(text, &root.group);
    let value = name.map(|name| Written::Plain(string(name.as_str())));
    Ok(match (root.slot("default_remote"), root.position("version"), value) {
        (Slot::Absent, Some(version), Some(value)) => {
            let entry = Entry::new("default_remote", value);
            insert_after(text, &root.group, version, &entry, &style)
        }
        (_, _, value) => assign(text, &root, "default_remote", value, &style),
    })
}
