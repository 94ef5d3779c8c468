//! Bounds that leave out the time in which a person is waited for.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::failure::trouble::{LinkTrouble, Phase};

/// The time that a person takes, which is not the server's. Clones are the same
/// clock.
#[derive(Debug, Clone, Default)]
pub(super) struct PersonsTime(Arc<Clock>);

#[derive(Debug, Default)]
struct Clock {
    active: AtomicBool,
    spent_micros: AtomicU64,
    since: Mutex<Option<Instant>>,
}

impl PersonsTime {
    fn is_active(&self) -> bool {
        self.0.active.load(Ordering::SeqCst)
    }

    /// All the time spent on it so far.
    fn spent(&self) -> Duration {
        let done = Duration::from_micros(self.0.spent_micros.load(Ordering::SeqCst));
        let since = *self.0.since.lock().unwrap_or_else(PoisonError::into_inner);
        done + since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Counts the time that `work` takes.
    pub(super) async fn count<T>(&self, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        self.0.active.store(true, Ordering::SeqCst);
        let result = work.await;
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.spent_micros.fetch_add(micros, Ordering::SeqCst);
        self.0.active.store(false, Ordering::SeqCst);
        result
    }

    /// Runs `request` within what is `left` of the bound of `phase`, and takes
    /// from that what it took, without the person's time.
    ///
    /// # Errors
    ///
    /// [`LinkTrouble::TimedOut`] in `phase`.
    pub(super) async fn bound<T>(
        &self,
        left: &mut Duration,
        phase: Phase,
        request: impl Future<Output = T>,
    ) -> Result<T, LinkTrouble> {
        let mut request = pin!(request);
        let started = Instant::now();
        let before = self.spent();
        let counted = || started.elapsed().saturating_sub(self.spent().saturating_sub(before));
        loop {
            let remaining = left.saturating_sub(counted());
            if remaining.is_zero() && !self.is_active() {
                return Err(LinkTrouble::TimedOut { phase });
            }
            let nap = remaining.max(Duration::from_millis(50));
            tokio::select! {
                result = &mut request => {
                    *left = left.saturating_sub(counted());
                    return Ok(result);
                }
                () = sleep(nap) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASE: Phase = Phase::Authentication;

    #[tokio::test(start_paused = true)]
    async fn a_persons_time_is_not_the_servers() {
        let time = PersonsTime::default();
        let mut left = Duration::from_secs(10);
        let request = async {
            sleep(Duration::from_secs(4)).await;
            time.count(sleep(Duration::from_secs(90))).await;
            sleep(Duration::from_secs(4)).await;
        };
        assert_eq!(time.bound(&mut left, PHASE, request).await, Ok(()));
        assert_eq!(left, Duration::from_secs(2));
        let request = sleep(Duration::from_secs(4));
        let late = time.bound(&mut left, PHASE, request).await;
        assert_eq!(late, Err(LinkTrouble::TimedOut { phase: PHASE }));
    }
}
