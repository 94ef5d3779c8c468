//! From a seed to sessions and timed faults. Pure: whoever has the seed has the
//! schedule.

use std::fmt;

use crate::dice::Dice;
use crate::role::Role;
use crate::support::proxy::{Way, Which};

/// How long faults go on, in milliseconds; the last of them is over by then.
pub(crate) const TROUBLE_MILLIS: u64 = 6_000;

/// What the machine that plays lets happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Means {
    /// Small disks of their own can be mounted, and so be full.
    pub(crate) disks: bool,
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The daemon.
    Daemon,
    /// The server's process of one connection.
    Connection(usize),
    /// A process that streams some session: a shell or one of its tails.
    Follower(usize),
    /// The wrapper of a session that has signed.
    Wrapper(usize),
}

/// A disk that can be full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// The daemon's state: mirrors, the registry, spools of local sessions.
    State,
    /// The spools on the remote.
    Spools,
}

/// What goes wrong. `for_millis` is how long it stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Connections are ended with FIN.
    Cut(Which),
    /// Connections are ended with RST.
    Reset(Which),
    /// Nothing moves, both ways or one; all of it moves on afterwards.
    Hole { way: Option<Way>, for_millis: u64 },
    /// One connection freezes and thaws, and the others go on.
    Freeze { which: Which, for_millis: u64 },
    /// The open connections never move again.
    Abandon,
    /// 1 KB/s.
    Slow { for_millis: u64 },
    /// One bit of what passes next is another.
    Corrupt { which: Which, way: Way },
    /// The next attempt to connect arrives late, and those after it do not.
    Reorder { by_millis: u64 },
    /// Connections are refused, and the open ones cut.
    Refuse { for_millis: u64 },
    /// KILL.
    Kill(Victim),
    /// STOP, and CONT.
    Pause { victim: Victim, for_millis: u64 },
    /// The server is killed, with all its connections, and started again.
    ServerDown { for_millis: u64 },
    /// No room is left on a disk.
    Fill { disk: Disk, for_millis: u64 },
}

/// A fault and when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timed {
    pub(crate) at_millis: u64,
    pub(crate) fault: Fault,
}

/// Sessions, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) roles: Vec<Role>,
    /// In the order of their times.
    pub(crate) faults: Vec<Timed>,
    /// Whether somebody asks for the link once all is well, or the pause after
    /// the last try has to pass.
    pub(crate) reconnects: bool,
}

impl Schedule {
    /// The schedule of a seed.
    pub(crate) fn of(seed: u64, means: Means) -> Self {
        let mut dice = Dice::new(seed);
        let count = dice.within(8..15);
        let roles = (0..count).map(|number| Role::draw(number, &mut dice)).collect();
        let mut faults: Vec<_> = (0..dice.within(4..10))
            .map(|_| {
                let at_millis = dice.within(200..TROUBLE_MILLIS);
                Timed { at_millis, fault: draw(&mut dice, means, TROUBLE_MILLIS - at_millis) }
            })
            .collect();
        faults.sort_by_key(|timed| timed.at_millis);
        Self { seed, roles, faults, reconnects: dice.once_in(2) }
    }

    /// Whether a fault that `is_meant` is among them.
    pub(crate) fn has(&self, is_meant: impl Fn(Fault) -> bool) -> bool {
        self.faults.iter().any(|timed| is_meant(timed.fault))
    }
}

fn draw(dice: &mut Dice, means: Means, left: u64) -> Fault {
    let which = if dice.once_in(2) { Which::All } else { Which::Nth(dice.within(0..16) as usize) };
    let way = dice.pick(&Way::BOTH);
    let for_millis = dice.within(50..4_000).min(left);
    let kinds = if means.disks { 22 } else { 20 };
    match dice.within(0..kinds) {
        0..2 => Fault::Cut(which),
        2 => Fault::Reset(which),
        3 => Fault::Hole { way: None, for_millis },
        4 => Fault::Hole { way: Some(way), for_millis },
        5 => Fault::Freeze { which, for_millis },
        6 => Fault::Abandon,
        7 => Fault::Slow { for_millis },
        8 => Fault::Corrupt { which, way },
        9 => Fault::Reorder { by_millis: for_millis },
        10 => Fault::Refuse { for_millis },
        11 | 12 => Fault::Kill(Victim::Daemon),
        13..16 => Fault::Kill(victim(dice)),
        16..19 => Fault::Pause { victim: victim(dice), for_millis },
        19 => Fault::ServerDown { for_millis },
        20 => Fault::Fill { disk: Disk::State, for_millis },
        _ => Fault::Fill { disk: Disk::Spools, for_millis },
    }
}

fn victim(dice: &mut Dice) -> Victim {
    let which = dice.within(0..64) as usize;
    match dice.within(0..7) {
        0 => Victim::Daemon,
        1 | 2 => Victim::Connection(which),
        3 | 4 => Victim::Follower(which),
        _ => Victim::Wrapper(which),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        for role in &self.roles {
            writeln!(f, "  {role:?}")?;
        }
        for timed in &self.faults {
            writeln!(f, "  {:>5} ms  {:?}", timed.at_millis, timed.fault)?;
        }
        let how = if self.reconnects { "asked for" } else { "waited for" };
        writeln!(f, "  {TROUBLE_MILLIS:>5} ms  all is well; the link is {how}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MEANS: [Means; 2] = [Means { disks: false }, Means { disks: true }];

    #[test]
    fn a_seed_gives_the_same_schedule_again_and_others_give_others() {
        let all: BTreeSet<_> = (0..500)
            .map(|seed| {
                let text = Schedule::of(seed, MEANS[1]).to_string();
                assert_eq!(text, Schedule::of(seed, MEANS[1]).to_string());
                text
            })
            .collect();
        assert_eq!(all.len(), 500);
    }

    #[test]
    fn every_fault_is_over_when_all_is_said_to_be_well() {
        for seed in 0..500 {
            for timed in Schedule::of(seed, MEANS[1]).faults {
                let lasts = match timed.fault {
                    Fault::Hole { for_millis, .. }
                    | Fault::Freeze { for_millis, .. }
                    | Fault::Slow { for_millis }
                    | Fault::Refuse { for_millis }
                    | Fault::Pause { for_millis, .. }
                    | Fault::ServerDown { for_millis }
                    | Fault::Fill { for_millis, .. }
                    | Fault::Reorder { by_millis: for_millis } => for_millis,
                    Fault::Cut(_)
                    | Fault::Reset(_)
                    | Fault::Abandon
                    | Fault::Corrupt { .. }
                    | Fault::Kill(_) => 0,
                };
                assert!(timed.at_millis + lasts <= TROUBLE_MILLIS, "seed {seed}: {timed:?}");
            }
        }
    }

    #[test]
    fn every_kind_of_fault_is_drawn_and_full_disks_only_where_they_can_be() {
        for means in MEANS {
            let kinds: BTreeSet<_> = (0..500)
                .flat_map(|seed| Schedule::of(seed, means).faults)
                .map(|timed| {
                    let text = format!("{:?}", timed.fault);
                    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
                })
                .collect();
            assert_eq!(kinds.len(), if means.disks { 13 } else { 12 }, "{kinds:?}");
            assert_eq!(kinds.contains("Fill"), means.disks);
        }
    }
}
