//! `KnownHostsCommand`: ssh_config(5).

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use russh::keys::PublicKey;

use super::fingerprint;
use crate::ssh::known_hosts::{self, Entry};

/// The most that a command may print, in bytes.
const MOST: u64 = 1 << 20;

/// The entries that the command prints. As with `ssh`, one that fails knows
/// nothing, and the files are what is left.
///
/// It is run once before the key exchange and once with the key that was shown;
/// `%I` tells which.
pub(super) fn entries(argv: &[String], name: &str, key: Option<&PublicKey>) -> Vec<Entry> {
    let argv: Vec<String> = argv.iter().map(|arg| expand(arg, name, key)).collect();
    let Some((program, args)) = argv.split_first() else { return Vec::new() };
    match run(program, args) {
        Ok(text) => known_hosts::parse(Path::new(program), &text),
        Err(error) => {
            tracing::warn!(program, %error, "KnownHostsCommand failed");
            Vec::new()
        }
    }
}

fn run(program: &str, args: &[String]) -> std::io::Result<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let mut text = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST).read_to_end(&mut text)?;
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(std::io::Error::other(status.to_string()));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Puts in what only the key exchange knows.
fn expand(arg: &str, name: &str, key: Option<&PublicKey>) -> String {
    let mut text = String::new();
    let mut chars = arg.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match (chars.next(), key) {
            (Some('H'), _) => text.push_str(name),
            (Some('I'), Some(_)) => text.push_str("HOSTNAME"),
            (Some('I'), None) => text.push_str("ORDER"),
            (Some('t'), Some(key)) => text.push_str(key.algorithm().as_str()),
            (Some('f'), Some(key)) => text.push_str(&fingerprint(key)),
            (Some('K'), Some(key)) => {
                let line = key.to_openssh().unwrap_or_default();
                text.push_str(line.split(' ').nth(1).unwrap_or_default());
            }
            (Some('t' | 'f' | 'K'), None) => text.push_str("NONE"),
            (Some('%'), _) => text.push('%'),
            (Some(other), _) => text.extend(['%', other]),
            (None, _) => text.push('%'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_prints_is_known_and_what_a_failed_one_prints_is_not() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";
        let command = |end: &str| {
            let script = format!("echo \"$1 {key}\"; {end}");
            ["/bin/sh", "-c", &script, "sh", "%H"].map(str::to_owned)
        };
        assert_eq!(entries(&command("true"), "[box]:2200", None).len(), 1);
        assert!(entries(&command("true"), "[box]:2200", None)[0].is_for("[box]:2200"));
        assert_eq!(entries(&command("exit 3"), "box", None), []);
        assert_eq!(entries(&["/nonexistent".to_owned()], "box", None), []);
    }

    #[test]
    fn what_is_not_known_before_the_key_exchange_is_none() {
        assert_eq!(expand("%H %I %t %%x", "box", None), "box ORDER NONE %x");
    }
}
