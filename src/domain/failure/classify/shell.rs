//! What a login shell says when it does not reach the runner.

/// What its words point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShellHint {
    /// The account is closed, or its password has expired.
    NoLogin,
    /// The shell may not be executed, or may not read a file.
    Denied,
    /// A start-up file has an error.
    Profile,
    /// It is no POSIX shell at all.
    Windows,
}

/// The words that point there: nologin(8) of shadow-utils and the BSDs,
/// pam_unix and sshd on expiry, the syntax errors of bash, dash, busybox,
/// zsh, ksh, mksh, fish and tcsh, and Windows' two shells.
const HINTS: &[(ShellHint, &[&str])] = &[
    (
        ShellHint::Windows,
        &[
            "is not recognized as an internal or external command",
            "is not recognized as the name of a cmdlet",
            "is not recognized as a name of a cmdlet",
            "the system cannot find the path specified",
        ],
    ),
    (
        ShellHint::NoLogin,
        &[
            "this account is currently not available",
            "this account is not available",
            "your password has expired",
            "your account has expired",
            "password change required",
        ],
    ),
    (
        ShellHint::Profile,
        &[
            "syntax error",
            "parse error near",
            "unexpected eof while looking for matching",
            "unexpected end of file",
            "unterminated quoted string",
            "no closing quote",
            "error while reading file",
            "expression syntax.",
            "unmatched '",
            "unmatched \"",
        ],
    ),
    (ShellHint::Denied, &["permission denied"]),
];

/// The first hint in what was said, the surest ones before the vaguer.
///
/// Nothing of an agent can be in it: the runner was not reached.
pub(super) fn shell_hint(said: &str) -> Option<ShellHint> {
    let said = said.to_lowercase();
    let spoken = |words: &&[&str]| words.iter().any(|words| said.contains(words));
    HINTS.iter().find(|(_, words)| spoken(words)).map(|(hint, _)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_real_shells_are_understood() {
        use ShellHint::{Denied, NoLogin, Profile, Windows};
        for (said, hint) in [
            ("This account is currently not available.\n", Some(NoLogin)),
            (
                "WARNING: Your password has expired.\nPassword change required but no TTY available.",
                Some(NoLogin),
            ),
            ("bash: /home/me/.bashrc: Permission denied", Some(Denied)),
            ("/home/me/.bashrc: line 3: syntax error: unexpected end of file", Some(Profile)),
            ("/home/me/.profile: 2: Syntax error: Unterminated quoted string", Some(Profile)),
            ("/home/me/.zshenv:3: parse error near `\\n'", Some(Profile)),
            ("/home/me/.zshenv:2: unmatched \"", Some(Profile)),
            ("Unmatched '\"'.", Some(Profile)),
            ("if: Expression Syntax.", Some(Profile)),
            ("warning: Error while reading file /home/me/.config/fish/config.fish", Some(Profile)),
            ("E: .mkshrc[2]: no closing quote", Some(Profile)),
            (".profile: syntax error at line 3: `then' unmatched", Some(Profile)),
            (
                "'exec' is not recognized as an internal or external command,\r\noperable program",
                Some(Windows),
            ),
            (
                "exec : The term 'exec' is not recognized as the name of a cmdlet, function",
                Some(Windows),
            ),
            ("Welcome to the machine", None),
            ("", None),
        ] {
            assert_eq!(shell_hint(said), hint, "{said:?}");
        }
    }
}
