//! What a schedule is played on: both sides, the proxy between them, and disks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disk::SmallDisk;
use crate::role::Place;
use crate::schedule::{Disk, Fault, Schedule};
use crate::support::client_home::ClientHome;
use crate::support::config::{Config, Entry};
use crate::support::must::Must;
use crate::support::proxy::Proxy;
use crate::support::sshd::Sshd;

/// A link that is silent is given up soon: a schedule has no minutes.
const QUICK: &str =
    "Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 3\n  ConnectTimeout 5\n";

/// Fields are dropped in this order: processes end before their disks do.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) home: ClientHome,
    pub(crate) proxy: Proxy,
    sshd: Mutex<Sshd>,
    disks: Vec<(Disk, SmallDisk)>,
    /// The home behind the server.
    pub(crate) far_home: PathBuf,
}

impl Stage {
    pub(crate) fn of(schedule: &Schedule) -> Self {
        let (home, sshd) = (ClientHome::new(), Sshd::start());
        let proxy = Proxy::to(sshd.port());
        fs::write(home.path().join(".ssh/config"), QUICK).must("write the client's ssh_config");
        home.configure(&Config::default().with_remote(Entry::remote(
            "box",
            proxy.port(),
            &home.identity(),
        )));
        let far_home = sshd.home().to_owned();
        let folders = [
            (Disk::State, home.state_dir()),
            (Disk::Spools, far_home.join(".local/state/longhaul")),
        ];
        let is_filled =
            |disk| schedule.has(|f| matches!(f, Fault::Fill { disk: d, .. } if d == disk));
        let disks = folders
            .into_iter()
            .filter(|(disk, _)| is_filled(*disk))
            .map(|(disk, folder)| (disk, SmallDisk::at(&folder)))
            .collect();
        for role in &schedule.roles {
            role.furnish(match role.place {
                Place::Remote => &far_home,
                Place::Local => home.path(),
            });
        }
        Self { home, proxy, sshd: Mutex::new(sshd), disks, far_home }
    }

    /// The server.
    pub(crate) fn sshd(&self) -> MutexGuard<'_, Sshd> {
        self.sshd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A disk that the schedule fills.
    pub(crate) fn disk(&self, disk: Disk) -> Option<&SmallDisk> {
        self.disks.iter().find(|(which, _)| *which == disk).map(|(_, disk)| disk)
    }

    /// The home of the account that a session runs as.
    pub(crate) fn home_at(&self, place: Place) -> &Path {
        match place {
            Place::Remote => &self.far_home,
            Place::Local => self.home.path(),
        }
    }

    /// The folder of all spools there.
    pub(crate) fn spools_at(&self, place: Place) -> PathBuf {
        match place {
            Place::Remote => self.far_home.join(".local/state/longhaul/1"),
            Place::Local => self.home.state_dir().join("spool/1"),
        }
    }

    /// Copies all there is to a folder that stays, and names it.
    pub(crate) fn keep(&self, seed: u64) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("longhaul-schedule-{seed}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).must("make a folder for what is kept");
        let sshd_base = self.far_home.parent().unwrap_or(&self.far_home);
        for (from, name) in [(self.home.path(), "control"), (sshd_base, "remote")] {
            let _ = Command::new("cp").arg("-a").arg(from).arg(folder.join(name)).output();
        }
        folder
    }

    /// Everything that was logged.
    pub(crate) fn logs(&self) -> String {
        format!("{}--- sshd\n{}", self.home.logs(), self.sshd().log())
    }

    /// Ends it all, and panics if processes are left.
    pub(crate) fn end(self) {
        let Self { home, proxy, sshd, disks, far_home: _ } = self;
        if home.daemon_pid().is_some() {
            home.longhaul(&["daemon", "stop"]).exited(0);
        }
        // Their folders cannot be removed while they are mounted.
        drop((disks, home, proxy, sshd));
    }
}
