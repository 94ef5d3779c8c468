//! `Match`: whether all criteria of a line hold.

use super::cidr;
use super::expand::Tokens;
use super::fault::Fault;
use super::pattern;
use super::words::Words;
use super::world::World;

/// Compared with `Match version`.
const RELEASE: &str = "OpenSSH_10.0p2";

/// Criteria that may be written `NAME=LIST`.
const WITH_EQUALS: [&str; 9] = [
    "host",
    "originalhost",
    "user",
    "localuser",
    "localnetwork",
    "version",
    "tagged",
    "command",
    "exec",
];

/// What criteria are compared with, as far as it is known at the line.
pub(super) struct Subject<'a> {
    /// The host's name so far.
    pub(super) host: String,
    /// As it was asked for.
    pub(super) original_host: &'a str,
    /// The user's name so far.
    pub(super) user: &'a str,
    pub(super) local_user: &'a str,
    pub(super) tag: &'a str,
    /// Empty for a shell.
    pub(super) command: &'a str,
    pub(super) session_type: Option<&'static str>,
    pub(super) is_final: bool,
    pub(super) tokens: Tokens,
    pub(super) world: &'a dyn World,
}

/// What a `Match` line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) holds: bool,
    /// Whether it asks for the final pass.
    pub(super) wants_final: bool,
}

/// Goes through the criteria of a line.
pub(super) fn evaluate(words: &mut Words, subject: &Subject<'_>) -> Result<Outcome, Fault> {
    let mut outcome = Outcome { holds: true, wants_final: false };
    let mut criteria = 0;
    while let Some(written) = words.next() {
        if written.starts_with('#') {
            words.drop_rest();
            break;
        }
        let (negated, name) = match written.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, written.as_str()),
        };
        if name.eq_ignore_ascii_case("all") {
            all_is_alone(words, &written, criteria)?;
            outcome.holds &= !negated;
            return Ok(outcome);
        }
        criteria += 1;
        let is_final = name.eq_ignore_ascii_case("final");
        let holds = if is_final || name.eq_ignore_ascii_case("canonical") {
            outcome.wants_final |= is_final;
            subject.is_final
        } else {
            let (name, argument) = argument(name, &written, words)?;
            subject.holds(&name, &argument, outcome.holds)?
        };
        outcome.holds &= holds != negated;
    }
    if criteria == 0 {
        return Err(Fault::NoCriterion);
    }
    Ok(outcome)
}

/// Nothing may follow, and at most one may be before.
fn all_is_alone(words: &mut Words, written: &str, before: usize) -> Result<(), Fault> {
    let is_comment = |word: &str| word.starts_with('#');
    let follows = words.peek().is_some_and(|word| !word.is_empty() && !is_comment(word));
    if before > 1 || follows {
        return Err(Fault::AllIsAlone { criterion: written.to_owned() });
    }
    if words.next().is_some_and(|word| is_comment(&word)) {
        words.drop_rest();
    }
    Ok(())
}

/// The criterion's name in lower case, and what it is compared with.
fn argument(name: &str, written: &str, words: &mut Words) -> Result<(String, String), Fault> {
    let with_equals = name
        .split_once('=')
        .filter(|(name, _)| WITH_EQUALS.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let missing = || Fault::MissingCriterion { criterion: written.to_owned() };
    let (name, argument) = match with_equals {
        Some((name, argument)) => (name.to_ascii_lowercase(), argument.to_owned()),
        None => (name.to_ascii_lowercase(), words.next().ok_or_else(missing)?),
    };
    let may_be_empty = matches!(name.as_str(), "tagged" | "command");
    if argument.starts_with('#') || (argument.is_empty() && !may_be_empty) {
        return Err(missing());
    }
    Ok((name, argument))
}

impl Subject<'_> {
    /// `so_far` is whether all criteria before it hold.
    fn holds(&self, name: &str, argument: &str, so_far: bool) -> Result<bool, Fault> {
        let listed = |text: &str| pattern::matches_list(text, argument);
        let listed_or_empty = |text: &str| match text {
            "" => argument.is_empty(),
            text => listed(text),
        };
        Ok(match name {
            "host" => pattern::matches_list_ignoring_case(&self.host, argument),
            "originalhost" => pattern::matches_list_ignoring_case(self.original_host, argument),
            "user" => listed(self.user),
            "localuser" => listed(self.local_user),
            "localnetwork" => {
                let invalid = || Fault::InvalidNetwork { value: argument.to_owned() };
                let networks = cidr::list(argument).ok_or_else(invalid)?;
                let addresses = self.world.addresses();
                networks.iter().any(|network| addresses.iter().any(|&ip| network.contains(ip)))
            }
            "version" => listed(RELEASE),
            "tagged" => listed_or_empty(self.tag),
            "command" => listed_or_empty(self.command),
            "sessiontype" => listed(match (self.session_type, self.command) {
                (Some(kind @ ("subsystem" | "none")), _) => kind,
                (_, "") => "shell",
                (_, _) => "exec",
            }),
            "exec" => return self.exec(argument, so_far),
            criterion => {
                return Err(Fault::UnknownCriterion { criterion: criterion.to_owned() });
            }
        })
    }

    /// Runs the command, if it still matters.
    fn exec(&self, argument: &str, so_far: bool) -> Result<bool, Fault> {
        let command = self
            .tokens
            .expand(argument)
            .map_err(|fault| Fault::Expand { keyword: "match exec", fault })?;
        if !so_far {
            // A criterion that is not asked changes nothing.
            return Ok(true);
        }
        self.world.run(&command).map_err(|detail| Fault::Exec { command, detail })
    }
}
