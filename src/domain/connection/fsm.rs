//! When to dial, when to wait, when to give up.

use super::knock;
use super::pool::{IdleVerdict, LinkId, Pool, Purpose, Refusal, USUAL_CHANNELS};
use super::state::LinkState;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ids::Epoch;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Somebody waits for a channel. `asked` if a person has just asked for it:
    /// then a pause is over, and even what waits for a person is tried once more.
    Wanted {
        /// Whether a person asked.
        asked: bool,
    },
    /// Channels were handed out after [`Effect::Serve`].
    Served,
    /// The dial of this epoch succeeded.
    Dialled {
        /// The dial.
        epoch: Epoch,
    },
    /// The dial of this epoch failed.
    DialFailed {
        /// The dial.
        epoch: Epoch,
        /// Why.
        trouble: LinkTrouble,
        /// Whether trying again can help without anybody doing anything.
        heals: bool,
    },
    /// A link was lost.
    LinkLost {
        /// The link.
        link: LinkId,
        /// How.
        trouble: LinkTrouble,
        /// Whether it had been up long enough to be called one.
        held: bool,
    },
    /// A channel that was taken is free again.
    ChannelFreed {
        /// Its link.
        link: LinkId,
    },
    /// The server would not open a channel that was taken, or run a command on it.
    ChannelRefused {
        /// Its link.
        link: LinkId,
        /// How.
        trouble: LinkTrouble,
    },
    /// The pause of this epoch is over.
    RetryElapsed {
        /// The pause.
        epoch: Epoch,
    },
    /// The link's idle timer ran out.
    IdleElapsed {
        /// The link.
        link: LinkId,
    },
    /// A link refused channels a while ago.
    RefusalAged {
        /// The link.
        link: LinkId,
    },
    /// During the pause of this epoch, the host could be reached again.
    Reached {
        /// The pause.
        epoch: Epoch,
    },
    /// A person wants a try now.
    ReconnectAsked,
    /// The network changed, or the machine woke: what was true of links and
    /// hosts may be no longer.
    Nudged,
    /// No new sessions: the remote was disabled, removed or changed.
    DrainAsked,
    /// The remote is again what it was.
    DrainRevoked,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Bring a link up, and report with this epoch.
    Dial(Epoch),
    /// Report [`Input::RetryElapsed`] after the backoff for so many failures.
    RetryAfter {
        /// The pause.
        epoch: Epoch,
        /// Failures in a row.
        failures: u32,
        /// Whether to look out for the host meanwhile, as [`knock`] has it, and
        /// report [`Input::Reached`].
        knocks: bool,
    },
    /// Ask for a sign of life on a link, and report its loss if there is none
    /// soon.
    Probe(LinkId),
    /// Report [`Input::IdleElapsed`] after the time that a link may idle.
    IdleAfter {
        /// The link.
        link: LinkId,
    },
    /// Report [`Input::RefusalAged`] after a while.
    ForgetAfter {
        /// The link.
        link: LinkId,
    },
    /// The link that came up is this one: keep it.
    Keep(LinkId),
    /// Close a link.
    Close(LinkId),
    /// Hand out channels to those who wait, as far as they go, and report
    /// [`Input::Served`].
    Serve,
    /// Tell those whom a person has made ask that it failed. The others wait on.
    FailAsked(LinkTrouble),
}

/// What the next link is up to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Dialling {
    /// None is needed.
    Not,
    /// One is being brought up.
    InFlight(Epoch),
    /// The last try failed; the next is after a pause.
    Paused { epoch: Epoch, trouble: LinkTrouble },
    /// The last try failed in a way that only a person can mend.
    Stopped(LinkTrouble),
}

/// The connection's state machine.
///
/// One dial at a time until a link is up: what a hundred sessions lost together is
/// looked for once, and a login that fails has failed once. Then a few at a time,
/// as the sessions need them and `MaxStartups` bears.
#[derive(Debug, Clone)]
pub struct ConnectionFsm {
    pool: Pool,
    dialling: Dialling,
    /// Dials besides the one that is `InFlight`; none without one.
    beside: Vec<Epoch>,
    failures: u32,
    /// The latest reason for having no link, until there is one.
    last: Option<LinkTrouble>,
    epoch: Epoch,
    draining: bool,
    /// Requests that wait, by what they are for.
    waiting: Waiting,
}

/// Handshakes with one host at a time, once the first has succeeded. OpenSSH's
/// `MaxStartups` begins to turn logins away at ten, and they are everybody's.
const DIALS_AT_ONCE: usize = 4;
/// What a link is expected to take: the usual channels, less the one for control.
const SESSIONS_A_LINK: usize = USUAL_CHANNELS as usize - 1;

/// How many requests wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// For [`Purpose::Session`].
    pub session: usize,
    /// For [`Purpose::Control`].
    pub control: usize,
}

impl Default for ConnectionFsm {
    fn default() -> Self {
        Self {
            pool: Pool::default(),
            dialling: Dialling::Not,
            beside: Vec::new(),
            failures: 0,
            last: None,
            epoch: Epoch::default(),
            draining: false,
            waiting: Waiting::default(),
        }
    }
}

impl ConnectionFsm {
    /// What people see.
    #[must_use]
    pub fn state(&self) -> LinkState {
        match &self.dialling {
            _ if self.draining => LinkState::Draining,
            _ if !self.pool.is_empty() => LinkState::Connected,
            Dialling::Not => LinkState::Idle,
            Dialling::InFlight(_) => LinkState::Connecting,
            Dialling::Paused { .. } => LinkState::BackingOff,
            Dialling::Stopped(_) => LinkState::NeedsAttention,
        }
    }

    /// Why there is no link, where there should be one; while one is dialled
    /// again, what came of the last.
    #[must_use]
    pub fn trouble(&self) -> Option<&LinkTrouble> {
        match &self.dialling {
            Dialling::Paused { trouble, .. } | Dialling::Stopped(trouble) => Some(trouble),
            Dialling::InFlight(_) if self.pool.is_empty() => self.last.as_ref(),
            Dialling::Not | Dialling::InFlight(_) => None,
        }
    }

    /// The pause that is under way.
    #[must_use]
    pub fn pause_epoch(&self) -> Option<Epoch> {
        match &self.dialling {
            Dialling::Paused { epoch, .. } => Some(*epoch),
            _ => None,
        }
    }

    /// Tries in a row that failed, as people see it: none while all is well.
    #[must_use]
    pub fn failures(&self) -> u32 {
        if self.dialling == Dialling::Not { 0 } else { self.failures }
    }

    /// The links that are up.
    #[must_use]
    pub fn links(&self) -> usize {
        self.pool.links().len()
    }

    /// Takes a channel for somebody who waits, if there is one.
    pub fn take(&mut self, purpose: Purpose) -> Option<LinkId> {
        self.pool.take(purpose)
    }

    /// Takes an input in, with the number of requests that wait after it.
    #[must_use]
    pub fn step(&mut self, input: Input, waiting: Waiting) -> Vec<Effect> {
        self.waiting = waiting;
        let mut effects = Vec::new();
        match input {
            Input::Wanted { asked } => {
                if asked && !matches!(self.dialling, Dialling::InFlight(_)) {
                    if self.dialling == Dialling::Not {
                        // Nobody has minded since.
                        self.last = None;
                    }
                    self.dialling = Dialling::Not;
                }
                effects.push(Effect::Serve);
            }
            Input::Served => self.dial_if_needed(&mut effects),
            Input::Dialled { epoch } => self.dialled(epoch, &mut effects),
            Input::DialFailed { epoch, trouble, heals } => {
                self.dial_failed(epoch, trouble, heals, &mut effects);
            }
            Input::LinkLost { link, trouble, held } => {
                self.link_lost(link, trouble, held, &mut effects);
            }
            Input::ChannelFreed { link } => {
                self.pool.give_back(link);
                effects.push(Effect::Serve);
                self.time_idling(link, &mut effects);
            }
            Input::ChannelRefused { link, trouble } => {
                self.channel_refused(link, trouble, &mut effects);
            }
            Input::RefusalAged { link } => {
                if self.pool.forget(link) {
                    effects.push(Effect::Serve);
                }
            }
            Input::RetryElapsed { epoch } | Input::Reached { epoch } => {
                if self.pause_epoch() == Some(epoch) {
                    self.dialling = Dialling::Not;
                    self.dial_if_needed(&mut effects);
                }
            }
            Input::IdleElapsed { link } => match self.pool.idle_elapsed(link) {
                IdleVerdict::Stays => {}
                IdleVerdict::Again => self.time_idling(link, &mut effects),
                IdleVerdict::Closes => {
                    self.pool.remove(link);
                    // It was a link for long enough.
                    self.failures = 0;
                    effects.push(Effect::Close(link));
                }
            },
            Input::ReconnectAsked => {
                self.failures = 0;
                self.probe(&mut effects);
                let waits = matches!(self.dialling, Dialling::Paused { .. } | Dialling::Stopped(_));
                if waits || self.dialling == Dialling::Not && self.pool.is_empty() {
                    self.dial(&mut effects);
                }
            }
            Input::Nudged => {
                self.probe(&mut effects);
                if self.pause_epoch().is_some() {
                    // What failed on another network says nothing of this one.
                    self.failures = 0;
                    self.dialling = Dialling::Not;
                    self.dial_if_needed(&mut effects);
                }
            }
            Input::DrainAsked => self.draining = true,
            Input::DrainRevoked => self.draining = false,
        }
        effects
    }

    fn dialled(&mut self, epoch: Epoch, effects: &mut Vec<Effect>) {
        if !self.dial_ended(epoch) {
            return;
        }
        self.last = None;
        let link = self.pool.add();
        effects.push(Effect::Keep(link));
        effects.push(Effect::Serve);
        self.time_idling(link, effects);
    }

    /// Strikes out a dial that has ended; whether it was one.
    fn dial_ended(&mut self, epoch: Epoch) -> bool {
        if self.dialling == Dialling::InFlight(epoch) {
            self.dialling = self.beside.pop().map_or(Dialling::Not, Dialling::InFlight);
            return true;
        }
        let before = self.beside.len();
        self.beside.retain(|other| *other != epoch);
        self.beside.len() < before
    }

    /// A link that was up is believed once it has answered.
    fn probe(&self, effects: &mut Vec<Effect>) {
        effects.extend(self.pool.links().map(Effect::Probe));
    }

    fn time_idling(&mut self, link: LinkId, effects: &mut Vec<Effect>) {
        if self.pool.is_to_time(link) {
            effects.push(Effect::IdleAfter { link });
        }
    }

    fn channel_refused(&mut self, link: LinkId, trouble: LinkTrouble, effects: &mut Vec<Effect>) {
        // Nobody has said no who has not answered: the link may have gone meanwhile,
        // and who waits can wait for the next.
        let is_silent = matches!(trouble, LinkTrouble::TimedOut { .. });
        let refusal = if is_silent { self.pool.unanswered(link) } else { self.pool.refused(link) };
        match refusal {
            Refusal::Gone => effects.push(Effect::Serve),
            Refusal::Full => {
                if self.pool.is_to_forget(link) {
                    effects.push(Effect::ForgetAfter { link });
                }
                self.dial_if_needed(effects);
            }
            // Its server lets us in and gives us nothing: as good as no link.
            Refusal::BearsNone => {
                self.pool.remove(link);
                effects.push(Effect::Close(link));
                if !self.pool.is_empty() {
                    effects.push(Effect::Serve);
                } else if !is_silent {
                    effects.push(Effect::FailAsked(trouble.clone()));
                }
                if self.dialling == Dialling::Not {
                    self.failures = self.failures.saturating_add(1);
                    self.pause(trouble, effects);
                }
            }
        }
    }

    fn dial_failed(
        &mut self,
        epoch: Epoch,
        trouble: LinkTrouble,
        heals: bool,
        effects: &mut Vec<Effect>,
    ) {
        // Of several, the last to end decides.
        if !self.dial_ended(epoch) || self.dialling != Dialling::Not {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if heals {
            self.pause(trouble, effects);
        } else {
            // A question that is still open is no failure: it may be answered yet.
            if !trouble.is_unanswered() {
                effects.push(Effect::FailAsked(trouble.clone()));
            }
            self.last = Some(trouble.clone());
            self.dialling = Dialling::Stopped(trouble);
        }
    }

    fn pause(&mut self, trouble: LinkTrouble, effects: &mut Vec<Effect>) {
        let (epoch, knocks) = (self.epoch.advance(), knock::tells(&trouble));
        self.last = Some(trouble.clone());
        self.dialling = Dialling::Paused { epoch, trouble };
        effects.push(Effect::RetryAfter { epoch, failures: self.failures, knocks });
    }

    fn link_lost(
        &mut self,
        link: LinkId,
        trouble: LinkTrouble,
        held: bool,
        effects: &mut Vec<Effect>,
    ) {
        if !self.pool.remove(link) {
            return;
        }
        if held {
            // Most losses are blips: the first try comes at once, as soon as
            // somebody asks for a channel.
            self.failures = 0;
            if self.pool.is_empty() {
                self.last = Some(trouble);
            }
            self.dial_if_needed(effects);
        } else if self.dialling == Dialling::Not {
            // A server that lets us in and throws us out is not dialled in a
            // circle.
            self.failures = self.failures.saturating_add(1);
            self.pause(trouble, effects);
        }
    }

    /// Dials where somebody waits who cannot be served.
    fn dial_if_needed(&mut self, effects: &mut Vec<Effect>) {
        let lacks = |waiting, purpose| waiting > 0 && !self.pool.has_room(purpose);
        let sessions = if lacks(self.waiting.session, Purpose::Session) {
            self.waiting.session.div_ceil(SESSIONS_A_LINK)
        } else {
            0
        };
        let control = usize::from(lacks(self.waiting.control, Purpose::Control));
        let bound = if self.pool.is_empty() { 1 } else { DIALS_AT_ONCE };
        let wanted = sessions.max(control).min(bound);
        if wanted > 0 && self.dialling == Dialling::Not {
            self.dial(effects);
        }
        while matches!(self.dialling, Dialling::InFlight(_)) && self.beside.len() + 1 < wanted {
            let epoch = self.epoch.advance();
            self.beside.push(epoch);
            effects.push(Effect::Dial(epoch));
        }
    }

    fn dial(&mut self, effects: &mut Vec<Effect>) {
        let epoch = self.epoch.advance();
        self.dialling = Dialling::InFlight(epoch);
        effects.push(Effect::Dial(epoch));
    }
}

#[cfg(test)]
mod tests;
