//! What sessions need: a place for their spools, and to be left alone.

use crate::domain::doctor::facts::{Disk, Facts, Inodes, Logout, Strays};
use crate::domain::doctor::{Finding, Status};
use crate::domain::failure::quote::shown_path;
use crate::domain::failure::whereabouts::Whereabouts;

/// KiB below which a disk is as good as full,
const FULL: u64 = 1024;
/// and below which an agent soon fills it.
const SHORT: u64 = 512 * 1024;
/// Inodes below which there are as good as none,
const NO_INODES: u64 = 100;
/// and below which a build soon uses them up.
const FEW_INODES: u64 = 10_000;

/// Types of file systems that are another machine's, as `stat` and mount(8)
/// name them.
const NETWORK: [&str; 19] = [
    "9p",
    "afpfs",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb2",
    "smb3",
    "smbfs",
    "webdav",
];

/// Whether a spool can be made; nothing is said of that where the disk is full,
/// which has a finding of its own.
pub(super) fn spool(facts: &Facts, at: &Whereabouts) -> Option<Finding> {
    const ID: &str = "doctor.spool";
    let dir = &facts.spools;
    let Some(words) = &facts.unwritable else {
        return Some(Finding::ok(ID, format!("{dir} can be written to")));
    };
    if is_full(facts) {
        return None;
    }
    Some(
        Finding::new(
            ID,
            Status::Fail,
            format!("{dir} cannot be written to: {words}"),
            "A session's output and exit status are kept there until they are here.",
        )
        .with(at.there(&format!("ls -ld {}", parents(dir)))),
    )
}

fn is_full(facts: &Facts) -> bool {
    facts.disk.is_some_and(|disk| disk.free < FULL)
        || facts.inodes.is_some_and(|inodes| inodes.free < NO_INODES)
}

/// A folder and those above it below the home directory, as words.
fn parents(dir: &str) -> String {
    let mut words = Vec::new();
    let mut dir = dir;
    while let Some((parent, _)) = dir.rsplit_once('/').filter(|_| words.len() < 4) {
        words.push(shown_path(dir));
        dir = parent;
    }
    words.join(" ")
}

pub(super) fn disk(disk: Disk, facts: &Facts, at: &Whereabouts) -> Finding {
    let free = size(disk.free);
    let what = format!("{free} free of {} for {}", size(disk.total), facts.spools);
    let status = match disk.free {
        0..FULL => Status::Fail,
        FULL..SHORT => Status::Warn,
        _ => return Finding::ok("doctor.disk", what),
    };
    let why = "What a session prints is written there first; on a full disk none can start, and one that runs loses what it prints.";
    Finding::new("doctor.disk", status, what, why).with(room(facts, "df -h", at))
}

pub(super) fn inodes(inodes: Inodes, facts: &Facts, at: &Whereabouts) -> Finding {
    let Inodes { free, total } = inodes;
    let what = format!("{free} inodes free of {total} for {}", facts.spools);
    let status = match free {
        0..NO_INODES => Status::Fail,
        NO_INODES..FEW_INODES => Status::Warn,
        _ => return Finding::ok("doctor.inodes", what),
    };
    let why = "A file system without a free inode is full, whatever room it has: every file takes one, and a session has some ten.";
    Finding::new("doctor.inodes", status, what, why).with(room(facts, "df -i", at))
}

/// How to see what fills a file system, and what of it longhaul removes.
fn room(facts: &Facts, df: &str, at: &Whereabouts) -> String {
    let dir = shown_path(&facts.spools);
    format!(
        "{}\n{}\n# remove what sessions left there: longhaul gc, or longhaul rm ID",
        at.there(&format!("{df} {dir}")),
        at.there(&format!("du -sh {dir}")),
    )
}

fn size(kib: u64) -> String {
    match kib {
        0..1024 => format!("{kib} KiB"),
        1024..1_048_576 => format!("{} MiB", kib >> 10),
        _ => format!("{} GiB", kib >> 20),
    }
}

pub(super) fn file_system(facts: &Facts, at: &Whereabouts) -> Option<Finding> {
    const ID: &str = "doctor.network-home";
    let kind = facts.file_system.as_str();
    if kind.is_empty() {
        return None;
    }
    if !NETWORK.contains(&kind) {
        return Some(Finding::ok(
            ID,
            format!("spools are on {kind}, a file system of the machine's own"),
        ));
    }
    // The folder above the format's version is longhaul's.
    let dir = facts.spools.rsplit_once('/').map_or(facts.spools.as_str(), |(dir, _)| dir);
    let (dir, above) = (shown_path(dir), dir.rsplit_once('/').map_or("/", |(above, _)| above));
    let local = "/var/tmp/longhaul-$(id -u)";
    let command = format!(
        "mkdir -p -m 700 {local} {above} && ln -s {local} {dir}",
        above = shown_path(above)
    );
    Some(
        Finding::new(
            ID,
            Status::Warn,
            format!("spools are on {kind}, a file system of another machine"),
            "Output comes late, since no write wakes who follows it, and all of it goes over the network twice; a server that hangs stops sessions. Machines that share the folder see each other's sessions, and know nothing of their processes.",
        )
        .with(format!(
            "# on a disk of its own; first move what is in {dir} away, if it is there:\n{}",
            at.there(&command)
        )),
    )
}

pub(super) fn logout(facts: &Facts, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.logout";
    match facts.logout {
        Logout::NoLogind => Finding::ok(ID, "no logind ends what a login leaves running"),
        Logout::Spared => Finding::ok(ID, "logind leaves running what a login started"),
        Logout::Lingers => Finding::ok(ID, "the user lingers: sessions have scopes of their own"),
        Logout::Kills => Finding::new(
            ID,
            Status::Warn,
            "logind has KillUserProcesses=yes, and the user does not linger",
            "A session ends when its link does, with all its work: what longhaul is there against.",
        )
        .with(format!(
            "{}\n# or, as root there, KillUserProcesses=no in /etc/systemd/logind.conf",
            at.there("loginctl enable-linger")
        )),
    }
}

pub(super) fn strays(strays: &Strays, at: &Whereabouts) -> Finding {
    const ID: &str = "doctor.orphans";
    let Strays { ours, others, processes } = strays;
    let mut what = Vec::new();
    let mut command = Vec::new();
    if !ours.is_empty() {
        let ids: Vec<&str> = ours.iter().take(5).map(|id| id.as_str()).collect();
        let more = if ours.len() > ids.len() { ", …" } else { "" };
        what.push(format!(
            "{} started from here and not known here ({}{more})",
            sessions(ours.len()),
            ids.join(", ")
        ));
        command.push(format!("longhaul adopt {}", place(at)));
    }
    if !processes.is_empty() {
        let pids: Vec<String> = processes.iter().map(ToString::to_string).collect();
        what.push(format!("processes of no session that runs: {}", pids.join(", ")));
        command.push(at.there(&format!("ps -o pid,args -p {}", pids.join(","))));
        command.push(at.there(&format!("kill {}", pids.join(" "))));
    }
    if what.is_empty() {
        let what = match others {
            0 => "no session or process that nobody knows of".to_owned(),
            others => format!("nothing of ours; {} that others started", sessions(*others)),
        };
        return Finding::ok(ID, what);
    }
    Finding::new(
        ID,
        Status::Warn,
        what.join("; "),
        "They were left by a registry that was lost, or by a command that went into the background, and use the machine for nobody.",
    )
    .with(command.join("\n"))
}

fn sessions(number: usize) -> String {
    match number {
        1 => "1 session".to_owned(),
        number => format!("{number} sessions"),
    }
}

fn place(at: &Whereabouts) -> &str {
    // `adopt` takes this machine by a switch.
    if at.is_local() { "--local" } else { &at.place }
}
