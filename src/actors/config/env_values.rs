//! Looking up the values of environment variables, when a session starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::domain::config::{EnvName, EnvValue, SourceTrouble};
use crate::domain::failure::trouble::SessionTrouble;
use crate::domain::secret::Secret;
use crate::store::config_files::read_small_file;

/// How long a program may take to print a value. Password managers that ask a
/// person have no terminal to do it on here.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// The longest value, in bytes: a NUL less than Linux lets one string of the
/// environment have (`MAX_ARG_STRLEN`), less the name.
pub const MAX_VALUE: usize = 128 * 1024 - 1024;

/// A variable whose value could not be had.
#[derive(Debug, thiserror::Error)]
#[error("env {name}: {why}")]
pub struct EnvTrouble {
    /// The variable.
    pub name: EnvName,
    /// Why; never the value or a part of it.
    #[source]
    pub why: EnvTroubleWhy,
}

/// Why a value could not be had.
#[derive(Debug, thiserror::Error)]
pub enum EnvTroubleWhy {
    /// The daemon has no such variable.
    #[error("the daemon's environment has no {0}")]
    NotSet(EnvName),
    /// The file could not be read.
    #[error("{}: {trouble}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        trouble: SourceTrouble,
    },
    /// The program could not be started, or not be listened to.
    #[error("cannot run {program}: {source}")]
    NotRun {
        /// The program.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The program failed. What it said is not here, since it may have said
    /// the value.
    #[error("{program} failed: {status}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The program did not end in time, and was killed.
    #[error("{program} did not end within {} s", COMMAND_LIMIT.as_secs())]
    TimedOut {
        /// The program.
        program: String,
    },
    /// No variable can hold it.
    #[error("the value is not UTF-8 text")]
    NotText,
    /// No variable can hold it.
    #[error("the value has a NUL in it")]
    HasNul,
    /// No variable can hold it.
    #[error("the value has more than {MAX_VALUE} bytes")]
    TooLong,
}

impl From<EnvTrouble> for SessionTrouble {
    fn from(trouble: EnvTrouble) -> Self {
        Self::EnvUnavailable { name: trouble.name.to_string(), detail: trouble.why.to_string() }
    }
}

/// Looks up all values, at the same time. Takes at most [`COMMAND_LIMIT`] and
/// a moment.
///
/// # Errors
///
/// The first variable whose value cannot be had.
pub async fn resolve_env(
    values: &BTreeMap<EnvName, EnvValue>,
) -> Result<BTreeMap<EnvName, Secret>, EnvTrouble> {
    let lookups = values.iter().map(|(name, value)| async move {
        match look_up(value).await.and_then(check) {
            Ok(value) => Ok((name.clone(), Secret::new(value))),
            Err(why) => Err(EnvTrouble { name: name.clone(), why }),
        }
    });
    Ok(try_join_all(lookups).await?.into_iter().collect())
}

async fn look_up(value: &EnvValue) -> Result<String, EnvTroubleWhy> {
    match value {
        EnvValue::Plain(text) => Ok(text.expose().to_owned()),
        EnvValue::FromEnv(name) => match std::env::var_os(name.as_str()) {
            None => Err(EnvTroubleWhy::NotSet(name.clone())),
            Some(value) => value.into_string().map_err(|_| EnvTroubleWhy::NotText),
        },
        EnvValue::FromFile(path) => from_file(path).await,
        EnvValue::FromCommand(words) => {
            // The configuration has no empty ones.
            let (program, arguments) = words.split_first().map_or(("", &[][..]), |(p, a)| (p, a));
            from_command(program, arguments, COMMAND_LIMIT).await
        }
    }
}

async fn from_file(path: &Path) -> Result<String, EnvTroubleWhy> {
    let wanted = path.to_owned();
    let text = match tokio::task::spawn_blocking(move || read_small_file(&wanted)).await {
        Ok(read) => read,
        Err(error) => Err(SourceTrouble::Unreadable { detail: error.to_string() }),
    };
    text.map(without_line_break)
        .map_err(|trouble| EnvTroubleWhy::File { path: path.to_owned(), trouble })
}

async fn from_command(
    program: &str,
    arguments: &[String],
    limit: Duration,
) -> Result<String, EnvTroubleWhy> {
    let not_run = |source| EnvTroubleWhy::NotRun { program: program.to_owned(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // It may hold the value, and the daemon's own may be a log.
        .stderr(Stdio::null())
        // A group of its own, so that what it started can be killed with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(not_run)?;
    let group = Group(child.id());
    let ended = tokio::time::timeout(limit, listen(&mut child)).await;
    let (bytes, status) = match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(source)) => return Err(not_run(source)),
        Err(_) => return Err(EnvTroubleWhy::TimedOut { program: program.to_owned() }),
    };
    group.has_ended();
    if bytes.len() > MAX_VALUE {
        return Err(EnvTroubleWhy::TooLong);
    }
    if !status.success() {
        return Err(EnvTroubleWhy::Failed { program: program.to_owned(), status });
    }
    String::from_utf8(bytes).map(without_line_break).map_err(|_| EnvTroubleWhy::NotText)
}

/// What it prints, to one byte more than may be, and how it ends.
async fn listen(child: &mut Child) -> std::io::Result<(Vec<u8>, ExitStatus)> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_VALUE as u64 + 1).read_to_end(&mut bytes).await?;
    }
    Ok((bytes, child.wait().await?))
}

/// The processes of a command, killed when this goes out of scope before the
/// command has ended: whoever waits for the value may leave.
struct Group(Option<u32>);

impl Group {
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            // Already gone is as good.
            let _gone = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Without the one line break that ends a text file, or a program's output.
fn without_line_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

fn check(value: String) -> Result<String, EnvTroubleWhy> {
    if value.contains('\0') {
        Err(EnvTroubleWhy::HasNul)
    } else if value.len() > MAX_VALUE {
        Err(EnvTroubleWhy::TooLong)
    } else {
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
