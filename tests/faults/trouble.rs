//! Makes faults happen, and go away.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::schedule::{Fault, Timed, Victim};
use crate::stage::Stage;
use crate::support::processes;
use crate::support::proxy::{Flow, Way};
use crate::targets;

/// What was done, for whoever judges.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    /// Sessions whose wrapper was killed.
    orphaned: Mutex<BTreeSet<String>>,
    lines: Mutex<Vec<String>>,
    /// The most memory that a daemon ever had, in KiB.
    peak: Mutex<u64>,
}

impl Chronicle {
    pub(crate) fn is_orphaned(&self, session: &str) -> bool {
        self.orphaned.lock().unwrap_or_else(PoisonError::into_inner).contains(session)
    }

    pub(crate) fn note(&self, line: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Takes in how much memory a daemon has had.
    pub(crate) fn weigh(&self, daemon: u32) {
        let mut peak = self.peak.lock().unwrap_or_else(PoisonError::into_inner);
        *peak = (*peak).max(high_water(daemon).unwrap_or_default());
    }

    pub(crate) fn peak_kib(&self) -> u64 {
        *self.peak.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `VmHWM` of `proc_pid_status(5)`.
fn high_water(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Has one fault happen at its time, and go away.
pub(crate) fn perform(stage: &Stage, chronicle: &Chronicle, started: Instant, timed: Timed) {
    sleep(Duration::from_millis(timed.at_millis).saturating_sub(started.elapsed()));
    let note = |what: &str| {
        let at = started.elapsed().as_millis();
        chronicle.note(format!("{at:>6} ms  {:?}{what}", timed.fault));
    };
    let lasts = |millis| sleep(Duration::from_millis(millis));
    note("");
    match timed.fault {
        Fault::Cut(which) => stage.proxy.cut_one(which),
        Fault::Reset(which) => stage.proxy.reset_one(which),
        Fault::Hole { way, for_millis } => {
            let ways = way.map_or(Way::BOTH.to_vec(), |way| vec![way]);
            for way in &ways {
                stage.proxy.set_way(*way, Flow::BlackHole);
            }
            lasts(for_millis);
            for way in &ways {
                stage.proxy.set_way(*way, Flow::Pass);
            }
        }
        Fault::Freeze { which, for_millis } => {
            for way in Way::BOTH {
                stage.proxy.set_on(which, way, Flow::BlackHole);
            }
            lasts(for_millis);
            // Which one it was may be another's number by now.
            stage.proxy.set(Flow::Pass);
        }
        Fault::Abandon => stage.proxy.abandon(),
        Fault::Slow { for_millis } => {
            stage.proxy.set(Flow::Throttle(1024));
            lasts(for_millis);
            stage.proxy.set(Flow::Pass);
        }
        Fault::Corrupt { which, way } => stage.proxy.corrupt(which, way),
        Fault::Reorder { by_millis } => stage.proxy.delay_next(Duration::from_millis(by_millis)),
        Fault::Refuse { for_millis } => {
            stage.proxy.set(Flow::Refuse);
            stage.proxy.cut();
            lasts(for_millis);
            stage.proxy.set(Flow::Pass);
        }
        Fault::Kill(victim) => match targets::find(stage, victim) {
            Some(target) => {
                if victim == Victim::Daemon {
                    chronicle.weigh(target.pid);
                }
                if let (Victim::Wrapper(_), Some(session)) = (victim, &target.session) {
                    let mut orphaned =
                        chronicle.orphaned.lock().unwrap_or_else(PoisonError::into_inner);
                    orphaned.insert(session.clone());
                }
                processes::signal(target.pid, Signal::KILL);
                note(&format!(" hit {target:?}"));
            }
            None => note(" found nobody"),
        },
        Fault::Pause { victim, for_millis } => match targets::find(stage, victim) {
            Some(target) => {
                processes::signal(target.pid, Signal::STOP);
                note(&format!(" hit {target:?}"));
                lasts(for_millis);
                processes::signal(target.pid, Signal::CONT);
            }
            None => note(" found nobody"),
        },
        Fault::ServerDown { for_millis } => {
            stage.sshd().stop();
            lasts(for_millis);
            stage.sshd().restart();
        }
        Fault::Fill { disk, for_millis } => {
            if let Some(disk) = stage.disk(disk) {
                disk.fill();
                lasts(for_millis);
                disk.free();
            }
        }
    }
}

/// Has all be well: nothing is held up, and what was abandoned is known to be.
pub(crate) fn heal(stage: &Stage, reconnects: bool) {
    stage.proxy.set(Flow::Pass);
    stage.proxy.cut_abandoned();
    if reconnects {
        stage.home.longhaul(&["remote", "reconnect", "box"]);
    }
}
