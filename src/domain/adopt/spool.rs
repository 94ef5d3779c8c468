//! What a host tells of one spool.

use super::meta::Meta;
use crate::domain::failure::trouble::LostWhy;
use crate::domain::ids::SessionId;
use crate::domain::session::Ending;

/// How the session of a spool is, as far as can be told from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolState {
    /// Its spool is claimed, and its command has not signed yet.
    Claimed,
    /// Its process is there.
    Running,
    /// It has ended; `None` if nobody can have written the record.
    Ended(Option<Ending>),
}

/// A spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// The session's id.
    pub id: SessionId,
    /// Bytes of standard output there.
    pub stdout: u64,
    /// Bytes of standard error there.
    pub stderr: u64,
    /// Bytes of standard input there.
    pub stdin: u64,
    /// Whether its standard input has its end.
    pub stdin_ended: bool,
    /// How the session is.
    pub state: SpoolState,
    /// What its launch left for whoever finds it; `None` where that is missing
    /// or cannot be read.
    pub meta: Option<Meta>,
}

/// Reads what the list says behind `spool`: the id, three lengths, whether the
/// input has its end, and the state; `None` where it is anything else.
#[must_use]
pub fn parse(line: &str) -> Option<Spool> {
    let mut words = line.splitn(6, ' ');
    let id = words.next()?.parse().ok()?;
    let mut length = || words.next()?.parse::<u64>().ok();
    let (stdout, stderr, stdin) = (length()?, length()?, length()?);
    let stdin_ended = match words.next()? {
        "open" => false,
        "ended" => true,
        _ => return None,
    };
    let state = match words.next()? {
        "claimed" => SpoolState::Claimed,
        "running" => SpoolState::Running,
        record => SpoolState::Ended(Ending::parse(record).ok()),
    };
    Some(Spool { id, stdout, stderr, stdin, stdin_ended, state, meta: None })
}

impl SpoolState {
    /// The state in a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "starting",
            Self::Running => "running",
            Self::Ended(Some(Ending::Lost(LostWhy::Rebooted))) => "lost in a reboot",
            Self::Ended(Some(Ending::Lost(_))) => "lost",
            Self::Ended(_) => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::session::Exit;

    #[test]
    fn every_state_that_a_list_tells_is_read() {
        for (told, state) in [
            ("claimed", SpoolState::Claimed),
            ("running", SpoolState::Running),
            ("code 3 run", SpoolState::Ended(Some(Ending::Ran(Exit::Code(3))))),
            ("lost rebooted", SpoolState::Ended(Some(Ending::Lost(LostWhy::Rebooted)))),
            ("code 3", SpoolState::Ended(None)),
        ] {
            let spool = parse(&format!("0000000007 5 6 7 open {told}")).expect(told);
            assert_eq!((spool.stdout, spool.stderr, spool.stdin), (5, 6, 7));
            assert_eq!((spool.id, spool.state), (SessionId::from_bits(7), state));
        }
        assert!(parse("0000000007 0 0 0 ended running").is_some_and(|spool| spool.stdin_ended));
    }

    #[test]
    fn what_is_no_id_or_no_number_is_no_spool() {
        for bad in [
            "",
            "0000000007",
            "../../../x 0 0 0 open running",
            "0000000007 -1 0 0 open running",
            "0000000007 0 0 99999999999999999999 open running",
            "0000000007 0 0 0 maybe running",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line: String) {
            let _ = parse(&line);
        }
    }
}
