//! Which agents a machine is asked for, and what people see of the answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::agent::detect::{Detected, LoginSign, Presence, Search};
use super::config::{Config, united_env};
use super::plan::agent_program;
use super::target::Place;

/// An agent that is looked for on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is looked for.
    pub search: Search,
    /// A variable that the configuration gives its sessions there, and that
    /// stands for a login.
    pub configured: Option<String>,
}

/// What a machine is asked for: the program of each agent of `config`, once.
#[must_use]
pub fn wanted(config: &Config, place: &Place) -> Vec<Wanted> {
    let remote = match place {
        Place::Remote(name) => config.remotes.get(name),
        Place::Local | Place::AdHoc(_) => None,
    };
    let mut wanted: Vec<Wanted> = Vec::new();
    for agent in config.agents.values() {
        let Some(program) = agent_program(agent).into_iter().next() else { continue };
        // What is relative is so to a working directory of some session.
        let relative = program.contains('/') && !program.starts_with('/');
        if relative || wanted.iter().any(|one| one.search.program == program) {
            continue;
        }
        let search = Search::of(agent.profile, program);
        let env = united_env(remote, Some(agent));
        let signs = search.login.map_or(&[][..], |signs| signs.variables);
        let configured = env.keys().map(ToString::to_string);
        let configured = configured.into_iter().find(|name| signs.contains(&name.as_str()));
        wanted.push(Wanted { search, configured });
    }
    wanted
}

/// What was found of one agent on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFound {
    /// The program, as it was looked for.
    pub program: String,
    /// Where it is; `None` if no directory of the PATH has it.
    pub file: Option<String>,
    /// What it told of its version.
    pub version: Option<String>,
    /// Why it cannot be used, though it is there.
    pub trouble: Option<String>,
    /// Whether somebody is logged in with it; `None` where that cannot be told.
    pub logged_in: Option<bool>,
    /// What that is told by: a variable, or a file there.
    pub login_sign: Option<String>,
}

impl AgentFound {
    /// What people see of it. On macOS a login may be in the keychain, which who
    /// comes by SSH cannot open.
    #[must_use]
    pub fn of(wanted: &Wanted, found: Detected, keychain: bool) -> Self {
        let (mut version, mut trouble) = (None, None);
        let file = match found.presence {
            Presence::Absent => None,
            Presence::Denied { file } => {
                trouble = Some("it may not be executed".to_owned());
                Some(file)
            }
            Presence::There { file, told } => {
                match told {
                    Some(told) if told.status == 0 => version = Some(told.line.trim().to_owned()),
                    Some(told) => {
                        let said = told.line.trim();
                        trouble = Some(format!(
                            "asked for its version it ended with {}: {said}",
                            told.status
                        ));
                    }
                    None => {}
                }
                Some(file)
            }
        };
        let login_sign = match (&wanted.configured, found.login) {
            (Some(name), _) => Some(format!("{name} of the configuration")),
            (None, Some(LoginSign::Variable(name))) => Some(name),
            (None, Some(LoginSign::File(file))) => Some(file),
            (None, None) => None,
        };
        let logged_in = match (&login_sign, wanted.search.login) {
            (Some(_), _) => Some(true),
            (None, Some(_)) if !keychain => Some(false),
            (None, _) => None,
        };
        Self { program: found.program, file, version, trouble, logged_in, login_sign }
    }

    /// The same in a few words: `2.1.0, logged in`.
    #[must_use]
    pub fn words(&self) -> String {
        if self.file.is_none() {
            return "not there".to_owned();
        }
        let what = self.trouble.as_deref().or(self.version.as_deref()).unwrap_or("there");
        match self.logged_in {
            Some(true) => format!("{what}, logged in"),
            Some(false) => format!("{what}, not logged in"),
            None => what.to_owned(),
        }
    }
}

/// What there is of agents on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The remote, `user@host` for an ad hoc one, or `local`.
    pub remote: String,
    /// When it was asked.
    pub at: String,
    /// Every agent that was looked for.
    pub agents: Vec<AgentFound>,
}

/// Those that are there and can be used, in a line each.
#[must_use]
pub fn usable(found: &[AgentFound]) -> Vec<String> {
    let there = found.iter().filter(|one| one.trouble.is_none());
    let line = |one: &AgentFound| {
        let file = one.file.as_ref()?;
        let version = one.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
        Some(format!("{}{version} ({file})", one.program))
    };
    let lines: BTreeMap<String, ()> = there.filter_map(line).map(|line| (line, ())).collect();
    lines.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::super::agent::detect::VersionTold;
    use super::super::plan::with_usual_agents;
    use super::*;

    fn claude(configured: Option<&str>) -> Wanted {
        let config = with_usual_agents(Config::default());
        let mut wanted = wanted(&config, &Place::Local);
        wanted.retain(|one| one.search.program == "claude");
        let mut one = wanted.pop().expect("claude");
        one.configured = configured.map(str::to_owned);
        one
    }

    fn there(status: u8, login: Option<LoginSign>) -> Detected {
        let told = Some(VersionTold { status, line: "2.1.0 (Claude Code)".to_owned() });
        let presence = Presence::There { file: "/bin/claude".to_owned(), told };
        Detected { program: "claude".to_owned(), presence, login }
    }

    #[test]
    fn each_known_agent_is_looked_for_once() {
        let config = with_usual_agents(Config::default());
        let names: Vec<String> =
            wanted(&config, &Place::Local).into_iter().map(|one| one.search.program).collect();
        assert_eq!(names, ["claude", "codex", "copilot", "droid", "gemini", "opencode"]);
    }

    #[test]
    fn what_was_found_is_told_in_a_few_words() {
        let file = || Some(LoginSign::File("/home/me/.claude/x".to_owned()));
        let absent =
            Detected { program: "claude".to_owned(), presence: Presence::Absent, login: None };
        for (configured, found, keychain, words) in [
            (None, there(0, file()), false, "2.1.0 (Claude Code), logged in"),
            (Some("ANTHROPIC_API_KEY"), there(0, None), true, "2.1.0 (Claude Code), logged in"),
            (None, there(0, None), false, "2.1.0 (Claude Code), not logged in"),
            (None, there(0, None), true, "2.1.0 (Claude Code)"),
            (None, absent, false, "not there"),
        ] {
            let found = AgentFound::of(&claude(configured), found, keychain);
            assert_eq!(found.words(), words);
        }
    }

    #[test]
    fn only_what_can_be_used_stands_in_for_what_is_missing() {
        let good = AgentFound::of(&claude(None), there(0, None), false);
        let broken = AgentFound::of(&claude(None), there(1, None), false);
        assert_eq!(usable(&[broken, good]), ["claude 2.1.0 (Claude Code) (/bin/claude)"]);
    }
}
