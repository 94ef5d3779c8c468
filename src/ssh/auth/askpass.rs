//! Answers from the program in `SSH_ASKPASS`, by ssh(1)'s rules.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::domain::attention::Question;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer, in bytes, as with `ssh`.
const LONGEST: u64 = 1023;

/// A program that asks a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ssh) struct Askpass {
    program: OsString,
}

impl Askpass {
    /// What the environment says. A daemon has no terminal, so the program is
    /// used whenever there is a display, or `SSH_ASKPASS_REQUIRE` says so.
    pub(in crate::ssh) fn from_env() -> Option<Self> {
        Self::from_vars(|name| std::env::var_os(name))
    }

    fn from_vars(var: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let set = |name| var(name).filter(|value| !value.is_empty());
        let program = set("SSH_ASKPASS")?;
        let wanted = match set("SSH_ASKPASS_REQUIRE").as_ref().and_then(|value| value.to_str()) {
            Some("never") => false,
            Some("force" | "prefer") => true,
            _ => set("DISPLAY").is_some() || set("WAYLAND_DISPLAY").is_some(),
        };
        wanted.then_some(Self { program })
    }

    /// The answer, if one is given in time.
    pub(in crate::ssh) async fn ask(&self, question: &Question) -> Option<Zeroizing<String>> {
        match tokio::time::timeout(PATIENCE, self.run(question)).await {
            Ok(answer) => answer,
            Err(_) => {
                tracing::debug!(kind = question.kind().as_str(), "nobody answered askpass");
                None
            }
        }
    }

    async fn run(&self, question: &Question) -> Option<Zeroizing<String>> {
        let mut command = Command::new(&self.program);
        // ssh(1): a confirmation is shown as one, and its answer is the exit status.
        let confirms = matches!(question, Question::Confirm { .. });
        if confirms {
            command.env("SSH_ASKPASS_PROMPT", "confirm");
        } else {
            command.env_remove("SSH_ASKPASS_PROMPT");
        }
        let mut child = command
            .arg(question.words())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .inspect_err(|error| tracing::debug!(%error, "askpass could not be started"))
            .ok()?;
        // Room from the start, so that no copy is left behind by growing.
        let mut said = Zeroizing::new(Vec::with_capacity(2048));
        child.stdout.take()?.take(LONGEST + 1).read_to_end(&mut said).await.ok()?;
        let status = child.wait().await.ok()?;
        if !status.success() {
            return confirms.then(|| Zeroizing::new("no".to_owned()));
        }
        if confirms && said.iter().all(u8::is_ascii_whitespace) {
            return Some(Zeroizing::new("yes".to_owned()));
        }
        let line = said.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
        Some(Zeroizing::new(std::str::from_utf8(line).ok()?.to_owned()))
    }

    #[cfg(test)]
    pub(in crate::ssh) fn program(program: impl Into<OsString>) -> Self {
        Self { program: program.into() }
    }

    /// The program.
    #[cfg(test)]
    pub(in crate::ssh) fn path(&self) -> &std::ffi::OsStr {
        &self.program
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_as_in_ssh() {
        let cases: [(&[(&str, &str)], bool); 7] = [
            (&[], false),
            (&[("SSH_ASKPASS", "/a")], false),
            (&[("SSH_ASKPASS", "/a"), ("DISPLAY", ":0")], true),
            (&[("SSH_ASKPASS", "/a"), ("WAYLAND_DISPLAY", "w")], true),
            (&[("SSH_ASKPASS", "/a"), ("SSH_ASKPASS_REQUIRE", "force")], true),
            (&[("SSH_ASKPASS", "/a"), ("DISPLAY", ":0"), ("SSH_ASKPASS_REQUIRE", "never")], false),
            (&[("SSH_ASKPASS", ""), ("DISPLAY", ":0")], false),
        ];
        for (vars, expected) in cases {
            let var = |name: &str| {
                vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
            };
            assert_eq!(Askpass::from_vars(var).is_some(), expected, "{vars:?}");
        }
    }
}
