//! The channels of a remote's links.
//!
//! OpenSSH opens at most `MaxSessions` channels on one connection, ten unless
//! it is told otherwise, and does not say how many that is: it refuses the one
//! that is too many. One of them is kept back, so that a session can be stopped
//! whatever else goes on.
//!
//! A refusal is not the last word: sshd counts a channel that was closed until
//! its process has ended, so it may refuse more than it would a moment later.
//! What was learned of a link is forgotten after a while.

use std::collections::BTreeMap;

/// The number of channels that a link is believed to take until it refuses one:
/// OpenSSH's own default, sshd_config(5).
pub const USUAL_CHANNELS: u32 = 10;

/// A link of a connection, in the order in which they came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u32);

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To start or follow a session: lasts as long as the session.
    Session,
    /// To do one thing, such as a kill: over in a moment.
    Control,
}

/// The links that are up, and how many channels each has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    links: BTreeMap<LinkId, Channels>,
    next: u32,
}

/// What a refused channel tells of its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It bears those that it has.
    Full,
    /// It bears none.
    BearsNone,
    /// It is gone.
    Gone,
}

/// What becomes of a link whose idle timer ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleVerdict {
    /// It is in use, or gone.
    Stays,
    /// It idles, and was used since the timer was set: another round.
    Again,
    /// Nobody used it for the whole time.
    Closes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Channels {
    taken: u32,
    most: u32,
    /// Whether an idle timer runs; there is never more than one.
    timed: bool,
    /// Whether a channel was taken since that was set.
    used: bool,
    /// Whether what was learned by a refusal is to be forgotten.
    forgetting: bool,
}

impl Channels {
    fn takes(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Control => self.taken < self.most,
            // A link of a single channel has none to keep back.
            Purpose::Session => self.taken < self.most.saturating_sub(1).max(1),
        }
    }
}

impl Pool {
    /// Adds a link that has come up.
    pub fn add(&mut self) -> LinkId {
        let id = LinkId(self.next);
        self.next += 1;
        let channels = Channels {
            taken: 0,
            most: USUAL_CHANNELS,
            timed: false,
            used: false,
            forgetting: false,
        };
        self.links.insert(id, channels);
        id
    }

    /// Takes a link out; whether it was there.
    pub fn remove(&mut self, link: LinkId) -> bool {
        self.links.remove(&link).is_some()
    }

    /// Takes a channel on the oldest link that has one, so that younger links
    /// fall idle first.
    pub fn take(&mut self, purpose: Purpose) -> Option<LinkId> {
        let (id, channels) = self.links.iter_mut().find(|(_, channels)| channels.takes(purpose))?;
        channels.taken += 1;
        channels.used = true;
        Some(*id)
    }

    /// Whether a channel could be taken.
    #[must_use]
    pub fn has_room(&self, purpose: Purpose) -> bool {
        self.links.values().any(|channels| channels.takes(purpose))
    }

    /// Gives a channel back; of a link that is gone, nothing.
    pub fn give_back(&mut self, link: LinkId) {
        if let Some(channels) = self.links.get_mut(&link) {
            channels.taken = channels.taken.saturating_sub(1);
        }
    }

    /// The server refused a channel that had been taken: the link has as many
    /// as it will bear for now.
    pub fn refused(&mut self, link: LinkId) -> Refusal {
        let Some(channels) = self.links.get_mut(&link) else {
            return Refusal::Gone;
        };
        channels.taken = channels.taken.saturating_sub(1);
        channels.most = channels.taken.max(1);
        if channels.taken > 0 { Refusal::Full } else { Refusal::BearsNone }
    }

    /// The server did not answer in time for a channel that had been taken. While
    /// others are open or asked for, that says nothing about the link.
    pub fn unanswered(&mut self, link: LinkId) -> Refusal {
        let Some(channels) = self.links.get_mut(&link) else {
            return Refusal::Gone;
        };
        channels.taken = channels.taken.saturating_sub(1);
        if channels.taken > 0 { Refusal::Gone } else { Refusal::BearsNone }
    }

    /// Whether a timer is to be set after which [`forget`](Self::forget) is
    /// called for a link that refused.
    pub fn is_to_forget(&mut self, link: LinkId) -> bool {
        self.links.get_mut(&link).is_some_and(|link| !std::mem::replace(&mut link.forgetting, true))
    }

    /// Forgets what a link's refusals taught; whether it was there.
    pub fn forget(&mut self, link: LinkId) -> bool {
        let Some(channels) = self.links.get_mut(&link) else { return false };
        channels.forgetting = false;
        channels.most = USUAL_CHANNELS;
        true
    }

    /// Whether an idle timer is to be set for a link: it has no channel, and
    /// no timer runs.
    pub fn is_to_time(&mut self, link: LinkId) -> bool {
        let Some(channels) = self.links.get_mut(&link) else { return false };
        if channels.taken > 0 || channels.timed {
            return false;
        }
        (channels.timed, channels.used) = (true, false);
        true
    }

    /// A link's idle timer ran out.
    pub fn idle_elapsed(&mut self, link: LinkId) -> IdleVerdict {
        let Some(channels) = self.links.get_mut(&link) else { return IdleVerdict::Stays };
        channels.timed = false;
        match channels {
            Channels { taken: 1.., .. } => IdleVerdict::Stays,
            Channels { used: true, .. } => IdleVerdict::Again,
            _ => IdleVerdict::Closes,
        }
    }

    /// The links that are up.
    pub fn links(&self) -> impl ExactSizeIterator<Item = LinkId> {
        self.links.keys().copied()
    }

    /// Whether no link is up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(pool: &mut Pool, purpose: Purpose) -> usize {
        std::iter::from_fn(|| pool.take(purpose)).count()
    }

    #[test]
    fn one_channel_of_ten_is_kept_for_control() {
        let mut pool = Pool::default();
        pool.add();
        assert_eq!(fill(&mut pool, Purpose::Session), 9);
        assert_eq!(fill(&mut pool, Purpose::Control), 1);
    }

    #[test]
    fn a_refusal_tells_how_many_a_link_bears() {
        let mut pool = Pool::default();
        let link = pool.add();
        for _ in 0..4 {
            pool.take(Purpose::Session);
        }
        assert_eq!(pool.refused(link), Refusal::Full);
        assert!(!pool.has_room(Purpose::Control));
        pool.give_back(link);
        assert!(pool.has_room(Purpose::Control));
        assert!(!pool.has_room(Purpose::Session));
    }

    #[test]
    fn a_link_of_one_channel_serves_one_at_a_time() {
        let mut pool = Pool::default();
        let link = pool.add();
        pool.take(Purpose::Session);
        pool.take(Purpose::Session);
        assert_eq!(pool.refused(link), Refusal::Full);
        assert_eq!(fill(&mut pool, Purpose::Session), 0);
        pool.give_back(link);
        assert_eq!(fill(&mut pool, Purpose::Session), 1);
    }

    #[test]
    fn a_link_that_refuses_its_first_channel_bears_none() {
        let mut pool = Pool::default();
        let link = pool.add();
        pool.take(Purpose::Session);
        assert_eq!(pool.refused(link), Refusal::BearsNone);
    }

    #[test]
    fn what_a_refusal_taught_is_forgotten_after_one_timer() {
        let mut pool = Pool::default();
        let link = pool.add();
        for _ in 0..3 {
            pool.take(Purpose::Session);
        }
        pool.refused(link);
        assert!(pool.is_to_forget(link));
        pool.refused(link);
        assert!(!pool.is_to_forget(link), "one timer at a time");
        assert!(pool.forget(link));
        assert_eq!(fill(&mut pool, Purpose::Control), 9);
        pool.refused(link);
        assert!(pool.is_to_forget(link), "and another after that");
    }

    #[test]
    fn a_link_has_one_idle_timer_however_often_it_is_used() {
        let mut pool = Pool::default();
        let link = pool.add();
        assert!(pool.is_to_time(link));
        for _ in 0..3 {
            pool.take(Purpose::Session);
            pool.give_back(link);
            assert!(!pool.is_to_time(link));
        }
        assert_eq!(pool.idle_elapsed(link), IdleVerdict::Again);
        assert!(pool.is_to_time(link));
        assert_eq!(pool.idle_elapsed(link), IdleVerdict::Closes);
        pool.take(Purpose::Control);
        assert_eq!(pool.idle_elapsed(link), IdleVerdict::Stays);
        assert!(!pool.is_to_time(link), "it is in use");
    }

    proptest! {
        #[test]
        fn never_more_channels_than_a_link_bears(steps in prop::collection::vec(0u8..7, 0..200)) {
            let mut pool = Pool::default();
            let mut taken = Vec::new();
            for step in steps {
                match step {
                    0 => _ = pool.add(),
                    1 => taken.extend(pool.take(Purpose::Session)),
                    2 => taken.extend(pool.take(Purpose::Control)),
                    3 => if let Some(link) = taken.pop() { pool.give_back(link) },
                    4 => if let Some(link) = taken.pop() { pool.refused(link); },
                    5 => if let Some(link) = taken.last() { pool.forget(*link); },
                    _ => {
                        let first = pool.links().next();
                        if let Some(link) = first {
                            pool.remove(link);
                            taken.retain(|other| *other != link);
                        }
                    }
                }
                for (id, channels) in &pool.links {
                    prop_assert!(channels.taken <= channels.most);
                    let mine = taken.iter().filter(|link| *link == id).count();
                    prop_assert_eq!(channels.taken as usize, mine);
                }
            }
        }
    }
}
