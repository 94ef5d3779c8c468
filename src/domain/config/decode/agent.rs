//! Reading what an agent's program is called with.

use super::Decoder;
use super::fields::Value;
use crate::domain::agent::{Arguments, PROFILES, Permissions, Profile};

const PARTS: &[&str] = &["run", "resume", "model", "plan", "mode", "skip", "dir", "version"];

impl Decoder<'_> {
    pub(super) fn profile(&mut self, value: &Value<'_>) -> Option<Profile> {
        const CHOICES: &[&str] =
            &["Claude", "Codex", "OpenCode", "Gemini", "Copilot", "Droid", "Generic"];
        const EXPECTED: &str =
            "`Claude`, `Codex`, `OpenCode`, `Gemini`, `Copilot`, `Droid` or `Generic`";
        let (name, _) = self.choice(value, EXPECTED, CHOICES)?;
        PROFILES.into_iter().find(|profile| profile.as_str() == name)
    }

    /// `Default`, `Plan`, `Skip` or `Mode("…")`.
    pub(super) fn permissions(&mut self, value: &Value<'_>) -> Option<Permissions> {
        const CHOICES: &[&str] = &["Default", "Plan", "Skip", "Mode(\"…\")"];
        match self.choice(value, "`Default`, `Plan`, `Skip` or `Mode(\"…\")`", CHOICES)? {
            ("Default", _) => Some(Permissions::Usual),
            ("Plan", _) => Some(Permissions::Plan),
            ("Skip", _) => Some(Permissions::Skip),
            (_, mode) => self.word(&mode?).map(Permissions::Mode),
        }
    }

    /// The parts of a profile's command line that this agent has otherwise.
    pub(super) fn arguments(&mut self, value: &Value<'_>) -> Arguments<Vec<String>> {
        let Some(mut fields) = self.fields(value, "Arguments", "arguments", PARTS) else {
            return Arguments::default();
        };
        let mut part = |name| fields.take(name).and_then(|value| self.strings(&value));
        Arguments {
            run: part("run").unwrap_or_default(),
            resume: part("resume"),
            model: part("model"),
            plan: part("plan"),
            mode: part("mode"),
            skip: part("skip"),
            dir: part("dir"),
            version: part("version").unwrap_or_default(),
        }
    }
}
