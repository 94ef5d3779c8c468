//! Processes as `/proc` has them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

/// One process at the moment it was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) pid: u32,
    /// Its parent's id.
    pub(crate) parent: u32,
    /// Its short name.
    pub(crate) name: String,
    /// Its arguments, joined by spaces.
    pub(crate) arguments: String,
}

/// All processes that are not zombies.
pub(crate) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(look_at)
        .collect()
}

/// The process, unless it is gone or a zombie.
pub(crate) fn look_at(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold any character, `)` included.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let mut fields = tail.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    let parent = fields.next()?.parse().ok()?;
    let raw = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments = String::from_utf8_lossy(&raw).replace('\0', " ").trim_end().to_owned();
    Some(Process { pid, parent, name, arguments })
}

/// Whether the process is there and no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    look_at(pid).is_some()
}

/// All descendants of `ancestor`, by their parents' ids as of now.
pub(crate) fn descendants(ancestor: u32) -> Vec<Process> {
    let mut by_parent: BTreeMap<u32, Vec<Process>> = BTreeMap::new();
    for process in all() {
        by_parent.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut queue = vec![ancestor];
    while let Some(parent) = queue.pop() {
        for child in by_parent.remove(&parent).unwrap_or_default() {
            queue.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// Processes whose environment, working directory or arguments lie in `dir`.
pub(crate) fn belonging_to(dir: &Path) -> Vec<Process> {
    let me = std::process::id();
    all().into_iter().filter(|process| process.pid != me && mentions(process, dir)).collect()
}

fn mentions(process: &Process, dir: &Path) -> bool {
    let pid = process.pid;
    let needle = dir.as_os_str().as_bytes();
    let in_file = |name: &str| {
        fs::read(format!("/proc/{pid}/{name}"))
            .is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    in_file("cmdline")
        || in_file("environ")
        || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir))
}

/// The program that a process runs.
pub(crate) fn program(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Sends a signal; a process that is gone already is no matter.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// A list for a failure message, one process a line.
pub(crate) fn listing(processes: &[Process]) -> String {
    let line =
        |p: &Process| format!("  {} (parent {}) {} {}", p.pid, p.parent, p.name, p.arguments);
    processes.iter().map(line).collect::<Vec<_>>().join("\n")
}
