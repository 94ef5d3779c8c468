//! What longhaul tells people to type means what it should in a real shell.

use std::process::Command;

use longhaul::domain::failure::quote::{sh_path, sh_quote, sh_remote};

const NASTY: [&str; 22] = [
    "",
    " ",
    "plain",
    "two words",
    "it's",
    "'",
    "''",
    "a'b\"c`d$e\\f",
    "$(touch /tmp/never)",
    "`id`",
    "${HOME}",
    "~",
    "~root",
    "*",
    "[a-z]?{b,c}",
    "a;b&c|d<e>f(g)#h!i",
    "#",
    "-n",
    "=ls",
    "new\nline\n",
    "tab\tand\u{1b}[31mescape\\033\\n",
    "ünï ‘quotes’ ключ 🚢",
];

fn said_by_sh(script: &str) -> Option<Vec<u8>> {
    let output = Command::new("/bin/sh").arg("-c").arg(script).output().ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn a_quoted_value_is_one_word_with_that_value() {
    for value in NASTY {
        let script = format!("set -- {}; printf '%s.%s' \"$#\" \"$1\"", sh_quote(value));
        assert_eq!(said_by_sh(&script), Some(format!("1.{value}").into_bytes()), "{value:?}");
    }
}

#[test]
fn a_command_survives_the_shell_on_the_way_and_the_shell_over_there() {
    for value in NASTY {
        let command = format!("printf %s {}", sh_quote(value));
        // ssh joins its arguments with blanks and hands them to a shell.
        let script = format!("set -- {}; exec /bin/sh -c \"$*\"", sh_remote(&command));
        assert_eq!(said_by_sh(&script), Some(value.as_bytes().to_vec()), "{value:?}");
    }
}

#[test]
fn a_home_directory_is_expanded_and_nothing_else_is() {
    let said = |path: &str| said_by_sh(&format!("HOME=/h; printf %s {}", sh_path(path)));
    assert_eq!(said("~").as_deref(), Some(&b"/h"[..]));
    assert_eq!(said("~/my $HOME/*").as_deref(), Some(&b"/h/my $HOME/*"[..]));
    assert_eq!(said("/~/x").as_deref(), Some(&b"/~/x"[..]));
    assert_eq!(said("-rf").as_deref(), Some(&b"./-rf"[..]));
}
