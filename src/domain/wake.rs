//! Telling that the machine has slept.
//!
//! No clock says so everywhere. The wall clock goes on while a machine sleeps
//! and a monotonic one, as a rule, does not, and neither do timers; whatever
//! stopped, from one look to the next more time has gone by than was to.

use std::time::Duration;

use super::timestamp::Timestamp;

/// How often the clocks are looked at. A wake is noticed after at most so long.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A machine that is busy, or whose clock is set right, loses less than this.
const SLACK: Duration = Duration::from_secs(5);

/// Compares each look at the clocks with the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WakeDetector {
    last: Option<(Duration, Timestamp)>,
}

impl WakeDetector {
    /// Takes in a look: the monotonic clock, from whenever it counts, and the
    /// time of day. How long the machine was away, if it was.
    ///
    /// A clock that is set forward is taken for a sleep, and costs a few probes;
    /// one that is set back is not.
    pub fn look(&mut self, monotonic: Duration, wall: Timestamp) -> Option<Duration> {
        let (then, wall_then) = self.last.replace((monotonic, wall))?;
        let passed = monotonic.saturating_sub(then).max(wall_then.until(wall));
        let missing = passed.saturating_sub(LOOK_EVERY);
        (missing > SLACK).then_some(missing)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is found at the second of two looks, so many seconds apart.
    fn between(monotonic: f64, wall: i64) -> Option<u64> {
        let mut detector = WakeDetector::default();
        let noon = 1_000_000_000_000_i64;
        let at = |seconds: i64| Timestamp::from_millis((noon + seconds * 1000).unsigned_abs());
        assert_eq!(detector.look(Duration::from_secs(100), at(0)), None);
        let found = detector.look(Duration::from_secs_f64(100.0 + monotonic), at(wall));
        found.map(|away| away.as_secs())
    }

    #[test]
    fn a_sleep_is_what_the_wall_clock_has_more() {
        for (monotonic, wall, expected) in [
            (2.0, 2, None),
            // Late, as on a busy machine.
            (4.0, 4, None),
            (2.0, 3602, Some(3600)),
            // Where the monotonic clock goes on in sleep, and after SIGCONT.
            (3602.0, 3602, Some(3600)),
            // Set by a time server, forward and back.
            (2.0, 4, None),
            (2.0, -3600, None),
        ] {
            assert_eq!(between(monotonic, wall), expected, "{monotonic} {wall}");
        }
    }

    #[test]
    fn a_sleep_is_told_once() {
        let mut detector = WakeDetector::default();
        let looks = [(0, 0), (2, 2), (4, 1000), (6, 1002), (8, 1004)];
        let found: Vec<_> = looks
            .into_iter()
            .map(|(monotonic, wall)| {
                let wall = Timestamp::from_millis(wall * 1000);
                detector.look(Duration::from_secs(monotonic), wall).is_some()
            })
            .collect();
        assert_eq!(found, [false, false, true, false, false]);
    }

    proptest! {
        #[test]
        fn a_machine_that_is_only_busy_never_slept(late in prop::collection::vec(0u64..4_000, 1..50)) {
            let mut detector = WakeDetector::default();
            let mut at = 0;
            for late in late {
                at += 2_000 + late;
                let wall = Timestamp::from_millis(1_000_000 + at);
                prop_assert_eq!(detector.look(Duration::from_millis(at), wall), None);
            }
        }
    }
}
