//! What can be wrong with a configuration, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::node::Kind;
use super::schema::{EnvNameError, VERSION};
use crate::domain::ids::{NameError, RemoteName};
use crate::domain::max_output::MaxOutputError;

/// One thing that is wrong, or odd, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// The field, as `remotes.gpu-box.port`; empty for a whole file.
    pub path: String,
    /// Where it is.
    pub place: Place,
    /// Another place that has to do with it, and in what way.
    pub related: Option<(&'static str, Place)>,
}

/// A place in a file, or the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The place in it, where it is one.
    pub spot: Option<Spot>,
}

/// A piece of one line. Values of environment variables in it are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The line, from 1.
    pub line: usize,
    /// The first character, from 1.
    pub column: usize,
    /// The line as it is shown.
    pub text: String,
    /// The first character in `text`, from 0.
    pub start: usize,
    /// The number of characters in `text`, at least 1.
    pub width: usize,
}

/// Why the text of a file could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceTrouble {
    /// It is not there.
    #[error("there is no such file")]
    Missing,
    /// It was there, and is not any more.
    #[error("the file is gone")]
    Gone,
    /// It is a link to nothing.
    #[error("this is a link that points nowhere")]
    DanglingLink,
    /// It is no file.
    #[error("this is a directory, not a file")]
    Directory,
    /// It is a device, a pipe or a socket, which could block for ever.
    #[error("this is not a regular file")]
    NotRegular,
    /// It is larger than a configuration can be.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It is no text.
    #[error("the file is not UTF-8 text (byte {at})")]
    NotText {
        /// The first byte that is none, from 1.
        at: usize,
    },
    /// The system does not hand it out.
    #[error("the file cannot be read: {detail}")]
    Unreadable {
        /// The system's own words.
        detail: String,
    },
}

/// What the file system knows about a private key's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFile {
    /// It can be read, and by nobody else.
    Fine,
    /// It is not there.
    Missing,
    /// It is no regular file.
    NotAFile,
    /// It is there and closed to us.
    Unreadable {
        /// The system's own words.
        detail: String,
    },
    /// Others may read it, so `ssh` would not use it.
    Exposed {
        /// The permission bits.
        mode: u32,
    },
}

/// All that can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// There is no text.
    #[error("{0}")]
    Source(#[from] SourceTrouble),
    /// There is nothing in it.
    #[error("the file holds no configuration")]
    Empty,
    /// It is no RON.
    #[error("{what}")]
    Syntax {
        /// What the parser was missing.
        what: String,
    },
    /// The file does not say its version.
    #[error("the file does not say its version")]
    VersionMissing,
    /// The file is of a version that this longhaul does not know.
    #[error("version {found} of the format is not known")]
    VersionUnknown {
        /// What it says.
        found: u64,
    },
    /// A value of another kind.
    #[error("expected {expected}, found {found}")]
    WrongKind {
        /// What is taken here.
        expected: &'static str,
        /// What is there.
        found: Kind,
    },
    /// A field that does not exist.
    #[error("there is no field `{name}` in {of}")]
    UnknownField {
        /// What is there.
        name: String,
        /// The struct.
        of: &'static str,
        /// The field that it was likely meant to be.
        nearest: Option<&'static str>,
        /// All fields.
        known: &'static [&'static str],
    },
    /// A variant that does not exist.
    #[error("`{name}` is not one of the choices")]
    UnknownVariant {
        /// What is there.
        name: String,
        /// The variant that it was likely meant to be.
        nearest: Option<&'static str>,
        /// How the choices are written.
        known: &'static [&'static str],
    },
    /// A field twice.
    #[error("the field `{name}` is given twice")]
    DuplicateField {
        /// The field.
        name: String,
    },
    /// A key twice.
    #[error("{what} \"{name}\" is given twice")]
    DuplicateKey {
        /// `the remote`, `the agent`, `the variable`.
        what: &'static str,
        /// The key.
        name: String,
    },
    /// A setting in two files.
    #[error("`{name}` is set in two files")]
    SetTwice {
        /// The setting.
        name: &'static str,
    },
    /// A name that cannot be one.
    #[error("{0}")]
    BadName(NameError),
    /// A name that no environment variable can have.
    #[error("{0}")]
    BadEnvName(EnvNameError),
    /// A port that does not exist.
    #[error("a port is a number from 1 to 65535")]
    BadPort,
    /// A text that is no time.
    #[error("a time is written like \"30s\", \"2m\" or \"1h 30m\"")]
    BadDuration,
    /// A text that is no size.
    #[error("{0}")]
    BadSize(MaxOutputError),
    /// Nothing where something has to be.
    #[error("this cannot be empty")]
    EmptyValue,
    /// A character that cannot be there.
    #[error("{found:?} cannot be part of this")]
    BadCharacter {
        /// The character.
        found: char,
    },
    /// A host with a user before it.
    #[error("`host` holds a user as well")]
    HostHoldsUser,
    /// A host with a port after it.
    #[error("`host` holds a port as well")]
    HostHoldsPort,
    /// An agent that has neither a command nor a profile that knows one.
    #[error("the agent has no `command`, and its profile brings none")]
    NoCommand,
    /// A path that depends on where the daemon was started.
    #[error("the path does not start with / or ~/")]
    RelativePath,
    /// A `~` and no home directory.
    #[error("the home directory is not known")]
    NoHome,
    /// A private key that `ssh` would not use.
    #[error("{}", key_trouble(path, file))]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        file: KeyFile,
    },
    /// A remote that does not exist.
    #[error("there is no remote \"{name}\"")]
    UnknownRemote {
        /// What is there.
        name: RemoteName,
        /// The remote that it was likely meant to be.
        nearest: Option<RemoteName>,
    },
    /// A remote that no session can run on.
    #[error("the remote \"{name}\" is disabled")]
    DisabledRemote {
        /// The remote.
        name: RemoteName,
    },
}

fn key_trouble(path: &Path, file: &KeyFile) -> String {
    let path = path.display();
    match file {
        KeyFile::Fine => format!("{path} is fine"),
        KeyFile::Missing => format!("the key file {path} does not exist"),
        KeyFile::NotAFile => format!("{path} is not a file"),
        KeyFile::Unreadable { detail } => format!("the key file {path} cannot be read: {detail}"),
        KeyFile::Exposed { mode } => {
            format!("the key file {path} can be read by others (mode {mode:04o})")
        }
    }
}

impl ProblemKind {
    /// What to do about it, where that can be said.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Source(SourceTrouble::Gone) => {
                "put it back, or restart the daemon to run without it".to_owned()
            }
            Self::Empty => format!("the least that a file holds is `(version: {VERSION})`"),
            Self::VersionMissing | Self::VersionUnknown { .. } => {
                format!("write `version: {VERSION}`")
            }
            Self::UnknownField { nearest: Some(name), .. }
            | Self::UnknownVariant { nearest: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::UnknownField { known, .. } => format!("the fields are {}", Listed(known)),
            Self::UnknownVariant { known, .. } => format!("the choices are {}", Listed(known)),
            Self::DuplicateField { .. } | Self::DuplicateKey { .. } | Self::SetTwice { .. } => {
                "keep one of the two".to_owned()
            }
            Self::HostHoldsUser => "write the user as `user: \"…\"`".to_owned(),
            Self::HostHoldsPort => "write the port as `port: …`".to_owned(),
            Self::NoCommand => {
                "add `command: [\"…\"]`, or `profile: Claude`, `Codex` or `OpenCode`".to_owned()
            }
            Self::KeyFile { path, file: KeyFile::Missing } => {
                format!("make one with `ssh-keygen -t ed25519 -f {}`", path.display())
            }
            Self::KeyFile { path, file: KeyFile::Exposed { .. } } => {
                format!("`chmod 600 {}`", path.display())
            }
            Self::UnknownRemote { nearest: Some(name), .. } => format!("did you mean \"{name}\"?"),
            Self::UnknownRemote { name, .. } => {
                format!("add it under `remotes`, as `\"{name}\": (host: \"…\")`")
            }
            Self::DisabledRemote { .. } => {
                "sessions that would run there fail until it is enabled".to_owned()
            }
            _ => return None,
        })
    }
}

/// Words in a row, each in backticks.
struct Listed(&'static [&'static str]);

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            let before = match at {
                0 => "",
                _ if at + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(f, "{before}`{word}`")?;
        }
        Ok(())
    }
}
