//! The pieces of a text, of which none is left out.

use std::ops::Range;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Blanks and line ends.
    Blank,
    /// `// …`, without the line's end.
    LineComment,
    /// `/* … */`.
    BlockComment,
    /// A string or a character, with its quotes.
    Quoted,
    /// Anything else: a name, a number, a sign.
    Word,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// The pieces of `text` in order; joined, they are the text.
///
/// The text is one that ron has read: what is opened in it is closed.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = first(rest);
        let range = at..at + length;
        at = range.end;
        Some(Piece { kind, range })
    })
}

/// The comments of `text`.
pub(super) fn comments(text: &str) -> impl Iterator<Item = Piece> + '_ {
    pieces(text).filter(|piece| matches!(piece.kind, Kind::LineComment | Kind::BlockComment))
}

/// Where the space and the comments end that begin at `at`.
pub(super) fn skip_trivia(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let word = pieces(rest).find(|piece| matches!(piece.kind, Kind::Quoted | Kind::Word));
    at + word.map_or(rest.len(), |piece| piece.range.start)
}

/// Where the space and the comments begin that `text` ends with.
pub(super) fn content_end(text: &str) -> usize {
    let words = pieces(text).filter(|piece| matches!(piece.kind, Kind::Quoted | Kind::Word));
    words.last().map_or(0, |piece| piece.range.end)
}

/// The length of the block comment that `text` starts with; they nest.
pub(super) fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The first piece of a text that is not empty: its kind and length.
fn first(text: &str) -> (Kind, usize) {
    if text.starts_with("//") {
        let line = text.split('\n').next().unwrap_or(text);
        return (Kind::LineComment, line.trim_end_matches('\r').len());
    }
    if text.starts_with("/*") {
        return (Kind::BlockComment, block_comment(text));
    }
    let blank = text.len() - text.trim_start().len();
    if blank > 0 {
        return (Kind::Blank, blank);
    }
    if let Some(length) = raw_string(text) {
        return (Kind::Quoted, length);
    }
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return (Kind::Quoted, quoted(text, quote));
    }
    // The `b` of `br"…"` is a word of its own.
    if text.starts_with('b') && raw_string(&text[1..]).is_some() {
        return (Kind::Word, 1);
    }
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    match text.find(|c| !letter(c)) {
        Some(0) => (Kind::Word, text.chars().next().map_or(1, char::len_utf8)),
        end => (Kind::Word, end.unwrap_or(text.len())),
    }
}

/// The length of the `r"…"` or `r#"…"#` that the text starts with.
fn raw_string(text: &str) -> Option<usize> {
    let hashed = text.strip_prefix('r')?;
    let hashes = hashed.len() - hashed.trim_start_matches('#').len();
    let inside = hashed[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(1 + hashes + 1 + length)
}

/// The length of the text in quotes that the text starts with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Vec<(Kind, &str)> {
        pieces(text).map(|piece| (piece.kind, &text[piece.range])).collect()
    }

    #[test]
    fn what_looks_like_a_comment_in_a_string_is_none() {
        use Kind::{Blank, BlockComment, LineComment, Quoted, Word};
        assert_eq!(
            shown("a://x\r\n/* /* */ \" */\"//\\\"\" '\"' r#\"\\\"//\"# br\"\\\"r#b"),
            [
                (Word, "a"),
                (Word, ":"),
                (LineComment, "//x"),
                (Blank, "\r\n"),
                (BlockComment, "/* /* */ \" */"),
                (Quoted, "\"//\\\"\""),
                (Blank, " "),
                (Quoted, "'\"'"),
                (Blank, " "),
                (Quoted, "r#\"\\\"//\"#"),
                (Blank, " "),
                (Word, "b"),
                (Quoted, "r\"\\\""),
                (Word, "r"),
                (Word, "#"),
                (Word, "b"),
            ]
        );
    }

    proptest! {
        #[test]
        fn the_pieces_of_any_text_are_the_text(text in "[a-zé(),:\"'#/*r\\\\ \r\n]{0,60}") {
            let joined: String = pieces(&text).map(|piece| &text[piece.range]).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
