//! A line: its keyword, and its arguments.
//!
//! The two are taken apart by different rules. The keyword ends at a blank, a
//! quote or one `=`; only the arguments know single quotes and backslashes.

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// In lower case.
    pub(super) keyword: String,
    /// Whether a quote stands within the keyword.
    pub(super) quoted_within: bool,
    /// Everything after the keyword, as it is written; empty if nothing is.
    pub(super) rest: &'a str,
}

/// The text of a line as C sees it: up to a NUL, without blanks at the end (a
/// form feed counts as one there, and nowhere else).
pub(super) fn text(raw: &[u8]) -> &[u8] {
    let end = raw.iter().position(|&byte| byte == 0).unwrap_or(raw.len());
    let mut text = &raw[..end];
    while let [_, .., last] = text
        && matches!(last, b' ' | b'\t' | b'\r' | b'\n' | 0x0c)
    {
        text = &text[..text.len() - 1];
    }
    text
}

/// The parts of a line; `None` for an empty one, and for a comment.
pub(super) fn split(line: &str) -> Option<Line<'_>> {
    let mut token = next_token(line)?;
    if token.text.is_empty() {
        // Blanks in front.
        token = next_token(token.rest?)?;
    }
    if token.text.is_empty() || token.text.starts_with('#') {
        return None;
    }
    Some(Line {
        keyword: token.text.to_ascii_lowercase(),
        quoted_within: token.quoted_within,
        rest: token.rest.unwrap_or_default().trim_start_matches(BLANKS),
    })
}

struct Token<'a> {
    text: String,
    quoted_within: bool,
    rest: Option<&'a str>,
}

/// `None` for a quote that is not closed: ssh passes over such a line.
fn next_token(text: &str) -> Option<Token<'_>> {
    let ends = |c: char| BLANKS.contains(&c) || matches!(c, '"' | '=');
    let Some(at) = text.find(ends) else {
        return Some(Token { text: text.to_owned(), quoted_within: false, rest: None });
    };
    let (before, after) = (&text[..at], &text[at + 1..]);
    if text[at..].starts_with('"') {
        let (quoted, rest) = after.split_once('"')?;
        return Some(Token {
            text: format!("{before}{quoted}"),
            quoted_within: !before.is_empty(),
            rest: Some(rest.trim_start_matches(BLANKS)),
        });
    }
    let mut rest = after.trim_start_matches(BLANKS);
    if !text[at..].starts_with('=') && rest.starts_with('=') {
        rest = rest[1..].trim_start_matches(BLANKS);
    }
    Some(Token { text: before.to_owned(), quoted_within: false, rest: Some(rest) })
}

/// The arguments of a line; `None` for a quote that is not closed.
///
/// Blanks part them, which quotes and backslashes keep; a `#` at the start of
/// one ends the line.
pub(super) fn arguments(text: &str) -> Option<Vec<String>> {
    words(text, true)
}

/// The words of a command that no shell sees; a `#` is nothing special there.
pub(super) fn command(text: &str) -> Option<Vec<String>> {
    words(text, false)
}

fn words(text: &str, comments: bool) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if chars.peek().is_none_or(|&c| comments && c == '#') {
            return Some(words);
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(c) = chars.next_if(|c| quote.is_some() || !matches!(c, ' ' | '\t')) {
            match (c, quote) {
                ('\\', quote) => {
                    let escaped = chars.next_if(|next| {
                        matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' ')
                    });
                    word.push(escaped.unwrap_or('\\'));
                }
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_ends_at_a_blank_one_equals_sign_or_a_quote() {
        let cases = [
            ("User x", Some(("user", "x"))),
            ("  User\tx", Some(("user", "x"))),
            ("User=x", Some(("user", "x"))),
            ("User = x", Some(("user", "x"))),
            ("User == x", Some(("user", "= x"))),
            ("=User x", Some(("user", "x"))),
            (" = User x", Some(("user", "x"))),
            ("\"User\" x", Some(("user", "x"))),
            ("\"User\" = x", Some(("user", "= x"))),
            ("User\"x\"", Some(("userx", ""))),
            ("User", Some(("user", ""))),
            ("", None),
            ("   ", None),
            ("# User x", None),
            ("\"User x", None),
        ];
        for (line, expected) in cases {
            let parts = split(line);
            let parts = parts.as_ref().map(|line| (line.keyword.as_str(), line.rest));
            assert_eq!(parts, expected, "{line}");
        }
    }

    #[test]
    fn arguments_know_quotes_escapes_and_comments() {
        let cases: [(&str, Option<&[&str]>); 11] = [
            ("a b\tc", Some(&["a", "b", "c"])),
            ("a#b #c", Some(&["a#b"])),
            ("\"a b\"c 'd e'", Some(&["a bc", "d e"])),
            (r#"\"a \'b \\c \d a\ b"#, Some(&["\"a", "'b", "\\c", "\\d", "a b"])),
            (r#""a\ b" "a\"b""#, Some(&["a\\ b", "a\"b"])),
            ("\"\" ''", Some(&["", ""])),
            ("\"#a\"", Some(&["#a"])),
            ("\"a", None),
            ("it's", None),
            ("a\\", Some(&["a\\"])),
            ("", Some(&[])),
        ];
        for (text, expected) in cases {
            let words = arguments(text);
            let words: Option<Vec<&str>> =
                words.as_ref().map(|words| words.iter().map(String::as_str).collect());
            assert_eq!(words.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_command_has_no_comments() {
        assert_eq!(command("/a #b 'c d'").unwrap(), ["/a", "#b", "c d"]);
        assert_eq!(command("/a 'b"), None);
    }

    #[test]
    fn a_nul_ends_a_line_and_blanks_at_its_end_go() {
        assert_eq!(text(b"User x \t\r\x0c\n"), b"User x");
        assert_eq!(text(b"User x\0y\n"), b"User x");
        assert_eq!(text(b"\n"), b"\n");
    }
}
