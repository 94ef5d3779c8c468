//! What is gathered on a machine.

use crate::domain::agent::detect::{Detected, Search};
use crate::domain::ids::SessionId;

/// What the runner finds out on a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What start-up files printed before the runner spoke, on both streams.
    pub noise: String,
    /// `uname -s` there.
    pub system: String,
    /// The login shell; empty where nothing names it.
    pub shell: String,
    /// The PATH that sshd and start-up files give to a command.
    pub path: String,
    /// The PATH that the login shell told; `None` if it did not.
    pub login_path: Option<String>,
    /// What gives a session of its own to a process; `None` if nothing does. Empty
    /// is the shell itself, by job control.
    pub setsid: Option<String>,
    /// Programs of the system that the runner needs and that are not there.
    pub lacks: Vec<String>,
    /// The folder of spools.
    pub spools: String,
    /// Whether a file could be written there; the system's words if not.
    pub unwritable: Option<String>,
    /// Room on its file system; `None` if nothing told.
    pub disk: Option<Disk>,
    /// Its inodes, where it has a number of them.
    pub inodes: Option<Inodes>,
    /// Its file system's type, such as `ext4` or `nfs`; empty if nothing told.
    pub file_system: String,
    /// What becomes of sessions at logout.
    pub logout: Logout,
    /// Processes that bear the mark of a session.
    pub marked: Vec<Marked>,
}

/// Room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// KiB that this user may still write.
    pub free: u64,
    /// KiB in all.
    pub total: u64,
}

/// Inodes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inodes {
    /// Those that are free.
    pub free: u64,
    /// All.
    pub total: u64,
}

/// What becomes of sessions when the user logs out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Logout {
    /// Nothing: there is no logind.
    #[default]
    NoLogind,
    /// Nothing: logind spares them.
    Spared,
    /// Nothing: the user lingers, and sessions get scopes of their own.
    Lingers,
    /// logind kills them.
    Kills,
}

/// A process that bears the mark of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its id.
    pub pid: u32,
    /// The session.
    pub session: SessionId,
}

/// How far a machine's clock is from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// Seconds that it is ahead, at least; negative if it is behind.
    pub ahead: i64,
}

impl Skew {
    /// From what the machine's clock showed, in whole seconds, while ours went
    /// from `before` to `after`, in milliseconds. However long the answer took,
    /// a clock that is right is not found to be wrong.
    #[must_use]
    pub fn between(before: u64, told: u64, after: u64) -> Self {
        let (before, after) = (before / 1000, after.div_ceil(1000));
        let seconds = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let ahead = if told > after {
            seconds(told - after)
        } else if told < before {
            -seconds(before - told)
        } else {
            0
        };
        Self { ahead }
    }
}

/// How many channels a server opened on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    /// Those that were open at once.
    pub opened: u32,
    /// Whether it refused another one; else nobody asked for more.
    pub refused: bool,
}

/// What only the link tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkFacts {
    /// The channels; `None` if that was not tried.
    pub channels: Option<Channels>,
    /// The clock; `None` if the machine did not tell the time.
    pub skew: Option<Skew>,
}

/// What is on a machine, and nobody here knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strays {
    /// Sessions that were started from here, and that the registry does not have.
    pub ours: Vec<SessionId>,
    /// How many sessions others started.
    pub others: usize,
    /// Processes of no session that there is.
    pub processes: Vec<u32>,
}

/// An agent on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFacts {
    /// What was looked for.
    pub search: Search,
    /// What was found.
    pub found: Detected,
    /// A variable that the configuration gives its sessions there, and that
    /// stands for a login.
    pub configured: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_clock_is_wrong_by_what_no_delay_explains() {
        for (before, told, after, ahead) in [
            (1_000_000, 1000, 1_000_100, 0),
            // Slow to answer, and slow to arrive.
            (1_000_999, 1000, 1_030_000, 0),
            (1_000_000, 1030, 1_030_000, 0),
            (1_000_000, 4600, 1_000_100, 3599),
            (1_000_000, 400, 1_000_100, -600),
        ] {
            assert_eq!(Skew::between(before, told, after).ahead, ahead, "{told}");
        }
    }

    proptest! {
        #[test]
        fn a_right_clock_is_never_found_wrong(before in 0_u64..1 << 50, to in 0_u64..100_000, rest in 0_u64..100_000) {
            let told = (before + to) / 1000;
            prop_assert_eq!(Skew::between(before, told, before + to + rest).ahead, 0);
        }
    }
}
