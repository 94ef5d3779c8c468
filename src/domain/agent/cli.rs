//! What there is to know of an agent's command line, and the words of a turn.

use std::fmt;

use serde_json::Value;

use super::detect::LoginSigns;
use super::event::AgentEvent;
use super::trouble::Trouble;

/// One agent's command line: what it is called with, and how it speaks.
pub trait AgentCli: fmt::Debug + Sync {
    /// What it is called with, and what its statuses mean.
    fn spec(&self) -> &'static Spec;

    /// Adds what one line of its output tells. A line that tells nothing, or
    /// nothing that is known here, adds nothing; none is an error.
    fn read(&self, line: &Value, events: &mut Vec<AgentEvent>);
}

/// What is fixed about one agent.
#[derive(Debug)]
pub struct Spec {
    /// The profile's name for people.
    pub name: &'static str,
    /// The program; empty where the configuration has to say.
    pub program: &'static str,
    /// The command that installs it, where there is a usual one.
    pub install: Option<&'static str>,
    /// How a login is seen, and made.
    pub login: Option<&'static LoginSigns>,
    /// What it is called with.
    pub arguments: Arguments<&'static [&'static str]>,
    /// Statuses that mean one thing alone.
    pub statuses: &'static [(u8, Trouble)],
    /// What it says on standard error, before anything else and instead of it,
    /// when it does not even begin. `{session}` is the conversation that it was
    /// to go on from; without one, such words count for nothing.
    pub refusals: &'static [(&'static str, Trouble)],
    /// Whether each turn that has gone well ends with a result.
    pub tells_result: bool,
}

/// What a program is called with, part by part. In `run` and `resume`,
/// `{options}` is where the rest goes; in `resume`, `{session}` is the
/// conversation; in the others, `{}` is the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments<T> {
    /// One turn without a person, with the prompt on standard input and output
    /// that a program can read.
    pub run: T,
    /// The same, on from an earlier conversation.
    pub resume: Option<T>,
    /// Another model.
    pub model: Option<T>,
    /// Look and plan, and change nothing.
    pub plan: Option<T>,
    /// One of the program's own permission modes.
    pub mode: Option<T>,
    /// No permission checks at all.
    pub skip: Option<T>,
    /// One more directory that it may use.
    pub dir: Option<T>,
    /// Prints the version and ends.
    pub version: T,
}

/// Which checks an agent's program makes before it does something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Permissions {
    /// The program's own default.
    #[default]
    Usual,
    /// It looks and plans, and changes nothing.
    Plan,
    /// One of the program's own modes, by its name.
    Mode(String),
    /// None. Only ever what a configuration says, never a default.
    Skip,
}

/// What one turn is to be.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// The conversation to go on from.
    pub resume: Option<&'a str>,
    /// The model, where it is not the program's own choice.
    pub model: Option<&'a str>,
    /// The checks.
    pub permissions: &'a Permissions,
    /// Further directories that it may use.
    pub dirs: &'a [String],
    /// Further arguments, as they are.
    pub args: &'a [String],
}

/// Something was asked for that the program has no argument for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{agent} has no way to {what}")]
pub struct Lacks {
    /// The profile's name.
    pub agent: &'static str,
    /// What it cannot do.
    pub what: &'static str,
}

/// A part's words, wherever they come from.
trait Words {
    fn words(&self) -> Vec<&str>;
}

impl Words for &'static [&'static str] {
    fn words(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl Words for Vec<String> {
    fn words(&self) -> Vec<&str> {
        self.iter().map(String::as_str).collect()
    }
}

/// The arguments of a turn: the profile's, with those parts in their place that
/// the configuration has of its own (an empty `run` is none).
///
/// # Errors
///
/// The program lacks what the turn needs: it is not silently left out.
pub fn words(
    spec: &'static Spec,
    own: &Arguments<Vec<String>>,
    turn: &Turn<'_>,
) -> Result<Vec<String>, Lacks> {
    let usual = &spec.arguments;
    let lacks = |what| Lacks { agent: spec.name, what };
    let part =
        |own: &Option<Vec<String>>, usual: Option<&'static [&'static str]>, what, value: &str| {
            let words = match (own, usual) {
                (Some(own), _) => filled(&own.words(), "{}", value),
                (None, Some(usual)) => filled(usual, "{}", value),
                (None, None) => return Err(lacks(what)),
            };
            Ok(words)
        };
    let mut options = Vec::new();
    if let Some(model) = turn.model {
        options.extend(part(&own.model, usual.model, "choose a model", model)?);
    }
    options.extend(match turn.permissions {
        Permissions::Usual => Vec::new(),
        Permissions::Plan => part(&own.plan, usual.plan, "plan and change nothing", "")?,
        Permissions::Mode(mode) => part(&own.mode, usual.mode, "set a permission mode", mode)?,
        Permissions::Skip => part(&own.skip, usual.skip, "skip its permission checks", "")?,
    });
    for dir in turn.dirs {
        options.extend(part(&own.dir, usual.dir, "take a further directory", dir)?);
    }
    options.extend_from_slice(turn.args);
    let base = match turn.resume {
        None if own.run.is_empty() => filled(usual.run, "", ""),
        None => own.run.clone(),
        Some(session) => match (&own.resume, usual.resume) {
            (Some(own), _) => filled(&own.words(), "{session}", session),
            (None, Some(usual)) => filled(usual, "{session}", session),
            (None, None) => return Err(lacks("go on with an earlier conversation")),
        },
    };
    Ok(with_options(base, options))
}

fn filled(words: &[&str], slot: &str, value: &str) -> Vec<String> {
    let fill = |word: &&str| match slot {
        "" => (*word).to_owned(),
        slot => word.replace(slot, value),
    };
    words.iter().map(fill).collect()
}

/// Puts the options where the words have room for them, else behind.
fn with_options(base: Vec<String>, options: Vec<String>) -> Vec<String> {
    match base.iter().position(|word| word == "{options}") {
        Some(at) => {
            let mut words = base;
            words.splice(at..=at, options);
            words
        }
        None => base.into_iter().chain(options).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::{PROFILES, Profile};
    use super::*;

    const USUAL: Turn<'_> =
        Turn { resume: None, model: None, permissions: &Permissions::Usual, dirs: &[], args: &[] };

    fn line(profile: Profile, turn: &Turn<'_>) -> Result<String, Lacks> {
        words(profile.cli().spec(), &Arguments::default(), turn).map(|words| words.join(" "))
    }

    #[test]
    fn a_turn_is_read_by_programs_and_takes_its_prompt_from_standard_input() {
        for (profile, expected) in [
            (Profile::Claude, "-p --output-format stream-json --verbose"),
            (Profile::Codex, "exec --json -"),
            (Profile::OpenCode, "run --format json"),
            (Profile::Gemini, "--output-format stream-json"),
            (Profile::Copilot, "--output-format json --no-auto-update"),
            (Profile::Droid, "exec --output-format stream-json"),
            (Profile::Generic, ""),
        ] {
            assert_eq!(line(profile, &USUAL).as_deref(), Ok(expected), "{profile:?}");
        }
    }

    #[test]
    fn no_profile_skips_a_check_unless_it_is_told_to() {
        let dangerous = ["skip", "yolo", "bypass", "--auto", "allow-all", "dangerous"];
        for profile in PROFILES {
            for permissions in [Permissions::Usual, Permissions::Plan] {
                let turn = Turn { permissions: &permissions, ..USUAL };
                let Ok(words) = words(profile.cli().spec(), &Arguments::default(), &turn) else {
                    continue;
                };
                let bad = words.iter().find(|word| {
                    dangerous.iter().any(|bad| word.contains(bad)) && *word != "--no-auto-update"
                });
                assert_eq!(bad, None, "{profile:?} {permissions:?}");
            }
        }
    }

    #[test]
    fn what_is_asked_for_is_there_in_the_programs_own_words() {
        let turn = Turn {
            resume: Some("c-1"),
            model: Some("m"),
            permissions: &Permissions::Skip,
            ..USUAL
        };
        for (profile, expected) in [
            (
                Profile::Claude,
                "-p --output-format stream-json --verbose --resume c-1 --model m --dangerously-skip-permissions",
            ),
            (
                Profile::Codex,
                "exec --model m --dangerously-bypass-approvals-and-sandbox resume --json c-1 -",
            ),
            (Profile::OpenCode, "run --format json --session c-1 --model m --auto"),
            (
                Profile::Gemini,
                "--output-format stream-json --resume c-1 --model m --approval-mode yolo",
            ),
            (
                Profile::Copilot,
                "--output-format json --no-auto-update --resume=c-1 --model m --allow-all",
            ),
            (
                Profile::Droid,
                "exec --output-format stream-json --session-id c-1 --model m --skip-permissions-unsafe",
            ),
        ] {
            assert_eq!(line(profile, &turn).as_deref(), Ok(expected), "{profile:?}");
        }
    }

    #[test]
    fn what_a_program_lacks_is_an_error() {
        let model = Turn { model: Some("m"), ..USUAL };
        let lacks = Lacks { agent: "generic", what: "choose a model" };
        assert_eq!(line(Profile::Generic, &model), Err(lacks));
    }

    #[test]
    fn a_configuration_has_the_last_word_on_every_part() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let own = Arguments {
            run: list(&["go", "{options}", "end"]),
            resume: Some(list(&["on", "{session}"])),
            model: Some(list(&["with={}"])),
            ..Arguments::default()
        };
        let args = list(&["-x"]);
        let turn = Turn { model: Some("m"), args: &args, ..USUAL };
        let spec = Profile::Claude.cli().spec();
        assert_eq!(words(spec, &own, &turn), Ok(list(&["go", "with=m", "-x", "end"])));
        let turn = Turn { resume: Some("c"), ..turn };
        assert_eq!(words(spec, &own, &turn), Ok(list(&["on", "c", "with=m", "-x"])));
    }
}
