//! What is wrong with a configuration, in OpenSSH's words where it has any.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::expand::ExpandFault;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// A keyword alone.
    #[error("no argument after keyword \"{keyword}\"")]
    NoArgument {
        /// The keyword.
        keyword: String,
    },
    /// A quote is not closed.
    #[error("invalid quotes")]
    InvalidQuotes,
    /// What stands in the keyword's place can be no keyword.
    #[error("Bad configuration option: {keyword}")]
    NoKeyword {
        /// What stands there.
        keyword: String,
    },
    /// An argument is missing, or is empty.
    #[error("missing argument.")]
    MissingArgument,
    /// An argument is empty where that means nothing.
    #[error("keyword {keyword} empty argument")]
    EmptyArgument {
        /// The keyword.
        keyword: String,
    },
    /// More arguments than the keyword takes.
    #[error("keyword {keyword} extra arguments at end of line")]
    ExtraArguments {
        /// The keyword.
        keyword: String,
    },
    /// Not one of the values that the keyword has.
    #[error("unsupported option \"{value}\".")]
    Unsupported {
        /// The value.
        value: String,
    },
    /// Not a time.
    #[error("invalid time value.")]
    InvalidTime,
    /// Not a number, or out of range.
    #[error("integer value invalid: \"{value}\".")]
    InvalidNumber {
        /// The value.
        value: String,
    },
    /// Not a size, or too small a one.
    #[error("Bad number '{value}'")]
    InvalidSize {
        /// The value.
        value: String,
    },
    /// Not a port, nor a service's name.
    #[error("Bad port '{value}'.")]
    InvalidPort {
        /// The value.
        value: String,
    },
    /// Names of algorithms that OpenSSH does not have.
    #[error("Bad {what} '{value}'.")]
    InvalidAlgorithms {
        /// What they would be algorithms for.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// After `+`, `-` or `^` nothing is left.
    #[error("no algorithms are left of {keyword} '{value}'")]
    NoAlgorithms {
        /// The keyword.
        keyword: &'static str,
        /// The value.
        value: String,
    },
    /// `none` among others.
    #[error("keyword {keyword} \"{word}\" argument must appear alone.")]
    NotAlone {
        /// The keyword.
        keyword: String,
        /// `none` or `any`.
        word: String,
    },
    /// More entries than OpenSSH keeps.
    #[error("too many {keyword} entries.")]
    TooMany {
        /// The keyword.
        keyword: String,
    },
    /// Not a hop, or a list of hops.
    #[error("Invalid ProxyJump \"{value}\"")]
    InvalidJump {
        /// The value.
        value: String,
    },
    /// Not a forwarding.
    #[error("Bad forwarding specification.")]
    InvalidForward,
    /// A name of an environment variable that is none.
    #[error("Invalid environment name.")]
    InvalidEnvironmentName,
    /// Not `NAME=VALUE`.
    #[error("Invalid SetEnv.")]
    InvalidSetEnv,
    /// Not a domain's name.
    #[error("domain name \"{value}\" is invalid")]
    InvalidDomain {
        /// The value.
        value: String,
    },
    /// A value of a form of its own that is not of that form.
    #[error("Bad {keyword} argument '{value}'.")]
    InvalidValue {
        /// The keyword.
        keyword: String,
        /// The value.
        value: String,
    },
    /// A criterion of `Match` that there is not.
    #[error("Bad Match condition: Unsupported Match attribute {criterion}")]
    UnknownCriterion {
        /// What stands there.
        criterion: String,
    },
    /// A criterion of `Match` without what it is compared with.
    #[error("Bad Match condition: missing argument for Match '{criterion}'")]
    MissingCriterion {
        /// The criterion.
        criterion: String,
    },
    /// `Match all` with others.
    #[error("Bad Match condition: '{criterion}' cannot be combined with other Match attributes")]
    AllIsAlone {
        /// `all`, as it is written.
        criterion: String,
    },
    /// `Match` and nothing.
    #[error("Bad Match condition: One or more attributes required for Match")]
    NoCriterion,
    /// Not a list of networks.
    #[error("Bad Match condition: Invalid network entry \"{value}\"")]
    InvalidNetwork {
        /// The list.
        value: String,
    },
    /// The command of `Match exec` did not come to an end by itself.
    #[error("match exec '{command}' error: {detail}")]
    Exec {
        /// The command.
        command: String,
        /// The system's words.
        detail: String,
    },
    /// An `Include` of the system's files that begins with `~`.
    #[error("bad include path {path}.")]
    IncludePath {
        /// The path.
        path: String,
    },
    /// A file that an `Include` names is there and cannot be read.
    #[error("Can't open user config file {}: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// The file that was named is not there.
    #[error("Can't open user config file: No such file or directory")]
    NoFile,
    /// Files include each other more than sixteen deep.
    #[error("Too many recursive configuration includes")]
    TooDeep,
    /// Others could write the file.
    #[error("Bad owner or permissions: only its owner may be able to write it")]
    Exposed,
    /// `RefuseConnection`.
    #[error("RefuseConnection: {message}")]
    ConnectionRefused {
        /// Its argument.
        message: String,
    },
    /// A token, or a variable, that cannot be expanded.
    #[error("{keyword}: {fault}")]
    Expand {
        /// The keyword whose value it is.
        keyword: &'static str,
        /// Why not.
        fault: ExpandFault,
    },
    /// A destination with characters that no host name has.
    #[error("hostname contains invalid characters")]
    HostName,
    /// A user's name with characters that a shell would take for its own.
    #[error("remote username contains invalid characters")]
    UserName,
    /// A destination that is none.
    #[error("\"{destination}\" is not a destination")]
    Destination {
        /// What was given.
        destination: String,
    },
    /// The destination would be reached through itself.
    #[error("jumphost loop via {host}")]
    JumpLoop {
        /// The hop.
        host: String,
    },
    /// `ConnectionAttempts 0`.
    #[error("Invalid number of ConnectionAttempts")]
    ConnectionAttempts,
    /// `ForkAfterAuthentication` where there is no command.
    #[error("Cannot fork into background without a command to execute.")]
    NothingToFork,
    /// A proxy that is this process, and is to pass a descriptor.
    #[error("ProxyCommand=- and ProxyUseFDPass are incompatible")]
    ProxyIsSelf,
    /// `none` and other files.
    #[error("Invalid {keyword}: \"none\" appears with other entries")]
    NoneAndOthers {
        /// The keyword.
        keyword: &'static str,
    },
    /// The agent's socket that is to be forwarded is not there, and
    /// `ExitOnForwardFailure` is set.
    #[error("Cannot forward agent socket path \"{path}\"")]
    NoAgentSocket {
        /// The path.
        path: String,
    },
    /// A name that has to be looked up cannot be.
    #[error("Could not resolve host \"{host}\"")]
    Unresolved {
        /// The name.
        host: String,
    },
}

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The file; none where it is the destination that is wrong.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What.
    pub fault: Fault,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{} line {line}: {}", file.display(), self.fault),
            (Some(file), None) => write!(f, "{}: {}", file.display(), self.fault),
            (None, _) => self.fault.fmt(f),
        }
    }
}

/// Why there are no settings: all that is wrong, in the order in which it was
/// found. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Refusal {
    /// The first thing that is wrong.
    pub first: Box<Complaint>,
    /// What else is.
    pub others: Vec<Complaint>,
    /// Every file that was looked for: to change one may mend it.
    pub files: Vec<PathBuf>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.others.iter().try_for_each(|other| write!(f, "\n{other}"))
    }
}

impl From<Complaint> for Refusal {
    fn from(first: Complaint) -> Self {
        Self { first: Box::new(first), others: Vec::new(), files: Vec::new() }
    }
}

/// Something that was passed over. Nothing is wrong with the settings because
/// of it, but `ssh` may come to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none where it is all of the file.
    pub line: Option<usize>,
    /// What was passed over.
    pub what: PassedOver,
}

/// What can be passed over.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PassedOver {
    /// A keyword that no release of OpenSSH has that is known here.
    #[error("unknown keyword \"{keyword}\" is passed over; IgnoreUnknown silences this")]
    UnknownKeyword {
        /// The keyword, in lower case.
        keyword: String,
    },
    /// An `Include` with a variable that is not set.
    #[error("Include {path} is passed over: {fault}")]
    Include {
        /// The path as it is written.
        path: String,
        /// Why.
        fault: ExpandFault,
    },
    /// A file of the usual places that is there and cannot be read: ssh goes on
    /// without it.
    #[error("the file cannot be read: {detail}")]
    Unreadable {
        /// The system's words.
        detail: String,
    },
    /// A setting that is not done as ssh does it.
    #[error("{keyword} {value}: {instead}")]
    Setting {
        /// The keyword, as the manual writes it.
        keyword: &'static str,
        /// The value, or the part of it that is meant.
        value: String,
        /// What is done instead.
        instead: &'static str,
    },
    /// Bytes that are no UTF-8.
    #[error("the line is not UTF-8 text; what is not is replaced")]
    NotText,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{} line {line}: {}", self.file.display(), self.what),
            None => write!(f, "{}: {}", self.file.display(), self.what),
        }
    }
}
