//! Looking out for a host that cannot be reached.
//!
//! Pauses between dials grow to half a minute, and a host that is back is to be
//! used within a second. So while the last dial failed to reach the host at all,
//! its port is tried in short intervals besides: an attempt is a packet or two,
//! and costs the host nothing. Only when it answers, a handshake follows.

use std::time::Duration;

use crate::domain::failure::trouble::{LinkTrouble, Phase};

/// Between two attempts, for hosts that went away lately.
const OFTEN: Duration = Duration::from_millis(500);
/// For so long they are looked for that often.
const LATELY: Duration = Duration::from_secs(10 * 60);
/// Between two attempts after that.
const SELDOM: Duration = Duration::from_secs(5);

/// Whether a dial failed in a way that a mere TCP connection would have failed
/// in too: then one that is taken says that things have changed.
///
/// A name that has no address is none of these: the name server is not to be
/// asked twice a second.
#[must_use]
pub fn tells(trouble: &LinkTrouble) -> bool {
    match trouble {
        LinkTrouble::Refused
        | LinkTrouble::NoRoute
        | LinkTrouble::NetworkUnreachable
        | LinkTrouble::NoIpv6 { .. }
        | LinkTrouble::ConnectFailed { .. }
        | LinkTrouble::TimedOut { phase: Phase::Connect }
        | LinkTrouble::ResetByPeer { phase: Phase::Connect } => true,
        // Only the outermost hop is reached by TCP; behind it are channels.
        LinkTrouble::Jump { trouble, .. } => tells(trouble),
        _ => false,
    }
}

/// The pause before the next attempt on a host that is away for so long.
#[must_use]
pub fn pause(away: Duration) -> Duration {
    if away < LATELY { OFTEN } else { SELDOM }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::trouble::LostHow;

    #[test]
    fn only_what_tcp_alone_would_see_is_looked_out_for() {
        let jump = |trouble| LinkTrouble::Jump { hop: "j".to_owned(), trouble: Box::new(trouble) };
        for (trouble, expected) in [
            (LinkTrouble::Refused, true),
            (LinkTrouble::TimedOut { phase: Phase::Connect }, true),
            (LinkTrouble::NetworkUnreachable, true),
            (jump(LinkTrouble::Refused), true),
            (LinkTrouble::TimedOut { phase: Phase::KeyExchange }, false),
            (LinkTrouble::TimedOut { phase: Phase::Resolve }, false),
            (LinkTrouble::ClosedByPeer { phase: Phase::KeyExchange, said: None }, false),
            (jump(LinkTrouble::ClosedByPeer { phase: Phase::KeyExchange, said: None }), false),
            (
                LinkTrouble::Forward {
                    hop: "j".to_owned(),
                    to: "h:22".to_owned(),
                    detail: "Connection refused".to_owned(),
                },
                false,
            ),
            (LinkTrouble::Lost { how: LostHow::Closed, detail: String::new() }, false),
            (LinkTrouble::NoKeys { user: "u".to_owned(), looked_for: vec![] }, false),
        ] {
            assert_eq!(tells(&trouble), expected, "{trouble:?}");
        }
    }

    #[test]
    fn a_host_that_stays_away_is_looked_for_less_often() {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        assert_eq!(pause(minutes(0)), pause(minutes(9)));
        assert!(pause(minutes(0)) <= Duration::from_millis(500), "a second is the bound");
        assert_eq!(pause(minutes(11)), pause(minutes(10_000)));
        assert!(pause(minutes(11)) >= Duration::from_secs(5));
    }
}
