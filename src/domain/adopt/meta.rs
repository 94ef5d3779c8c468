//! What a spool tells of its session to a control machine that lost it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AgentName, SessionName};
use crate::domain::max_output::MaxOutput;
use crate::domain::origin::Origin;
use crate::domain::session::SessionRecord;
use crate::domain::timestamp::Timestamp;

/// The most bytes of a `meta` file: the shell that writes it reads it byte by
/// byte, and whoever reads it may read hundreds.
pub const MAX_META: usize = 32 * 1024;
/// What is kept of a command that is too long: so many words,
const CUT_WORDS: usize = 16;
/// of so many characters. Twelve bytes stand for one at worst.
const CUT_CHARS: usize = 128;
/// The format that this version writes. Fields are only ever added to it; a
/// greater number means that they mean something else.
const FORMAT: u32 = 1;

/// The `meta` file: one line of JSON, in which `%5C` and the like stand for bytes
/// that a shell's `echo` or `read` might not leave as they are. No env value and
/// no prompt is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    format: u32,
    /// The name a person gave the session.
    #[serde(default)]
    pub name: Option<SessionName>,
    /// The agent that it runs, if it runs one.
    #[serde(default)]
    pub agent: Option<AgentName>,
    /// The program and its arguments; where they were too long, their
    /// beginnings.
    pub command: Vec<String>,
    /// The working directory that was asked for.
    #[serde(default)]
    pub cwd: Option<String>,
    /// When the session was asked for.
    pub created_at: Timestamp,
    /// When its launch was sent.
    pub started_at: Timestamp,
    /// Stop it so many seconds after its start.
    #[serde(default)]
    pub timeout_s: Option<u64>,
    /// Whether its standard input stays open.
    #[serde(default)]
    pub stdin_open: bool,
    /// How much of its output its spool keeps; `None` keeps all of it.
    #[serde(default)]
    pub max_output: Option<MaxOutput>,
    /// Who started it.
    pub origin: Origin,
}

/// A `meta` file that nobody can have written, or a later version has.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// It is too long.
    #[error("longer than {MAX_META} bytes")]
    TooLong,
    /// What stands for a byte stands for none, or the bytes are no text.
    #[error("no text")]
    NoText,
    /// It has a format that is not known.
    #[error("format {0} is not known")]
    Format(u32),
    /// It is no JSON, or not this.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Meta {
    /// What is told of a session that is started now, by `origin`.
    #[must_use]
    pub fn of(record: &SessionRecord, origin: &Origin, now: Timestamp) -> Self {
        Self {
            format: FORMAT,
            name: record.name.clone(),
            agent: record.agent.clone(),
            command: record.command.clone(),
            cwd: record.cwd.clone(),
            created_at: record.created_at,
            started_at: now,
            timeout_s: record.timeout_s,
            stdin_open: record.stdin.open,
            max_output: record.max_output,
            origin: origin.clone(),
        }
    }

    /// The file's line, without its newline: graphic ASCII without a backslash,
    /// and never longer than [`MAX_META`]. A command that is too long is cut, and
    /// then a working directory that is.
    #[must_use]
    pub fn line(&self) -> String {
        let whole = self.encoded();
        if whole.len() <= MAX_META {
            return whole;
        }
        let mut cut = self.clone();
        cut.command.truncate(CUT_WORDS);
        for word in &mut cut.command {
            if let Some((end, _)) = word.char_indices().nth(CUT_CHARS) {
                word.truncate(end);
                word.push('…');
            }
        }
        let shorter = cut.encoded();
        if shorter.len() <= MAX_META {
            return shorter;
        }
        cut.cwd = None;
        cut.encoded()
    }

    fn encoded(&self) -> String {
        // Strings, numbers and lists of them: there is nothing to fail.
        encode(&serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads the line.
    ///
    /// # Errors
    ///
    /// It is too long, or anything but what [`line`](Self::line) makes.
    pub fn parse(line: &str) -> Result<Self, MetaError> {
        if line.len() > MAX_META {
            return Err(MetaError::TooLong);
        }
        let meta: Self = serde_json::from_str(&decode(line)?)?;
        match meta.format {
            FORMAT => Ok(meta),
            other => Err(MetaError::Format(other)),
        }
    }
}

/// Whether the byte stands for itself.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'%' && byte != b'\\'
}

fn encode(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for byte in json.bytes() {
        if is_plain(byte) {
            line.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(line, "%{byte:02X}");
        }
    }
    line
}

fn decode(line: &str) -> Result<String, MetaError> {
    let (first, rest) = match line.split_once('%') {
        Some(parts) => parts,
        None => return Ok(line.to_owned()),
    };
    let mut bytes = first.as_bytes().to_vec();
    for part in rest.split('%') {
        let (digits, plain) = part.split_at_checked(2).ok_or(MetaError::NoText)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| MetaError::NoText)?);
        bytes.extend_from_slice(plain.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| MetaError::NoText)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meta_of(command: Vec<String>, cwd: Option<String>) -> Meta {
        let record = SessionRecord { command, cwd, ..SessionRecord::sample(7) };
        Meta::of(&record, &Origin::sample(1, "ann"), Timestamp::from_millis(9))
    }

    fn read(line: &str) -> Meta {
        Meta::parse(line).expect("what was written")
    }

    #[test]
    fn what_is_no_meta_of_this_format_is_refused() {
        let line = meta_of(vec!["true".into()], None).line();
        assert!(Meta::parse(&line).is_ok());
        let longer = format!("{line}{}", " ".repeat(MAX_META));
        assert!(matches!(Meta::parse(&longer), Err(MetaError::TooLong)));
        let later = line.replace("\"format\":1", "\"format\":2");
        assert!(matches!(Meta::parse(&later), Err(MetaError::Format(2))));
        for no_text in ["%", "%5", "%zz", "%ff", "%é"] {
            let bad = line.replace("ann@laptop", no_text);
            assert!(matches!(Meta::parse(&bad), Err(MetaError::NoText)), "{bad}");
        }
        for bad in [
            "",
            "{}",
            "[]",
            &line[..line.len() - 1],
            &line.replace("\"name\":null", "\"name\":\"../../x\""),
            &line.replace("\"name\":null", "\"name\":\"a%5Cu001b[2J\""),
            &line.replace("ann@laptop", "%5Cu001b[2J"),
            &line.replace("\"command\":[\"true\"]", "\"command\":\"true\""),
            &line.replace("\"timeout_s\":null", "\"timeout_s\":-1"),
        ] {
            assert!(matches!(Meta::parse(bad), Err(MetaError::Json(_))), "{bad}");
        }
    }

    #[test]
    fn what_a_later_version_adds_is_no_harm() {
        let line = meta_of(vec!["true".into()], None).line();
        let more = line.replacen('{', "{\"colour\":\"red\",", 1);
        assert_eq!(Meta::parse(&more).expect("known fields"), read(&line));
    }

    #[test]
    fn a_command_that_is_too_long_is_cut_and_the_rest_is_kept() {
        let command = vec!["\u{1}".repeat(9_999); 99];
        let meta = read(&meta_of(command, Some("/srv".into())).line());
        assert_eq!(meta.command.len(), CUT_WORDS);
        assert!(meta.command.iter().all(|word| word.ends_with('…')));
        assert_eq!(meta.cwd.as_deref(), Some("/srv"));
        let meta = read(&meta_of(vec!["true".into()], Some("/x".repeat(MAX_META))).line());
        assert_eq!((meta.command, meta.cwd), (vec!["true".to_owned()], None));
    }

    proptest! {
        #[test]
        fn every_meta_comes_back_on_one_line_within_the_bound(
            command in prop::collection::vec(any::<String>(), 1..9),
            cwd: Option<String>,
        ) {
            let meta = meta_of(command, cwd);
            let line = meta.line();
            prop_assert!(line.len() <= MAX_META);
            prop_assert!(line.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
            prop_assert_eq!(read(&line), meta);
        }

        #[test]
        fn no_line_makes_it_panic(line: String) {
            let _ = Meta::parse(&line);
        }
    }
}
