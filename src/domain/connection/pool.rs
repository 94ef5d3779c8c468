//! The channels of a remote's links.
//!
//! OpenSSH opens at most `MaxSessions` channels on one connection, ten unless
//! it is told otherwise, and does not say how many that is: it refuses the one
//! that is too many. One of them is kept back, so that a session can be stopped
//! whatever else goes on.

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Channels {
    taken: u32,
    most: u32,
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
        self.links.insert(id, Channels { taken: 0, most: USUAL_CHANNELS });
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
    /// as it will bear. Returns whether it bears any.
    pub fn refused(&mut self, link: LinkId) -> bool {
        let Some(channels) = self.links.get_mut(&link) else {
            return true;
        };
        channels.taken = channels.taken.saturating_sub(1);
        channels.most = channels.taken.max(1);
        channels.taken > 0
    }

    /// Whether a link has no channel.
    #[must_use]
    pub fn is_idle(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|channels| channels.taken == 0)
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
        assert!(pool.refused(link));
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
        assert!(pool.refused(link));
        assert_eq!(fill(&mut pool, Purpose::Session), 0);
        pool.give_back(link);
        assert_eq!(fill(&mut pool, Purpose::Session), 1);
    }

    #[test]
    fn a_link_that_refuses_its_first_channel_bears_none() {
        let mut pool = Pool::default();
        let link = pool.add();
        pool.take(Purpose::Session);
        assert!(!pool.refused(link));
    }

    proptest! {
        #[test]
        fn never_more_channels_than_a_link_bears(steps in prop::collection::vec(0u8..6, 0..200)) {
            let mut pool = Pool::default();
            let mut taken = Vec::new();
            for step in steps {
                match step {
                    0 => _ = pool.add(),
                    1 => taken.extend(pool.take(Purpose::Session)),
                    2 => taken.extend(pool.take(Purpose::Control)),
                    3 => if let Some(link) = taken.pop() { pool.give_back(link) },
                    4 => if let Some(link) = taken.pop() { pool.refused(link); },
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
