//! What is put in, as RON.

use std::fmt::Write as _;

/// The most characters of a line that is made here, where it can be broken.
pub(super) const WIDTH: usize = 96;

/// A field or an entry to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The field's name, or the key in its quotes.
    pub(super) key: String,
    /// Its value.
    pub(super) value: Written,
}

/// A value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// As it stands.
    Plain(String),
    /// `(…)`
    Fields(Vec<Entry>),
    /// `{…}`
    Map(Vec<Entry>),
}

/// How the file's owner breaks and indents lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Style {
    /// The end of a line.
    pub(super) newline: &'static str,
    /// One step of indentation.
    pub(super) unit: String,
}

impl Entry {
    pub(super) fn new(key: impl Into<String>, value: Written) -> Self {
        Self { key: key.into(), value }
    }

    /// On one line.
    pub(super) fn inline(&self) -> String {
        format!("{}: {}", self.key, self.value.inline())
    }

    /// Behind `indent`, on one line if it fits. Neither the first line's
    /// indentation nor a comma is in it.
    pub(super) fn at(&self, indent: &str, style: &Style) -> String {
        let inline = self.inline();
        if indent.chars().count() + inline.chars().count() < WIDTH {
            return inline;
        }
        let (open, entries, close) = match &self.value {
            Written::Plain(_) => return inline,
            Written::Fields(entries) => ('(', entries, ')'),
            Written::Map(entries) => ('{', entries, '}'),
        };
        let inner = format!("{indent}{}", style.unit);
        let mut text = format!("{}: {open}{}", self.key, style.newline);
        for entry in entries {
            // Writing to a string does not fail.
            let _ = write!(text, "{inner}{},{}", entry.at(&inner, style), style.newline);
        }
        text.push_str(indent);
        text.push(close);
        text
    }
}

impl Written {
    pub(super) fn inline(&self) -> String {
        let joined =
            |entries: &[Entry]| entries.iter().map(Entry::inline).collect::<Vec<_>>().join(", ");
        match self {
            Self::Plain(text) => text.clone(),
            Self::Fields(entries) => format!("({})", joined(entries)),
            Self::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Map(entries) => format!("{{ {} }}", joined(entries)),
        }
    }
}

/// A string in its quotes.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(c.escape_default()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_string_is_read_back(text in any::<String>()) {
            prop_assert_eq!(ron::from_str::<String>(&string(&text)), Ok(text));
        }
    }

    #[test]
    fn a_value_that_does_not_fit_a_line_takes_several() {
        let plain = |text: &str| Written::Plain(string(text));
        let env = Written::Map(vec![Entry::new("\"A\"", plain(&"x".repeat(80)))]);
        let entry = Entry::new(
            "\"b\"",
            Written::Fields(vec![Entry::new("host", plain("h")), Entry::new("env", env)]),
        );
        let style = Style { newline: "\n", unit: "  ".to_owned() };
        let long = "x".repeat(80);
        assert_eq!(
            entry.at("  ", &style),
            format!(
                "\"b\": (\n    host: \"h\",\n    env: {{\n      \"A\": \"{long}\",\n    }},\n  )"
            )
        );
        assert_eq!(Entry::new("\"b\"", Written::Fields(vec![])).at("", &style), "\"b\": ()");
    }
}
