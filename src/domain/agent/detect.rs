//! How an agent is looked for on a machine, and how its login is seen.
//!
//! Only what lies there is looked at: a file that a login leaves behind, or a
//! variable. No agent is asked, since an old version might take the question
//! for a prompt, and nothing is paid for.

use super::profile::Profile;

/// What somebody who is logged in with an agent has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginSigns {
    /// Variables that stand for a login.
    pub variables: &'static [&'static str],
    /// The folder of the files, below the home directory.
    pub folder: &'static str,
    /// The variable that names another folder.
    pub moved: Option<&'static str>,
    /// Files in it, of which one is there and says something.
    pub files: &'static [&'static str],
    /// The command that logs in.
    pub command: &'static str,
}

/// The signs of a login; `None` where nobody knows any.
#[must_use]
pub fn login_signs(kind: Profile) -> Option<&'static LoginSigns> {
    kind.cli().spec().login
}

/// An agent that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The program: a name for the PATH, or a path.
    pub program: String,
    /// What makes it tell its version; empty asks for none.
    pub version_arguments: &'static [&'static str],
    /// The signs of a login with it.
    pub login: Option<&'static LoginSigns>,
}

impl Search {
    /// The search for `program`, which is one of this profile.
    ///
    /// What is not known is not executed: a script of one's own may take no heed
    /// of `--version`, and do its work.
    #[must_use]
    pub fn of(kind: Profile, program: String) -> Self {
        let version_arguments: &[&str] = match kind {
            Profile::Generic => &[],
            kind => kind.cli().spec().arguments.version,
        };
        Self { program, version_arguments, login: login_signs(kind) }
    }
}

/// What the runner is sent for these searches: a word about each fact, which
/// `runner/detect.sh` takes apart.
#[must_use]
pub fn words(searches: &[Search]) -> Vec<String> {
    let mut words = Vec::new();
    for search in searches {
        words.push(format!("program {}", search.program));
        if !search.version_arguments.is_empty() {
            words.push(format!("version {}", search.version_arguments.join(" ")));
        }
        let Some(signs) = search.login else { continue };
        words.extend(signs.variables.iter().map(|name| format!("variable {name}")));
        words.push(format!("folder {}", signs.folder));
        words.extend(signs.moved.map(|name| format!("moved {name}")));
        words.extend(signs.files.iter().map(|name| format!("file {name}")));
    }
    words
}

/// Whether an agent's program is on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// No directory of the PATH has it.
    Absent,
    /// It is there, and may not be executed.
    Denied {
        /// Where.
        file: String,
    },
    /// It is there.
    There {
        /// Where.
        file: String,
        /// What it told of its version, if it was asked.
        told: Option<VersionTold>,
    },
}

/// What a program answered when it was asked for its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTold {
    /// The status that it ended with.
    pub status: u8,
    /// The first line that it printed.
    pub line: String,
}

/// The sign of a login that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSign {
    /// A variable of this name is set there.
    Variable(String),
    /// This file is there.
    File(String),
}

/// What was found of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The program, as it was looked for.
    pub program: String,
    /// Whether it is there.
    pub presence: Presence,
    /// The sign of a login; that there is none means nothing where none is known.
    pub login: Option<LoginSign>,
}

/// Reads the lines that `runner/detect.sh` says. `None` if the last one is not
/// there: then some of it may be missing.
#[must_use]
pub fn parse(lines: &[String]) -> Option<Vec<Detected>> {
    let mut all: Vec<Detected> = Vec::new();
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, all.last_mut()) {
            ("detected", _) => return Some(all),
            ("agent", _) => all.push(Detected {
                program: rest.to_owned(),
                presence: Presence::Absent,
                login: None,
            }),
            ("found", Some(last)) => {
                last.presence = Presence::There { file: rest.to_owned(), told: None };
            }
            ("denied", Some(last)) => last.presence = Presence::Denied { file: rest.to_owned() },
            ("version", Some(Detected { presence: Presence::There { told, .. }, .. })) => {
                let (status, line) = rest.split_once(' ').unwrap_or((rest, ""));
                let status = status.parse().unwrap_or(u8::MAX);
                *told = Some(VersionTold { status, line: line.to_owned() });
            }
            ("login", Some(last)) => {
                last.login = rest.split_once(' ').and_then(|(kind, what)| match kind {
                    "variable" => Some(LoginSign::Variable(what.to_owned())),
                    "file" => Some(LoginSign::File(what.to_owned())),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::PROFILES;

    #[test]
    fn every_known_agent_has_signs_and_the_way_to_log_in() {
        for kind in PROFILES {
            let signs = login_signs(kind);
            assert_eq!(signs.is_some(), kind != Profile::Generic, "{kind:?}");
            let Some(signs) = signs else { continue };
            assert!(signs.folder.starts_with("~/"), "{kind:?}");
            assert!(!signs.files.is_empty() && !signs.command.is_empty(), "{kind:?}");
            let upper = |name: &&str| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            assert!(signs.variables.iter().all(upper), "{kind:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_looked_for_and_not_executed() {
        let search = Search::of(Profile::Generic, "./nightly.sh".to_owned());
        assert_eq!(words(&[search]), ["program ./nightly.sh"]);
        let search = Search::of(Profile::Codex, "codex".to_owned());
        assert_eq!(
            words(&[search]),
            [
                "program codex",
                "version --version",
                "variable CODEX_API_KEY",
                "variable OPENAI_API_KEY",
                "folder ~/.codex",
                "moved CODEX_HOME",
                "file auth.json",
            ]
        );
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_the_program_says_is_taken_apart() {
        let said = "version 0 of nobody\n\
                    agent claude\nfound /opt/a b/claude\nversion 0 2.1.0 (Claude Code)\n\
                    login file /home/me/.claude/.credentials.json\n\
                    agent codex\nlogin none\n\
                    agent opencode\ndenied /usr/bin/opencode\nlogin variable OPENAI_API_KEY\n\
                    agent mine\nfound /bin/mine\nwhat is this\nlogin none\ndetected";
        let version = VersionTold { status: 0, line: "2.1.0 (Claude Code)".to_owned() };
        let there = |file: &str, told| Presence::There { file: file.to_owned(), told };
        let found = parse(&lines(said)).expect("whole");
        let seen: Vec<_> =
            found.into_iter().map(|found| (found.program, found.presence, found.login)).collect();
        let file = LoginSign::File("/home/me/.claude/.credentials.json".to_owned());
        let variable = LoginSign::Variable("OPENAI_API_KEY".to_owned());
        let denied = Presence::Denied { file: "/usr/bin/opencode".to_owned() };
        assert_eq!(
            seen,
            [
                ("claude".to_owned(), there("/opt/a b/claude", Some(version)), Some(file)),
                ("codex".to_owned(), Presence::Absent, None),
                ("opencode".to_owned(), denied, Some(variable)),
                ("mine".to_owned(), there("/bin/mine", None), None),
            ]
        );
    }

    #[test]
    fn half_an_answer_is_none() {
        assert_eq!(parse(&lines("agent claude\nfound /bin/claude")), None);
        assert_eq!(parse(&[]), None);
    }
}
