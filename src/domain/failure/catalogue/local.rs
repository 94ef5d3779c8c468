//! This machine: the daemon, its state, its socket.

use super::entry::group;

group! {
    /// Codes of the machine that longhaul runs on.
    Local {
        StateUnwritable = "local.state-unwritable", Local, WaitsForYou,
            "the state directory cannot be written",
            "longhaul keeps its registry and the sessions' output there, and may not write to it, or it is read-only.",
            Type("ls -ld {dir}\n# or use another one: export LONGHAUL_STATE_DIR=DIR");
        DiskFull = "local.disk-full", Local, WaitsForYou,
            "the disk of this machine is full",
            "There is no room for the registry or for sessions' output. Running sessions write on where they run, and what is missing here is fetched when there is room again.",
            Type("df -h {dir}\nlonghaul gc --dry-run\n# remove what is not needed any more: longhaul rm ID");
        SocketPathTooLong = "local.socket-path-too-long", Local, WaitsForYou,
            "the path of the socket is too long",
            "The system limits the path of a Unix socket to about a hundred bytes (sockaddr_un, unix(7)).",
            Type("export LONGHAUL_SOCKET=~/.longhaul.sock");
        DaemonUnreachable = "local.daemon-unreachable", Local, WaitsForYou,
            "the daemon does not answer",
            "The daemon could not be started, or does not answer on its socket. Sessions on remotes run on all the same.",
            Type("longhaul daemon status\n# its log shows why, in the foreground:\nlonghaul daemon run");
    }
}
