//! What a proxy can be told.

use std::time::Duration;

/// What becomes of bytes and of new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They pass.
    Pass,
    /// They pass, at most so many bytes a second on each connection and way.
    Throttle(u64),
    /// Connections stay open and new ones are taken, but nothing moves and
    /// nobody is told: a cable that was pulled. What was held up moves on when
    /// the flow is another again.
    BlackHole,
    /// New connections are refused; open ones go on.
    Refuse,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Way {
    /// Both of them.
    pub(crate) const BOTH: [Self; 2] = [Self::Up, Self::Down];
}

/// Which of the open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// One of them, from the oldest on; a number beyond the newest starts anew
    /// with the oldest.
    Nth(usize),
}

impl Which {
    /// Whether the connection at `place` of `count` is meant.
    pub(super) fn means(self, place: usize, count: usize) -> bool {
        match self {
            Self::All => true,
            Self::Nth(n) => n % count == place,
        }
    }
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides see the end of the stream (FIN).
    Cut,
    /// Both sides see a reset (RST).
    Reset,
}

/// What holds for one way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) flow: Flow,
    /// How often a byte was to be changed.
    pub(super) corruptions: u64,
}

/// What holds for one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) up: Lane,
    pub(super) down: Lane,
    /// Nothing moves on it any more, whatever is said of all.
    pub(super) abandoned: bool,
    pub(super) end: Option<End>,
    /// How long it waits before it reaches the server.
    pub(super) delay: Duration,
}

impl Default for Line {
    fn default() -> Self {
        let lane = Lane { flow: Flow::Pass, corruptions: 0 };
        Self { up: lane, down: lane, abandoned: false, end: None, delay: Duration::ZERO }
    }
}

impl Line {
    pub(super) fn lane(&self, way: Way) -> &Lane {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    pub(super) fn lane_mut(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Whether nothing moves that way.
    pub(super) fn holds(&self, way: Way) -> bool {
        self.abandoned || self.lane(way).flow == Flow::BlackHole
    }
}
