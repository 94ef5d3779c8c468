//! The hosts that `ssh_config`(5) names: what a person could type after `ssh`.
//!
//! Unlike an evaluation this is for no destination, so it asks of a block only
//! what it is called. What is wrong with a line is for an evaluation to say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::evaluate::Source;
use super::expand::Tokens;
use super::glob::glob;
use super::keyword::{self, Meaning};
use super::lexer;
use super::pattern;
use super::world::{Machine, World};

/// How deep files may include files, as with an evaluation.
const DEPTH: usize = 16;

/// A pattern of a `Host` line that matches one name only: itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name.
    pub name: String,
    /// The file that names it first.
    pub file: PathBuf,
    /// The line there, from 1.
    pub line: usize,
}

/// Every literal pattern of every `Host` line, each once, in the order of the
/// files; includes are followed, wildcards and negations left out.
#[must_use]
pub fn hosts(sources: &[Source], machine: &Machine, world: &dyn World) -> Vec<Host> {
    let mut walk = Walk { machine, world, found: Vec::new(), known: BTreeSet::new() };
    for source in sources {
        walk.file(&source.path, &source.includes, &mut Vec::new(), 0);
    }
    walk.found
}

/// The patterns of the `Host` line that a line is under; none for `Match` and
/// for the top of a file.
type Block = Option<Vec<String>>;

struct Walk<'a> {
    machine: &'a Machine,
    world: &'a dyn World,
    found: Vec<Host>,
    known: BTreeSet<String>,
}

impl Walk<'_> {
    /// `outer` are the blocks that include this file.
    fn file(&mut self, path: &Path, folder: &str, outer: &mut Vec<Block>, depth: usize) {
        let Ok(Some(text)) = self.world.read(path) else { return };
        let mut block: Block = None;
        for (index, raw) in text.bytes.split(|&byte| byte == b'\n').enumerate() {
            let text = String::from_utf8_lossy(lexer::text(raw));
            let Some(line) = lexer::split(&text) else { continue };
            let Some(words) = lexer::arguments(line.rest) else { continue };
            match keyword::meaning(&line.keyword) {
                Some(Meaning::Host) => {
                    for name in words.iter().filter(|word| is_literal(word, &words)) {
                        self.add(name, path, index + 1, outer);
                    }
                    block = Some(words);
                }
                Some(Meaning::Match) => block = None,
                Some(Meaning::Include) if depth < DEPTH => {
                    outer.push(block.clone());
                    for word in words {
                        self.include(&word, folder, outer, depth + 1);
                    }
                    outer.pop();
                }
                _ => {}
            }
        }
    }

    fn include(&mut self, word: &str, folder: &str, outer: &mut Vec<Block>, depth: usize) {
        let machine = self.machine;
        let tokens = Tokens::new([
            ('d', machine.home.clone()),
            ('i', machine.uid.to_string()),
            ('l', machine.host_name.clone()),
            ('u', machine.user.clone()),
        ]);
        // What other tokens stand for depends on the destination.
        let Ok(word) = tokens.expand_with_variables(word, self.world) else { return };
        let is_anchored = word.starts_with(['/', '~']);
        let pattern = if is_anchored { word } else { format!("{folder}/{word}") };
        for path in glob(&pattern, self.machine, self.world) {
            self.file(&path, folder, outer, depth);
        }
    }

    fn add(&mut self, name: &str, file: &Path, line: usize, outer: &[Block]) {
        let holds = |patterns: &Vec<String>| {
            pattern::matches_any(name, patterns.iter().map(String::as_str))
        };
        // A file that is included under another host is never read for this one.
        if outer.iter().flatten().all(holds) && self.known.insert(name.to_owned()) {
            self.found.push(Host { name: name.to_owned(), file: file.to_owned(), line });
        }
    }
}

/// Whether a pattern is a name, and is not negated beside itself.
fn is_literal(word: &str, line: &[String]) -> bool {
    !word.is_empty()
        && !word.starts_with('!')
        && !word.contains(['*', '?'])
        && pattern::matches_any(word, line.iter().map(String::as_str))
}
