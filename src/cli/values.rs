//! How the values of flags are read.

use std::path::PathBuf;
use std::time::Duration;

use crate::api::types::{RestartPolicy, Retry, Where};
use crate::domain::max_output::{MaxOutput, MaxOutputError};

/// A duration in whole seconds: `90`, `30s`, `5m`, `1h 30m`.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|error| {
            format!("{error}; write a duration like 30s, 5m or 1h, or a number of seconds")
        })?,
    };
    // Rounded up: a limit never comes early.
    match duration.as_secs() + u64::from(duration.subsec_nanos() > 0) {
        0 => Err("it has to be more than nothing".to_owned()),
        seconds => Ok(seconds),
    }
}

/// A grace time, which may be nothing.
pub(super) fn grace(text: &str) -> Result<u64, String> {
    match text {
        "0" | "0s" => Ok(0),
        _ => seconds(text),
    }
}

/// A size: `100 MB`, `512KiB`.
pub(super) fn max_output(text: &str) -> Result<MaxOutput, String> {
    text.parse().map_err(|error: MaxOutputError| error.to_string())
}

/// `never`, `on-failure` or `on-lost`; the latter two with `:LIMIT` and
/// `:LIMIT:BACKOFF`.
pub(super) fn restart(text: &str) -> Result<RestartPolicy, String> {
    let mut parts = text.splitn(3, ':');
    let name = parts.next().unwrap_or_default();
    let mut retry = Retry::default();
    let bare = text == name;
    if let Some(limit) = parts.next() {
        retry.limit = match limit.parse() {
            Ok(limit @ 1..=1000) => limit,
            _ => return Err(format!("{limit:?} is no number of attempts from 1 to 1000")),
        };
    }
    if let Some(backoff) = parts.next() {
        retry.backoff_s = grace(backoff)?;
    }
    match name {
        "never" if bare => Ok(RestartPolicy::Never),
        "on-failure" => Ok(RestartPolicy::OnFailure(retry)),
        "on-lost" => Ok(RestartPolicy::OnLost(retry)),
        _ => Err("write never, on-failure or on-lost, such as on-failure:3:30s".to_owned()),
    }
}

/// A file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// `-`.
    Stdin,
    /// Any other word.
    File(PathBuf),
}

impl Input {
    /// As it is said to people.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Stdin => PathBuf::from("-"),
            Self::File(path) => path.clone(),
        }
    }
}

impl From<std::ffi::OsString> for Input {
    fn from(word: std::ffi::OsString) -> Self {
        if word == "-" { Self::Stdin } else { Self::File(word.into()) }
    }
}

/// One `-e`.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum EnvArg {
    /// `K=V`.
    Given(String, String),
    /// `K`: our own environment's value.
    Own(String),
}

impl std::fmt::Debug for EnvArg {
    /// Without the value: this is what an error or a log would show.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(name, _) => write!(f, "{name}=…"),
            Self::Own(name) => f.write_str(name),
        }
    }
}

/// An `-e`, taken apart. Errors never repeat a value.
pub(super) fn env_arg(text: &str) -> Result<EnvArg, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    // environ(7) takes any name; a shell, and so the runner, only these.
    let mut letters = name.chars();
    let good = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        return Err(format!("{name:?} is no variable's name: letters, digits and '_'"));
    }
    Ok(match value {
        Some(value) => EnvArg::Given(name.to_owned(), value.to_owned()),
        None => EnvArg::Own(name.to_owned()),
    })
}

/// Where to run, from `--on` and `--local`.
pub(super) fn place(on: Option<String>, local: bool) -> Option<Where> {
    if local { Some(Where::Local) } else { on.map(Where::On) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_seconds_rounded_up() {
        for (text, expected) in [
            ("90", Some(90)),
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("1h 30m", Some(5400)),
            ("1500ms", Some(2)),
            ("0", None),
            ("", None),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(text).ok(), expected, "{text:?}");
        }
        assert_eq!(grace("0"), Ok(0));
    }

    #[test]
    fn a_restart_is_a_name_a_limit_and_a_pause() {
        use RestartPolicy::{Never, OnFailure, OnLost};
        let retry = |limit, backoff_s| Retry { limit, backoff_s };
        for (text, expected) in [
            ("never", Some(Never)),
            ("on-failure", Some(OnFailure(Retry::default()))),
            ("on-failure:5", Some(OnFailure(retry(5, 10)))),
            ("on-lost:5:2m", Some(OnLost(retry(5, 120)))),
            ("on-lost:1:0", Some(OnLost(retry(1, 0)))),
            ("never:3", None),
            ("on-failure:", None),
            ("on-failure:0", None),
            ("on-failure:3:", None),
            ("on-failure:3:1s:2", None),
            ("always", None),
            ("", None),
        ] {
            assert_eq!(restart(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn an_env_argument_is_a_name_and_perhaps_a_value() {
        let given = |name: &str, value: &str| EnvArg::Given(name.to_owned(), value.to_owned());
        for (text, expected) in [
            ("A=b=c", Some(given("A", "b=c"))),
            ("A=", Some(given("A", ""))),
            ("_a1", Some(EnvArg::Own("_a1".to_owned()))),
            ("=x", None),
            ("", None),
            ("1A=x", None),
            ("A-B=x", None),
        ] {
            assert_eq!(env_arg(text).ok(), expected, "{text:?}");
        }
        assert!(!env_arg("1A=hunter2").unwrap_err().contains("hunter2"));
        assert_eq!(format!("{:?}", given("A", "hunter2")), "A=…");
    }
}
