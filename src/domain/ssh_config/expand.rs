//! `%` tokens, `${VARIABLES}` and `~`.

use thiserror::Error;

use super::world::{Machine, World};

/// Why a value cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpandFault {
    /// A token that there is not, or not here.
    #[error("unknown key %{token}")]
    UnknownToken {
        /// The token's letter.
        token: char,
    },
    /// A `%` at the end.
    #[error("invalid format: % at the end")]
    LonePercent,
    /// `${` without `}`.
    #[error("environment variable '{name}' missing closing '}}'")]
    NoBrace {
        /// What stands after it.
        name: String,
    },
    /// `${}`.
    #[error("zero-length environment variable")]
    NoName,
    /// A variable that is not set.
    #[error("env var ${{{name}}} has no value")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// `~user` of a user that there is not.
    #[error("No such user {name}")]
    NoUser {
        /// The name.
        name: String,
    },
}

/// What each token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens(Vec<(char, String)>);

impl Tokens {
    pub(super) fn new(pairs: impl IntoIterator<Item = (char, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    pub(super) fn with(mut self, token: char, value: impl Into<String>) -> Self {
        self.0.push((token, value.into()));
        self
    }

    /// Only these.
    pub(super) fn only(&self, letters: &str) -> Self {
        Self(self.0.iter().filter(|(token, _)| letters.contains(*token)).cloned().collect())
    }

    fn value(&self, token: char) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == token).map(|(_, value)| value.as_str())
    }

    /// The text with its tokens expanded.
    ///
    /// # Errors
    ///
    /// A token that is not among these.
    pub fn expand(&self, text: &str) -> Result<String, ExpandFault> {
        self.pass(text, None)
    }

    /// The text with its tokens and `${VARIABLES}` expanded.
    ///
    /// # Errors
    ///
    /// A token that is not among these, or a variable that is not set.
    pub fn expand_with_variables(
        &self,
        text: &str,
        world: &dyn World,
    ) -> Result<String, ExpandFault> {
        self.pass(text, Some(world))
    }

    /// The text with its tokens expanded, all but those in `later`: what comes
    /// out is expanded once more when these are known.
    ///
    /// # Errors
    ///
    /// A token that is in neither.
    pub fn expand_but(&self, text: &str, later: &str) -> Result<String, ExpandFault> {
        let doubled = self.0.iter().map(|(token, value)| (*token, value.replace('%', "%%")));
        let kept = later.chars().map(|token| (token, format!("%{token}")));
        Self(kept.chain(doubled).collect()).expand(&text.replace("%%", "%%%%"))
    }

    fn pass(&self, text: &str, variables: Option<&dyn World>) -> Result<String, ExpandFault> {
        let (mut expanded, mut rest) = (String::new(), text);
        let mut missing = None;
        while let Some(c) = rest.chars().next() {
            if let (Some(world), Some(after)) = (variables, rest.strip_prefix("${")) {
                let (name, after) = variable(after)?;
                match world.variable(name) {
                    Some(value) => expanded.push_str(&value),
                    // Whatever else is wrong counts for more.
                    None => missing = Some(ExpandFault::NoVariable { name: name.to_owned() }),
                }
                rest = after;
                continue;
            }
            rest = &rest[c.len_utf8()..];
            if c != '%' {
                expanded.push(c);
                continue;
            }
            let token = rest.chars().next().ok_or(ExpandFault::LonePercent)?;
            rest = &rest[token.len_utf8()..];
            match token {
                '%' => expanded.push('%'),
                token => {
                    let unknown = ExpandFault::UnknownToken { token };
                    expanded.push_str(self.value(token).ok_or(unknown)?);
                }
            }
        }
        missing.map_or(Ok(expanded), Err)
    }
}

/// The text with its `${VARIABLES}` expanded, and nothing else.
pub(super) fn variables(text: &str, world: &dyn World) -> Result<String, ExpandFault> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = variable(after)?;
        let missing = || ExpandFault::NoVariable { name: name.to_owned() };
        expanded.push_str(before);
        expanded.push_str(&world.variable(name).ok_or_else(missing)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The name of a variable up to `}`, and what comes after that.
fn variable(text: &str) -> Result<(&str, &str), ExpandFault> {
    match text.split_once('}') {
        None => Err(ExpandFault::NoBrace { name: text.to_owned() }),
        Some(("", _)) => Err(ExpandFault::NoName),
        Some(parts) => Ok(parts),
    }
}

/// `~`, `~/path` and `~user/path`.
pub(super) fn tilde(
    path: &str,
    machine: &Machine,
    world: &dyn World,
) -> Result<String, ExpandFault> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
    let home = match user {
        "" => machine.home.clone(),
        name => {
            let missing = || ExpandFault::NoUser { name: name.to_owned() };
            world.home_of(name).ok_or_else(missing)?
        }
    };
    let slash = if home.ends_with('/') { "" } else { "/" };
    Ok(format!("{home}{slash}{}", below.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expanded_later_is_left_and_nothing_else_becomes_a_token() {
        let tokens = Tokens::new([('h', "a%Hb".to_owned()), ('H', "no".to_owned())]);
        assert_eq!(tokens.expand_but("%h %H %% %%H", "HI").unwrap(), "a%%Hb %H %% %%H");
        let unknown = ExpandFault::UnknownToken { token: 'x' };
        assert_eq!(tokens.expand_but("%x", "H"), Err(unknown));
    }
}
