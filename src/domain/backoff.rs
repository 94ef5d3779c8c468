//! How long to wait before the next try.

use std::time::Duration;

/// Capped exponential backoff with jitter.
///
/// Delays double from `first` to `cap`; each is then scaled by a factor from
/// half to one, so that many clients that lost one host together do not come
/// back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The delay before the second try.
    pub first: Duration,
    /// No delay is longer.
    pub cap: Duration,
}

impl Backoff {
    /// For links: soon enough to go unnoticed after a blip, and rare enough
    /// not to bother a host that is down for the night.
    pub const LINK: Self = Self { first: Duration::from_millis(500), cap: Duration::from_secs(30) };

    /// The delay after `failures` failures in a row (1 is the first), for
    /// `chance` drawn evenly from 0 to 1.
    #[must_use]
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        full.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }
}

/// What one of many waits that are to dial for the same reason, such as that the
/// machine woke, for `chance` drawn evenly from 0 to 1: a handshake takes this
/// machine some milliseconds of work too.
#[must_use]
pub fn spread(many: usize, chance: f64) -> Duration {
    let all = Duration::from_millis(25).saturating_mul(u32::try_from(many).unwrap_or(u32::MAX));
    all.min(Duration::from_secs(1)).mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_until_the_cap() {
        let delays: Vec<_> = (1..=8).map(|n| Backoff::LINK.delay(n, 1.0).as_millis()).collect();
        assert_eq!(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    }

    #[test]
    fn many_are_spread_over_no_more_than_a_second() {
        for (many, most) in [(0, 0), (1, 25), (4, 100), (1_000, 1_000), (usize::MAX, 1_000)] {
            assert_eq!(spread(many, 1.0), Duration::from_millis(most));
            assert_eq!(spread(many, 0.0), Duration::ZERO);
        }
    }

    proptest! {
        #[test]
        fn stays_between_half_and_all_of_the_step(failures in 1u32.., chance in 0.0f64..=1.0) {
            let delay = Backoff::LINK.delay(failures, chance);
            let full = Backoff::LINK.delay(failures, 1.0);
            prop_assert!(delay >= full / 2 && delay <= full);
            prop_assert!(full <= Backoff::LINK.cap);
        }
    }
}
