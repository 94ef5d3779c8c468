//! Turns to start, given as limits allow.

use std::collections::{BTreeMap, HashMap};

use tokio::sync::watch;

use crate::actors::session::Turn;
use crate::domain::config::Config;
use crate::domain::ids::SessionId;
use crate::domain::queue::{Limits, Line, Needs, Standing};
use crate::domain::session::{Phase, SessionRecord};

/// The queue, and who is told of a turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    line: Line,
    limits: Limits,
    /// Of all live sessions whose turn has not come.
    waiting: HashMap<SessionId, watch::Sender<Turn>>,
}

impl Turns {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes a session in, and tells how its turn stands from now on. One whose
    /// actor is started again is in it already. Whoever is not `due` has to
    /// [`join`](Self::join) later.
    pub(super) fn enter(&mut self, record: &SessionRecord, due: bool) -> watch::Receiver<Turn> {
        let (id, needs) = (&record.id, Needs::of(record));
        if let Some(turn) = self.waiting.get(id) {
            return turn.subscribe();
        }
        if record.phase != Phase::Waiting {
            if !self.line.has(id) {
                self.line.run(id.clone(), &needs, &record.ticket);
            }
            return watch::Sender::new(Turn::Came).subscribe();
        }
        if self.line.has(id) {
            return watch::Sender::new(Turn::Came).subscribe();
        }
        let turn = watch::Sender::new(Turn::NotDue);
        let told = turn.subscribe();
        self.waiting.insert(id.clone(), turn);
        if due {
            self.join(record);
        }
        told
    }

    /// The pause before an attempt is over.
    pub(super) fn join(&mut self, record: &SessionRecord) {
        if self.waiting.contains_key(&record.id) && !self.line.has(&record.id) {
            self.line.arrive(record.id.clone(), &Needs::of(record), &record.ticket);
            self.go_on();
        }
    }

    /// A session has ended, or does not want to wait any more.
    pub(super) fn leave(&mut self, id: &SessionId) {
        self.waiting.remove(id);
        self.line.leave(id);
        self.go_on();
    }

    /// From now on this is the configuration.
    pub(super) fn use_config(&mut self, config: &Config) {
        self.limits = self.limits.followed_by(config);
        self.go_on();
    }

    /// Where all that wait stand.
    pub(super) fn standings(&self) -> BTreeMap<SessionId, Standing> {
        self.line.standings(&self.limits)
    }

    /// Gives all turns that have come, and tells the others what they wait for.
    fn go_on(&mut self) {
        for id in self.line.admit(&self.limits) {
            if let Some(turn) = self.waiting.remove(&id) {
                turn.send_replace(Turn::Came);
            }
        }
        for (id, why) in self.line.waits(&self.limits) {
            if let Some(turn) = self.waiting.get(id) {
                let why = Turn::Waits(why);
                turn.send_if_modified(|turn| {
                    let changed = *turn != why;
                    *turn = why;
                    changed
                });
            }
        }
    }
}
