//! The world that `ssh_config`(5) is evaluated in: this machine.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo, getnameinfo};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::unistd::User;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::domain::ssh_config::{Family, FileText, Lookup, World};

/// A command of `Match exec` that takes longer than so many glances, half a
/// minute and more, is ended, and the file refused: ssh would wait for ever.
const GLANCES: u32 = 6000;
const GLANCE: Duration = Duration::from_millis(5);

// Flags of `getaddrinfo`(3) and `getnameinfo`(3).
/// Asks for the name in the end; the same number on Linux, macOS and the BSDs.
const AI_CANONNAME: i32 = 2;
/// Looks nothing up; the same number everywhere, too.
const AI_NUMERICHOST: i32 = 4;
/// As a number; the C libraries do not agree on this one.
const NI_NUMERICHOST: i32 = if cfg!(target_os = "linux") { 1 } else { 2 };

/// This machine, as it is at each question.
#[derive(Debug, Clone, Default)]
pub(super) struct System {
    /// In place of the variable `HOME`.
    pub(super) home: Option<String>,
}

impl System {
    /// Whether there is a sign of a Kerberos ticket: a cache that is named, or the
    /// usual one of most systems.
    pub(super) fn has_ticket(&self) -> bool {
        let usual = format!("/tmp/krb5cc_{}", rustix::process::getuid().as_raw());
        self.variable("KRB5CCNAME").is_some_and(|name| !name.is_empty())
            || Path::new(&usual).exists()
    }

    /// The environment, as far as it is text.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }
}

impl World for System {
    fn read(&self, path: &Path) -> Result<Option<FileText>, String> {
        let mut file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let found = file.metadata().map_err(|error| error.to_string())?;
        let ours = [0, rustix::process::getuid().as_raw()].contains(&found.uid());
        let private = ours && found.mode() & 0o022 == 0;
        let mut bytes = Vec::new();
        if !found.is_dir() {
            file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        }
        Ok(Some(FileText { bytes, private }))
    }

    fn is_present(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn list(&self, folder: &Path) -> Vec<OsString> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        entries.flatten().map(|entry| entry.file_name()).collect()
    }

    fn variable(&self, name: &str) -> Option<String> {
        if let (Some(home), "HOME") = (&self.home, name) {
            return Some(home.clone());
        }
        std::env::var_os(name).and_then(|value| value.into_string().ok())
    }

    fn home_of(&self, user: &str) -> Option<String> {
        let found = User::from_name(user).ok()??;
        found.dir.into_os_string().into_string().ok()
    }

    fn run(&self, command: &str) -> Result<bool, String> {
        let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        let child = Command::new(shell)
            .arg("-c")
            .arg(command)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        ended(child)
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let Ok(interfaces) = getifaddrs() else { return Vec::new() };
        let up = interfaces.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP));
        up.filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
        })
        .collect()
    }

    fn address(&self, name: &str, family: Family) -> Option<String> {
        let hints = AddrInfoHints { flags: AI_NUMERICHOST, ..stream(family) };
        let mut found = getaddrinfo(Some(name), None, Some(hints)).ok()?.flatten();
        let only = found.next()?;
        if found.next().is_some() {
            return None;
        }
        getnameinfo(&only.sockaddr, NI_NUMERICHOST).ok().map(|(host, _)| host)
    }

    fn resolve(&self, name: &str, family: Family) -> Option<Lookup> {
        let hints = AddrInfoHints { flags: AI_CANONNAME, ..stream(family) };
        let mut found = getaddrinfo(Some(name), None, Some(hints)).ok()?.flatten().peekable();
        let canonical = found.peek()?.canonname.clone();
        Some(Lookup { canonical })
    }

    fn service(&self, name: &str) -> Option<u16> {
        // A number would be taken for a port, however large.
        if !name.contains(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let mut found = getaddrinfo(None, Some(name), Some(stream(Family::Any))).ok()?.flatten();
        found.next().map(|found| found.sockaddr.port())
    }
}

fn stream(family: Family) -> AddrInfoHints {
    let address = match family {
        Family::Any => 0,
        Family::Inet => AddrFamily::Inet.into(),
        Family::Inet6 => AddrFamily::Inet6.into(),
    };
    AddrInfoHints { socktype: SockType::Stream.into(), address, ..AddrInfoHints::default() }
}

/// Waits for the end of a command, but not for ever.
fn ended(mut child: Child) -> Result<bool, String> {
    for _ in 0..GLANCES {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.signal().is_some() => return Err(status.to_string()),
            Some(status) => return Ok(status.success()),
            None => thread::sleep(GLANCE),
        }
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    Err(format!("not done within {} s", (GLANCE * GLANCES).as_secs()))
}
