//! What the runner's programs are sent: their text, and their parameters.
//!
//! Everything is lines. A value is plain ASCII with backslash escapes for the
//! rest, as `printf %b` reads them, so that the shells decode it with builtins
//! and never parse it.

use std::fmt::{self, Write as _};

use super::ids::SessionId;
use super::max_output::{MaxOutput, Rotation};

/// A program's files as one line: comments and indentation gone, the rest
/// escaped, a newline at the end.
///
/// A shell reads that line a byte and a system call at a time, so what nobody
/// needs there is not sent.
#[must_use]
pub fn one_line(files: &[&str]) -> Vec<u8> {
    let mut line = Vec::new();
    for text in files.iter().flat_map(|file| file.lines()).map(str::trim) {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        for byte in text.bytes() {
            if byte == b'\\' {
                line.push(b'\\');
            }
            line.push(byte);
        }
        line.extend_from_slice(b"\\n");
    }
    line.push(b'\n');
    line
}

/// Appends `value` in the form that `printf %b` turns back into it.
fn push_value(line: &mut Vec<u8>, value: &[u8]) {
    for &byte in value {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b' '..=b'~' => line.push(byte),
            _ => line.extend_from_slice(&[
                b'\\',
                b'0',
                b'0' + (byte >> 6),
                b'0' + (byte >> 3 & 7),
                b'0' + (byte & 7),
            ]),
        }
    }
}

/// What tells a program's own lines from whatever else is on its streams.
///
/// Drawn anew for every run of a program; a session cannot know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce that stands for `random`.
    #[must_use]
    pub fn from_bits(random: u128) -> Self {
        Self(format!("{random:032x}"))
    }

    /// The nonce as text: 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a session's standard input is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdin {
    /// `/dev/null`.
    Null,
    /// These bytes, then its end.
    Data(Vec<u8>),
    /// Whatever is added later, until its end is told.
    Open,
}

/// The largest input that goes along with a launch. More than this travels
/// on its own, behind a `cat`: the shell reads parameters byte by byte.
pub const MAX_INLINE_INPUT: usize = 32 * 1024;

/// Everything that a session is started with.
#[derive(Clone)]
pub struct Launch {
    /// The session.
    pub id: SessionId,
    /// The program and its arguments; never empty.
    pub argv: Vec<Vec<u8>>,
    /// Variables and their values, in the order in which they are set.
    pub env: Vec<(String, Vec<u8>)>,
    /// The working directory; `None` is the home directory.
    pub cwd: Option<String>,
    /// The PATH; `None` leaves the one that the host's sshd sets.
    pub path: Option<String>,
    /// Standard input.
    pub stdin: Stdin,
    /// The line of the spool's `meta` file, in graphic ASCII without a backslash;
    /// empty makes none.
    pub meta: String,
    /// How much of its output the spool keeps; `None` keeps all of it.
    pub max_output: Option<MaxOutput>,
}

/// Neither values nor arguments nor input: they may be secret.
impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The parameters of one run of a program, as the lines that it reads.
#[derive(Clone)]
pub struct Parameters(Vec<u8>);

/// Values may be secret.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({} bytes)", self.0.len())
    }
}

impl Parameters {
    /// Parameters that hold nothing but the nonce.
    #[must_use]
    pub fn new(nonce: &Nonce) -> Self {
        Self(Vec::new()).plain("nonce", nonce.as_str())
    }

    /// Adds the session, and where its spool is.
    ///
    /// `root` is the folder of all spools; `None` is the one below the home
    /// directory there.
    #[must_use]
    pub fn session(self, id: &SessionId, root: Option<&str>) -> Self {
        self.plain("id", id.as_str()).root(root)
    }

    /// Adds a part of the program, as the line in which it travels.
    #[must_use]
    pub fn part(mut self, line: &[u8]) -> Self {
        self.0.extend_from_slice(line);
        self
    }

    /// Adds the folder of all spools; `None` is the one below the home directory
    /// there.
    #[must_use]
    pub fn root(self, root: Option<&str>) -> Self {
        match root {
            Some(root) => self.value("root", root.as_bytes()),
            None => self,
        }
    }

    /// Adds what a session is started with, apart from its id.
    #[must_use]
    pub fn launch(mut self, launch: &Launch) -> Self {
        for arg in &launch.argv {
            self = self.value("arg", arg);
        }
        for (name, value) in &launch.env {
            self.0.extend_from_slice(b"env ");
            self.0.extend_from_slice(name.as_bytes());
            self.0.push(b'=');
            push_value(&mut self.0, value);
            self.0.push(b'\n');
        }
        if let Some(cwd) = &launch.cwd {
            self = self.value("cwd", cwd.as_bytes());
        }
        if let Some(path) = &launch.path {
            self = self.value("path", path.as_bytes());
        }
        if !launch.meta.is_empty() {
            self = self.plain("meta", &launch.meta);
        }
        if let Some(cap) = launch.max_output {
            let Rotation { segment_bytes, segments } = cap.rotation();
            self.0.extend_from_slice(format!("cap {segment_bytes} {segments}\n").as_bytes());
        }
        match &launch.stdin {
            Stdin::Null => self.plain("stdin", "null"),
            Stdin::Data(data) => self.plain("stdin", "data").value("data", data),
            Stdin::Open => self.plain("stdin", "open"),
        }
    }

    /// Adds a program that is looked for, and the PATH to look in.
    #[must_use]
    pub fn search(mut self, path: Option<&str>, argv: &[String]) -> Self {
        for arg in argv {
            self = self.value("arg", arg.as_bytes());
        }
        match path {
            Some(path) => self.value("path", path.as_bytes()),
            None => self,
        }
    }

    /// Adds that `SSH_AUTH_SOCK` there is an agent that was forwarded.
    #[must_use]
    pub fn agent(self) -> Self {
        self.plain("agent", "forwarded")
    }

    /// Adds how many of the spools that are listed are left out.
    #[must_use]
    pub fn skip(self, spools: u64) -> Self {
        self.number("out", spools)
    }

    /// Adds the offsets from which the streams are wanted.
    #[must_use]
    pub fn offsets(self, out: u64, err: u64) -> Self {
        self.number("out", out).number("err", err)
    }

    /// Adds a signal's name, without `SIG`, and the seconds until KILL.
    #[must_use]
    pub fn signal(self, signal: &str, grace: Option<u64>) -> Self {
        let with_signal = self.plain("sig", signal);
        match grace {
            Some(seconds) => with_signal.number("grace", seconds),
            None => with_signal,
        }
    }

    /// Adds the length at which the input ends.
    #[must_use]
    pub fn input_ends_at(self, length: u64) -> Self {
        self.number("ends", length)
    }

    /// The lines, with the one that ends them.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"go\n");
        self.0
    }

    fn plain(mut self, key: &str, value: &str) -> Self {
        debug_assert!(value.bytes().all(|b| b.is_ascii_graphic()));
        self.0.extend_from_slice(key.as_bytes());
        self.0.push(b' ');
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
        self
    }

    fn number(mut self, key: &str, value: u64) -> Self {
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(line, "{key} {value}");
        self.0.extend_from_slice(line.as_bytes());
        self
    }

    fn value(mut self, key: &str, value: &[u8]) -> Self {
        self.0.extend_from_slice(key.as_bytes());
        self.0.push(b' ');
        push_value(&mut self.0, value);
        self.0.push(b'\n');
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `printf %b` makes of it.
    fn decode(escaped: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = escaped;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if byte != b'\\' {
                bytes.push(byte);
            } else if let Some(tail) = rest.strip_prefix(b"\\") {
                bytes.push(b'\\');
                rest = tail;
            } else {
                let octal = std::str::from_utf8(&rest[1..4]).expect("digits");
                bytes.push(u8::from_str_radix(octal, 8).expect("octal"));
                rest = &rest[4..];
            }
        }
        bytes
    }

    #[test]
    fn a_program_travels_without_its_comments() {
        let line = one_line(&["# why\nif true; then\n  printf 'a\\n'\nfi\n"]);
        assert_eq!(line, b"if true; then\\nprintf 'a\\\\n'\\nfi\\n\n");
    }

    #[test]
    fn debug_output_shows_no_value() {
        let launch = Launch {
            id: SessionId::from_bits(1),
            argv: vec![b"sekrit".to_vec()],
            env: vec![("A".into(), b"sekrit".to_vec())],
            cwd: None,
            path: None,
            stdin: Stdin::Data(b"sekrit".to_vec()),
            meta: "sekrit".to_owned(),
            max_output: None,
        };
        let shown =
            format!("{launch:?} {:?}", Parameters::new(&Nonce::from_bits(1)).launch(&launch));
        assert!(!shown.contains("sekrit"), "{shown}");
    }

    proptest! {
        #[test]
        fn every_value_is_one_line_and_comes_back(value: Vec<u8>) {
            let mut line = Vec::new();
            push_value(&mut line, &value);
            prop_assert!(line.iter().all(|b| (b' '..=b'~').contains(b)));
            prop_assert_eq!(decode(&line), value);
        }
    }
}
