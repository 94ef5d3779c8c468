//! The structs and maps of a text, with the place of each of their items.

use crate::domain::config::node::{Field, Node};

use crate::domain::config::scan::skip_trivia;

/// What is between two brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Behind the opening bracket.
    pub(super) open: usize,
    /// Before the closing one.
    pub(super) close: usize,
    /// In order.
    pub(super) items: Vec<Item>,
}

/// A field or an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// Where its name or key starts.
    pub(super) start: usize,
    /// Where its value ends.
    pub(super) end: usize,
    /// Where the comma behind it is, if there is one.
    pub(super) comma: Option<usize>,
}

impl Item {
    /// Where it ends, with its comma.
    pub(super) fn full_end(&self) -> usize {
        self.comma.map_or(self.end, |comma| comma + 1)
    }
}

impl Group {
    /// `open` is the bracket; `ends` are where the values end.
    fn new(
        text: &str,
        open: usize,
        close: usize,
        ends: impl Iterator<Item = usize>,
    ) -> Option<Self> {
        let mut items = Vec::new();
        let mut at = open + 1;
        for end in ends {
            let start = skip_trivia(text, at);
            let behind = skip_trivia(text, end);
            let comma = text[behind..].starts_with(',').then_some(behind);
            items.push(Item { start, end, comma });
            at = comma.map_or(end, |comma| comma + 1);
        }
        // Nothing but space and comments is left.
        (skip_trivia(text, at) == close).then_some(Self { open: open + 1, close, items })
    }
}

/// A struct.
pub(super) struct Struct<'a> {
    pub(super) group: Group,
    fields: Vec<Field<'a>>,
}

/// What a struct has of a field.
pub(super) enum Slot<'a> {
    /// It is not written.
    Absent,
    /// It is, and says nothing: `None`.
    Empty(Node<'a>),
    /// This is its value, without `Some`.
    Full(Node<'a>),
}

impl<'a> Struct<'a> {
    /// `None` where it is not written as fields in parentheses.
    pub(super) fn read(text: &str, node: Node<'a>, name: &'static str) -> Option<Self> {
        let fields = node.fields(name).ok()?;
        let range = node.range();
        let behind_name = node.name().map_or(range.start, |(_, name)| name.end);
        let open = skip_trivia(text, behind_name);
        if !text[open..range.end].starts_with('(') || !text[..range.end].ends_with(')') {
            return None;
        }
        let ends = fields.iter().map(|field| field.value.range().end);
        let group = Group::new(text, open, range.end - 1, ends)?;
        Some(Self { group, fields })
    }

    /// The position of a field among the items.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    pub(super) fn slot(&self, name: &str) -> Slot<'a> {
        let Some(at) = self.position(name) else { return Slot::Absent };
        let value = self.fields[at].value;
        match value.option() {
            Ok(Some(inner)) => Slot::Full(inner),
            Ok(None) => Slot::Empty(value),
            Err(_) => Slot::Full(value),
        }
    }
}

/// A map whose keys are strings.
pub(super) struct Map<'a> {
    pub(super) group: Group,
    keys: Vec<String>,
    values: Vec<Node<'a>>,
}

impl<'a> Map<'a> {
    /// `None` where it is none.
    pub(super) fn read(text: &str, node: Node<'a>) -> Option<Self> {
        let entries = node.entries().ok()?;
        let range = node.range();
        if !text[range.clone()].starts_with('{') {
            return None;
        }
        let ends = entries.iter().map(|(_, value)| value.range().end);
        let group = Group::new(text, range.start, range.end - 1, ends)?;
        let keys = entries.iter().map(|(key, _)| key.scalar().ok()).collect::<Option<_>>()?;
        Some(Self { group, keys, values: entries.into_iter().map(|(_, value)| value).collect() })
    }

    /// The position of a key among the items.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }

    pub(super) fn value(&self, key: &str) -> Option<Node<'a>> {
        self.position(key).map(|at| self.values[at])
    }
}
