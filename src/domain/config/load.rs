//! From the text of all files to one configuration, or to one report.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use super::decode::{self, At, Document};
use super::mask;
use super::problem::{KeyFile, Place, Problem, ProblemKind, SourceTrouble};
use super::report::Report;
use super::schema::Config;
use super::spot::spot;
use crate::domain::ids::RemoteName;
use crate::domain::nearest::nearest;

/// One file of a configuration. Its text may hold secrets: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, as reports name it.
    pub path: PathBuf,
    /// What it is to the configuration.
    pub role: Role,
    /// Its text, or why there is none.
    pub text: Result<String, SourceTrouble>,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.as_ref().map(String::len);
        f.debug_struct("SourceFile")
            .field("path", &self.path)
            .field("role", &self.role)
            .field("text", &text)
            .finish()
    }
}

/// What a file is to a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The file that the configuration is named after.
    Main,
    /// A file of `conf.d`, which need not say its version.
    Fragment,
}

/// What only the file system knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the private keys of [`Draft::key_files`] are like. A file that is
    /// not in here counts as fine.
    pub key_files: BTreeMap<PathBuf, KeyFile>,
}

/// A configuration that can be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is odd about it, but no error.
    pub warnings: Vec<Problem>,
}

/// Files that have been read, and not yet been checked against each other and
/// the file system.
#[derive(Debug)]
pub struct Draft<'a> {
    files: Vec<(&'a SourceFile, Document)>,
}

/// All of it at once: [`Draft::read`] and [`Draft::check`].
///
/// # Errors
///
/// Every problem of every file, in one report.
pub fn load(
    files: &[SourceFile],
    home: Option<&std::path::Path>,
    facts: &Facts,
) -> Result<Loaded, Report> {
    Draft::read(files, home).check(facts)
}

impl<'a> Draft<'a> {
    /// Reads all files, in the order in which they are merged; `~` stands for
    /// `home`.
    #[must_use]
    pub fn read(files: &'a [SourceFile], home: Option<&std::path::Path>) -> Self {
        let read = |file: &'a SourceFile| {
            let document = match &file.text {
                Ok(text) => decode::decode(text, file.role == Role::Main, home),
                Err(_) => Document { is_broken: true, ..Document::default() },
            };
            (file, document)
        };
        Self { files: files.iter().map(read).collect() }
    }

    /// The private keys whose files [`check`](Self::check) needs to know about.
    #[must_use]
    pub fn key_files(&self) -> BTreeSet<PathBuf> {
        let remotes = self.files.iter().flat_map(|(_, document)| &document.remotes);
        remotes.filter_map(|entry| Some(entry.key_file.as_ref()?.value.clone())).collect()
    }

    /// Merges and checks.
    ///
    /// # Errors
    ///
    /// Every problem of every file, in one report.
    pub fn check(self, facts: &Facts) -> Result<Loaded, Report> {
        let mut check = Check { files: &self.files, problems: Vec::new(), warnings: Vec::new() };
        check.own_findings();
        check.merge();
        check.key_files(facts);
        // One mistake, one complaint: the file may well mean to have the remote.
        let lacks_remotes =
            |(_, document): &(_, Document)| document.is_broken || document.lacks_remotes;
        if !self.files.iter().any(lacks_remotes) {
            check.references();
        }
        let Check { mut problems, mut warnings, .. } = check;
        let in_order = |(order, _): &((usize, usize), Problem)| *order;
        problems.sort_by_key(in_order);
        warnings.sort_by_key(in_order);
        let problems: Vec<_> = problems.into_iter().map(|(_, problem)| problem).collect();
        let warnings: Vec<_> = warnings.into_iter().map(|(_, warning)| warning).collect();
        if problems.is_empty() {
            Ok(Loaded { config: united(self.files), warnings })
        } else {
            Err(Report { problems, warnings })
        }
    }
}

/// All files as one; they have been found not to overlap.
fn united(files: Vec<(&SourceFile, Document)>) -> Config {
    let mut config = Config::default();
    for (_, document) in files {
        if let Some(at) = document.default_remote {
            config.default_remote = Some(at.value);
        }
        if let Some(at) = document.idle_link {
            config.idle_link = at.value;
        }
        if let Some(at) = document.kill_grace {
            config.kill_grace = at.value;
        }
        if let Some(at) = document.retention {
            config.retention = at.value;
        }
        if let Some(at) = document.max_sessions {
            config.max_sessions = Some(at.value);
        }
        for entry in document.remotes {
            config.remotes.insert(entry.name.value, entry.remote);
        }
        for entry in document.agents {
            config.agents.insert(entry.name.value, entry.agent);
        }
    }
    config
}

/// A problem, with what it is sorted by: its file and its first byte.
type Ordered = ((usize, usize), Problem);

/// The checks, over files that stay as they are.
struct Check<'c> {
    files: &'c [(&'c SourceFile, Document)],
    problems: Vec<Ordered>,
    warnings: Vec<Ordered>,
}

impl<'c> Check<'c> {
    fn place(&self, file: usize, range: &Range<usize>) -> Place {
        let (source, document) = &self.files[file];
        let spot = source.text.as_ref().ok().map(|text| {
            // What was not decoded has not been masked either.
            if document.is_broken {
                spot(text, range, &untrusted(text, range.start))
            } else {
                spot(text, range, &document.masked)
            }
        });
        Place { file: source.path.clone(), spot }
    }

    fn problem(&self, file: usize, at: (&str, &Range<usize>), kind: ProblemKind) -> Ordered {
        let (path, range) = at;
        let place = self.place(file, range);
        ((file, range.start), Problem { kind, path: path.to_owned(), place, related: None })
    }

    /// What was found in each file on its own.
    fn own_findings(&mut self) {
        for (file, (source, document)) in self.files.iter().enumerate() {
            if let Err(trouble) = &source.text {
                let place = Place { file: source.path.clone(), spot: None };
                let kind = ProblemKind::Source(trouble.clone());
                let problem = Problem { kind, path: String::new(), place, related: None };
                self.problems.push(((file, 0), problem));
            }
            for finding in &document.findings {
                let at = (finding.path.as_str(), &finding.range);
                let (order, mut problem) = self.problem(file, at, finding.kind.clone());
                if matches!(finding.kind, ProblemKind::Empty) {
                    problem.place.spot = None;
                }
                problem.related =
                    finding.related.as_ref().map(|(how, range)| (*how, self.place(file, range)));
                self.problems.push((order, problem));
            }
        }
    }

    /// What two files say about one thing.
    fn merge(&mut self) {
        let files = self.files;
        self.set_twice("default_remote", |document| document.default_remote.as_ref());
        self.set_twice("idle_link", |document| document.idle_link.as_ref());
        self.set_twice("kill_grace", |document| document.kill_grace.as_ref());
        self.set_twice("retention", |document| document.retention.as_ref());
        self.set_twice("max_sessions", |document| document.max_sessions.as_ref());
        let remotes = files.iter().enumerate().flat_map(|(file, (_, document))| {
            document.remotes.iter().map(move |entry| {
                (file, entry.name.value.as_str(), &entry.name.path, &entry.name.range)
            })
        });
        self.named_twice("the remote", remotes);
        let agents = files.iter().enumerate().flat_map(|(file, (_, document))| {
            document.agents.iter().map(move |entry| {
                (file, entry.name.value.as_str(), &entry.name.path, &entry.name.range)
            })
        });
        self.named_twice("the agent", agents);
    }

    fn set_twice<T: 'c>(
        &mut self,
        name: &'static str,
        get: impl Fn(&'c Document) -> Option<&'c At<T>>,
    ) {
        let files = self.files;
        let mut first: Option<(usize, &At<T>)> = None;
        for (file, (_, document)) in files.iter().enumerate() {
            let Some(at) = get(document) else { continue };
            match first {
                None => first = Some((file, at)),
                Some((first_file, first_at)) => {
                    let kind = ProblemKind::SetTwice { name };
                    let (order, mut problem) = self.problem(file, (&at.path, &at.range), kind);
                    let place = self.place(first_file, &first_at.range);
                    problem.related = Some((decode::FIRST, place));
                    self.problems.push((order, problem));
                }
            }
        }
    }

    fn named_twice(
        &mut self,
        what: &'static str,
        entries: impl Iterator<Item = (usize, &'c str, &'c String, &'c Range<usize>)>,
    ) {
        let mut seen: BTreeMap<&str, (usize, &Range<usize>)> = BTreeMap::new();
        for (file, name, path, range) in entries {
            let Some((first_file, first_range)) = seen.get(name) else {
                seen.insert(name, (file, range));
                continue;
            };
            let kind = ProblemKind::DuplicateKey { what, name: name.to_owned() };
            let (order, mut problem) = self.problem(file, (path, range), kind);
            problem.related = Some((decode::FIRST, self.place(*first_file, first_range)));
            self.problems.push((order, problem));
        }
    }

    /// Private keys that `ssh` would not use. A disabled remote's are nobody's
    /// trouble until it is enabled.
    fn key_files(&mut self, facts: &Facts) {
        for (file, (_, document)) in self.files.iter().enumerate() {
            for entry in &document.remotes {
                let Some(at) = &entry.key_file else { continue };
                let Some(key_file) = facts.key_files.get(&at.value) else { continue };
                if *key_file == KeyFile::Fine {
                    continue;
                }
                let kind = ProblemKind::KeyFile { path: at.value.clone(), file: key_file.clone() };
                let problem = self.problem(file, (&at.path, &at.range), kind);
                if entry.remote.enabled {
                    self.problems.push(problem);
                } else {
                    self.warnings.push(problem);
                }
            }
        }
    }

    /// Remotes that are named and do not exist, or are disabled.
    fn references(&mut self) {
        let mut remotes: BTreeMap<&RemoteName, bool> = BTreeMap::new();
        for (_, document) in self.files {
            for entry in &document.remotes {
                remotes.insert(&entry.name.value, entry.remote.enabled);
            }
        }
        for (file, (_, document)) in self.files.iter().enumerate() {
            let agents = document.agents.iter().filter_map(|entry| entry.on.as_ref());
            for at in document.default_remote.iter().chain(agents) {
                let name = at.value.clone();
                let position = (at.path.as_str(), &at.range);
                match remotes.get(&name) {
                    Some(true) => {}
                    Some(false) => {
                        let kind = ProblemKind::DisabledRemote { name };
                        self.warnings.push(self.problem(file, position, kind));
                    }
                    None => {
                        let all = remotes.keys().copied();
                        let nearest = nearest(name.as_str(), all, RemoteName::as_str).cloned();
                        let kind = ProblemKind::UnknownRemote { name, nearest };
                        self.problems.push(self.problem(file, position, kind));
                    }
                }
            }
        }
    }
}

/// What may not be shown of the line at `at`, of a text that does not parse.
fn untrusted(text: &str, at: usize) -> Vec<Range<usize>> {
    let at = at.min(text.len());
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].split('\n').next().unwrap_or_default();
    mask::untrusted(line).into_iter().map(|part| part.start + start..part.end + start).collect()
}

#[cfg(test)]
mod tests;
