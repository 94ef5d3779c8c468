//! Values inside text: quoted for a shell, and harmless on a terminal.

use std::borrow::Cow;
use std::path::Path;

/// The most evidence that a failure carries, in characters.
pub const MAX_EVIDENCE: usize = 2000;

/// Whether a shell takes the character as it is, wherever it stands in a word.
fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_@%+:,./-=".contains(c)
}

/// `value` as one word of a POSIX shell, as it is where that is safe.
///
/// Inside single quotes nothing means anything but the quote itself, which
/// has to leave them: `it's` becomes `'it'\''s'`. A leading `=` is quoted as
/// well, since zsh would look it up as a command.
#[must_use]
pub fn sh_quote(value: &str) -> Cow<'_, str> {
    let safe = !value.is_empty() && !value.starts_with('=') && value.chars().all(is_bare);
    if safe {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(format!("'{}'", value.replace('\'', r"'\''")))
    }
}

/// A file name as one word of a shell, that no program takes for an option.
///
/// A leading `~/` stays outside of the quotes, where the shell expands it.
#[must_use]
pub fn sh_path(path: &str) -> Cow<'_, str> {
    match path.strip_prefix("~/") {
        Some("") => Cow::Borrowed("~/"),
        Some(rest) => Cow::Owned(format!("~/{}", sh_quote(rest))),
        None if path == "~" => Cow::Borrowed("~"),
        None if path.starts_with('-') => Cow::Owned(sh_quote(&format!("./{path}")).into_owned()),
        None => sh_quote(path),
    }
}

/// `value` as a word of a command that is shown to be typed: [`sh_quote`] on
/// [`one_line`], so that nothing in it starts a line of its own.
#[must_use]
pub fn shown_word(value: &str) -> String {
    sh_quote(&one_line(value)).into_owned()
}

/// [`shown_word`] for a path.
#[must_use]
pub fn shown_path(path: &str) -> String {
    sh_path(&one_line(path)).into_owned()
}

/// [`shown_path`] for a file; what is not UTF-8 in it is shown as U+FFFD.
#[must_use]
pub fn shown_file(file: &Path) -> String {
    shown_path(&file.to_string_lossy())
}

/// A whole command as one argument of `ssh`, which hands it to the shell on
/// the other side: plain words as they are, anything else quoted once more.
#[must_use]
pub fn sh_remote(command: &str) -> Cow<'_, str> {
    if command.chars().all(|c| is_bare(c) || c == ' ') {
        Cow::Borrowed(command)
    } else {
        Cow::Owned(sh_quote(command).into_owned())
    }
}

/// `text` on one line and without control characters, each shown as an
/// escape: names come from the other side, and a terminal obeys what it reads.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// The end of `text` as evidence: nothing added, control characters other than
/// tab and newline left out. `None` where nothing is left.
#[must_use]
pub fn evidence(text: &str) -> Option<String> {
    let kept: Vec<char> =
        text.trim().chars().filter(|c| matches!(c, '\n' | '\t') || !is_obeyed(*c)).collect();
    let end = &kept[kept.len().saturating_sub(MAX_EVIDENCE)..];
    let end: String = end.iter().collect();
    let end = end.trim();
    (!end.is_empty()).then(|| end.to_owned())
}

/// Control characters, and those that break or turn round a line.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_it_must_be() {
        for (value, word) in [
            ("", "''"),
            ("developer@192.168.1.100", "developer@192.168.1.100"),
            ("/home/me/.ssh/dev_key.pub", "/home/me/.ssh/dev_key.pub"),
            ("my key", "'my key'"),
            ("[host]:2222", "'[host]:2222'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~/x", "'~/x'"),
            ("=ls", "'=ls'"),
            ("a=b", "a=b"),
            ("a\nb", "'a\nb'"),
            ("ключ", "'ключ'"),
        ] {
            assert_eq!(sh_quote(value), word);
        }
    }

    #[test]
    fn a_file_keeps_its_tilde_and_is_no_option() {
        for (path, word) in [
            ("~/.ssh/dev_key", "~/.ssh/dev_key"),
            ("~/my keys/a", "~/'my keys/a'"),
            ("~", "~"),
            ("~/", "~/"),
            ("~other/x", "'~other/x'"),
            ("-rf", "./-rf"),
            ("-a b", "'./-a b'"),
        ] {
            assert_eq!(sh_path(path), word);
        }
    }

    #[test]
    fn a_remote_command_is_quoted_for_both_shells() {
        assert_eq!(sh_remote("npm install -g @openai/codex"), "npm install -g @openai/codex");
        assert_eq!(sh_remote("mkdir -p ~/x"), "'mkdir -p ~/x'");
        assert_eq!(sh_remote("mkdir -p 'a b'"), r"'mkdir -p '\''a b'\'''");
    }

    /// Reads a word back by the rules of POSIX for quotes, in the forms that
    /// [`sh_quote`] writes.
    fn read_back(word: &str) -> String {
        let (mut value, mut quoted, mut chars) = (String::new(), false, word.chars());
        while let Some(c) = chars.next() {
            match c {
                '\'' => quoted = !quoted,
                '\\' if !quoted => value.extend(chars.next()),
                c => {
                    assert!(quoted || is_bare(c), "{c:?} stands bare in {word}");
                    value.push(c);
                }
            }
        }
        assert!(!quoted, "{word} leaves a quote open");
        value
    }

    proptest! {
        #[test]
        fn every_value_reads_back(value: String) {
            prop_assert_eq!(read_back(&sh_quote(&value)), value);
        }

        #[test]
        fn one_line_is_one_line(text: String) {
            prop_assert!(!one_line(&text).chars().any(is_obeyed));
        }

        #[test]
        fn evidence_adds_nothing(text: String) {
            let mut given = text.chars();
            for c in evidence(&text).unwrap_or_default().chars() {
                prop_assert!(given.any(|g| g == c));
            }
        }
    }
}
