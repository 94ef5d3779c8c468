//! The machine itself: its shell, its programs, its server, its clock.

use crate::domain::doctor::facts::{Channels, Facts, Skew};
use crate::domain::doctor::{Finding, Status};
use crate::domain::failure::whereabouts::Whereabouts;

/// Seconds by which a clock may be wrong before anybody is told,
const SKEW_NOTED: u64 = 5;
/// and before it is trouble.
const SKEW_WARNED: u64 = 60;
/// Channels on one link that nothing is missing with: OpenSSH's own default.
const ENOUGH_CHANNELS: u32 = 10;
/// The most of what start-up files print that is shown.
const SHOWN_NOISE: usize = 120;

pub(super) fn noise(facts: &Facts, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.rc-noise";
    let noise = facts.noise.trim();
    if noise.is_empty() {
        return Finding::ok(ID, "start-up files print nothing");
    }
    let line: String = noise.lines().next().unwrap_or_default().chars().take(SHOWN_NOISE).collect();
    let guard = match base(&facts.shell) {
        "fish" => {
            "# in ~/.config/fish/config.fish, around what prints: if status is-interactive … end"
        }
        "csh" | "tcsh" => "# in ~/.cshrc or ~/.tcshrc, before what prints: if (! $?prompt) exit",
        "zsh" => {
            "# move what prints from ~/.zshenv to ~/.zshrc, which only a terminal's shell reads"
        }
        _ => "# in ~/.bashrc, before what prints: case $- in *i*) ;; *) return ;; esac",
    };
    Finding::new(
        ID,
        Status::Note,
        format!("start-up files print {} bytes before every command: {line:?}", noise.len()),
        "longhaul leaves it out of what sessions print. scp, rsync, git and others that speak over ssh break on it.",
    )
    .with(format!("{guard}\n# then this prints nothing:\n{}", at.there("true")))
}

pub(super) fn shell(facts: &Facts) -> Finding {
    let login = match facts.shell.as_str() {
        "" => "SHELL is not set".to_owned(),
        shell => format!("the login shell is {shell}"),
    };
    Finding::ok("doctor.shell", format!("{login}; /bin/sh runs the sessions"))
}

pub(super) fn path(facts: &Facts, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.path";
    let Some(login) = &facts.login_path else {
        return Finding::new(
            ID,
            Status::Warn,
            format!(
                "the login shell did not tell its PATH within 5 s; sessions have {}",
                facts.path
            ),
            "A program that start-up files add to the PATH, as nvm or mise do, is not found.",
        )
        .with(format!(
            "# what holds it up, or ends it:\n{}",
            at.there("\"$SHELL\" -l -i -c true")
        ));
    };
    let bare: Vec<&str> = facts.path.split(':').collect();
    let mut added: Vec<&str> = Vec::new();
    for dir in login.split(':') {
        if !bare.contains(&dir) && !added.contains(&dir) {
            added.push(dir);
        }
    }
    if added.is_empty() {
        return Finding::ok(ID, format!("the same in every shell: {login}"));
    }
    Finding::new(
        ID,
        Status::Note,
        format!("the login shell alone adds {}", added.join(":")),
        "Sessions have the login shell's PATH, so they find what is there; a plain ssh command does not.",
    )
}

pub(super) fn setsid(facts: &Facts, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.setsid";
    const WHY: &str = "A session has to be apart from the login that starts it, or it cannot be stopped as a whole.";
    let install = || {
        let look = at.there("command -v setsid");
        format!("# install util-linux there, which has setsid; then this tells where:\n{look}")
    };
    match facts.setsid.as_deref() {
        None => {
            let what =
                "there is no setsid, perl, python3, or bash as /bin/sh: no session can start";
            Finding::new(ID, Status::Fail, what, WHY).with(install())
        }
        Some("") => {
            let what = "there is no setsid; bash's job control takes its place";
            let why = "A command that makes groups of its own is found by its mark alone when it is stopped.";
            Finding::new(ID, Status::Note, what, why).with(install())
        }
        Some(file) if base(file) == "setsid" => Finding::ok(ID, file),
        Some(file) => Finding::ok(ID, format!("{file} takes its place")),
    }
}

/// The system's programs that the runner needs.
pub(super) fn tools(facts: &Facts, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.tail";
    if facts.lacks.is_empty() {
        return Finding::ok(ID, "tail and the other programs of the system are there");
    }
    let lacks = facts.lacks.join(", ");
    Finding::new(
        ID,
        Status::Fail,
        format!("not on the PATH that sshd gives: {lacks}"),
        "The runner is made of the programs that every system has: tail follows a session's output.",
    )
    .with(format!(
        "# install coreutils there, or mend the PATH in /etc/environment or sshd's SetEnv; then this tells where:\n{}",
        at.there(&format!("command -v {}", facts.lacks.join(" ")))
    ))
}

pub(super) fn channels(channels: Channels, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.max-sessions";
    let Channels { opened, refused } = channels;
    if !refused {
        return Finding::ok(ID, format!("{opened} channels and more on one link"));
    }
    if opened >= ENOUGH_CHANNELS {
        return Finding::ok(ID, format!("{opened} channels on one link"));
    }
    let status = if opened < 2 { Status::Warn } else { Status::Note };
    let what = match opened {
        1 => "one channel on a link".to_owned(),
        opened => format!("{opened} channels on one link"),
    };
    Finding::new(
        ID,
        status,
        what,
        "A session takes a channel, and one is kept back to stop sessions with. What finds none takes a link of its own, and logs in once more.",
    )
    .with(format!(
        "# as root there: MaxSessions {ENOUGH_CHANNELS} in /etc/ssh/sshd_config, then systemctl reload ssh; what it says now:\n{}",
        at.there("grep -i MaxSessions /etc/ssh/sshd_config")
    ))
}

pub(super) fn clock(skew: Skew, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.clock";
    let off = skew.ahead.unsigned_abs();
    if off <= SKEW_NOTED {
        return Finding::ok(ID, "its clock agrees with the one here");
    }
    let status = if off <= SKEW_WARNED { Status::Note } else { Status::Warn };
    let side = if skew.ahead > 0 { "ahead of" } else { "behind" };
    Finding::new(
        ID,
        status,
        format!("its clock is {off} s {side} the one here"),
        "Logins and certificates of agents are refused by a clock that is wrong, and what make builds depends on it.",
    )
    .with(format!("date\n{}\n# as root where it is wrong: timedatectl set-ntp true", at.there("date")))
}

/// The last part of a path.
pub(super) fn base(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}
