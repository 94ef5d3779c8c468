//! What happens: sessions start, a link is cut and comes back, sessions end.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::error::DemoError;
use super::screen::{Row, Screen};
use super::script::{Checksum, LINES, Script};
use super::set::Set;
use super::verdict::{Finding, Verdict};
use super::watcher::{Watched, follow};
use crate::api::client::{ClientError, FeedItem};
use crate::api::types::{EventKind, LinkState, RunRequest, Stream, Where};

/// The statuses that the sessions of each remote exit with.
const STATUSES: [[u8; 3]; 2] = [[0, 3, 0], [0, 0, 42]];
/// The remote whose link is cut.
const CUT: usize = 0;
/// How much of that remote's output is here when it is cut, in percent.
const CUT_AT: u32 = 25;
/// How long the network stays away.
const OUTAGE: Duration = Duration::from_millis(1000);
/// How often a row is shown, and how many times before it is rarer.
const ROW_EVERY: Duration = Duration::from_millis(500);
const ROWS: u32 = 12;
/// How long all of it may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where the cut is.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Ahead,
    /// The network is away.
    Down {
        since: Instant,
        printed: u32,
    },
    /// The network is back; the link is not yet.
    Mended {
        since: Instant,
        printed: u32,
    },
    /// The link is back.
    Over {
        lasted: Duration,
        meanwhile: u32,
    },
}

struct Story<'a> {
    set: &'a Set,
    screen: &'a Screen,
    started: Instant,
    sessions: Vec<Watched>,
    links: [LinkState; 2],
    cut: Cut,
    /// Whether the daemon has noticed the cut.
    noticed: bool,
    rows: u32,
    next_row: Instant,
}

type Readers = JoinSet<Result<(usize, Stream, Checksum), ClientError>>;

/// Tells it, and finds out how it went.
pub(super) async fn tell(set: &Set, screen: &Screen) -> Result<Verdict, DemoError> {
    let version = set.service.client.version().await?;
    screen.opening(set, &version).map_err(DemoError::Screen)?;
    let started = Instant::now();
    let mut story = Story {
        set,
        screen,
        started,
        sessions: Vec::new(),
        links: [LinkState::Idle; 2],
        cut: Cut::Ahead,
        noticed: false,
        rows: 0,
        next_row: started + ROW_EVERY,
    };
    story.follow_all().await?;
    story.verdict().await
}

impl Story<'_> {
    /// Starts the sessions and follows them to their ends.
    async fn follow_all(&mut self) -> Result<(), DemoError> {
        let mut feed = self.set.service.client.events(Some(0), true).await?;
        let mut readers = self.start_sessions().await?;
        let mut ticks = interval(Duration::from_millis(20));
        while !(readers.is_empty() && matches!(self.cut, Cut::Ahead | Cut::Over { .. })) {
            // All three are cancel safe.
            tokio::select! {
                _ = ticks.tick() => self.tick()?,
                item = feed.next() => match item? {
                    Some(item) => self.heard(&item)?,
                    None => return Err(DemoError::EventsEnded),
                },
                Some(read) = readers.join_next() => {
                    let (session, stream, sum) = read??;
                    if let Some(watched) = self.sessions.get_mut(session) {
                        watched.sums[usize::from(stream == Stream::Stderr)] = Some(sum);
                    }
                }
            }
        }
        self.row()
    }

    async fn start_sessions(&mut self) -> Result<Readers, DemoError> {
        let client = &self.set.service.client;
        let mut readers = Readers::new();
        for (remote, statuses) in STATUSES.iter().enumerate() {
            for (number, &status) in (1..).zip(statuses) {
                let place = &self.set.remotes[remote];
                let script = Script { name: format!("{}-{number}", place.name), status };
                let request = RunRequest {
                    command: script.command(),
                    on: Some(Where::On(place.name.to_owned())),
                    name: script.name.parse().ok(),
                    ..RunRequest::default()
                };
                let id = client.run(&request).await?.id;
                let arrived = Arc::default();
                for stream in Stream::BOTH {
                    let session = self.sessions.len();
                    let read = follow(client.clone(), id.clone(), stream, Arc::clone(&arrived));
                    readers.spawn(async move { Ok((session, stream, read.await?)) });
                }
                let home = place.home.clone();
                let sums = [None, None];
                self.sessions.push(Watched { script, id, remote, home, arrived, sums });
            }
        }
        Ok(readers)
    }

    /// Looks at where everything is, and does what is due.
    fn tick(&mut self) -> Result<(), DemoError> {
        let now = Instant::now();
        let row = self.of_remote(CUT);
        let server = &self.set.remotes[CUT].server;
        match self.cut {
            Cut::Ahead if row.arrived * 100 >= row.total * CUT_AT => {
                self.row()?;
                self.say("the TCP connection is cut, and new ones are reset")?;
                self.cut = Cut::Down { since: Instant::now(), printed: row.printed };
                server.cut();
            }
            Cut::Down { since, printed } if now >= since + OUTAGE => {
                server.mend();
                self.cut = Cut::Mended { since, printed };
            }
            _ => {}
        }
        if now >= self.next_row {
            self.row()?;
        }
        if now >= self.started + PATIENCE {
            let log = self.set.service.log_tail();
            return Err(DemoError::Stuck { after: PATIENCE, log });
        }
        Ok(())
    }

    fn heard(&mut self, item: &FeedItem) -> Result<(), DemoError> {
        let FeedItem::Event(event) = item else { return Ok(()) };
        let EventKind::LinkChanged { remote, state, .. } = &event.kind else { return Ok(()) };
        let Some(index) = self.set.remotes.iter().position(|r| r.name == remote) else {
            return Ok(());
        };
        self.links[index] = *state;
        if index != CUT {
            return Ok(());
        }
        match (self.cut, *state) {
            (Cut::Down { .. } | Cut::Mended { .. }, LinkState::Connected) if self.noticed => {
                self.link_is_back()
            }
            (Cut::Down { .. } | Cut::Mended { .. }, _) => {
                self.noticed = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn link_is_back(&mut self) -> Result<(), DemoError> {
        let (Cut::Down { since, printed } | Cut::Mended { since, printed }) = self.cut else {
            return Ok(());
        };
        let now = self.of_remote(CUT);
        self.cut = Cut::Over { lasted: since.elapsed(), meanwhile: now.printed - printed };
        let missing = now.printed - now.arrived;
        self.say(&format!("the link is back; {missing} lines were printed without it, and follow"))
    }

    fn say(&self, what: &str) -> Result<(), DemoError> {
        let name = self.set.remotes[CUT].name;
        self.screen.note(self.started.elapsed(), name, what).map_err(DemoError::Screen)
    }

    fn row(&mut self) -> Result<(), DemoError> {
        self.rows += 1;
        let pause = if self.rows < ROWS { ROW_EVERY } else { ROW_EVERY * 20 };
        self.next_row = Instant::now() + pause;
        let rows = [self.of_remote(0), self.of_remote(1)];
        self.screen.row(self.started.elapsed(), &rows).map_err(DemoError::Screen)
    }

    /// How far a remote's sessions are, all together.
    fn of_remote(&self, remote: usize) -> Row {
        let sessions = || self.sessions.iter().filter(move |session| session.remote == remote);
        Row {
            link: self.links[remote],
            arrived: sessions().map(Watched::arrived).sum(),
            printed: sessions().map(Watched::printed).sum(),
            total: sessions().map(|_| 2 * LINES).sum(),
        }
    }

    async fn verdict(&self) -> Result<Verdict, DemoError> {
        let mut findings = Vec::new();
        for watched in &self.sessions {
            let view = self.set.service.client.session(watched.id.as_str()).await?;
            findings.push(Finding::new(watched, &view));
        }
        let outage = match self.cut {
            Cut::Over { lasted, meanwhile } if self.noticed => Some((lasted, meanwhile)),
            _ => None,
        };
        Ok(Verdict { remote: self.set.remotes[CUT].name, findings, outage })
    }
}
