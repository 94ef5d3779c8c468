//! Finds the processes that a fault is for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::role::Place;
use crate::schedule::Victim;
use crate::stage::Stage;
use crate::support::processes::{self, Process};

/// A process, and the session that it works for, where it works for one.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) pid: u32,
    pub(crate) session: Option<String>,
}

/// The processes of one session's runner.
#[derive(Debug, Default)]
struct Crew {
    wrapper: Option<u32>,
    /// Shells and tails that stream, and other programs at work in the spool.
    helpers: Vec<u32>,
}

/// The process that is meant, if there is any of the kind.
pub(crate) fn find(stage: &Stage, victim: Victim) -> Option<Target> {
    let for_none = |pid| Target { pid, session: None };
    match victim {
        Victim::Daemon => stage.home.daemons().first().map(|daemon| for_none(daemon.pid)),
        Victim::Connection(n) => {
            let connections = stage.sshd().connections();
            nth(&connections, n)
                // What was forked for a session has become its shell meanwhile.
                .filter(|seen| {
                    processes::look_at(seen.pid).is_some_and(|now| now.name == seen.name)
                })
                .map(|connection| for_none(connection.pid))
        }
        Victim::Wrapper(n) => {
            let wrappers: Vec<_> = crews(stage)
                .into_iter()
                .filter_map(|(session, crew)| Some((session, crew.wrapper?)))
                .collect();
            nth(&wrappers, n)
                .map(|(session, pid)| Target { pid: *pid, session: Some(session.clone()) })
        }
        Victim::Follower(n) => {
            let helpers: Vec<_> = crews(stage)
                .into_iter()
                .flat_map(|(session, crew)| {
                    crew.helpers.into_iter().map(move |pid| (session.clone(), pid))
                })
                .collect();
            nth(&helpers, n)
                .map(|(session, pid)| Target { pid: *pid, session: Some(session.clone()) })
        }
    }
}

fn nth<T>(items: &[T], n: usize) -> Option<&T> {
    items.get(n.checked_rem(items.len())?)
}

/// Who works in which spool, for sessions that have signed. Before that nobody
/// can tell a wrapper from a follower.
fn crews(stage: &Stage) -> BTreeMap<String, Crew> {
    let mut crews = BTreeMap::new();
    let all = processes::all();
    for place in [Place::Remote, Place::Local] {
        let spools = stage.spools_at(place);
        let spools = fs::canonicalize(&spools).unwrap_or(spools);
        let mut at_work: BTreeMap<PathBuf, Vec<&Process>> = BTreeMap::new();
        for process in &all {
            let cwd = fs::read_link(format!("/proc/{}/cwd", process.pid)).unwrap_or_default();
            if cwd.parent() == Some(&spools) {
                at_work.entry(cwd).or_default().push(process);
            }
        }
        for (spool, workers) in at_work {
            let session = spool.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(crew) = crew(&spool, &workers) {
                crews.insert(session, crew);
            }
        }
    }
    crews
}

fn crew(spool: &Path, workers: &[&Process]) -> Option<Crew> {
    let signed = fs::read_to_string(spool.join("pid")).ok()?;
    let command: u32 = signed.split(' ').next()?.parse().ok()?;
    let parent = processes::look_at(command).map(|command| command.parent);
    let wrapper = parent.filter(|parent| workers.iter().any(|worker| worker.pid == *parent));
    // The wrapper's children, and theirs, feed the command or are about to become
    // it: what a feeder has read and not yet written goes with it.
    let is_fed = |w: u32, process: &Process| {
        let child = |pid: u32| workers.iter().any(|worker| worker.pid == pid && worker.parent == w);
        process.parent == w || child(process.parent)
    };
    let mine = |process: &&&Process| {
        process.pid != command && wrapper.is_none_or(|w| process.pid != w && !is_fed(w, process))
    };
    // Without a wrapper nobody knows who of them is one.
    let helpers = match wrapper {
        Some(_) => workers.iter().filter(mine).map(|process| process.pid).collect(),
        None => Vec::new(),
    };
    Some(Crew { wrapper, helpers })
}
