//! What a session does outside its mailbox.

use std::collections::BTreeMap;
use std::time::Duration;

use ractor::ActorRef;
use serde::{Deserialize, Serialize};
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::actor::SessionMsg;
use super::due::until_due;
use super::host::{Channel, Host, Want};
use super::turn::Turn;
use crate::actors::config::resolve_env;
use crate::actors::nonce;
use crate::domain::config::{EnvName, EnvValue};
use crate::domain::failure::Failure;
use crate::domain::failure::catalogue::Session as CatalogueSession;
use crate::domain::failure::classify::{local_failure, session_code};
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::failure::trouble::SessionTrouble;
use crate::domain::ids::{Epoch, SessionId};
use crate::domain::launch::{Launch, MAX_INLINE_INPUT, Stdin};
use crate::domain::session::fsm::{FollowEnd, Order, OrderEnd};
use crate::domain::session::{Pulse, SessionRecord};
use crate::runner::control::{self, ControlError, HostFacts};
use crate::runner::follow::{Errand, Followed, Milestone, Primed, follow};
use crate::runner::io::ProgramIo;
use crate::runner::list::list_one;
use crate::runner::local::LocalProgram;
use crate::runner::program::USUAL_SPOOLS;
use crate::store::mirror::{Mirror, MirrorError};

/// What a session was given that is nobody's business: kept in an owner-only
/// file until it has started, and nowhere after that.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLaunch {
    /// Its own variables.
    pub env: BTreeMap<String, String>,
    /// Its prompt.
    pub prompt: Option<String>,
}

impl std::fmt::Debug for OwnLaunch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnLaunch(…)")
    }
}

impl OwnLaunch {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.env.is_empty() && self.prompt.is_none()
    }
}

/// A follower that lasted less than this was none: the next one waits.
const HELD: Duration = Duration::from_secs(10);
/// The same where it ended with its link: that one's next dial waits as it should,
/// and a session is not to wait besides.
const HELD_WITH_LINK: Duration = Duration::from_secs(1);
/// Bytes of output after which a follower was of use, however soon it ended: one
/// that is ended at once has brought less.
const MUCH: u64 = 1 << 20;

/// Gets together what a start needs.
pub(super) fn prepare(
    session: ActorRef<SessionMsg>,
    record: SessionRecord,
    config_env: BTreeMap<EnvName, EnvValue>,
    own: Option<OwnLaunch>,
    mirror: Mirror,
    host: Host,
    turn: watch::Receiver<Turn>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let prepared = match until_due(&record, turn, &host).await {
            Ok(()) => build(&record, &config_env, own, &mirror).await,
            Err(trouble) => Err(trouble),
        };
        let _ = session.cast(SessionMsg::Prepared(prepared.map(Box::new)));
    })
}

async fn build(
    record: &SessionRecord,
    config_env: &BTreeMap<EnvName, EnvValue>,
    own: Option<OwnLaunch>,
    mirror: &Mirror,
) -> Result<Launch, SessionTrouble> {
    let own = match own {
        Some(own) => own,
        // After a restart, or in a later attempt. Nothing starts without its
        // prompt: a file that cannot be read, or that has gone, is no word that
        // there was none.
        None => {
            let dir = mirror.dir().display().to_string();
            match mirror.load_launch().await {
                Ok(Some(kept)) => kept,
                Ok(None) if !record.attempts.launch_kept => OwnLaunch::default(),
                Ok(None) => {
                    let detail = "what it was launched with is gone".to_owned();
                    return Err(SessionTrouble::Spool { dir, detail });
                }
                Err(error) => {
                    return Err(SessionTrouble::Spool { dir, detail: error.to_string() });
                }
            }
        }
    };
    let mut env: BTreeMap<String, Vec<u8>> = resolve_env(config_env)
        .await?
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.into_exposed().into_bytes()))
        .collect();
    env.extend(own.env.into_iter().map(|(name, value)| (name, value.into_bytes())));
    let stdin = match own.prompt {
        _ if record.stdin.open => Stdin::Open,
        Some(prompt) => Stdin::Data(prompt.into_bytes()),
        None => Stdin::Null,
    };
    Ok(Launch {
        id: record.id.clone(),
        argv: record.command.iter().map(|word| word.clone().into_bytes()).collect(),
        env: env.into_iter().collect(),
        cwd: record.cwd.clone(),
        path: None,
        stdin,
        // Told by the actor, when it is sent.
        meta: String::new(),
        max_output: record.max_output,
    })
}

/// Begins the time for a start anew, once a person is not waited for any more:
/// it is for hosts that do not answer.
pub(super) fn count_from(
    session: ActorRef<SessionMsg>,
    answered: impl Future<Output = ()> + Send + 'static,
    seconds: u64,
) {
    tokio::spawn(async move {
        answered.await;
        sleep(Duration::from_secs(seconds)).await;
        let _ = session.cast(SessionMsg::StartDeadlineElapsed);
    });
}

/// Whether a prompt goes along with the launch; a longer one is delivered as
/// input, once the session runs.
#[must_use]
pub fn goes_along(prompt: &str) -> bool {
    prompt.len() <= MAX_INLINE_INPUT
}

/// Asks for a channel and hands it to the actor.
pub(super) fn request_channel(
    session: ActorRef<SessionMsg>,
    host: Host,
    want: Want,
    epoch: Epoch,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let answer = host.channel(want).await;
        let _ = session.cast(SessionMsg::ChannelAnswered { epoch, answer: Box::new(answer) });
    })
}

/// Runs a follower, and publishes the mirror's lengths as they grow.
pub(super) async fn run_follower(
    session: ActorRef<SessionMsg>,
    host: Host,
    channel: Channel,
    errand: Errand,
    mirror: Mirror,
    pulse: watch::Sender<Pulse>,
    epoch: Epoch,
) {
    let (began, id) = (Instant::now(), errand.session().clone());
    let output = |pulse: &Pulse| pulse.stdout.saturating_add(pulse.stderr);
    let before = output(&pulse.borrow());
    let tell = |milestone| match milestone {
        Milestone::Claimed => _ = session.cast(SessionMsg::Claimed { epoch }),
        Milestone::Streaming(pid) => _ = session.cast(SessionMsg::Streaming { epoch, pid }),
        Milestone::Noted(note) => _ = session.cast(SessionMsg::Noted { epoch, note }),
        Milestone::Mirrored(lengths) => pulse.send_modify(|pulse| {
            pulse.stdout = lengths.stdout;
            pulse.stderr = lengths.stderr;
            // There is room again.
            pulse.mirror_paused = None;
            pulse.mirror_behind = None;
        }),
    };
    let how = match mirror.writer().await {
        Ok(mut writer) => {
            let Channel { io, primed, systemd, .. } = channel;
            let io = Primed { io, primed, systemd };
            follow(io, &nonce(), host.root(), errand, &mut writer, tell).await
        }
        Err(error) => Followed::MirrorFailed(error),
    };
    drop(channel.slot);
    if let Followed::MirrorFailed(error) = &how {
        let failure = mirror_failure(&mirror, error);
        // What found room before the disk was full is here and counts.
        let here = mirror.lengths().await.ok();
        pulse.send_modify(|pulse| {
            if let Some(here) = here {
                (pulse.stdout, pulse.stderr) = (here.stdout, here.stderr);
            }
            pulse.mirror_paused = Some(failure);
        });
    }
    let gained = output(&pulse.borrow()).saturating_sub(before);
    let paused = matches!(how, Followed::MirrorFailed(_));
    let how = follow_end(how, host.root(), began.elapsed(), gained);
    let _ = session.cast(SessionMsg::FollowerEnded { epoch, how });
    if paused {
        measure(&host, &id, &pulse).await;
    }
}

/// Publishes how much of the output waits where it was written.
async fn measure(host: &Host, id: &SessionId, pulse: &watch::Sender<Pulse>) {
    let Ok(Channel { io, slot, .. }) = host.channel(Want::Control).await else { return };
    let spool = list_one(io, &nonce(), host.root(), id).await;
    drop(slot);
    match spool {
        Ok(Some(spool)) => pulse.send_modify(|pulse| {
            // It may go on by now.
            if pulse.mirror_paused.is_some() {
                let (out, err) = (spool.stdout, spool.stderr);
                let behind = out
                    .saturating_sub(pulse.stdout)
                    .saturating_add(err.saturating_sub(pulse.stderr));
                pulse.mirror_behind = Some(behind);
            }
        }),
        Ok(None) => {}
        Err(error) => debug!(%error, "nobody told how much output waits"),
    }
}

/// What keeps the output from coming here.
fn mirror_failure(mirror: &Mirror, error: &MirrorError) -> Failure {
    let (dir, detail) = (mirror.dir().to_owned(), error.to_string());
    local_failure(&if error.is_full() {
        LocalTrouble::DiskFull { dir, detail }
    } else {
        LocalTrouble::StateUnwritable { dir, detail }
    })
}

fn follow_end(how: Followed, root: Option<&str>, lasted: Duration, gained: u64) -> FollowEnd {
    debug!(?how, gained, "follower ended");
    let of_use = |least| lasted >= least || gained >= MUCH;
    let spool = || root.unwrap_or(USUAL_SPOOLS).to_owned();
    match how {
        Followed::Ended(ending) => FollowEnd::Ended(ending),
        Followed::LinkLost => FollowEnd::Cut { held: of_use(HELD_WITH_LINK) },
        Followed::Cut(_) => FollowEnd::Cut { held: of_use(HELD) },
        Followed::AlreadyClaimed => FollowEnd::AlreadyClaimed,
        Followed::NoSpool => FollowEnd::NoSpool,
        Followed::NotReached { said, status } => {
            FollowEnd::CannotStart(SessionTrouble::ShellBroken { said, status })
        }
        Followed::Silent(said) => {
            let trouble = SessionTrouble::ShellSilent { said };
            // What it said may be plain: that it is no shell, and not just slow.
            match session_code(&trouble) == CatalogueSession::ShellSilent.into() {
                true => FollowEnd::Silent(trouble),
                false => FollowEnd::CannotStart(trouble),
            }
        }
        Followed::Lacks(programs) => {
            FollowEnd::CannotStart(SessionTrouble::UserlandMissing { programs })
        }
        Followed::SpoolFailed(detail) => {
            FollowEnd::CannotStart(SessionTrouble::Spool { dir: spool(), detail })
        }
        Followed::NoSetsid => FollowEnd::CannotStart(SessionTrouble::NoSetsid),
        Followed::MirrorFailed(error) => {
            warn!(%error, "the mirror cannot be written");
            FollowEnd::MirrorFailed
        }
    }
}

/// Carries an order out and reports.
pub(super) fn carry_out(
    session: ActorRef<SessionMsg>,
    host: Host,
    id: SessionId,
    order: Order,
    epoch: Epoch,
    after: Duration,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        sleep(after).await;
        let how = match host.channel(Want::Control).await {
            Ok(Channel { io, slot, .. }) => {
                let how = run_order(io, host.root(), &id, &order).await;
                drop(slot);
                how
            }
            Err(_) => OrderEnd::Cut,
        };
        let _ = session.cast(SessionMsg::OrderDone { epoch, how });
    })
}

pub(super) async fn run_order(
    io: ProgramIo,
    root: Option<&str>,
    id: &SessionId,
    order: &Order,
) -> OrderEnd {
    let done = match order {
        Order::Signal(signal) => control::signal(io, &nonce(), root, id, signal).await,
        Order::Stop { signal, grace_s } => {
            let grace = Duration::from_secs(*grace_s);
            control::stop(io, &nonce(), root, id, signal, grace).await
        }
    };
    match done {
        Ok(()) => OrderEnd::Done,
        // Nothing is left that an order could reach.
        Err(ControlError::HasEnded | ControlError::NoSpool) => OrderEnd::Done,
        Err(ControlError::Unsigned) => OrderEnd::TooEarly,
        Err(ControlError::Survivors { pids }) => OrderEnd::Survivors(pids),
        Err(error) => {
            warn!(session = %id, %error, "an order was not carried out");
            match error {
                ControlError::Cut(_) | ControlError::NoAnswer { .. } => OrderEnd::Cut,
                _ => OrderEnd::Failed,
            }
        }
    }
}

/// What this machine is; asked once.
pub(super) async fn local_facts() -> Option<HostFacts> {
    static FACTS: OnceCell<Option<HostFacts>> = OnceCell::const_new();
    let ask = || async {
        let io = ProgramIo::Local(Box::new(LocalProgram::start().ok()?));
        control::probe(io, &nonce()).await.ok()
    };
    FACTS.get_or_init(ask).await.clone()
}

/// Keeps the link in a session's pulse as it is.
pub(super) fn watch_link(host: &Host, pulse: &watch::Sender<Pulse>) -> Option<JoinHandle<()>> {
    let Host::Remote(remote) = host else { return None };
    let (mut report, pulse) = (remote.report.clone(), pulse.clone());
    Some(tokio::spawn(async move {
        loop {
            let view = report.borrow_and_update().view();
            pulse.send_if_modified(|pulse| {
                let changed = !pulse.state.has_ended() && pulse.link.as_ref() != Some(&view);
                if changed {
                    pulse.link = Some(view);
                }
                changed
            });
            if report.changed().await.is_err() {
                return;
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::trouble::{LinkTrouble, LostHow};

    #[test]
    fn a_shell_that_waits_may_be_slow_unless_it_shows_a_prompt() {
        let silent = |said: &str| Followed::Silent(said.to_owned());
        let end = |said| follow_end(silent(said), None, Duration::from_secs(30), 0);
        assert!(matches!(end("loading"), FollowEnd::Silent(_)));
        assert!(matches!(end("core-1#"), FollowEnd::CannotStart(_)));
    }

    #[test]
    fn a_follower_that_ends_with_its_link_need_not_have_lasted_long() {
        let killed =
            || Followed::Cut(LinkTrouble::Lost { how: LostHow::Closed, detail: String::new() });
        for (how, seconds, gained, held) in [
            (Followed::LinkLost, 0, 0, false),
            (Followed::LinkLost, 0, MUCH, true),
            (Followed::LinkLost, 2, 0, true),
            (killed(), 2, 0, false),
            (killed(), 2, MUCH, true),
            (killed(), 20, 0, true),
        ] {
            let end = follow_end(how, None, Duration::from_secs(seconds), gained);
            assert_eq!(end, FollowEnd::Cut { held });
        }
    }
}
