//! The socket that a service manager listens on for the daemon.

use std::io;
use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

/// The socket that this process was given, if any: with it nobody has to wait
/// for a daemon that starts, and none is refused while one takes another's place.
///
/// # Errors
///
/// What was given is no listening Unix socket.
pub fn handed_over() -> io::Result<Option<UnixListener>> {
    // More than one is more than was asked for, and stays closed to everybody.
    ListenFd::from_env().take_unix_listener(0)
}
