//! What has to hold once a schedule is over.

use std::fs;

use rusqlite::Connection;
use serde_json::Value;

use crate::driver::Driven;
use crate::role::{End, Place, Role};
use crate::schedule::{Disk, Fault, Schedule, Victim};
use crate::stage::Stage;
use crate::support::must::Must;
use crate::support::processes;
use crate::support::wait::{PATIENCE, holds_within};
use crate::trouble::Chronicle;

/// The most memory that a daemon may ever have had, in KiB. Fifteen sessions'
/// followers have a buffer of a mebibyte each at most; idle it has some 20 MiB
/// in a build without optimisation.
const MEMORY_KIB: u64 = 120 * 1024;

/// What is wrong, one line each.
#[derive(Debug, Default)]
pub(crate) struct Faulty(pub(crate) Vec<String>);

impl Faulty {
    fn unless(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }
}

/// One session as it is found.
struct Found<'a> {
    role: &'a Role,
    view: Value,
    starts: usize,
    mirror: [Vec<u8>; 2],
    spool: [Option<Vec<u8>>; 2],
    /// Its wrapper was killed.
    orphaned: bool,
    /// Its own writes may have failed, so that only the spool knows what it said.
    had_no_room: bool,
}

/// Judges all sessions, then removes them, and judges what is left.
pub(crate) fn judge(
    stage: &Stage,
    schedule: &Schedule,
    chronicle: &Chronicle,
    driven: &[Driven],
) -> Faulty {
    let mut faulty = Faulty::default();
    for (role, driven) in schedule.roles.iter().zip(driven) {
        for trouble in &driven.troubles {
            faulty.0.push(format!("{}: {trouble}", role.name));
        }
        judge_refusals(schedule, role, driven, &mut faulty);
        let is_forgotten = stop_what_was_forgotten(stage, schedule, role);
        if let Some(found) = find(stage, schedule, chronicle, role) {
            found.judge(&mut faulty);
            if !is_forgotten {
                judge_commands(&found, driven, &mut faulty);
            }
        } else {
            faulty.0.push(format!("{}: nobody knows of it", role.name));
        }
    }
    // What has ended badly is not removed: it is to be looked at.
    if faulty.0.is_empty() {
        judge_what_is_left(stage, schedule, chronicle, &mut faulty);
    }
    faulty
}

/// An order that was given while there was no room for the registry is forgotten
/// by a daemon that is killed before there is: it is given again. Whether it was.
fn stop_what_was_forgotten(stage: &Stage, schedule: &Schedule, role: &Role) -> bool {
    let could_be = matches!(role.end, End::Stopped { .. })
        && schedule.has(|f| matches!(f, Fault::Fill { disk: Disk::State, .. }))
        && schedule.has(|f| f == Fault::Kill(Victim::Daemon));
    if !could_be || !stage.home.inspect(&role.name)["ended_at"].is_null() {
        return false;
    }
    stage.home.longhaul(&["kill", "--grace", "5s", &role.name]).exited(0);
    stage.home.longhaul(&["wait", &role.name]);
    true
}

fn find<'a>(
    stage: &Stage,
    schedule: &Schedule,
    chronicle: &Chronicle,
    role: &'a Role,
) -> Option<Found<'a>> {
    let said = stage.home.longhaul(&["inspect", &role.name, "--json"]);
    let view = (said.code() == Some(0)).then(|| said.json())?;
    let id = view["id"].as_str()?;
    let logs = stage.home.longhaul(&["logs", "--raw", id]).exited(0);
    let spool = stage.spools_at(role.place).join(id);
    let starts = fs::read_to_string(stage.home_at(role.place).join(role.starts_file()));
    let disk = match role.place {
        Place::Remote => Disk::Spools,
        Place::Local => Disk::State,
    };
    Some(Found {
        role,
        starts: starts.unwrap_or_default().lines().count(),
        mirror: [logs.stdout, logs.stderr],
        spool: ["out", "err"].map(|name| fs::read(spool.join(name)).ok()),
        orphaned: chronicle.is_orphaned(id),
        had_no_room: schedule.has(|f| matches!(f, Fault::Fill { disk: d, .. } if d == disk)),
        view,
    })
}

impl Found<'_> {
    fn judge(&self, faulty: &mut Faulty) {
        let Self { role, view, starts, .. } = self;
        let name = &role.name;
        let (state, exit) = (view["state"].as_str().unwrap_or_default(), &view["exit"]);
        let code = view["failure"]["code"].as_str().unwrap_or_default();
        let mut unless = |holds, what: &str| {
            faulty.unless(holds, || {
                format!(
                    "{name}: {what}: state {state}, exit {exit}, failure {code:?}, {starts} starts"
                )
            });
        };
        match state {
            "exited" | "signalled" => {
                unless(*starts == 1, "it ran, and was not started once");
                unless(self.exits().contains(exit), "it did not end like this");
            }
            "lost" => {
                unless(self.orphaned, "it was lost, and nobody killed its wrapper");
                unless(code == "session.lost.killed", "it was lost otherwise");
                unless(*starts == 1, "it was not started once");
            }
            "cancelled" => {
                unless(matches!(role.end, End::Stopped { .. }), "nobody took it back");
                unless(*starts == 0, "it was taken back and has run");
            }
            "failed" => {
                unless(self.had_no_room, "it failed, and there was room");
                unless(code == "session.spool.disk-full", "it failed otherwise");
                unless(*starts == 0, "it failed and has run");
            }
            _ => unless(false, "it has not ended"),
        }
        for (which, all) in [role.out(), role.err()].into_iter().enumerate() {
            let (stream, here) = (["stdout", "stderr"][which], &self.mirror[which]);
            if let Some(there) = &self.spool[which] {
                faulty.unless(here == there, || {
                    format!("{name}: {stream} here is not the spool's: {}", differ(here, there))
                });
            }
            if self.had_no_room || *starts == 0 {
                continue;
            }
            let holds = match role.end {
                End::Stopped { .. } => all.starts_with(here),
                End::Code(_) | End::Signal(_) => *here == all,
            };
            faulty.unless(holds, || {
                format!("{name}: {stream} is not what it wrote: {}", differ(here, &all))
            });
        }
    }

    fn exits(&self) -> Vec<Value> {
        match self.role.end {
            End::Code(code) => vec![serde_json::json!({ "code": code })],
            End::Signal(signal) => vec![serde_json::json!({ "signal": signal })],
            // Until it has said that it ignores TERM, it does not.
            End::Stopped { stubborn: true, .. } => {
                [9, 15].map(|signal| serde_json::json!({ "signal": signal })).into()
            }
            End::Stopped { stubborn: false, .. } => vec![serde_json::json!({ "signal": 15 })],
        }
    }
}

fn differ(here: &[u8], expected: &[u8]) -> String {
    let same = here.iter().zip(expected).take_while(|(a, b)| a == b).count();
    format!("{} of {} bytes, the first {same} the same", here.len(), expected.len())
}

/// What `run` and `wait` told the user.
fn judge_commands(found: &Found<'_>, driven: &Driven, faulty: &mut Faulty) {
    let name = &found.role.name;
    let exit = &found.view["exit"];
    let status = exit["code"].as_i64().or(exit["signal"].as_i64().map(|signal| 128 + signal));
    let status = status.unwrap_or(125);
    if let Some(waited) = driven.waited {
        faulty.unless(i64::from(waited) == status, || {
            format!("{name}: `wait` has exited with {waited}, not {status}")
        });
    }
    if let Some(run) = &driven.run {
        faulty.unless(run.code().map(i64::from) == Some(status), || {
            format!("{name}: `run` has not exited with {status}: {run}")
        });
        faulty.unless(run.stdout == found.mirror[0], || {
            let differ = differ(&run.stdout, &found.mirror[0]);
            format!("{name}: `run` has not printed what there is: {differ}")
        });
    }
}

/// Nobody is told no, but where there is no room and where the daemon was killed
/// in the middle of an answer.
fn judge_refusals(schedule: &Schedule, role: &Role, driven: &Driven, faulty: &mut Faulty) {
    let may_refuse = schedule.has(|fault| {
        matches!(fault, Fault::Fill { disk: Disk::State, .. } | Fault::Kill(Victim::Daemon))
            || matches!(fault, Fault::Pause { victim: Victim::Daemon, .. })
    });
    if !may_refuse {
        for refusal in &driven.refusals {
            faulty.0.push(format!("{}: a command failed after {refusal}", role.name));
        }
    }
}

fn judge_what_is_left(
    stage: &Stage,
    schedule: &Schedule,
    chronicle: &Chronicle,
    faulty: &mut Faulty,
) {
    // Followers of links that are gone end when they find that out.
    let mut left = Vec::new();
    let quiet = holds_within(PATIENCE, || {
        // A channel is kept open for the next session; that one waits at home.
        let spare = stage.sshd().link_processes();
        left = stage.sshd().session_processes();
        left.retain(|process| {
            let cwd = fs::read_link(format!("/proc/{}/cwd", process.pid));
            !(spare.contains(&process.pid) && cwd.is_ok_and(|cwd| cwd == stage.far_home))
        });
        left.is_empty()
    });
    faulty.unless(quiet, || format!("processes are left there:\n{}", processes::listing(&left)));
    let names: Vec<_> = schedule.roles.iter().map(|role| role.name.as_str()).collect();
    let said = stage.home.longhaul(&[&["rm"], names.as_slice()].concat());
    faulty.unless(said.code() == Some(0), || format!("they could not be removed: {said}"));
    for place in [Place::Remote, Place::Local] {
        let folder = stage.spools_at(place);
        let is_empty = || fs::read_dir(&folder).map_or(true, |mut spools| spools.next().is_none());
        faulty.unless(holds_within(PATIENCE, is_empty), || {
            format!("spools are left in {}", folder.display())
        });
    }
    let sessions = stage.home.json(&["ps", "-a"]);
    faulty.unless(sessions == serde_json::json!([]), || format!("sessions are left: {sessions}"));
    if let Some(daemon) = stage.home.daemon_pid() {
        chronicle.weigh(daemon);
    }
    let peak = chronicle.peak_kib();
    faulty.unless(peak < MEMORY_KIB, || format!("a daemon had {peak} KiB"));
    judge_registry(stage, faulty);
    let logs = stage.home.logs();
    faulty.unless(!logs.contains("panicked"), || "something has panicked".to_owned());
}

fn judge_registry(stage: &Stage, faulty: &mut Faulty) {
    let file = stage.home.state_dir().join("registry.sqlite");
    let registry = Connection::open(&file).must("open the registry");
    let answer: String = registry
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .must("ask the registry whether it is whole");
    faulty.unless(answer == "ok", || format!("the registry is damaged: {answer}"));
}
