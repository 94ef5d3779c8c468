//! How often something that fails is started again.

use std::collections::VecDeque;
use std::time::Duration;

use super::timestamp::Timestamp;

/// So many restarts within so much time, and no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartIntensity {
    most: usize,
    within: Duration,
    restarts: VecDeque<Timestamp>,
}

impl Default for RestartIntensity {
    /// Five a minute: a fault that comes back at once is a fault in the
    /// program, and starting again will not mend it.
    fn default() -> Self {
        Self { most: 5, within: Duration::from_secs(60), restarts: VecDeque::new() }
    }
}

impl RestartIntensity {
    /// Whether another restart is allowed `now`; it then counts.
    pub fn allows(&mut self, now: Timestamp) -> bool {
        while self.restarts.front().is_some_and(|first| first.until(now) > self.within) {
            self.restarts.pop_front();
        }
        let allowed = self.restarts.len() < self.most;
        if allowed {
            self.restarts.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_within_a_minute_is_one_too_many() {
        let mut intensity = RestartIntensity::default();
        let at = |second: u64| Timestamp::from_millis(second * 1000);
        assert!((0..5).all(|second| intensity.allows(at(second))));
        assert!(!intensity.allows(at(59)));
        assert!(intensity.allows(at(61)), "the first has been forgotten");
        assert!(!intensity.allows(at(61)));
    }
}
