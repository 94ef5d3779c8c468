//! Exit codes: what a script can rely on.

use crate::api::types::{Exit, Pulse, SessionState};

/// What the program exits with.
pub(super) type Code = u8;

/// All went well.
pub(super) const OK: Code = 0;
/// A verb did not do what it was told.
pub(super) const FAILED: Code = 1;
/// Bad usage. It is also what clap uses.
pub(super) const USAGE: Code = 2;
/// There is no daemon; the number is systemctl's for a unit that is not active.
pub(super) const NOT_RUNNING: Code = 3;
/// The session ran past its limit, as timeout(1) has it.
pub(super) const TIMED_OUT: Code = 124;
/// longhaul itself failed, so the command's status is not known.
pub(super) const LONGHAUL: Code = 125;
/// Standard output was closed: 128 and SIGPIPE.
pub(super) const CLOSED_PIPE: Code = 128 + 13;

/// What a signal that ended us makes of the status.
pub(super) fn by_signal(signal: u8) -> Code {
    Exit::Signal(signal).shell_status()
}

/// What `run`, `attach` and `wait` exit with for a session that has ended.
pub(super) fn of_session(pulse: &Pulse) -> Code {
    match (pulse.state, pulse.exit) {
        (SessionState::TimedOut, _) => TIMED_OUT,
        (_, Some(exit)) => exit.shell_status(),
        (_, None) => LONGHAUL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_s_status_is_its_own_where_it_has_one() {
        use SessionState::{Cancelled, Exited, Failed, Lost, Signalled, TimedOut};
        for (state, exit, code) in [
            (Exited, Some(Exit::Code(0)), 0),
            (Exited, Some(Exit::Code(255)), 255),
            (Signalled, Some(Exit::Signal(9)), 137),
            (TimedOut, Some(Exit::Signal(15)), 124),
            (TimedOut, None, 124),
            (Failed, Some(Exit::Code(127)), 127),
            (Failed, None, 125),
            (Lost, None, 125),
            (Cancelled, None, 125),
        ] {
            let pulse = Pulse {
                state,
                link: None,
                stdout: 0,
                stderr: 0,
                exit,
                failure: None,
                warnings: Vec::new(),
                mirror_paused: None,
                mirror_behind: None,
                waits_for: None,
            };
            assert_eq!(of_session(&pulse), code, "{state:?} {exit:?}");
        }
    }
}
