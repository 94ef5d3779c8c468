//! Asking for `ssh`, under the name of its askpass program.
//!
//! A login by the system's `ssh` starts this with its question; the daemon, which
//! listens beside the link that has the name, asks a person and answers.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use zeroize::Zeroizing;

use crate::domain::transport::{ASKPASS, ASKPASS_SOCKET};

/// Asks, if this is what the program was started as.
pub(super) fn asked_for(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let name = args.next()?;
    let link = Path::new(&name);
    if link.file_name()? != ASKPASS {
        return None;
    }
    let prompt = args.next().unwrap_or_default();
    let answer = ask(&link.with_file_name(ASKPASS_SOCKET), &prompt.to_string_lossy());
    Some(match answer.as_deref() {
        Some(answer) if say(answer) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The answer; `None` where there is none, or nobody who asks.
fn ask(socket: &Path, prompt: &str) -> Option<Zeroizing<String>> {
    let hint = std::env::var("SSH_ASKPASS_PROMPT").unwrap_or_default();
    let mut daemon = UnixStream::connect(socket).ok()?;
    // Who asks: the `ssh` of a jump host asks apart from that of the destination.
    let asker = std::os::unix::process::parent_id();
    let hint = hint.replace(['\n', '\0'], " ");
    let question = format!("{hint}\n{asker}\n{}\0", prompt.replace('\0', " "));
    daemon.write_all(question.as_bytes()).ok()?;
    // Room from the start, so that no copy is left behind by growing.
    let mut answer = Zeroizing::new(String::with_capacity(2048));
    daemon.read_to_string(&mut answer).ok()?;
    answer.strip_prefix('+').map(|answer| Zeroizing::new(answer.to_owned()))
}

fn say(answer: &str) -> bool {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}").and_then(|()| out.flush()).is_ok()
}
