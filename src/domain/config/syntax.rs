//! ron's syntax errors, in words that quote nothing of the file.

use ron::Error;

use super::node::leading_trivia;

/// What the parser says is wrong. Its own text may quote what it found, which
/// in a file that does not parse may be a secret; the words that do are
/// replaced.
pub(super) fn what(error: &Error) -> String {
    match error {
        Error::Eof => "the file ends in the middle".to_owned(),
        Error::ExpectedComma => "expected a comma".to_owned(),
        Error::ExpectedMapColon => "expected a colon".to_owned(),
        Error::ExpectedMapEnd => "expected a comma or a closing `}`".to_owned(),
        Error::ExpectedArrayEnd => "expected a comma or a closing `]`".to_owned(),
        Error::ExpectedOptionEnd | Error::ExpectedStructLikeEnd => {
            "expected a comma or a closing `)`".to_owned()
        }
        Error::ExpectedStringEnd => "a string is not closed".to_owned(),
        Error::ExpectedString => "expected a string".to_owned(),
        Error::UnclosedBlockComment => "a comment is not closed".to_owned(),
        Error::TrailingCharacters => "expected the end of the file".to_owned(),
        Error::NoSuchExtension(_) => "there is no RON extension of this name".to_owned(),
        Error::InvalidIdentifier(_)
        | Error::SuggestRawIdentifier(_)
        | Error::ExpectedIdentifier => "expected the name of a field, or a closing `)`".to_owned(),
        Error::UnexpectedChar(_) => "expected a value".to_owned(),
        Error::ExceededRecursionLimit => "values are nested too deeply".to_owned(),
        Error::Message(_)
        | Error::Io(_)
        | Error::InvalidValueForType { .. }
        | Error::InvalidIntegerDigit { .. }
        | Error::ExpectedDifferentStructName { .. }
        | Error::NoSuchEnumVariant { .. }
        | Error::NoSuchStructField { .. } => "this cannot be read".to_owned(),
        plain => {
            let text = plain.to_string();
            let mut chars = text.chars();
            chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
        }
    }
}

/// Whether there is nothing but space and comments.
pub(super) fn is_blank(text: &str) -> bool {
    let mut rest = text;
    while let Some(length) = leading_trivia(rest) {
        rest = &rest[length..];
    }
    rest.is_empty()
}
