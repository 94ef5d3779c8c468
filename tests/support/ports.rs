//! Ports that a test has for itself, also while nothing listens there.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;

use super::must::Must;

/// Below the range that the kernel gives to outgoing connections (`ip(7)`,
/// `ip_local_port_range`): one of those could take a port while a test has its
/// server down.
const FIRST: u16 = 12_000;
const LAST: u16 = 31_999;

/// Locks on the ports that were given, and the one after the last of them. They
/// end with the process, however it ends.
static GIVEN: Mutex<(Vec<File>, u16)> = Mutex::new((Vec::new(), FIRST));

/// A port of 127.0.0.1 where nothing listens, and that no other test is given, in
/// this process or in another one, as long as this process lives.
pub(crate) fn free_port() -> u16 {
    let mut given = GIVEN.lock().must("the ports that were given");
    let (locks, next) = &mut *given;
    for port in *next..=LAST {
        let Some(lock) = lock(port) else { continue };
        // Some other program's, which knows nothing of the locks.
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            continue;
        }
        locks.push(lock);
        *next = port + 1;
        return port;
    }
    panic!("no free port from {FIRST} to {LAST}");
}

/// The right to a port; `None` where another process has it.
fn lock(port: u16) -> Option<File> {
    // Another user may neither write nor remove what is in this one's folder.
    let user = rustix::process::getuid().as_raw();
    let folder: PathBuf = std::env::temp_dir().join(format!("longhaul-test-ports-{user}"));
    fs::create_dir_all(&folder).must("make the folder of ports");
    let file = folder.join(port.to_string());
    let file = OpenOptions::new().create(true).append(true).open(file).must("open a port's lock");
    file.try_lock().is_ok().then_some(file)
}
