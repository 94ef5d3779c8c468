//! A session's trouble in words.

use super::code::session_code;
use super::link::{link_failure, sentence};
use super::told::Told;
use crate::domain::agent::profile_of_program;
use crate::domain::failure::Failure;
use crate::domain::failure::catalogue::{Code, Session};
use crate::domain::failure::quote::{one_line, sh_remote, shown_path};
use crate::domain::failure::trouble::{LostWhy, NoEntry, SessionTrouble};
use crate::domain::failure::whereabouts::Whereabouts;

/// The failure that `trouble` is at `at`.
#[must_use]
pub fn session_failure(trouble: &SessionTrouble, at: &Whereabouts) -> Failure {
    let told = tell(trouble, at);
    match trouble {
        // What kept the session is what a person has to mend.
        SessionTrouble::NotStartedInTime { last: Some(link), .. } => {
            let link = link_failure(link, at);
            let told = told.by(link.evidence.as_deref().unwrap_or_default());
            let mut failure = told.failure(session_code(trouble), at);
            failure.remedy = link.remedy.or(failure.remedy);
            failure
        }
        _ => told.failure(session_code(trouble), at),
    }
}

fn tell(trouble: &SessionTrouble, at: &Whereabouts) -> Told {
    use SessionTrouble as T;
    let host = at.host();
    match trouble {
        T::WorkingDirectory { dir, why } => no_entry(dir, *why, &host),
        T::CommandNotFound { program, agent, path, instead } => {
            let told = not_found(program, agent.as_deref(), path, at);
            if instead.is_empty() {
                return told;
            }
            told.by(&format!("found there instead: {}", instead.join(", ")))
        }
        T::NotExecutable { program } => {
            Told::new(format!("{program} may not be executed on {host}")).path("program", program)
        }
        T::WrongFormat { program } => {
            Told::new(format!("{host} does not know how to execute {program}"))
                .path("program", program)
        }
        T::LoaderMissing { program } => Told::new(format!(
            "{program} is on {host}, and the interpreter or loader that it names is not"
        ))
        .path("program", program),
        T::InterpreterMissing { program, interpreter } => {
            Told::new(format!("{program} needs {interpreter}, which is not on the PATH of {host}"))
                .word("interpreter", interpreter)
                .with("install_interpreter", install_interpreter(interpreter, at))
        }
        T::ShellBroken { said, .. } => {
            Told::new(shell_words(session_code(trouble), &host)).by(said)
        }
        T::ShellSilent { said } => Told::new(shell_words(session_code(trouble), &host)).by(said),
        T::UserlandMissing { programs } => {
            let programs: Vec<String> = programs.iter().map(|name| one_line(name)).collect();
            Told::new(format!("{host} lacks programs that every Unix has: {}", programs.join(", ")))
                .with("programs", programs.join(" "))
        }
        T::Spool { dir, detail } => {
            Told::new(format!("the session's spool {dir} cannot be used on {host}"))
                .by(detail)
                .path("dir", dir)
        }
        T::OutputCut { dir } => Told::new(format!(
            "the disk with the session's spool {dir} was full on {host} when the session ended; its output may not be whole"
        ))
        .path("dir", dir),
        T::NoSetsid => Told::new(format!(
            "nothing on {host} gives a process a session of its own"
        )),
        T::EndsAtLogout => Told::new(format!(
            "logind on {host} kills the session when this user logs out there"
        )),
        T::Lost { why } => Told::new(lost(*why, &host)),
        T::TimedOut { seconds } => {
            Told::new(format!("the session was stopped on {host} after {seconds} s"))
        }
        T::NotStartedInTime { seconds, last } => {
            let last = last.as_ref().map(|link| format!(": {}", sentence(link, at)));
            let last = last.unwrap_or_default();
            Told::new(format!("the session was not started on {host} within {seconds} s{last}"))
        }
        T::Cancelled => Told::new("the session was stopped before it had started"),
        T::EnvUnavailable { name, detail } => {
            Told::new(format!("the value of {name} cannot be had on this machine")).by(detail)
        }
        T::Unattended => Told::new(format!(
            "nobody follows the session on {host} for now: the daemon failed on it again and again"
        )),
        T::Unkillable { pids } => unkillable(pids, &host),
        T::Agent { agent, profile, conversation, complaint } => {
            super::agent::tell(agent, *profile, conversation.as_deref(), complaint, at)
        }
    }
}

fn no_entry(dir: &str, why: NoEntry, host: &str) -> Told {
    let what = match why {
        NoEntry::Missing => "does not exist",
        NoEntry::NotADirectory => "is no directory",
        NoEntry::Denied => "may not be entered",
    };
    Told::new(format!("the working directory {dir} {what} on {host}")).path("dir", dir)
}

/// What the login shell did, by what it was understood to be.
fn shell_words(code: Code, host: &str) -> String {
    match code {
        Code::Session(Session::ShellNoLogin) => format!("this account may not log in on {host}"),
        Code::Session(Session::ShellUnsupported) => {
            format!("{host} runs Windows, and longhaul needs a POSIX sh")
        }
        Code::Session(Session::ShellAppliance) => {
            format!("{host} answers with a command line of its own, and longhaul needs a POSIX sh")
        }
        Code::Session(Session::ShellRestricted) => {
            format!("this account, or its key, may not run commands on {host}")
        }
        Code::Session(Session::ShellReplaced) => {
            format!("something else than the runner ran on {host}, and ended well")
        }
        Code::Session(Session::ShellSilent) => {
            format!("the login shell on {host} waits for something and does not reach the runner")
        }
        _ => format!("the login shell on {host} did not reach the runner"),
    }
}

fn lost(why: LostWhy, host: &str) -> String {
    match why {
        LostWhy::Rebooted => format!("{host} was restarted while the session ran"),
        LostWhy::Killed => format!("the session was killed on {host} from outside"),
        LostWhy::SpoolGone => format!("the session's spool on {host} was removed"),
        LostWhy::Unknown => format!("the session is gone from {host} and left no exit record"),
    }
}

fn unkillable(pids: &[u32], host: &str) -> Told {
    let list = |by: &str| pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(by);
    Told::new(format!("processes survived KILL on {host}: {}", list(", "))).with("pids", list(","))
}

fn not_found(program: &str, agent: Option<&str>, path: &str, at: &Whereabouts) -> Told {
    let what = match agent {
        Some(agent) => format!("{program}, the program of the agent {agent}, is"),
        None => format!("{program} is"),
    };
    // A name with a slash is looked for in one place.
    let looked = match path {
        _ if program.contains('/') => String::new(),
        "" => "; its PATH is empty".to_owned(),
        path => format!("; looked in {path}"),
    };
    Told::new(format!("{what} not on {}{looked}", at.host()))
        .path("program", program)
        .with("install", install(program, at))
}

/// The command that installs an agent's program, where there is a usual one.
fn install(program: &str, at: &Whereabouts) -> String {
    match profile_of_program(program).and_then(|kind| kind.cli().spec().install) {
        Some(command) => at.there(command),
        None => {
            let look = at.there(&format!("command -v {}", shown_path(program)));
            let program = one_line(program);
            format!("# install {program} on {}; this has to find it:\n{look}", at.host())
        }
    }
}

/// The command that installs an interpreter on Debian and Ubuntu; a password
/// for sudo needs a terminal.
fn install_interpreter(interpreter: &str, at: &Whereabouts) -> String {
    let package = match interpreter.rsplit('/').next().unwrap_or(interpreter) {
        "node" | "nodejs" => "nodejs",
        "python3" => "python3",
        "python" => "python-is-python3",
        "ruby" => "ruby",
        "perl" => "perl",
        "bash" => "bash",
        "zsh" => "zsh",
        "fish" => "fish",
        _ => return format!("# install {} on {}", one_line(interpreter), at.host()),
    };
    let command = format!("sudo apt-get install {package}");
    match &at.destination {
        Some(to) => format!("{} -- {}", to.ssh("-t"), sh_remote(&command)),
        None => at.there(&command),
    }
}
