//! What a spool tells of its session to a control machine that lost it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AgentName, SessionName};
use crate::domain::origin::Origin;
use crate::domain::session::SessionRecord;
use crate::domain::timestamp::Timestamp;

/// The most bytes of a `meta` file: the shell that writes it reads it byte by
/// byte, and whoever reads it may read hundreds.
pub const MAX_META: usize = 32 * 1024;
/// What is kept of a command that is too long: so many words,
const CUT_WORDS: usize = 16;
/// of so many characters. Six bytes stand for one in JSON at worst.
const CUT_CHARS: usize = 256;
/// The format that this version writes. Fields are only ever added to it; a
/// greater number means that they mean something else.
const FORMAT: u32 = 1;

/// The `meta` file: one line of JSON. No env value and no prompt is in it.
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
    /// Who started it.
    pub origin: Origin,
}

/// A `meta` file that nobody can have written, or a later version has.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// It is too long.
    #[error("longer than {MAX_META} bytes")]
    TooLong,
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
            origin: origin.clone(),
        }
    }

    /// The file's line, without its newline; never longer than [`MAX_META`]. A
    /// command that is too long is cut, and then a working directory that is.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let whole = self.json();
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
        let shorter = cut.json();
        if shorter.len() <= MAX_META {
            return shorter;
        }
        cut.cwd = None;
        cut.json()
    }

    fn json(&self) -> Vec<u8> {
        // Strings, numbers and lists of them: there is nothing to fail.
        serde_json::to_vec(self).unwrap_or_default()
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
        let meta: Self = serde_json::from_str(line)?;
        match meta.format {
            FORMAT => Ok(meta),
            other => Err(MetaError::Format(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meta_of(command: Vec<String>, cwd: Option<String>) -> Meta {
        let record = SessionRecord { command, cwd, ..SessionRecord::sample(7) };
        Meta::of(&record, &Origin::sample(1, "ann"), Timestamp::from_millis(9))
    }

    fn read(line: &[u8]) -> Meta {
        Meta::parse(std::str::from_utf8(line).expect("UTF-8")).expect("what was written")
    }

    #[test]
    fn what_is_no_meta_of_this_format_is_refused() {
        let line = String::from_utf8(meta_of(vec!["true".into()], None).line()).expect("UTF-8");
        assert!(Meta::parse(&line).is_ok());
        let longer = format!("{line}{}", " ".repeat(MAX_META));
        assert!(matches!(Meta::parse(&longer), Err(MetaError::TooLong)));
        let later = line.replace("\"format\":1", "\"format\":2");
        assert!(matches!(Meta::parse(&later), Err(MetaError::Format(2))));
        for bad in [
            "",
            "{}",
            "[]",
            &line[..line.len() - 1],
            &line.replace("\"name\":null", "\"name\":\"../../x\""),
            &line.replace("\"name\":null", "\"name\":\"a\\u001b[2J\""),
            &line.replace("ann@laptop", "\\u001b[2J"),
            &line.replace("\"command\":[\"true\"]", "\"command\":\"true\""),
            &line.replace("\"timeout_s\":null", "\"timeout_s\":-1"),
        ] {
            assert!(matches!(Meta::parse(bad), Err(MetaError::Json(_))), "{bad}");
        }
    }

    #[test]
    fn what_a_later_version_adds_is_no_harm() {
        let line = String::from_utf8(meta_of(vec!["true".into()], None).line()).expect("UTF-8");
        let more = line.replacen('{', "{\"colour\":\"red\",", 1);
        assert_eq!(Meta::parse(&more).expect("known fields"), read(line.as_bytes()));
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
            prop_assert!(line.len() <= MAX_META && !line.contains(&b'\n'));
            prop_assert_eq!(read(&line), meta);
        }

        #[test]
        fn no_line_makes_it_panic(line: String) {
            let _ = Meta::parse(&line);
        }
    }
}
