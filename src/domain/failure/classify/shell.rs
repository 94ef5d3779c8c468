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
    /// The account, or its key, is for something else than a shell.
    Restricted,
    /// It is the command line of a router, a switch or the like.
    Appliance,
}

/// The words that point there: nologin(8) of shadow-utils and the BSDs,
/// pam_unix and sshd on expiry, the syntax errors of bash, dash, busybox,
/// zsh, ksh, mksh, fish and tcsh, Windows' two shells; OpenSSH's internal-sftp
/// (session.c), restricted bash, git-shell, gitolite, rssh and what code hosts
/// say; Cisco IOS and its like, Junos, RouterOS, FortiOS and VRP.
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
        ShellHint::Restricted,
        &[
            "this service allows sftp connections only",
            "restricted: cannot specify",
            "exec: restricted",
            "fatal: unrecognized command '",
            "interactive git shell is not enabled",
            "unknown git/gitolite command",
            "does not provide shell access",
            "this account is restricted by rssh",
        ],
    ),
    (
        ShellHint::Appliance,
        &[
            "% invalid input detected",
            "% unknown command",
            "line has invalid autocommand",
            "syntax error, expecting <command>",
            "bad command name exec",
            "unknown action 0",
            "error: unrecognized command",
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

/// Whether what was said ends as the command lines of routers, switches and
/// Windows wait for a command: `core-1#`, `[admin@edge] > `, `C:\\Users\\me>`.
///
/// A POSIX shell that was given a command shows no prompt.
pub(super) fn ends_in_prompt(said: &str) -> bool {
    const LONGEST: usize = 80;
    // Whoever prompts leaves the cursor on the line.
    let last = said.rsplit(['\n', '\r']).next().unwrap_or_default().trim();
    let body = last.strip_suffix(['>', '#']).unwrap_or_default();
    !body.is_empty() && last.chars().count() <= LONGEST && !body.contains('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_a_short_line_that_the_cursor_stays_on() {
        for (said, prompt) in [
            ("core-1>", true),
            ("Welcome\r\n\r\ncore-1# ", true),
            ("[admin@edge] > ", true),
            ("Microsoft Windows\r\nC:\\Users\\me>", true),
            ("core-1>\n", false),
            ("loading", false),
            ("#", false),
            ("<html><body>", false),
            ("", false),
        ] {
            assert_eq!(ends_in_prompt(said), prompt, "{said:?}");
        }
    }

    #[test]
    fn the_words_of_real_shells_are_understood() {
        use ShellHint::{Appliance, Denied, NoLogin, Profile, Restricted, Windows};
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
            ("This service allows sftp connections only.\r\n", Some(Restricted)),
            (
                "rbash: line 1: /bin/sh: restricted: cannot specify `/' in command names",
                Some(Restricted),
            ),
            ("rbash: line 1: exec: restricted", Some(Restricted)),
            ("fatal: unrecognized command 'exec /bin/sh -c ...'", Some(Restricted)),
            (
                "Hi me! You've successfully authenticated, but GitHub does not provide shell access.",
                Some(Restricted),
            ),
            (
                "exec /bin/sh\r\n     ^\r\n% Invalid input detected at '^' marker.\r\n",
                Some(Appliance),
            ),
            ("Line has invalid autocommand \"exec /bin/sh\"", Some(Appliance)),
            ("bad command name exec (line 1 column 1)", Some(Appliance)),
            ("error: syntax error, expecting <command>: exec", Some(Appliance)),
            ("Welcome to the machine", None),
            ("", None),
        ] {
            assert_eq!(shell_hint(said), hint, "{said:?}");
        }
    }
}
