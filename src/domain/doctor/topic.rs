//! What a doctor looks at, as a manual: a page for the id of a finding.

use crate::domain::failure::explain::wrapped;

/// One thing that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// The id of its findings; an agent's goes on with the program's name.
    pub id: &'static str,
    /// What is looked at, in a few words.
    pub title: &'static str,
    /// When it is more than a note, and why that matters.
    pub why: &'static str,
    /// What mends it; a line that starts with `#` says something instead. Empty
    /// where there is nothing to mend.
    pub remedy: &'static str,
}

/// All of them, in the order in which they are told.
pub const TOPICS: &[Topic] = &[
    Topic {
        id: "doctor.rc-noise",
        title: "what start-up files print before every command",
        why: "sshd starts every command by the login shell, which reads start-up files. What they print comes before the command's own words. longhaul leaves it out of what sessions print; scp, rsync, git and others that speak over ssh break on it. It is a note.",
        remedy: "# let only shells that a person types into print, for example in ~/.bashrc:\n# case $- in *i*) ;; *) return ;; esac\n# then this prints nothing:\nssh USER@HOST -- true",
    },
    Topic {
        id: "doctor.shell",
        title: "the login shell",
        why: "Sessions are run by /bin/sh, whatever the login shell is, as long as that starts it. It is told because start-up files and the PATH are the login shell's.",
        remedy: "",
    },
    Topic {
        id: "doctor.path",
        title: "what the login shell alone has in its PATH",
        why: "A command that comes by ssh has the PATH of sshd and of few start-up files. Sessions have the login shell's instead, so that programs of nvm, mise or ~/.local/bin are found. Where the login shell does not tell its PATH within 5 s, which is a warning, sessions have the bare one.",
        remedy: "# what holds the login shell up, or ends it:\nssh USER@HOST -- '\"$SHELL\" -l -i -c true'",
    },
    Topic {
        id: "doctor.setsid",
        title: "a program that takes a session apart from its login",
        why: "A session has to be apart from the login that starts it, or it cannot be stopped as a whole. setsid does that, else perl, python3 or bash. Where there is none of them, no session can start.",
        remedy: "# install util-linux there, which has setsid; then this tells where:\nssh USER@HOST -- command -v setsid",
    },
    Topic {
        id: "doctor.tail",
        title: "tail, and the other programs of the system that the runner needs",
        why: "The runner is a POSIX sh and the programs that every Unix has; tail follows a session's output. They have to be in the PATH that sshd gives.",
        remedy: "# install coreutils there, or mend the PATH in /etc/environment or sshd's SetEnv; then this tells where:\nssh USER@HOST -- command -v tail",
    },
    Topic {
        id: "doctor.max-sessions",
        title: "how many channels the server opens at once on one link",
        why: "A session takes a channel, and one is kept back to stop sessions with. What finds none takes a link of its own, and logs in once more. sshd's MaxSessions says how many there are, 10 unless it is set; one alone is a warning, fewer than ten a note.",
        remedy: "# as root there: MaxSessions 10 in /etc/ssh/sshd_config, then systemctl reload ssh; what it says now:\nssh USER@HOST -- grep -i MaxSessions /etc/ssh/sshd_config",
    },
    Topic {
        id: "doctor.clock",
        title: "how far its clock is from the one here",
        why: "Logins and certificates of agents are refused by a clock that is wrong, and what make builds depends on it. More than five seconds are a note, more than a minute a warning. The time that the question took is allowed for.",
        remedy: "date\nssh USER@HOST -- date\n# as root where it is wrong: timedatectl set-ntp true",
    },
    Topic {
        id: "doctor.spool",
        title: "whether spools can be written",
        why: "A session's output and exit status are kept there until they are here; without a place for them it is not started.",
        remedy: "ssh USER@HOST -- ls -ld '~/.local/state/longhaul' '~/.local/state' '~/.local'",
    },
    Topic {
        id: "doctor.disk",
        title: "the room for spools",
        why: "What a session prints is written on the machine's own disk first; on a full one none can start, and one that runs loses what it prints. Less than 512 MiB are a warning, less than one a failure.",
        remedy: "ssh USER@HOST -- df -h '~/.local/state/longhaul'\nlonghaul gc\nlonghaul rm ID",
    },
    Topic {
        id: "doctor.inodes",
        title: "the inodes for spools",
        why: "A file system without a free inode is full, whatever room it has: every file takes one, and a session has some ten. Fewer than 10000 are a warning, fewer than 100 a failure.",
        remedy: "ssh USER@HOST -- df -i '~/.local/state/longhaul'\nlonghaul gc\nlonghaul rm ID",
    },
    Topic {
        id: "doctor.network-home",
        title: "whether spools are on another machine's file system",
        why: "On NFS and its like output comes late, since no write wakes who follows it, and all of it goes over the network twice; a server that hangs stops sessions. Machines that share the folder see each other's sessions, and know nothing of their processes.",
        remedy: "# on a disk of its own; first move what is in ~/.local/state/longhaul away, if it is there:\nssh USER@HOST -- 'mkdir -p -m 700 /var/tmp/longhaul-$(id -u) ~/.local/state && ln -s /var/tmp/longhaul-$(id -u) ~/.local/state/longhaul'",
    },
    Topic {
        id: "doctor.logout",
        title: "what becomes of sessions when the login ends",
        why: "With KillUserProcesses=yes logind ends what a login leaves running: a session ends when its link does. For a user who lingers, sessions get scopes of their own that outlive logins.",
        remedy: "ssh USER@HOST -- loginctl enable-linger\n# or, as root there, KillUserProcesses=no in /etc/systemd/logind.conf",
    },
    Topic {
        id: "doctor.orphans",
        title: "sessions that the registry here has lost, and processes of no session",
        why: "They were left by a registry that was lost, or by a command that went into the background, and use the machine for nobody.",
        remedy: "longhaul adopt REMOTE\n# processes of no session:\nssh USER@HOST -- ps -o pid,args -p PID\nssh USER@HOST -- kill PID",
    },
    Topic {
        id: "doctor.agent",
        title: "an agent's program, its version, and whether it is logged in",
        why: "The id ends with the program's name. One that is not there is a note. One that may not be executed, that cannot tell its version, or whose login has left no file and no variable is a warning: a session of it would end at once. Nothing that costs is asked of it.",
        remedy: "longhaul remote test REMOTE --agent AGENT\n# its login, as agent.not-logged-in has it:\nlonghaul explain agent.not-logged-in",
    },
    Topic {
        id: "doctor.env",
        title: "whether the variables that the configuration sets have their values",
        why: "Values can come from this machine's environment, a file or a command (FromEnv, FromFile, FromCommand). No session starts with one of them missing: it would run as something else.",
        remedy: "longhaul explain session.env.unavailable",
    },
    Topic {
        id: "doctor.machine",
        title: "the machine itself, where it could not be examined",
        why: "The machine was reached, and the program that looks at it gave no answer.",
        remedy: "longhaul remote test REMOTE",
    },
    Topic {
        id: "doctor.agents",
        title: "the agents, where they could not be looked for",
        why: "The machine was reached, and the program that looks for agents gave no answer.",
        remedy: "longhaul remote test REMOTE",
    },
];

impl Topic {
    /// The one that a finding's id belongs to.
    #[must_use]
    pub fn of(id: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| {
            topic.id == id || topic.id == "doctor.agent" && id.starts_with("doctor.agent.")
        })
    }

    /// What `longhaul explain ID` prints, ending in a newline.
    #[must_use]
    pub fn page(&self) -> String {
        let Self { id, title, why, remedy } = self;
        let mut page = format!("{id}: {title}\n\n");
        for line in wrapped(why, 78) {
            page.push_str(&line);
            page.push('\n');
        }
        page.push_str("\nTold by:   longhaul remote doctor REMOTE\n\n");
        if remedy.is_empty() {
            page.push_str("What to type: nothing. It is only told.\n");
            return page;
        }
        page.push_str("What to type (remote doctor has it with the real names):\n");
        for line in remedy.lines() {
            page.push_str(&format!("    {line}\n"));
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_id_its_reason_and_what_to_type() {
        for topic in TOPICS {
            let page = topic.page();
            assert!(page.starts_with(&format!("{}: {}\n", topic.id, topic.title)), "{page}");
            assert!(page.replace('\n', " ").contains(topic.why), "{page}");
            assert!(page.contains("What to type") && topic.why.ends_with('.'), "{page}");
            assert!(page.lines().all(|line| !line.ends_with(' ')), "{page}");
        }
    }

    #[test]
    fn an_agents_finding_has_the_page_of_all_agents() {
        assert_eq!(Topic::of("doctor.agent.claude").map(|topic| topic.id), Some("doctor.agent"));
        assert_eq!(Topic::of("doctor.agents").map(|topic| topic.id), Some("doctor.agents"));
        for unknown in ["doctor", "doctor.", "doctor.none", "agent", "doctor.agentless"] {
            assert_eq!(Topic::of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_readme_names_each() {
        let readme = include_str!("../../../README.md");
        for topic in TOPICS {
            assert!(
                readme.contains(&format!("`{}", topic.id)),
                "{} is not in the README",
                topic.id
            );
        }
    }
}
