//! One of several remotes.

use super::load::Load;
use crate::domain::ids::RemoteName;

/// How the link to a remote is, as far as a new session is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkHealth {
    /// It is up.
    Up,
    /// Nobody has needed it, or it is being brought up.
    Unknown,
    /// The host cannot be reached, or waits for a person.
    Away,
}

/// A remote that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: RemoteName,
    /// How its link is.
    pub link: LinkHealth,
    /// Sessions that run there or wait for their turn there.
    pub sessions: u32,
    /// Those of them that are younger than `load`.
    pub placed: u32,
    /// How many it has room for; `None` for any number.
    pub slots: Option<u32>,
    /// How busy it is, where that is known.
    pub load: Option<Load>,
}

/// A host that tells nothing counts as this busy, in per mille.
const USUAL_LOAD: u64 = 500;
/// Hosts that differ by less than so many per mille are as busy as each other.
const STEP: u64 = 100;

/// Where a session runs that may run on any of these; `None` if there is none.
///
/// A host that can be reached goes before one that cannot, one with a free slot
/// before one without, and then the less busy one. With `spread`, the one with
/// fewer sessions goes before the less busy one.
#[must_use]
pub fn choose(candidates: &[Candidate], spread: bool) -> Option<&RemoteName> {
    let rank = |candidate: &&Candidate| {
        let Candidate { name, link, sessions, placed, slots, load } = candidate;
        let is_full = slots.is_some_and(|slots| *sessions >= slots);
        let used = slots.map_or(u64::from(*sessions), |slots| {
            u64::from(*sessions) * 1000 / u64::from(slots.max(1))
        });
        let busy = load.as_ref().map_or(USUAL_LOAD, |load| load.per_mille(u64::from(*placed)));
        let first = if spread { *sessions } else { 0 };
        // Where all are full, it is a queue that is chosen: the shorter one.
        let over = if is_full { used } else { 0 };
        (
            *link == LinkHealth::Away,
            is_full,
            over,
            first,
            busy / STEP,
            used,
            *sessions,
            name.clone(),
        )
    };
    candidates.iter().min_by_key(rank).map(|candidate| &candidate.name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn idle(name: &str) -> Candidate {
        let load = Load { cpus: 4, memory: 1000, available: 1000, ..Load::default() };
        Candidate {
            name: name.parse().expect("a name"),
            link: LinkHealth::Up,
            sessions: 0,
            placed: 0,
            slots: None,
            load: Some(load),
        }
    }

    fn busy(name: &str, running: u64) -> Candidate {
        let mut candidate = idle(name);
        candidate.load.iter_mut().for_each(|load| load.running = running);
        candidate
    }

    fn chosen(candidates: &[Candidate], spread: bool) -> &str {
        choose(candidates, spread).expect("one of them").as_str()
    }

    #[test]
    fn the_less_busy_host_is_chosen_among_those_that_can_be_reached() {
        let away = Candidate { link: LinkHealth::Away, ..idle("away") };
        let unknown = Candidate { link: LinkHealth::Unknown, load: None, ..idle("unknown") };
        let rows: [(&[Candidate], &str); 6] = [
            (&[busy("a", 300), busy("b", 100)], "b"),
            (&[away.clone(), busy("b", 4000)], "b"),
            (std::slice::from_ref(&away), "away"),
            (&[unknown.clone(), busy("a", 390)], "unknown"),
            (&[unknown, idle("idle")], "idle"),
            (&[idle("b"), idle("a")], "a"),
        ];
        for (candidates, expected) in rows {
            assert_eq!(chosen(candidates, false), expected);
        }
        assert_eq!(choose(&[], false), None);
    }

    #[test]
    fn a_full_host_comes_after_one_with_a_free_slot_however_busy() {
        let full = Candidate { sessions: 2, slots: Some(2), ..idle("full") };
        let fuller = Candidate { sessions: 5, slots: Some(2), ..idle("a-fuller") };
        let free = Candidate { sessions: 1, slots: Some(2), ..busy("free", 390) };
        assert_eq!(chosen(&[full.clone(), free], false), "free");
        assert_eq!(chosen(&[fuller, full], false), "full");
    }

    #[test]
    fn sessions_that_are_too_young_to_show_count() {
        let fresh = Candidate { sessions: 2, placed: 2, ..idle("a") };
        assert_eq!(chosen(&[fresh, busy("b", 100)], false), "b");
    }

    #[test]
    fn spreading_counts_sessions_and_not_load() {
        let few = Candidate { sessions: 1, ..busy("few", 900) };
        let many = Candidate { sessions: 2, ..idle("many") };
        assert_eq!(chosen(&[few.clone(), many.clone()], false), "many");
        assert_eq!(chosen(&[few, many], true), "few");
    }

    proptest! {
        /// As a batch that is placed one after another does.
        #[test]
        fn a_batch_is_spread_evenly(hosts in 1..8_u32, batch in 0..40_u32) {
            let mut candidates: Vec<_> = (0..hosts).map(|at| idle(&format!("h{at}"))).collect();
            for _ in 0..batch {
                let name = choose(&candidates, true).cloned();
                for one in candidates.iter_mut().filter(|one| Some(&one.name) == name.as_ref()) {
                    one.sessions += 1;
                    one.placed += 1;
                }
            }
            let counts = || candidates.iter().map(|candidate| candidate.sessions);
            prop_assert!(counts().max() <= counts().min().map(|least| least + 1));
        }

        #[test]
        fn slots_are_not_gone_over_while_there_is_room(slots in prop::collection::vec(1..5_u32, 1..6)) {
            let candidate = |(at, slots): (usize, &u32)| Candidate { slots: Some(*slots), ..idle(&format!("h{at}")) };
            let mut candidates: Vec<_> = slots.iter().enumerate().map(candidate).collect();
            for _ in 0..slots.iter().sum::<u32>() {
                let name = choose(&candidates, false).cloned();
                for one in candidates.iter_mut().filter(|one| Some(&one.name) == name.as_ref()) {
                    one.sessions += 1;
                    prop_assert!(Some(one.sessions) <= one.slots);
                }
            }
        }
    }
}
