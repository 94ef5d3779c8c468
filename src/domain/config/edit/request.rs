//! What can be asked of an edit.

use super::entry::{Entry, Written, string};
use crate::domain::config::schema::EnvName;
use crate::domain::ids::RemoteName;

/// An edit of the remotes of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// New remotes.
    Add(Vec<NewRemote>),
    /// Fields of a remote.
    Set {
        /// The remote.
        name: RemoteName,
        /// In the order in which new fields are written.
        assignments: Vec<Assignment>,
    },
    /// A remote is not to be there any more.
    Remove(RemoteName),
    /// The remote that sessions run on that say nothing; none is this machine.
    Default(Option<RemoteName>),
}

/// A remote to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRemote {
    /// Its name.
    pub name: RemoteName,
    /// What it says; `None` values are left out.
    pub assignments: Vec<Assignment>,
}

/// A field of a remote, and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// A field with one value; none takes it out.
    Field(Field, Option<Literal>),
    /// A variable of `env`; none takes it out.
    Env(EnvName, Option<EnvSource>),
}

/// The fields of a remote that have one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `label`
    Label,
    /// `host`
    Host,
    /// `port`
    Port,
    /// `user`
    User,
    /// `identity_file`
    IdentityFile,
    /// `working_dir`
    WorkingDir,
    /// `enabled`
    Enabled,
    /// `ssh_config`
    SshConfig,
    /// `start_within`
    StartWithin,
    /// `max_output`
    MaxOutput,
    /// `tags`
    Tags,
    /// `max_sessions`
    MaxSessions,
    /// `slots`
    Slots,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Label,
        Self::Host,
        Self::Port,
        Self::User,
        Self::IdentityFile,
        Self::WorkingDir,
        Self::Enabled,
        Self::SshConfig,
        Self::StartWithin,
        Self::MaxOutput,
        Self::Tags,
        Self::MaxSessions,
        Self::Slots,
    ];

    /// As the file has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Host => "host",
            Self::Port => "port",
            Self::User => "user",
            Self::IdentityFile => "identity_file",
            Self::WorkingDir => "working_dir",
            Self::Enabled => "enabled",
            Self::SshConfig => "ssh_config",
            Self::StartWithin => "start_within",
            Self::MaxOutput => "max_output",
            Self::Tags => "tags",
            Self::MaxSessions => "max_sessions",
            Self::Slots => "slots",
        }
    }
}

/// A value, as a person gave it; whether the field takes it is found when the
/// edited configuration is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A string.
    Text(String),
    /// A number.
    Number(u16),
    /// How many of something.
    Count(u32),
    /// A list of strings.
    Texts(Vec<String>),
    /// `true` or `false`.
    Flag(bool),
    /// A variant, such as `Off`.
    Word(&'static str),
    /// `File("…")`
    File(String),
}

/// Where the value of a variable is looked up. A value itself is for a person to
/// write: longhaul puts no secret in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvSource {
    /// `FromEnv("NAME")`: the daemon's own variable.
    Variable(EnvName),
    /// `FromFile("path")`: absolute, or from `~/`.
    File(String),
}

impl Literal {
    pub(super) fn written(&self) -> Written {
        Written::Plain(match self {
            Self::Text(text) => string(text),
            Self::Number(number) => number.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Texts(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| string(text)).collect();
                format!("[{}]", texts.join(", "))
            }
            Self::Flag(flag) => flag.to_string(),
            Self::Word(word) => (*word).to_owned(),
            Self::File(path) => format!("File({})", string(path)),
        })
    }
}

impl EnvSource {
    pub(super) fn written(&self) -> Written {
        Written::Plain(match self {
            Self::Variable(name) => format!("FromEnv({})", string(name.as_str())),
            Self::File(path) => format!("FromFile({})", string(path)),
        })
    }
}

impl NewRemote {
    pub(super) fn entry(&self) -> Entry {
        Entry::new(string(self.name.as_str()), Written::Fields(fields(&self.assignments)))
    }
}

/// The fields that assignments make where nothing was before.
pub(super) fn fields(assignments: &[Assignment]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut env = Vec::new();
    for assignment in assignments {
        match assignment {
            Assignment::Field(field, Some(value)) => {
                entries.push(Entry::new(field.name(), value.written()));
            }
            Assignment::Env(name, Some(source)) => {
                env.push(Entry::new(string(name.as_str()), source.written()));
            }
            Assignment::Field(_, None) | Assignment::Env(_, None) => {}
        }
    }
    if !env.is_empty() {
        entries.push(Entry::new("env", Written::Map(env)));
    }
    entries
}

impl Request {
    /// For a person to do by hand.
    #[must_use]
    pub fn by_hand(&self) -> String {
        let lines = |entries: &[Entry]| {
            let line = |entry: &Entry| format!("  {},", entry.inline());
            entries.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        match self {
            Self::Add(remotes) => {
                let entries: Vec<_> = remotes.iter().map(NewRemote::entry).collect();
                format!("under `remotes: {{`, put\n{}", lines(&entries))
            }
            Self::Set { name, assignments } => {
                let mut text = String::new();
                let set = fields(assignments);
                if !set.is_empty() {
                    text = format!("in the remote \"{name}\", put\n{}", lines(&set));
                }
                for assignment in assignments {
                    let gone = match assignment {
                        Assignment::Field(field, None) => field.name(),
                        Assignment::Env(name, None) => name.as_str(),
                        Assignment::Field(..) | Assignment::Env(..) => continue,
                    };
                    let before = if text.is_empty() { "" } else { "\n" };
                    text.push_str(&format!("{before}take `{gone}` out of the remote \"{name}\""));
                }
                text
            }
            Self::Remove(name) => format!("take the remote \"{name}\" out of `remotes`"),
            Self::Default(Some(name)) => {
                format!("put\n  default_remote: {},", string(name.as_str()))
            }
            Self::Default(None) => "take `default_remote` out".to_owned(),
        }
    }
}
