//! The lines of `ssh_config`(5) that have a say for one destination.
//!
//! `Host` and `Include` are followed as OpenSSH does. Of `Match` only
//! `Match all` is: any other block is left out, with a warning, since what it
//! asks cannot be answered here. (ssh2-config, given the whole file, would
//! credit such a block to the `Host` before it, and give its user, port and
//! keys to hosts that they are not for.)

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::pattern;
use crate::domain::failure::trouble::LinkTrouble;

/// How deep files may include files, as with `ssh`.
const DEPTH: usize = 16;

/// A file to read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Where relative `Include`s are looked for.
    pub(super) folder: PathBuf,
    /// Whether it is a fault that the file is missing.
    pub(super) required: bool,
    /// Whether others must not be able to write it.
    pub(super) private: bool,
}

/// A line that has a say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) number: usize,
    /// In lower case.
    pub(super) keyword: String,
    /// The rest of the line as it is written.
    pub(super) rest: String,
}

/// Something in a file that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWarning {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What was passed over.
    pub detail: String,
}

/// The lines for `host`, as typed by the user, in the order in which they count.
pub(super) fn collect(
    sources: &[Source],
    home: &Path,
    host: &str,
) -> Result<(Vec<Line>, Vec<ConfigWarning>), LinkTrouble> {
    let mut collector = Collector { home, host, lines: Vec::new(), warnings: Vec::new() };
    for source in sources {
        collector.file(source, true, 0)?;
    }
    Ok((collector.lines, collector.warnings))
}

struct Collector<'a> {
    home: &'a Path,
    host: &'a str,
    lines: Vec<Line>,
    warnings: Vec<ConfigWarning>,
}

impl Collector<'_> {
    /// `reached` is whether the line that includes this file has a say.
    fn file(&mut self, source: &Source, reached: bool, depth: usize) -> Result<(), LinkTrouble> {
        let Some(text) = read(source)? else { return Ok(()) };
        let mut active = reached;
        for (index, written) in text.lines().enumerate() {
            let Some(line) = split(&source.path, index + 1, written) else { continue };
            match line.keyword.as_str() {
                "host" => {
                    let patterns = line.words()?;
                    if patterns.is_empty() {
                        return Err(line.trouble("Host needs a pattern"));
                    }
                    let patterns = patterns.iter().map(String::as_str);
                    active = reached && pattern::matches_list(self.host, patterns);
                }
                "match" => active = reached && self.matches(&line)?,
                "include" => self.include(source, &line, active, depth)?,
                _ if active => self.lines.push(line),
                _ => {}
            }
        }
        Ok(())
    }

    fn matches(&mut self, line: &Line) -> Result<bool, LinkTrouble> {
        let words = line.words()?;
        if let [word] = words.as_slice()
            && word.eq_ignore_ascii_case("all")
        {
            return Ok(true);
        }
        self.warnings.push(ConfigWarning {
            file: line.file.clone(),
            line: line.number,
            detail: format!("left out: Match {}", line.rest),
        });
        Ok(false)
    }

    fn include(
        &mut self,
        from: &Source,
        line: &Line,
        active: bool,
        depth: usize,
    ) -> Result<(), LinkTrouble> {
        if depth == DEPTH {
            return Err(line.trouble("too many files include files"));
        }
        for word in line.words()? {
            let path = match word.strip_prefix("~/") {
                Some(rest) => self.home.join(rest),
                // Never the including file's folder. (An absolute path
                // replaces the folder.)
                None => from.folder.join(word),
            };
            let options =
                glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
            let found = path.to_str().map(|path| glob::glob_with(path, options));
            let Some(Ok(found)) = found else {
                return Err(line.trouble("Include has no usable pattern"));
            };
            for path in found.flatten().filter(|path| !path.is_dir()) {
                let source = Source { path, required: false, ..from.clone() };
                self.file(&source, active, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn read(source: &Source) -> Result<Option<String>, LinkTrouble> {
    let trouble =
        |detail: String| LinkTrouble::SshConfig { file: source.path.clone(), line: None, detail };
    let bytes = match fs::read(&source.path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !source.required => {
            return Ok(None);
        }
        Err(error) => return Err(trouble(error.to_string())),
    };
    if source.private {
        let found = fs::metadata(&source.path).map_err(|error| trouble(error.to_string()))?;
        let ours = [0, rustix::process::getuid().as_raw()].contains(&found.uid());
        if !ours || found.mode() & 0o022 != 0 {
            return Err(trouble("bad owner or permissions: others can write it".to_owned()));
        }
    }
    String::from_utf8(bytes).map(Some).map_err(|_| trouble("not UTF-8 text".to_owned()))
}

/// `Keyword arguments` or `Keyword=arguments`; `None` for blanks and comments.
fn split(file: &Path, number: usize, written: &str) -> Option<Line> {
    let written = written.trim();
    if written.is_empty() || written.starts_with('#') {
        return None;
    }
    let end = written.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(written.len());
    let (keyword, rest) = written.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    Some(Line {
        file: file.to_owned(),
        number,
        keyword: keyword.trim_matches('"').to_lowercase(),
        rest: rest.to_owned(),
    })
}

impl Line {
    /// What is wrong with the line.
    pub(super) fn trouble(&self, detail: impl Into<String>) -> LinkTrouble {
        LinkTrouble::SshConfig {
            file: self.file.clone(),
            line: Some(self.number),
            detail: detail.into(),
        }
    }

    /// The arguments: parted by blanks, which quotes and backslashes keep; a
    /// `#` at the start of one ends the line.
    pub(super) fn words(&self) -> Result<Vec<String>, LinkTrouble> {
        let mut words = Vec::new();
        let mut chars = self.rest.chars().peekable();
        loop {
            while chars.next_if(|c| c.is_whitespace()).is_some() {}
            match chars.peek() {
                None | Some('#') => return Ok(words),
                Some(_) => {}
            }
            let (mut word, mut quote) = (String::new(), None);
            while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_whitespace()) {
                match (c, quote) {
                    ('\\', _) if chars.peek().is_some_and(|c| matches!(c, '"' | '\'' | '\\')) => {
                        word.extend(chars.next());
                    }
                    ('\\', None) if chars.peek() == Some(&' ') => word.extend(chars.next()),
                    ('"' | '\'', None) => quote = Some(c),
                    (c, Some(open)) if c == open => quote = None,
                    (c, _) => word.push(c),
                }
            }
            if quote.is_some() {
                return Err(self.trouble("a quote is not closed"));
            }
            words.push(word);
        }
    }

    /// The only argument.
    pub(super) fn word(&self) -> Result<String, LinkTrouble> {
        match <[String; 1]>::try_from(self.words()?) {
            Ok([word]) if !word.is_empty() => Ok(word),
            Ok(_) => Err(self.trouble(format!("{} has an empty argument", self.keyword))),
            Err(words) if words.is_empty() => {
                Err(self.trouble(format!("{} has no argument", self.keyword)))
            }
            Err(_) => Err(self.trouble(format!("{} takes one argument", self.keyword))),
        }
    }
}
