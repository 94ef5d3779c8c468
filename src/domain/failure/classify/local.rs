//! A trouble of this machine in words.

use super::code::local_code;
use super::told::Told;
use crate::domain::failure::Failure;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::failure::whereabouts::Whereabouts;

/// The failure that `trouble` is; its place is the remote that was asked for,
/// else this machine.
#[must_use]
pub fn local_failure(trouble: &LocalTrouble) -> Failure {
    let at = match trouble {
        LocalTrouble::RemoteUnknown { name, .. } | LocalTrouble::RemoteDisabled { name } => {
            Whereabouts { place: name.clone(), destination: None, session: None }
        }
        _ => Whereabouts::local(),
    };
    tell(trouble).failure(local_code(trouble), &at)
}

fn tell(trouble: &LocalTrouble) -> Told {
    use LocalTrouble as T;
    match trouble {
        T::ConfigInvalid { detail } => {
            Told::new("the configuration cannot be taken; the last good one stays in force")
                .by(detail)
        }
        T::RemoteUnknown { name, nearest } => {
            Told::new(format!("no remote is called {name}{}", meant(nearest.as_deref())))
        }
        T::RemoteDisabled { name } => Told::new(format!("the remote {name} is disabled")),
        T::AgentUnknown { name, nearest } => {
            Told::new(format!("no agent is called {name}{}", meant(nearest.as_deref())))
        }
        T::StateUnwritable { dir, detail } => {
            Told::new(format!("the state directory {} cannot be written", dir.display()))
                .by(detail)
                .file("dir", dir)
        }
        T::DiskFull { dir, detail } => {
            Told::new(format!("there is no room in {}", dir.display())).by(detail).file("dir", dir)
        }
        T::SocketPathTooLong { socket, limit } => Told::new(format!(
            "the socket's path {} has {} bytes, and the system allows {limit}",
            socket.display(),
            socket.as_os_str().len()
        )),
        T::DaemonUnreachable { socket, detail } => {
            Told::new(format!("no daemon answers at {}", socket.display())).by(detail)
        }
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}
