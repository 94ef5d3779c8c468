//! Which agents there are.

use serde::{Deserialize, Serialize};

use super::cli::AgentCli;
use super::{claude, codex, copilot, droid, gemini, generic, opencode};

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
    /// The Gemini CLI.
    Gemini,
    /// The GitHub Copilot CLI.
    Copilot,
    /// Factory's droid.
    Droid,
    /// Any other program: its command comes from the configuration.
    #[default]
    Generic,
}

/// All profiles.
pub const PROFILES: [Profile; 7] = [
    Profile::Claude,
    Profile::Codex,
    Profile::OpenCode,
    Profile::Gemini,
    Profile::Copilot,
    Profile::Droid,
    Profile::Generic,
];

impl Profile {
    /// The name, as the configuration writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "Generic",
            Self::Claude => "Claude",
            Self::Codex => "Codex",
            Self::OpenCode => "OpenCode",
            Self::Gemini => "Gemini",
            Self::Copilot => "Copilot",
            Self::Droid => "Droid",
        }
    }

    /// What is known of its command line.
    #[must_use]
    pub fn cli(self) -> &'static dyn AgentCli {
        match self {
            Self::Claude => &claude::Claude,
            Self::Codex => &codex::Codex,
            Self::OpenCode => &opencode::OpenCode,
            Self::Gemini => &gemini::Gemini,
            Self::Copilot => &copilot::Copilot,
            Self::Droid => &droid::Droid,
            Self::Generic => &generic::Generic,
        }
    }
}

/// The profile whose program this is, by the last part of its path.
#[must_use]
pub fn profile_of_program(program: &str) -> Option<Profile> {
    let base = program.rsplit('/').next().unwrap_or(program);
    PROFILES.into_iter().find(|kind| !base.is_empty() && kind.cli().spec().program == base)
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
            ("gemini", Some(Profile::Gemini)),
            ("generic", None),
            ("claude-wrapper", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(profile_of_program(program), kind, "{program}");
        }
    }

    #[test]
    fn only_the_generic_profile_leaves_its_command_to_the_configuration() {
        for kind in PROFILES {
            let spec = kind.cli().spec();
            assert_eq!(spec.program.is_empty(), kind == Profile::Generic);
            assert_eq!(spec.install.is_none(), kind == Profile::Generic);
            assert!(!spec.arguments.version.is_empty());
            assert_eq!(spec.name, kind.as_str().to_ascii_lowercase());
        }
    }
}
