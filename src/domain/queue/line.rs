//! Those that wait, those that run, and whose turn it is.
//!
//! A session starts as soon as no limit is in its way. Of several that wait for
//! one place, in this order:
//!
//! 1. one that was passed by too often, the oldest first;
//! 2. higher priority;
//! 3. a client of which fewer run, then whose last turn is longer ago; of one
//!    client's agents likewise;
//! 4. the older one.
//!
//! Who finds a limit in its way holds up nobody that it does not stand in the
//! way of: a full host does not keep others idle. So one that needs room in two
//! places could find only the one, then only the other, for ever; and a low
//! priority could wait for as long as high ones come. Hence the first rule. Each
//! start of a younger one counts that takes room which this one could have used,
//! or is waiting for; after [`PASSED_MOST`] of them it is next. While it then
//! finds room in one place and not in another, that room is kept for it: but not
//! for as long as nothing ends where it is full, when that would serve nobody.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::limits::{Counted, Limits, Needs, WaitsFor};
use super::ticket::{Priority, Ticket};
use crate::domain::ids::{AgentName, ClientName, SessionId};

/// How often a session may be passed by.
pub const PASSED_MOST: u32 = 16;

/// Where one that waits stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its place among those that wait for the same, from 1.
    pub place: u32,
    /// How many those are.
    pub of: u32,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// One that waits.
#[derive(Debug, Clone)]
struct Waiter {
    id: SessionId,
    /// At most [`PLACES`].
    counted: Vec<Counted>,
    /// Those of `counted` that it has waited for, as bits.
    met: u8,
    whose: Whose,
    priority: Priority,
    /// Starts of younger ones in each of `counted` that it has waited for.
    passed: [u32; PLACES],
    /// Starts of younger ones while it could have started itself.
    passed_over: u32,
}

/// What one session may be counted in.
const PLACES: usize = 3;

/// Whose session it is, as far as fairness goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Whose {
    client: Option<ClientName>,
    agent: Option<AgentName>,
}

/// One that runs.
#[derive(Debug, Clone)]
struct Runner {
    counted: Vec<Counted>,
    whose: Whose,
}

/// How many run of somebody, and when they last had a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Share {
    running: u32,
    last_turn: u64,
}

/// The shares of clients, and of each client's agents.
#[derive(Debug, Clone, Default)]
struct Shares {
    clients: BTreeMap<Option<ClientName>, Share>,
    agents: BTreeMap<Whose, Share>,
    turn: u64,
}

impl Shares {
    fn of(&self, whose: &Whose) -> (Share, Share) {
        let client = self.clients.get(&whose.client).copied().unwrap_or_default();
        (client, self.agents.get(whose).copied().unwrap_or_default())
    }

    fn begin(&mut self, whose: &Whose) {
        self.turn += 1;
        let client = self.clients.entry(whose.client.clone()).or_default();
        let agent = self.agents.entry(whose.clone()).or_default();
        for share in [client, agent] {
            share.running += 1;
            share.last_turn = self.turn;
        }
    }

    fn end(&mut self, whose: &Whose) {
        let client = self.clients.get_mut(&whose.client);
        let agent = self.agents.get_mut(whose);
        for share in [client, agent].into_iter().flatten() {
            share.running = share.running.saturating_sub(1);
        }
    }

    /// While nobody waits there is nothing to be fair about, and who is gone
    /// need not be remembered.
    fn forget_turns(&mut self) {
        self.clients.retain(|_, share| share.running > 0);
        self.agents.retain(|_, share| share.running > 0);
    }
}

/// All sessions that are live, in the order of the queue.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// By when they came.
    waiting: BTreeMap<u64, Waiter>,
    running: BTreeMap<SessionId, Runner>,
    counts: BTreeMap<Counted, u32>,
    shares: Shares,
    next: u64,
}

impl Line {
    /// Puts a session at the end of those that wait.
    pub fn arrive(&mut self, id: SessionId, needs: &Needs, ticket: &Ticket) {
        let whose = Whose { client: ticket.client.clone(), agent: needs.agent.clone() };
        let counted = needs.counted().collect();
        let priority = ticket.priority;
        let (met, passed, passed_over) = (0, [0; PLACES], 0);
        let waiter = Waiter { id, counted, met, whose, priority, passed, passed_over };
        self.waiting.insert(self.next, waiter);
        self.next += 1;
    }

    /// Counts a session that runs already, whatever the limits are.
    pub fn run(&mut self, id: SessionId, needs: &Needs, ticket: &Ticket) {
        let whose = Whose { client: ticket.client.clone(), agent: needs.agent.clone() };
        self.begin(id, Runner { counted: needs.counted().collect(), whose });
    }

    /// Takes a session out: it has ended, or does not want to wait any more.
    pub fn leave(&mut self, id: &SessionId) {
        if let Some(runner) = self.running.remove(id) {
            for counted in &runner.counted {
                if let Some(count) = self.counts.get_mut(counted) {
                    *count -= 1;
                }
            }
            self.counts.retain(|_, count| *count > 0);
            self.shares.end(&runner.whose);
        } else {
            self.waiting.retain(|_, waiter| waiter.id != *id);
        }
        if self.waiting.is_empty() {
            self.shares.forget_turns();
        }
    }

    /// Whether a session is in it, waiting or running.
    #[must_use]
    pub fn has(&self, id: &SessionId) -> bool {
        self.running.contains_key(id) || self.waiting.values().any(|waiter| waiter.id == *id)
    }

    /// Starts all whose turn it is now, in the order of their turns.
    pub fn admit(&mut self, limits: &Limits) -> Vec<SessionId> {
        let mut started = Vec::new();
        loop {
            let room = Room { counts: &self.counts, limits };
            for waiter in self.waiting.values_mut() {
                waiter.meet(&room);
            }
            let Some(at) = self.next_in_turn(&room) else { break };
            let Some(waiter) = self.waiting.remove(&at) else { break };
            count_passes(&mut self.waiting, at, &waiter, &room);
            started.push(waiter.id.clone());
            self.begin(waiter.id, Runner { counted: waiter.counted, whose: waiter.whose });
        }
        if self.waiting.is_empty() {
            self.shares.forget_turns();
        }
        started
    }

    /// Why each that waits does, for all that [`admit`](Self::admit) left.
    pub fn waits<'a>(
        &'a self,
        limits: &'a Limits,
    ) -> impl Iterator<Item = (&'a SessionId, WaitsFor)> {
        let room = Room { counts: &self.counts, limits };
        let why = move |waiter: &Waiter| {
            let full = waiter.counted.iter().find(|counted| room.is_full(counted, 0));
            let most = full.and_then(|counted| Some((counted, limits.most(counted)?)));
            most.map_or(WaitsFor::Older, |(counted, most)| counted.clone().waits_for(most))
        };
        self.waiting.values().map(move |waiter| (&waiter.id, why(waiter)))
    }

    /// Where each that waits stands: in the order in which they would start if
    /// room came one by one.
    #[must_use]
    pub fn standings(&self, limits: &Limits) -> BTreeMap<SessionId, Standing> {
        let why: BTreeMap<&SessionId, WaitsFor> = self.waits(limits).collect();
        let mut ahead: BTreeMap<WaitsFor, u32> = BTreeMap::new();
        let mut standings = BTreeMap::new();
        for waiter in self.in_order(&Room { counts: &self.counts, limits }) {
            let Some(waits_for) = why.get(&waiter.id).cloned() else { continue };
            let place = ahead.entry(waits_for.clone()).or_default();
            *place += 1;
            let standing = Standing { place: *place, of: 0, waits_for };
            standings.insert(waiter.id.clone(), standing);
        }
        for standing in standings.values_mut() {
            standing.of = ahead.get(&standing.waits_for).copied().unwrap_or_default();
        }
        standings
    }

    fn begin(&mut self, id: SessionId, runner: Runner) {
        for counted in &runner.counted {
            *self.counts.entry(counted.clone()).or_default() += 1;
        }
        self.shares.begin(&runner.whose);
        self.running.insert(id, runner);
    }

    /// Whose turn it is.
    fn next_in_turn(&self, room: &Room<'_>) -> Option<u64> {
        // Kept for one at a time: more would leave room unused for many.
        let mut kept_for: Option<&Waiter> = None;
        for (at, waiter) in self.waiting.iter().filter(|(_, waiter)| waiter.is_overdue(room)) {
            if waiter.fits(room, kept_for) {
                return Some(*at);
            }
            kept_for = kept_for.or(Some(waiter));
        }
        let rest = self.waiting.iter().filter(|(_, waiter)| waiter.fits(room, kept_for));
        rest.min_by_key(|(at, waiter)| self.rank(**at, waiter)).map(|(at, _)| *at)
    }

    fn rank(&self, at: u64, waiter: &Waiter) -> (Reverse<Priority>, (Share, Share), u64) {
        (Reverse(waiter.priority), self.shares.of(&waiter.whose), at)
    }

    /// Those that wait, in the order of their turns, whatever is in their way.
    fn in_order(&self, room: &Room<'_>) -> Vec<&Waiter> {
        let (overdue, rest): (Vec<_>, Vec<_>) =
            self.waiting.iter().partition(|(_, waiter)| waiter.is_overdue(room));
        let mut order: Vec<&Waiter> = overdue.into_iter().map(|(_, waiter)| waiter).collect();
        // Of one class the order is that of their coming: only heads compete.
        let mut classes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (at, waiter) in rest.into_iter().rev() {
            let class = (Reverse(waiter.priority), &waiter.whose);
            classes.entry(class).or_default().push((at, waiter));
        }
        let mut shares = self.shares.clone();
        loop {
            let heads = classes.iter().filter_map(|(class, those)| Some((*class, those.last()?.0)));
            let rank = |&((priority, whose), at): &((Reverse<Priority>, &Whose), &u64)| {
                (priority, shares.of(whose), *at)
            };
            let Some((class, _)) = heads.min_by_key(rank) else { return order };
            order.extend(classes.get_mut(&class).and_then(Vec::pop).map(|(_, waiter)| waiter));
            shares.begin(class.1);
        }
    }
}

/// Somebody starts who came `at` that time, and is not among `waiting` any more.
fn count_passes(waiting: &mut BTreeMap<u64, Waiter>, at: u64, starter: &Waiter, room: &Room<'_>) {
    for older in waiting.range_mut(..at).map(|(_, waiter)| waiter) {
        older.is_passed_by(starter, room);
    }
    if starter.is_overdue(room) {
        // One at a time, or all that wait long would go before all that are more
        // urgent.
        for younger in waiting.range_mut(at..).map(|(_, waiter)| waiter) {
            (younger.passed, younger.passed_over) = ([0; PLACES], 0);
        }
    }
}

/// What has room now.
struct Room<'a> {
    counts: &'a BTreeMap<Counted, u32>,
    limits: &'a Limits,
}

impl Room<'_> {
    /// Whether there is no room besides what is kept.
    fn is_full(&self, counted: &Counted, kept: u32) -> bool {
        let count = self.counts.get(counted).copied().unwrap_or_default();
        self.limits.most(counted).is_some_and(|most| count.saturating_add(kept) >= most)
    }
}

impl Waiter {
    /// Whether it could start, with what is kept for an older one left alone.
    fn fits(&self, room: &Room<'_>, kept_for: Option<&Self>) -> bool {
        let kept = |counted| kept_for.map_or(0, |older| u32::from(older.waits_in(counted)));
        !self.counted.iter().any(|counted| room.is_full(counted, kept(counted)))
    }

    /// Notes what it waits for: another place only if those that it has waited
    /// for have room by now.
    fn meet(&mut self, room: &Room<'_>) {
        let mut full = (0..self.counted.len()).filter(|at| room.is_full(&self.counted[*at], 0));
        let first = full.next();
        let known = first.into_iter().chain(full).any(|at| self.met >> at & 1 == 1);
        if let Some(first) = first.filter(|_| !known) {
            self.met |= 1 << first;
        }
    }

    /// A younger one starts.
    fn is_passed_by(&mut self, starter: &Self, room: &Room<'_>) {
        if self.fits(room, None) {
            self.passed_over = self.passed_over.saturating_add(1);
        }
        for counted in &starter.counted {
            let at = self.counted.iter().position(|mine| mine == counted);
            if let Some(at) = at.filter(|at| self.met >> at & 1 == 1) {
                self.passed[at] = self.passed[at].saturating_add(1);
            }
        }
    }

    /// Whether it was passed by too often: also where it is full now, which shows
    /// that there is coming and going.
    fn is_overdue(&self, room: &Room<'_>) -> bool {
        let met = || (0..self.counted.len()).filter(|at| self.met >> at & 1 == 1);
        let often = |at: usize| self.passed[at] >= PASSED_MOST;
        let everywhere = || met().all(|at| often(at) || !room.is_full(&self.counted[at], 0));
        self.passed_over >= PASSED_MOST || met().any(often) && everywhere()
    }

    /// Whether it has waited for room there.
    fn waits_in(&self, counted: &Counted) -> bool {
        let at = self.counted.iter().position(|mine| mine == counted);
        at.is_some_and(|at| self.met >> at & 1 == 1)
    }
}

#[cfg(test)]
mod tests;
