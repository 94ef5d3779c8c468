//! `KnownHostsCommand`: ssh_config(5).

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use russh::keys::PublicKey;
use rustix::process::{Pid, Signal, kill_process_group};

use super::fingerprint;
use crate::domain::failure::trouble::LinkTrouble;
use crate::ssh::known_hosts::{self, Entry};

/// The most that a command may print, in bytes.
const MOST: u64 = 1 << 20;

/// How long a command may take: ssh would wait for ever.
const WITHIN: Duration = Duration::from_secs(30);

/// The entries that the command prints. As with `ssh`, one that is not there
/// knows nothing, and the files are what is left; one that fails ends the login.
///
/// It is run once before the key exchange and once with the key that was shown;
/// `%I` tells which.
///
/// # Errors
///
/// [`LinkTrouble::KnownHostsCommand`] when it fails, or takes too long.
pub(super) fn entries(
    argv: &[String],
    name: &str,
    key: Option<&PublicKey>,
) -> Result<Vec<Entry>, LinkTrouble> {
    let argv: Vec<String> = argv.iter().map(|arg| expand(arg, name, key)).collect();
    let Some((program, args)) = argv.split_first() else { return Ok(Vec::new()) };
    if !Path::new(program).exists() {
        tracing::warn!(program, "there is no such KnownHostsCommand");
        return Ok(Vec::new());
    }
    match run(program, args, WITHIN) {
        Ok(text) => Ok(known_hosts::parse(Path::new(program), &text)),
        Err(error) => Err(LinkTrouble::KnownHostsCommand {
            program: program.into(),
            detail: error.to_string(),
        }),
    }
}

fn run(program: &str, args: &[String], within: Duration) -> io::Result<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.process_group(0).spawn()?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (done, waits) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let is_late = waits.recv_timeout(within) == Err(RecvTimeoutError::Timeout);
        if let (true, Some(group)) = (is_late, group) {
            // What it started holds its output open, too.
            let _ = kill_process_group(group, Signal::KILL);
        }
        is_late
    });
    let mut text = Vec::new();
    let read = match child.stdout.take() {
        Some(stdout) => stdout.take(MOST).read_to_end(&mut text).map(drop),
        None => Ok(()),
    };
    // Not before the watch is over: a process that was waited for has no id.
    drop(done);
    let is_late = watch.join().unwrap_or(false);
    let status = child.wait()?;
    if is_late {
        let words = format!("not done within {} s", within.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, words));
    }
    read?;
    if !status.success() {
        return Err(io::Error::other(status.to_string()));
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
    fn what_a_command_prints_is_known_and_one_that_fails_is_a_failure() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";
        let command = |end: &str| {
            let script = format!("echo \"$1 {key}\"; {end}");
            ["/bin/sh", "-c", &script, "sh", "%H"].map(str::to_owned)
        };
        let printed = entries(&command("true"), "[box]:2200", None).unwrap();
        assert!(printed.len() == 1 && printed[0].is_for("[box]:2200"));
        let failed = |end: &str| entries(&command(end), "box", None).unwrap_err();
        let LinkTrouble::KnownHostsCommand { program, detail } = failed("exit 3") else { panic!() };
        assert_eq!((program.to_str(), &*detail), (Some("/bin/sh"), "exit status: 3"));
        assert!(matches!(failed("kill -9 $$"), LinkTrouble::KnownHostsCommand { .. }));
        assert_eq!(entries(&["/no/such/command".to_owned()], "box", None).unwrap(), []);
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_what_it_started() {
        let args = ["-c", "sleep 1000 & sleep 1000"].map(str::to_owned);
        let error = run("/bin/sh", &args, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn what_is_not_known_before_the_key_exchange_is_none() {
        assert_eq!(expand("%H %I %t %%x", "box", None), "box ORDER NONE %x");
    }
}
