//! What every profile knows.

use serde::{Deserialize, Serialize};

/// Which program an agent is, and with it how it is started and read.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Profile {
    /// Claude Code.
    Claude,
    /// The Codex CLI.
    Codex,
    /// OpenCode.
    OpenCode,
    /// Any other program: its command comes from the configuration.
    #[default]
    Generic,
}

impl Profile {
    /// The name, as the configuration writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "Generic",
            Self::Claude => "Claude",
            Self::Codex => "Codex",
            Self::OpenCode => "OpenCode",
        }
    }
}

/// All profiles.
pub const PROFILES: [Profile; 4] =
    [Profile::Claude, Profile::Codex, Profile::OpenCode, Profile::Generic];

/// What a profile stands for where the configuration says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileSpec {
    /// The profile's name for people.
    pub name: &'static str,
    /// The program and its arguments for one run without a person, with the
    /// prompt on standard input; empty where the configuration has to say.
    pub command: &'static [&'static str],
    /// The arguments that make the program print its version and end.
    pub version_arguments: &'static [&'static str],
    /// The command that installs it, where there is a usual one.
    pub install: Option<&'static str>,
}

/// What `kind` stands for.
#[must_use]
pub const fn profile(kind: Profile) -> &'static ProfileSpec {
    match kind {
        Profile::Claude => &ProfileSpec {
            name: "claude",
            command: &["claude", "-p"],
            version_arguments: &["--version"],
            install: Some("npm install -g @anthropic-ai/claude-code"),
        },
        Profile::Codex => &ProfileSpec {
            name: "codex",
            // `-` says that the prompt is on standard input.
            command: &["codex", "exec", "-"],
            version_arguments: &["--version"],
            install: Some("npm install -g @openai/codex"),
        },
        Profile::OpenCode => &ProfileSpec {
            name: "opencode",
            command: &["opencode", "run"],
            version_arguments: &["--version"],
            install: Some("npm install -g opencode-ai"),
        },
        Profile::Generic => &ProfileSpec {
            name: "generic",
            command: &[],
            version_arguments: &["--version"],
            install: None,
        },
    }
}

/// The profile whose program this is, by the last part of its path.
#[must_use]
pub fn profile_of_program(program: &str) -> Option<Profile> {
    let base = program.rsplit('/').next().unwrap_or(program);
    PROFILES.into_iter().find(|kind| profile(*kind).command.first() == Some(&base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_tells_its_profile() {
        for (program, kind) in [
            ("claude", Some(Profile::Claude)),
            ("/home/me/.local/bin/codex", Some(Profile::Codex)),
            ("opencode", Some(Profile::OpenCode)),
            ("generic", None),
            ("claude-wrapper", None),
            ("", None),
        ] {
            assert_eq!(profile_of_program(program), kind, "{program}");
        }
    }

    #[test]
    fn only_the_generic_profile_leaves_its_command_to_the_configuration() {
        for kind in PROFILES {
            let spec = profile(kind);
            assert_eq!(spec.command.is_empty(), kind == Profile::Generic);
            assert_eq!(spec.install.is_none(), kind == Profile::Generic);
            assert!(!spec.version_arguments.is_empty());
        }
    }
}
