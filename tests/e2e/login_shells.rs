//! Whatever the account's login shell is, and whatever its rc files say.

use crate::support::sshd::Setup;
use crate::support::world::World;

/// Noise on both streams, in each shell's own words, in the files that it
/// reads for a command and in those that it reads as an interactive or login
/// shell; `~/tools` joins the PATH in the latter.
fn rc_files(shell: &str) -> Vec<(&'static str, String)> {
    let noise = "echo noise; echo more noise >&2\n";
    let sh_path = "PATH=\"$HOME/tools:$PATH\"; export PATH\n";
    match shell {
        // What Debian gives a new account: the login shell reads the same file.
        "bash" => vec![
            (".profile", "if [ -n \"$BASH_VERSION\" ]; then . ~/.bashrc; fi\n".to_owned()),
            (".bashrc", format!("{noise}case $- in *i*) ;; *) return;; esac\n{noise}{sh_path}")),
        ],
        "zsh" => {
            vec![(".zshenv", noise.to_owned()), (".zshrc", format!("{noise}{sh_path}"))]
        }
        "fish" => vec![(
            ".config/fish/config.fish",
            format!("{noise}status is-interactive; and set -gx PATH ~/tools $PATH\n"),
        )],
        // tcsh has no redirection of its standard error alone. It reads this
        // file always, and never counts as interactive with -c.
        "tcsh" => vec![(
            ".tcshrc",
            "echo noise\nsh -c 'echo more noise >&2'\nset path = ($HOME:q/tools $path:q)\n"
                .to_owned(),
        )],
        // dash and ash read a file for login shells alone.
        _ => vec![(".profile", format!("{noise}{sh_path}"))],
    }
}

fn world_with(shell: &'static str) -> World {
    let world = World::with(&Setup { shell, home: "home of mine", ..Setup::default() });
    for (file, text) in rc_files(shell) {
        world.sshd.write(file, &text);
    }
    let tool = world.sshd.write("tools/tool-of-mine", "#!/bin/sh\necho \"tool: $1\"\n");
    std::process::Command::new("chmod").arg("+x").arg(tool).status().unwrap();
    world
}

/// Holds what every login shell has to leave alone.
fn holds_behind(shell: &'static str) {
    let world = world_with(shell);
    let nasty = "a'b\"c $HOME `id` !x \\ \n d";
    let said = world.on_box(&["--", "printf", "%s", nasty]).exited(0);
    assert_eq!(said.out(), nasty, "{shell}: the argument");
    assert_eq!(said.err(), "", "{shell}: noise of rc files is no output");
    let said = world.on_box(&["--", "sh", "-c", "echo out; echo err >&2; exit 3"]).exited(3);
    assert_eq!((said.out().as_str(), said.err().as_str()), ("out\n", "err\n"), "{shell}");
    let said = world.on_box(&["--cwd", "~/tools", "--", "tool-of-mine", nasty]).exited(0);
    assert_eq!(said.out(), format!("tool: {nasty}\n"), "{shell}: PATH of the interactive shell");
}

#[test]
fn bash_is_left_as_it_is() {
    holds_behind("bash");
}

#[test]
fn dash_is_left_as_it_is() {
    holds_behind("dash");
}

#[test]
fn zsh_is_left_as_it_is() {
    holds_behind("zsh");
}

#[test]
fn fish_is_left_as_it_is() {
    holds_behind("fish");
}

#[test]
fn tcsh_is_left_as_it_is() {
    holds_behind("tcsh");
}

#[test]
fn busybox_ash_is_left_as_it_is() {
    holds_behind("ash");
}

#[test]
fn a_login_shell_that_lets_nothing_through_is_named() {
    let world = World::new();
    world.sshd.write(".bashrc", "echo 'this account is closed'; exit 1\n");
    world
        .on_box(&["--start-within", "5s", "--", "true"])
        .exited(125)
        .says("this account is closed");
}
