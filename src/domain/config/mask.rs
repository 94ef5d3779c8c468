//! Which parts of a broken line may be shown.
//!
//! A report quotes lines of the configuration, goes to logs and is kept with
//! events. In a file that parses it is known what is the value of an
//! environment variable. In one that does not, nothing is: a missing quote
//! turns the rest of the file inside out. There, only what is known to be
//! harmless is shown: punctuation, words of the format, and values of fields
//! that hold no secret.

use std::ops::Range;

/// Words that the format itself uses.
const WORDS: &[&str] = &[
    "version",
    "default_remote",
    "idle_link",
    "kill_grace",
    "retention",
    "spool_grace",
    "mirror_age",
    "mirror_size",
    "remotes",
    "agents",
    "label",
    "host",
    "port",
    "user",
    "identity_file",
    "working_dir",
    "env",
    "enabled",
    "ssh_config",
    "start_within",
    "max_output",
    "profile",
    "command",
    "args",
    "remote",
    "enable",
    "implicit_some",
    "true",
    "false",
    "Some",
    "None",
    "On",
    "Off",
    "File",
    "Default",
    "Local",
    "Generic",
    "Claude",
    "Codex",
    "OpenCode",
    "FromEnv",
    "FromFile",
    "FromCommand",
];

/// What stands before a value that is no secret.
const PUBLIC: &[&str] = &[
    "version:",
    "default_remote:",
    "idle_link:",
    "kill_grace:",
    "spool_grace:",
    "mirror_age:",
    "mirror_size:",
    "label:",
    "host:",
    "port:",
    "user:",
    "identity_file:",
    "working_dir:",
    "start_within:",
    "max_output:",
    "On(",
    "File(",
];

/// The parts of `line` that are not known to be harmless, in order.
pub(super) fn untrusted(line: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let (length, shown) = token(line, at);
        if !shown {
            hidden.push(at..at + length);
        }
        at += length;
    }
    hidden
}

/// The length of the token at `at`, and whether it may be shown.
fn token(line: &str, at: usize) -> (usize, bool) {
    let rest = &line[at..];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_public = || {
        let before = line[..at].trim_end();
        PUBLIC.iter().any(|public| {
            let (word, mark) = public.split_at(public.len() - 1);
            let start = before.strip_suffix(mark).map(str::trim_end);
            start
                .and_then(|start| start.strip_suffix(word))
                .is_some_and(|start| !start.ends_with(|c: char| is_word(c) || c == '"'))
        })
    };
    if let Some(inside) = rest.strip_prefix('"') {
        let Some(length) = inside.find(['"', '\\']).filter(|end| inside[*end..].starts_with('"'))
        else {
            return (1, true);
        };
        let is_key = inside[length + 1..].trim_start().strip_prefix(':');
        let is_struct_key = is_key.is_some_and(|value| value.trim_start().starts_with('('));
        return (length + 2, is_struct_key || is_public());
    }
    let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    match rest.chars().next() {
        Some(_) if length > 0 => {
            let word = &rest[..length];
            let is_port = word.len() <= 5 && word.bytes().all(|b| b.is_ascii_digit());
            (length, WORDS.contains(&word) || (is_port && is_public()))
        }
        Some(mark) => (mark.len_utf8(), mark.is_ascii()),
        None => (1, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let mut shown = line.to_owned();
        for part in untrusted(line).into_iter().rev() {
            shown.replace_range(part, "*");
        }
        shown
    }

    #[test]
    fn shows_what_the_format_says_and_hides_the_rest() {
        for (line, wanted) in [
            (r#"  host: "box" port: 22,"#, r#"  host: "box" port: 22,"#),
            (r#""gpu-box": (host "box"),"#, r#""gpu-box": (host *),"#),
            (r#"env: { "TOKEN": "abc" "B": "x" }"#, r#"env: { *: * *: * }"#),
            (r#"env: { "TOKEN" "abc" }"#, r#"env: { * * }"#),
            // The line before left a string open.
            (r#"abc", "B": "x y","#, r#"***** *","#),
            (r#"env: { "T": "abc, "U": 7"#, r#"env: { *: **": *"#),
            (r#"env: { TOKEN: abc-12 }"#, r#"env: { *: *-* }"#),
            (r#"remote: On("box" ),"#, r#"remote: On("box" ),"#),
            (r#"my_host: "abc""#, r#"*: *"#),
            ("héllo ☃", "* *"),
        ] {
            assert_eq!(shown(line), wanted);
        }
    }
}
