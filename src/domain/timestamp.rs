//! A moment, as a number that can be stored, compared and shown.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, in UTC.
///
/// Shown in RFC 3339 with milliseconds. The clock is read by the caller:
/// `Timestamp::from(SystemTime::now())`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last moment that RFC 3339 can say: 9999-12-31T23:59:59.999Z.
    ///
    /// humantime answers a later one with a formatting error, which
    /// `to_string` turns into a panic, so nothing later is ever shown.
    const LAST_SHOWN: u64 = 253_402_300_799_999;

    /// The moment `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long before `later` this was; zero if the clock went back between
    /// the two.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// A time before the epoch is the epoch: a clock that is set so has not
    /// been set at all.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = Duration::from_millis(self.0.min(Self::LAST_SHOWN));
        humantime::format_rfc3339_millis(UNIX_EPOCH + shown).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_in_rfc_3339_with_milliseconds() {
        for (millis, shown) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_751_328_000_007, "2025-07-01T00:00:00.007Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), shown);
        }
    }

    #[test]
    fn a_clock_that_went_back_gives_no_time_at_all() {
        let (early, late) = (Timestamp::from_millis(1_000), Timestamp::from_millis(3_500));
        assert_eq!(early.until(late), Duration::from_millis(2_500));
        assert_eq!(late.until(early), Duration::ZERO);
    }

    #[test]
    fn a_time_before_the_epoch_is_the_epoch() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Timestamp::from(before), Timestamp::from_millis(0));
    }
}
