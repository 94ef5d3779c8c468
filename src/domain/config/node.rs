//! RON, one level at a time, with every value knowing where it stands.
//!
//! serde stops at the first error and forgets where values came from. ron's
//! `RawValue` gives both back: it borrows a value's text from the document, so
//! a level can be taken apart and each part be decoded on its own, with its
//! place known from where its text lies. ron stays the only parser.

use std::fmt;
use std::ops::Range;

use ron::extensions::Extensions;
use ron::value::RawValue;
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer as _, EnumAccess, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// A value in a document.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    /// Its text, from its first byte to its last.
    text: &'a str,
    /// Where its text starts in the document, in bytes.
    at: usize,
    /// What the document enables with `#![enable(…)]`, and `implicit_some`.
    extensions: Extensions,
}

/// What kind of value it is, by its looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `"text"`
    String,
    /// `1`
    Number,
    /// `true` or `false`
    Boolean,
    /// `[…]`
    List,
    /// `{…}`
    Map,
    /// `(…)`
    Struct,
    /// `Name` or `Name(…)`
    Variant,
    /// `'c'`, `b"…"`, `1..2`
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list `[…]`",
            Self::Map => "a map `{…}`",
            Self::Struct => "fields `(…)`",
            Self::Variant => "a name",
            Self::Other => "something else",
        })
    }
}

/// One field of a struct.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) name_at: Range<usize>,
    pub(super) value: Node<'a>,
}

/// A unit variant, or one with a value.
pub(super) struct Variant<'a> {
    pub(super) name: &'a str,
    pub(super) name_at: Range<usize>,
    pub(super) payload: Option<Node<'a>>,
}

/// A value that is not of the shape that was asked for.
#[derive(Debug)]
pub(super) struct Misshapen;

fn options(extensions: Extensions) -> ron::Options {
    ron::Options::default().with_default_extension(extensions | Extensions::IMPLICIT_SOME)
}

/// Reads a document that holds one value.
pub(super) fn document(text: &str) -> Result<Node<'_>, ron::error::SpannedError> {
    let mut reader = ron::Deserializer::from_str_with_options(text, &options(Extensions::empty()))?;
    let extensions = reader.extensions();
    let before = reader.remainder();
    // Not a `RawValue`: that may not be followed by a comment that the end of
    // the file ends.
    IgnoredAny::deserialize(&mut reader).map_err(|error| reader.span_error(error))?;
    let value = &before[..before.len() - reader.remainder().len()];
    reader.end().map_err(|error| reader.span_error(error))?;
    Ok(Node { text: value, at: offset(text, value), extensions }.trimmed())
}

/// Where `part`, which borrows from `whole`, starts in it.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

impl<'a> Node<'a> {
    /// Its place in the document, in bytes.
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    pub(super) fn kind(&self) -> Kind {
        let text = self.text;
        match text.chars().next() {
            Some('"') => Kind::String,
            Some('r') if text.starts_with("r\"") || text.starts_with("r#") => Kind::String,
            Some('[') => Kind::List,
            Some('{') => Kind::Map,
            Some('(') => Kind::Struct,
            Some('0'..='9' | '+' | '-' | '.') => Kind::Number,
            Some('b') if text.starts_with("b\"") || text.starts_with("b'") => Kind::Other,
            Some('\'') | None => Kind::Other,
            Some(_) if text == "true" || text == "false" => Kind::Boolean,
            Some(_) => Kind::Variant,
        }
    }

    /// Any value that serde knows: a string, a number, `true` or `false`.
    pub(super) fn scalar<T: Deserialize<'a>>(&self) -> Result<T, Misshapen> {
        options(self.extensions).from_str(self.text).map_err(|_| Misshapen)
    }

    /// What is inside `Some(…)`, the value itself without it, nothing for `None`.
    pub(super) fn option(&self) -> Result<Option<Self>, Misshapen> {
        let raw: Option<&'a RawValue> = self.scalar()?;
        Ok(raw.map(|raw| self.part(raw.get_ron())))
    }

    /// The fields of the struct `name`, written with or without its name.
    pub(super) fn fields(&self, name: &'static str) -> Result<Vec<Field<'a>>, Misshapen> {
        let pairs = self.read(|reader| reader.deserialize_struct(name, &[], FieldsVisitor))?;
        let field = |(name, value): (&'a str, &'a RawValue)| Field {
            name,
            name_at: self.range_of(name),
            value: self.part(value.get_ron()),
        };
        Ok(pairs.into_iter().map(field).collect())
    }

    /// The entries of a map in order, those with equal keys as well.
    pub(super) fn entries(&self) -> Result<Vec<(Self, Self)>, Misshapen> {
        let pairs = self.read(|reader| reader.deserialize_map(EntriesVisitor))?;
        let entry = |(key, value): (&'a RawValue, &'a RawValue)| {
            (self.part(key.get_ron()), self.part(value.get_ron()))
        };
        Ok(pairs.into_iter().map(entry).collect())
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, Misshapen> {
        let items = self.read(|reader| reader.deserialize_seq(ItemsVisitor))?;
        Ok(items.into_iter().map(|item| self.part(item.get_ron())).collect())
    }

    /// The name that it begins with, where it begins with one.
    pub(super) fn name(&self) -> Option<(&'a str, Range<usize>)> {
        let letter = |c: char| c.is_alphanumeric() || c == '_';
        let end = self.text.find(|c| !letter(c)).unwrap_or(self.text.len());
        let name = &self.text[..end];
        (!name.is_empty()).then(|| (name, self.range_of(name)))
    }

    /// A variant: its name, and its one value where it has one.
    pub(super) fn variant(&self) -> Result<Variant<'a>, Misshapen> {
        let (name, payload) =
            self.read(|reader| reader.deserialize_enum("", &[], VariantVisitor(self.text)))?;
        Ok(Variant {
            name,
            name_at: self.range_of(name),
            payload: payload.map(|raw| self.part(raw.get_ron())),
        })
    }

    /// Reads all of the value, or finds it to be of another shape.
    fn read<T>(
        &self,
        read: impl FnOnce(&mut ron::Deserializer<'a>) -> ron::Result<T>,
    ) -> Result<T, Misshapen> {
        let mut reader =
            ron::Deserializer::from_str_with_options(self.text, &options(self.extensions))
                .map_err(|_| Misshapen)?;
        let value = read(&mut reader).map_err(|_| Misshapen)?;
        reader.end().map_err(|_| Misshapen)?;
        Ok(value)
    }

    fn part(&self, text: &'a str) -> Self {
        let at = self.at + offset(self.text, text);
        Self { text, at, extensions: self.extensions }.trimmed()
    }

    fn range_of(&self, text: &'a str) -> Range<usize> {
        let at = self.at + offset(self.text, text);
        at..at + text.len()
    }

    /// Without the comments and the space around it.
    fn trimmed(self) -> Self {
        let mut start = 0;
        while let Some(length) = leading_trivia(&self.text[start..]) {
            start += length;
        }
        let text = &self.text[start..];
        let end = ron::Deserializer::from_str_with_options(text, &options(self.extensions))
            .ok()
            .and_then(|mut reader| {
                IgnoredAny::deserialize(&mut reader).ok()?;
                Some(text.len() - reader.remainder().len())
            })
            .unwrap_or(text.len());
        // Behind a name ron has looked for parentheses, past comments as well.
        let end = super::scan::content_end(&text[..end]);
        Self { text: &text[..end], at: self.at + start, ..self }
    }
}

/// The length of the space or comment that `text` starts with.
/// ron has read the text before, so block comments are closed.
pub(super) fn leading_trivia(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').map_or(text.len(), |end| end + 1));
    }
    if text.starts_with("/*") {
        return Some(super::scan::block_comment(text));
    }
    let space = text.len() - text.trim_start().len();
    (space > 0).then_some(space)
}

/// A struct's field name, or a variant's.
struct Identifier;

impl<'de> DeserializeSeed<'de> for Identifier {
    type Value = &'de str;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<&'de str, D::Error> {
        reader.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for Identifier {
    type Value = &'de str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<&'de str, E> {
        Ok(name)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(&'de str, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key_seed(Identifier)? {
            pairs.push((name, map.next_value()?));
        }
        Ok(pairs)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

/// Holds the whole text, since ron asks before it looks whether the variant
/// has a value.
struct VariantVisitor<'a>(&'a str);

impl<'de> Visitor<'de> for VariantVisitor<'_> {
    type Value = (&'de str, Option<&'de RawValue>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Self::Value, A::Error> {
        let (name, variant) = data.variant_seed(Identifier)?;
        if self.0.ends_with(')') {
            Ok((name, Some(variant.newtype_variant()?)))
        } else {
            variant.unit_variant()?;
            Ok((name, None))
        }
    }
}

#[cfg(test)]
mod tests;
