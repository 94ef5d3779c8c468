//! Reading the small things: fields, names, texts, times.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{At, Decoder, FIRST, Finding};
use crate::domain::config::node::{Kind, Node};
use crate::domain::config::problem::ProblemKind;
use crate::domain::ids::NameError;
use crate::domain::max_output::MaxOutput;
use crate::domain::nearest::nearest;

/// A value and the path to it.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub(super) node: Node<'a>,
    pub(super) path: String,
}

/// The known fields of a struct that are there.
pub(super) struct Fields<'a> {
    known: BTreeMap<&'static str, Value<'a>>,
    /// Whether there are others, so that a missing one may be misspelt.
    pub(super) has_unknown: bool,
}

impl<'a> Fields<'a> {
    /// The field's value; `None` where it is left out or written as `None`.
    pub(super) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let value = self.known.remove(name)?;
        match value.node.option() {
            Ok(node) => node.map(|node| Value { node, ..value }),
            // `Some` of something odd: reported as it stands.
            Err(_) => Some(value),
        }
    }
}

impl Decoder<'_> {
    /// The fields of the struct `name`, which people know as `of`.
    pub(super) fn fields<'a>(
        &mut self,
        value: &Value<'a>,
        name: &'static str,
        of: &'static str,
        known: &'static [&'static str],
    ) -> Option<Fields<'a>> {
        let Ok(fields) = value.node.fields(name) else {
            // It may be anything, so it may hold anything.
            self.out.masked.push(value.node.range());
            self.wrong_kind(value, "fields `(name: value, …)`");
            return None;
        };
        let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        let mut found = Fields { known: BTreeMap::new(), has_unknown: false };
        for field in fields {
            let path = join(&value.path, field.name);
            let mut finding = |kind, related| {
                let (path, range) = (path.clone(), field.name_at.clone());
                self.out.findings.push(Finding { kind, path, range, related });
            };
            match known.iter().find(|known| **known == field.name) {
                None => {
                    found.has_unknown = true;
                    let name = field.name.to_owned();
                    let nearest = nearest(field.name, known, |known| known).copied();
                    finding(ProblemKind::UnknownField { name, of, nearest, known }, None);
                    // Perhaps a misspelt `env`.
                    self.out.masked.push(field.value.range());
                }
                Some(name) => {
                    if let Some(first) = seen.get(name) {
                        let related = Some((FIRST, first.clone()));
                        let name = field.name.to_owned();
                        finding(ProblemKind::DuplicateField { name }, related);
                        self.out.masked.push(field.value.range());
                    } else {
                        seen.insert(name, field.name_at.clone());
                        found.known.insert(*name, Value { node: field.value, path });
                    }
                }
            }
        }
        Some(found)
    }

    /// The entries of a map from names to structs.
    pub(super) fn named<'a, N>(
        &mut self,
        value: &Value<'a>,
        what: &'static str,
    ) -> Vec<(At<N>, Value<'a>)>
    where
        N: FromStr<Err = NameError>,
    {
        let Ok(entries) = value.node.entries() else {
            self.out.masked.push(value.node.range());
            self.out.is_broken = true;
            self.wrong_kind(value, "a map `{ \"name\": (…) }`");
            return Vec::new();
        };
        let mut seen = BTreeMap::new();
        let mut named = Vec::new();
        for (key, node) in entries {
            let key = Value { node: key, path: value.path.clone() };
            let Ok(text) = key.node.scalar::<String>() else {
                self.wrong_kind(&key, "a string");
                self.out.masked.push(node.range());
                continue;
            };
            let is_new = self.check_new(&mut seen, &text, &key, what);
            let entry = Value { node, path: join(&value.path, &text) };
            match text.parse() {
                Ok(name) if is_new => {
                    let (path, range) = (entry.path.clone(), key.node.range());
                    named.push((At { value: name, path, range }, entry));
                }
                Ok(_) => self.out.masked.push(node.range()),
                Err(error) => {
                    self.note(&key, ProblemKind::BadName(error));
                    self.out.masked.push(node.range());
                    self.out.lacks_remotes = true;
                }
            }
        }
        named
    }

    /// Notes a key that was there before.
    pub(super) fn check_new(
        &mut self,
        seen: &mut BTreeMap<String, Range<usize>>,
        name: &str,
        key: &Value<'_>,
        what: &'static str,
    ) -> bool {
        let range = key.node.range();
        let Some(first) = seen.get(name) else {
            seen.insert(name.to_owned(), range);
            return true;
        };
        self.out.findings.push(Finding {
            kind: ProblemKind::DuplicateKey { what, name: name.to_owned() },
            path: join(&key.path, name),
            range,
            related: Some((FIRST, first.clone())),
        });
        false
    }

    pub(super) fn name<N: FromStr<Err = NameError>>(&mut self, value: &Value<'_>) -> Option<At<N>> {
        let Ok(text) = value.node.scalar::<String>() else {
            self.wrong_kind(value, "a string");
            return None;
        };
        match text.parse() {
            Ok(name) => {
                Some(At { value: name, path: value.path.clone(), range: value.node.range() })
            }
            Err(error) => {
                self.note(value, ProblemKind::BadName(error));
                None
            }
        }
    }

    /// A text that is not empty and has no NUL, which no system call takes.
    pub(super) fn text(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.string(value)?;
        if text.is_empty() {
            self.note(value, ProblemKind::EmptyValue);
            return None;
        }
        Some(text)
    }

    fn string(&mut self, value: &Value<'_>) -> Option<String> {
        let Ok(text) = value.node.scalar::<String>() else {
            self.wrong_kind(value, "a string");
            return None;
        };
        if text.contains('\0') {
            self.note(value, ProblemKind::BadCharacter { found: '\0' });
            return None;
        }
        Some(text)
    }

    /// A text that can go where `ssh` has a user or a host: in one piece, and
    /// not to be taken for an option.
    pub(super) fn word(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.text(value)?;
        match word_trouble(&text) {
            Some(trouble) => {
                self.note(value, trouble);
                None
            }
            None => Some(text),
        }
    }

    pub(super) fn host(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.word(value)?;
        match host_trouble(&text) {
            Some(trouble) => {
                self.note(value, trouble);
                None
            }
            None => Some(text),
        }
    }

    pub(super) fn port(&mut self, value: &Value<'_>) -> Option<u16> {
        match value.node.scalar::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ if value.node.kind() == Kind::Number => {
                self.note(value, ProblemKind::BadPort);
                None
            }
            _ => {
                self.wrong_kind(value, "a number");
                None
            }
        }
    }

    pub(super) fn duration(&mut self, value: &Value<'_>) -> Option<At<Duration>> {
        let Ok(text) = value.node.scalar::<String>() else {
            self.wrong_kind(value, "a time such as \"30s\" or \"2m\"");
            return None;
        };
        match humantime::parse_duration(&text) {
            Ok(duration) => {
                Some(At { value: duration, path: value.path.clone(), range: value.node.range() })
            }
            Err(_) => {
                self.note(value, ProblemKind::BadDuration);
                None
            }
        }
    }

    pub(super) fn size(&mut self, value: &Value<'_>) -> Option<MaxOutput> {
        let Ok(text) = value.node.scalar::<String>() else {
            self.wrong_kind(value, "a size such as \"100 MB\"");
            return None;
        };
        text.parse().map_err(|error| self.note(value, ProblemKind::BadSize(error))).ok()
    }

    /// A path on this machine, with `~` expanded.
    pub(super) fn path(&mut self, value: &Value<'_>) -> Option<PathBuf> {
        let text = self.text(value)?;
        if text.starts_with('/') {
            return Some(PathBuf::from(text));
        }
        let Some(rest) = text.strip_prefix("~/") else {
            self.note(value, ProblemKind::RelativePath);
            return None;
        };
        let Some(home) = self.home else {
            self.note(value, ProblemKind::NoHome);
            return None;
        };
        Some(home.join(rest.trim_start_matches('/')))
    }

    /// A program and its arguments.
    pub(super) fn command(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let words = self.strings(value)?;
        if words.first().is_none_or(String::is_empty) {
            self.note(value, ProblemKind::EmptyValue);
            return None;
        }
        Some(words)
    }

    pub(super) fn strings(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let Ok(items) = value.node.items() else {
            self.wrong_kind(value, "a list of strings `[\"…\"]`");
            return None;
        };
        let at = |(at, node)| Value { node, path: format!("{}[{at}]", value.path) };
        let texts: Vec<_> =
            items.into_iter().enumerate().map(at).map(|item| self.string(&item)).collect();
        texts.into_iter().collect()
    }
}

fn word_trouble(text: &str) -> Option<ProblemKind> {
    let bad = text.chars().find(|c| c.is_whitespace() || c.is_control());
    let found = bad.or_else(|| text.chars().next().filter(|first| *first == '-'))?;
    Some(ProblemKind::BadCharacter { found })
}

/// Why a text cannot be a remote's `host`, if it cannot.
#[must_use]
pub fn host_trouble(text: &str) -> Option<ProblemKind> {
    if text.is_empty() {
        return Some(ProblemKind::EmptyValue);
    }
    if let Some(trouble) = word_trouble(text) {
        return Some(trouble);
    }
    if text.contains('@') {
        return Some(ProblemKind::HostHoldsUser);
    }
    // An IPv6 address has several colons, and no brackets here.
    if text.matches(':').count() == 1 || text.starts_with('[') && text.contains("]:") {
        return Some(ProblemKind::HostHoldsPort);
    }
    let found = text.chars().find(|c| "[]/\\'\"`$;&|<>(){}*?!,".contains(*c))?;
    Some(ProblemKind::BadCharacter { found })
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
