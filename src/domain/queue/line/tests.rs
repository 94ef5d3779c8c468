use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// A session of a small world, in which names are digits.
#[derive(Debug, Clone)]
struct Asked {
    remote: Option<u8>,
    agent: Option<u8>,
    client: Option<u8>,
    priority: Priority,
}

const PLAIN: Asked = Asked { remote: None, agent: None, client: None, priority: Priority::Normal };

fn on(remote: u8) -> Asked {
    Asked { remote: Some(remote), ..PLAIN }
}

fn id(number: u64) -> SessionId {
    SessionId::from_bits(number)
}

impl Asked {
    fn needs(&self) -> Needs {
        Needs {
            remote: self.remote.and_then(|name| format!("r{name}").parse().ok()),
            agent: self.agent.and_then(|name| format!("a{name}").parse().ok()),
        }
    }

    fn ticket(&self) -> Ticket {
        let client = self.client.and_then(|name| format!("c{name}").parse().ok());
        Ticket { priority: self.priority, client, ..Ticket::default() }
    }
}

fn limits(all: Option<u32>, remotes: &[Option<u32>], agents: &[Option<u32>]) -> Limits {
    let named = |most: &[Option<u32>], letter: char| -> Vec<(String, u32)> {
        let numbered = most.iter().enumerate();
        numbered.filter_map(|(at, most)| Some((format!("{letter}{at}"), (*most)?))).collect()
    };
    let remotes = named(remotes, 'r').into_iter();
    let agents = named(agents, 'a').into_iter();
    Limits {
        all,
        remotes: remotes.filter_map(|(name, most)| Some((name.parse().ok()?, most))).collect(),
        agents: agents.filter_map(|(name, most)| Some((name.parse().ok()?, most))).collect(),
    }
}

/// A line to which sessions come by number.
#[derive(Default)]
struct World {
    line: Line,
    asked: Vec<Asked>,
    /// Those that run, the one that has run longest first.
    running: VecDeque<u64>,
}

impl World {
    fn arrive(&mut self, asked: &Asked) -> u64 {
        let number = self.asked.len() as u64;
        self.line.arrive(id(number), &asked.needs(), &asked.ticket());
        self.asked.push(asked.clone());
        number
    }

    /// Numbers of those that start.
    fn admit(&mut self, limits: &Limits) -> Vec<u64> {
        let number = |started: &SessionId| {
            (0..self.asked.len() as u64).find(|number| id(*number) == *started)
        };
        let started: Vec<u64> = self.line.admit(limits).iter().filter_map(number).collect();
        self.running.extend(&started);
        started
    }

    /// The one that has run longest ends.
    fn end(&mut self) {
        if let Some(number) = self.running.pop_front() {
            self.line.leave(&id(number));
        }
    }

    fn end_of(&mut self, number: u64) {
        self.running.retain(|running| *running != number);
        self.line.leave(&id(number));
    }

    fn runs(&self, matches: impl Fn(&Asked) -> bool) -> u32 {
        let those = self.running.iter().filter(|number| matches(&self.asked[**number as usize]));
        those.count() as u32
    }
}

/// Starts one after another, with each ending before the next.
fn one_by_one(world: &mut World, limits: &Limits) -> Vec<u64> {
    let mut order = Vec::new();
    loop {
        let started = world.admit(limits);
        if started.is_empty() {
            return order;
        }
        order.extend(started);
        world.end();
    }
}

#[test]
fn without_limits_nobody_waits() {
    let mut world = World::default();
    for number in 0..50 {
        world.arrive(&on(1));
        assert_eq!(world.admit(&Limits::default()), [number]);
    }
    assert_eq!(world.line.standings(&Limits::default()).len(), 0);
}

#[test]
fn a_full_remote_holds_up_nobody_on_another() {
    let limits = limits(Some(3), &[Some(1), None], &[]);
    let mut world = World::default();
    for asked in [on(0), on(0), on(0), on(1), on(1)] {
        world.arrive(&asked);
    }
    assert_eq!(world.admit(&limits), [0, 3, 4]);
    let standings = world.line.standings(&limits);
    let remote = "r0".parse().expect("a name");
    let waits_for = WaitsFor::Remote { remote, most: 1 };
    assert_eq!(standings[&id(1)], Standing { place: 1, of: 2, waits_for: waits_for.clone() });
    assert_eq!(standings[&id(2)], Standing { place: 2, of: 2, waits_for });
}

#[test]
fn priority_comes_first_then_turns_go_round_and_then_age_decides() {
    let limits = limits(Some(1), &[], &[]);
    let mut world = World::default();
    let asked = |client, agent, priority| Asked {
        client: Some(client),
        agent: Some(agent),
        priority,
        ..PLAIN
    };
    let (low, normal, high) = (Priority::Low, Priority::Normal, Priority::High);
    for (client, agent, priority) in [
        (0, 0, low),
        (0, 0, normal),
        (0, 0, normal),
        (0, 1, normal),
        (1, 0, normal),
        (1, 0, normal),
        (2, 0, high),
    ] {
        world.arrive(&asked(client, agent, priority));
    }
    // The high one; then client 0 and 1 in turns, and of client 0 agent 1 after
    // agent 0.
    assert_eq!(one_by_one(&mut world, &limits), [6, 1, 4, 3, 5, 2, 0]);
}

#[test]
fn places_are_told_in_the_order_in_which_turns_come() {
    let limits = limits(Some(1), &[], &[]);
    let mut world = World::default();
    for (client, priority) in [
        (0, Priority::Normal),
        (0, Priority::Low),
        (0, Priority::Normal),
        (1, Priority::Normal),
        (1, Priority::High),
        (0, Priority::Normal),
    ] {
        world.arrive(&Asked { client: Some(client), priority, ..PLAIN });
    }
    assert_eq!(world.admit(&limits), [4]);
    let standings = world.line.standings(&limits);
    let mut told: Vec<_> = standings.iter().map(|(id, standing)| (standing.place, id)).collect();
    told.sort();
    let told: Vec<_> = told.into_iter().map(|(_, id)| id.clone()).collect();
    world.end();
    let came: Vec<_> = one_by_one(&mut world, &limits).into_iter().map(id).collect();
    assert_eq!(told, came);
}

#[test]
fn one_that_leaves_lets_the_next_move_up() {
    let limits = limits(Some(1), &[], &[]);
    let mut world = World::default();
    for _ in 0..3 {
        world.arrive(&PLAIN);
    }
    assert_eq!(world.admit(&limits), [0]);
    world.line.leave(&id(1));
    assert!(!world.line.has(&id(1)));
    assert_eq!(world.line.standings(&limits)[&id(2)].place, 1);
    world.end();
    assert_eq!(world.admit(&limits), [2]);
}

#[test]
fn those_that_run_count_whatever_the_limits_are() {
    let mut line = Line::default();
    for number in 0..3 {
        line.run(id(number), &on(0).needs(), &Ticket::default());
    }
    line.arrive(id(3), &on(0).needs(), &Ticket::default());
    let two = limits(None, &[Some(2)], &[]);
    line.leave(&id(0));
    assert_eq!(line.admit(&two), []);
    line.leave(&id(1));
    assert_eq!(line.admit(&two), [id(3)]);
}

#[test]
fn a_raised_limit_lets_as_many_more_start() {
    let mut world = World::default();
    for _ in 0..5 {
        world.arrive(&on(0));
    }
    assert_eq!(world.admit(&limits(None, &[Some(1)], &[])), [0]);
    assert_eq!(world.admit(&limits(None, &[Some(3)], &[])), [1, 2]);
    assert_eq!(world.admit(&limits(None, &[Some(1)], &[])), [] as [u64; 0]);
    assert_eq!(world.admit(&limits(None, &[], &[])), [3, 4]);
}

#[test]
fn low_priority_has_its_turn_however_many_high_ones_come() {
    let limits = limits(Some(1), &[], &[]);
    let mut world = World::default();
    let of = |priority| Asked { priority, ..PLAIN };
    world.arrive(&of(Priority::High));
    world.admit(&limits);
    let low = world.arrive(&of(Priority::Low));
    let also_low = world.arrive(&of(Priority::Low));
    let mut turns = Vec::new();
    while !turns.contains(&also_low) {
        world.arrive(&of(Priority::High));
        world.end();
        turns.extend(world.admit(&limits));
        assert!(turns.len() <= 3 * PASSED_MOST as usize, "it starves");
    }
    let at = |number| turns.iter().position(|turn| *turn == number);
    // Not both at once: what is urgent goes on in between.
    assert_eq!(at(low), Some(PASSED_MOST as usize));
    assert_eq!(at(also_low), Some(2 * PASSED_MOST as usize + 1));
}

/// It needs room in two places, which never have it at the same moment unless
/// it is kept.
#[test]
fn one_that_needs_two_places_is_not_passed_by_for_ever() {
    let limits = limits(None, &[Some(1), None], &[Some(1)]);
    let mut world = World::default();
    let (on_remote, of_agent) = (on(0), Asked { agent: Some(0), ..on(1) });
    let mut there = world.arrive(&on_remote);
    let mut with = world.arrive(&of_agent);
    world.admit(&limits);
    let both = world.arrive(&Asked { agent: Some(0), ..on(0) });
    for round in 0..4 * PASSED_MOST {
        // One of them ends while the other runs, and there is a next one.
        if round % 2 == 0 {
            let next = world.arrive(&on_remote);
            world.end_of(there);
            there = next;
        } else {
            let next = world.arrive(&of_agent);
            world.end_of(with);
            with = next;
        }
        if world.admit(&limits).contains(&both) {
            assert!(round >= PASSED_MOST, "nothing was shown");
            return;
        }
    }
    panic!("it starves");
}

/// What is kept is kept only where it has waited: a host that is full for long
/// does not close an agent that it never had to wait for.
#[test]
fn who_waits_for_a_full_remote_takes_no_room_elsewhere() {
    let limits = limits(None, &[Some(1), None], &[Some(1)]);
    let mut world = World::default();
    world.arrive(&on(0));
    world.admit(&limits);
    world.arrive(&Asked { agent: Some(0), ..on(0) });
    for _ in 0..5 * PASSED_MOST {
        let next = world.arrive(&Asked { agent: Some(0), ..on(1) });
        assert_eq!(world.admit(&limits), [next]);
        world.end_of(next);
    }
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let name = || prop::option::of(0..3_u8);
    let priority = prop::sample::select(vec![Priority::Low, Priority::Normal, Priority::High]);
    (name(), name(), name(), priority).prop_map(|(remote, agent, client, priority)| Asked {
        remote,
        agent,
        client,
        priority,
    })
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let most = || prop::option::of(1..4_u32);
    (most(), prop::collection::vec(most(), 3), prop::collection::vec(most(), 3))
        .prop_map(|(all, remotes, agents)| limits(all, &remotes, &agents))
}

#[derive(Debug, Clone)]
enum Step {
    Arrive(Asked),
    End(prop::sample::Index),
    TakeBack(prop::sample::Index),
    Reload(Limits),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any_asked().prop_map(Step::Arrive),
        4 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => any::<prop::sample::Index>().prop_map(Step::TakeBack),
        1 => any_limits().prop_map(Step::Reload),
    ]
}

impl World {
    fn waiting(&self) -> Vec<u64> {
        let all = 0..self.asked.len() as u64;
        all.filter(|at| self.line.has(&id(*at)) && !self.running.contains(at)).collect()
    }

    /// Whether one more of these would go over a limit.
    fn is_full_for(&self, asked: &Asked, limits: &Limits) -> bool {
        asked.needs().counted().any(|counted| {
            let count = self.runs(|running| running.needs().counted().any(|one| one == counted));
            limits.most(&counted).is_some_and(|most| count >= most)
        })
    }
}

proptest! {
    #[test]
    fn never_over_a_limit_never_idle_and_in_order_within_a_class(
        mut limits in any_limits(),
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let mut world = World::default();
        for step in steps {
            let reloaded = matches!(step, Step::Reload(_));
            match step {
                Step::Arrive(asked) => _ = world.arrive(&asked),
                Step::End(at) if !world.running.is_empty() => {
                    let number = world.running[at.index(world.running.len())];
                    world.end_of(number);
                }
                Step::TakeBack(at) if !world.waiting().is_empty() => {
                    let waiting = world.waiting();
                    world.end_of(waiting[at.index(waiting.len())]);
                }
                Step::End(_) | Step::TakeBack(_) => {}
                Step::Reload(other) => limits = other,
            }
            let before = world.waiting();
            let started = world.admit(&limits);
            for number in &started {
                let asked = world.asked[*number as usize].clone();
                // One that has started is itself among those that run.
                for counted in asked.needs().counted() {
                    let count =
                        world.runs(|one| one.needs().counted().any(|other| other == counted));
                    let over = limits.most(&counted).is_some_and(|most| count > most);
                    prop_assert!(!over, "{counted:?} is over its limit");
                }
                // Of two that differ in nothing but their age, the older goes first.
                let older = before.iter().take_while(|older| *older < number);
                for older in older.filter(|older| !started.contains(older)) {
                    let other = &world.asked[*older as usize];
                    let same = other.needs() == asked.needs() && other.ticket() == asked.ticket();
                    prop_assert!(!same, "{number} went before {older}");
                }
            }
            let waiting = world.waiting();
            let standings = world.line.standings(&limits);
            prop_assert_eq!(standings.len(), waiting.len());
            for number in waiting {
                let asked = &world.asked[number as usize];
                let standing = &standings[&id(number)];
                prop_assert!(standing.place >= 1 && standing.place <= standing.of);
                // Nobody waits beside room, unless that is kept for another.
                let full = world.is_full_for(asked, &limits);
                prop_assert_eq!(full, standing.waits_for != WaitsFor::Older);
                prop_assert!(full || reloaded || world.asked.len() > PASSED_MOST as usize);
            }
        }
    }

    #[test]
    fn nobody_starves_whatever_comes_after(
        limits in any_limits(),
        before in prop::collection::vec(any_asked(), 0..6),
        asked in any_asked(),
        later in prop::collection::vec(any_asked(), 1..12),
    ) {
        let mut world = World::default();
        for older in &before {
            world.arrive(older);
        }
        let number = world.arrive(&asked);
        let mut started = world.admit(&limits);
        // As many starts as may go before it, for each that is older.
        let most = (before.len() + 2) * 4 * PASSED_MOST as usize;
        for at in 0.. {
            if started.contains(&number) {
                break;
            }
            prop_assert!(at < most, "it starves");
            world.arrive(&later[at % later.len()]);
            world.end();
            started.extend(world.admit(&limits));
        }
    }
}
