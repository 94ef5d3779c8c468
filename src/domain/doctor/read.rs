//! What the runner says of a machine, read.

use super::facts::{Disk, Facts, Inodes, Logout, Marked};

/// Reads the lines that `runner/doctor.sh` says. `None` if the last one is not
/// there: then some of it may be missing.
///
/// What stands in no known form is left out, as if it had not been told.
#[must_use]
pub fn facts(lines: &[String]) -> Option<Facts> {
    let mut facts = Facts::default();
    for line in lines {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let text = value.to_owned();
        match key {
            "examined" => return Some(facts),
            "system" => facts.system = text,
            "shell" => facts.shell = text,
            "path" => facts.path = text,
            "login-path" => facts.login_path = Some(text),
            "setsid" => facts.setsid = Some(text),
            "lacks" => facts.lacks.push(text),
            "spools" => facts.spools = text,
            "unwritable" => facts.unwritable = Some(text),
            "disk" => facts.disk = pair(value).map(|(free, total)| Disk { free, total }),
            "inodes" => {
                let pair = pair(value).filter(|(_, total)| *total > 0);
                facts.inodes = pair.map(|(free, total)| Inodes { free, total });
            }
            "fs" => facts.file_system = text,
            "logout" => facts.logout = logout(value),
            "marked" => facts.marked.extend(marked(value)),
            _ => {}
        }
    }
    None
}

/// What the machine's clock showed, in seconds since 1970, if `line` tells it.
#[must_use]
pub fn clock(line: &str) -> Option<u64> {
    line.strip_prefix("clock ")?.parse().ok()
}

fn pair(value: &str) -> Option<(u64, u64)> {
    let (free, total) = value.split_once(' ')?;
    Some((free.parse().ok()?, total.parse().ok()?))
}

fn logout(value: &str) -> Logout {
    match value {
        "kills" => Logout::Kills,
        "lingers" => Logout::Lingers,
        "spared" => Logout::Spared,
        _ => Logout::NoLogind,
    }
}

fn marked(value: &str) -> Option<Marked> {
    let (pid, session) = value.split_once(' ')?;
    Some(Marked { pid: pid.parse().ok()?, session: session.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn facts_are_read_and_garbage_is_left_out() {
        let said = "clock 1700000000\nsystem Linux\nshell /usr/bin/fish\npath /usr/bin:/bin\n\
                    login-path /home/a b/bin:/usr/bin\nsetsid \nlacks tail\nlacks mkfifo\n\
                    spools /home/me/.local/state/longhaul/1\nunwritable cannot create: Read-only\n\
                    disk 100 2000\ninodes 0 0\nfs nfs\nlogout kills\n\
                    marked 12 0123456789\nmarked x 0123456789\nmarked 13 none\nwhat is this\n\
                    examined\nsystem Darwin";
        let read = facts(&lines(said)).expect("whole");
        assert_eq!((read.system.as_str(), read.shell.as_str()), ("Linux", "/usr/bin/fish"));
        assert_eq!(read.login_path.as_deref(), Some("/home/a b/bin:/usr/bin"));
        assert_eq!(read.setsid.as_deref(), Some(""));
        assert_eq!(read.lacks, ["tail", "mkfifo"]);
        assert_eq!(read.unwritable.as_deref(), Some("cannot create: Read-only"));
        assert_eq!(read.disk, Some(Disk { free: 100, total: 2000 }));
        // A file system that makes inodes as they are needed tells of none.
        assert_eq!(read.inodes, None);
        assert_eq!((read.file_system.as_str(), read.logout), ("nfs", Logout::Kills));
        let marked: Vec<_> = read.marked.iter().map(|m| (m.pid, m.session.as_str())).collect();
        assert_eq!(marked, [(12, "0123456789")]);
        assert_eq!(clock("clock 1700000000"), Some(1_700_000_000));
        assert_eq!(clock("clock %s"), None);
    }

    #[test]
    fn half_an_answer_is_none() {
        assert_eq!(facts(&lines("system Linux\nshell /bin/sh")), None);
    }
}
