//! One look at what is kept.

use std::collections::{HashMap, HashSet};

use tracing::{info, warn};

use super::hosts::{self, Spool};
use super::task::{Parts, Usage};
use crate::actors::now;
use crate::domain::event::EventKind;
use crate::domain::ids::{SessionId, SessionName};
use crate::domain::retention::{self, Kept, Plan, Why};
use crate::domain::session::{Removal, SessionRecord};
use crate::domain::target::Place;
use crate::domain::timestamp::Timestamp;
use crate::store::mirror::{Mirror, MirrorError, sizes};
use crate::store::registry::{Page, Registry, RegistryError, Which};

/// How long after what somebody has asked for went wrong it is tried again.
const AGAIN_MILLIS: u64 = 60_000;

/// How much is done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effort {
    /// Nothing: it is only said what would be done.
    None,
    /// Only hosts whose link is up are asked.
    AtHand,
    /// Besides, links are brought up for the spools of these.
    For(HashSet<SessionId>),
    /// Links are brought up wherever there is something to remove.
    Everywhere,
}

impl Effort {
    /// Whether a link is brought up for this session's spool.
    pub(super) fn reaches_for(&self, session: &SessionId) -> bool {
        match self {
            Self::None | Self::AtHand => false,
            Self::For(sessions) => sessions.contains(session),
            Self::Everywhere => true,
        }
    }
}

/// What can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A spool, on the machine where the session ran.
    Spool,
    /// A session with its mirror, here.
    Session,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It would be removed.
    Due,
    /// It is gone.
    Removed,
    /// Its host cannot be reached now.
    Waits,
    /// It is still there; what went wrong.
    Stays {
        /// In the words of whoever refused.
        detail: String,
    },
}

/// One thing that goes, or is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The session.
    pub session: SessionId,
    /// Its name; `None` also for one that is in the list no more.
    pub name: Option<SessionName>,
    /// Where it ran.
    pub place: Place,
    /// What goes.
    pub what: What,
    /// Why.
    pub why: Why,
    /// Bytes that it takes, as far as is known.
    pub size: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// All that was to go.
    pub items: Vec<Item>,
    /// What there is to keep.
    pub usage: Usage,
    /// When there will be more to remove.
    pub due: Option<Timestamp>,
}

/// Looks, and removes what may go.
pub(super) async fn sweep(parts: Parts, effort: Effort) -> Result<Swept, RegistryError> {
    let records = parts.registry.list(Which::All, Page::WHOLE).await?;
    let sizes = sizes(parts.state_dir.sessions()).await.unwrap_or_else(|error| {
        // Without it nothing is too much, and all the rest is as it was.
        warn!(%error, "the mirrors cannot be measured");
        HashMap::new()
    });
    let limits = parts.config.borrow().subscribe().borrow().retention();
    // What an attempt leaves to the next one is moved out of its folder.
    let waited_for: HashSet<&SessionId> = records
        .iter()
        .filter(|record| record.is_live())
        .filter_map(|record| record.attempts.previous.as_ref())
        .collect();
    let ended = records.iter().filter(|record| !waited_for.contains(&record.id));
    let kept: Vec<Kept> = ended.map(|record| kept(record, &sizes)).collect();
    let plan = retention::plan(&kept, &limits, now());
    let records: HashMap<&SessionId, &SessionRecord> =
        records.iter().map(|record| (&record.id, record)).collect();

    let mut items = Vec::new();
    let mut spools = Vec::new();
    for (id, why) in &plan.sessions {
        let Some(record) = records.get(id) else { continue };
        let size = sizes.get(id).copied().unwrap_or_default();
        let fate = match effort {
            Effort::None => Fate::Due,
            _ => remove_session(&parts, record).await,
        };
        if effort == Effort::None && record.spool_goes_along() {
            spools.push(Spool::of(Removal::of(record, None, now()), *why));
        }
        items.push(item(record, What::Session, *why, size, fate));
    }
    // With those that have just been added.
    let removals = parts.registry.removals().await?;
    spools.extend(removals.into_iter().map(|removal| {
        let by_plan = plan.sessions.iter().find(|(id, _)| *id == removal.session);
        let why = by_plan.map_or(Why::Asked, |(_, why)| *why);
        Spool::of(removal, why)
    }));
    let mirrored = safe_spools(&parts, &effort, &plan, &records, &mut items).await?;
    spools.extend(mirrored);
    items.extend(hosts::clear(&parts, &effort, spools, &records).await);
    let usage = usage(&records, &sizes, &items);
    let due = plan.due.into_iter().chain(next_try(&items)).min();
    Ok(Swept { items, usage, due })
}

/// When what somebody has asked for, and what went wrong, is tried again: a
/// process that was to be stopped may just have been starting.
fn next_try(items: &[Item]) -> Option<Timestamp> {
    let failed = |item: &Item| item.why == Why::Asked && matches!(item.fate, Fate::Stays { .. });
    let soon = Timestamp::from_millis(now().as_millis() + AGAIN_MILLIS);
    items.iter().any(failed).then_some(soon)
}

fn kept(record: &SessionRecord, sizes: &HashMap<SessionId, u64>) -> Kept {
    Kept {
        id: record.id.clone(),
        ended_at: if record.is_live() { None } else { record.ended_at },
        whole: record.is_whole(),
        has_spool: record.spool_gone_at.is_none(),
        keeps_spool: record.keeps_spool,
        size: sizes.get(&record.id).copied().unwrap_or_default(),
    }
}

pub(super) fn item(record: &SessionRecord, what: What, why: Why, size: u64, fate: Fate) -> Item {
    let (session, name) = (record.id.clone(), record.name.clone());
    Item { session, name, place: record.place.clone(), what, why, size, fate }
}

/// Removes a session here. The mirror goes first: on a full disk the registry
/// may need the room, and what is left of a sweep that was cut short is a
/// session that the next one removes.
async fn remove_session(parts: &Parts, record: &SessionRecord) -> Fate {
    let removal = Removal::of(record, None, now());
    let removal = record.spool_goes_along().then_some(&removal);
    match forget(&parts.registry, &parts.state_dir.session(&record.id), record, removal).await {
        Ok(()) => {
            info!(session = %record.id, "removed: it is kept no longer");
            let session = record.id.clone();
            parts.journal.write(EventKind::SessionRemoved { session });
            Fate::Removed
        }
        Err(error) => {
            warn!(session = %record.id, %error, "not removed");
            Fate::Stays { detail: error.to_string() }
        }
    }
}

/// Why a session could not be removed here.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// Its mirror is in the way.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// The registry would not forget it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Removes a session's mirror and record, and remembers what is left of it
/// elsewhere.
pub async fn forget(
    registry: &Registry,
    folder: &std::path::Path,
    record: &SessionRecord,
    removal: Option<&Removal>,
) -> Result<(), ForgetError> {
    match Mirror::open(folder).await {
        Ok(mirror) => mirror.remove().await?,
        Err(MirrorError::Gone { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    registry.forget(&record.id, removal).await?;
    Ok(())
}

/// The spools whose grace is over, and whose output is on this machine's disk
/// itself, so that not even a power cut brings back the need for them.
async fn safe_spools(
    parts: &Parts,
    effort: &Effort,
    plan: &Plan,
    records: &HashMap<&SessionId, &SessionRecord>,
    items: &mut Vec<Item>,
) -> Result<Vec<Spool>, RegistryError> {
    let mut safe = Vec::new();
    for id in &plan.spools {
        let Some(record) = records.get(id) else { continue };
        let spool = Spool::of(Removal::of(record, None, now()), Why::GraceOver);
        let detail = match effort {
            Effort::None => None,
            _ => unsafe_because(parts, record).await,
        };
        match detail {
            None => safe.push(spool),
            Some(detail) => {
                warn!(session = %id, %detail, "its spool is kept");
                let (size, fate) = (spool.size(), Fate::Stays { detail });
                items.push(item(record, What::Spool, Why::GraceOver, size, fate));
            }
        }
    }
    if *effort != Effort::None && !safe.is_empty() {
        parts.registry.sync().await?;
    }
    Ok(safe)
}

/// Why a spool is still needed, if it is.
async fn unsafe_because(parts: &Parts, record: &SessionRecord) -> Option<String> {
    let synced = async { Mirror::open(parts.state_dir.session(&record.id)).await?.sync().await };
    match synced.await {
        Ok(here) if here.stdout >= record.stdout && here.stderr >= record.stderr => None,
        Ok(_) => Some("its mirror is shorter than it was".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

fn usage(
    records: &HashMap<&SessionId, &SessionRecord>,
    sizes: &HashMap<SessionId, u64>,
    items: &[Item],
) -> Usage {
    let is_gone = |id: &SessionId, what| {
        let gone = |item: &&Item| item.session == *id && item.what == what;
        items.iter().find(gone).is_some_and(|item| item.fate == Fate::Removed)
    };
    let mirrors = sizes.iter().filter(|(id, _)| !is_gone(id, What::Session));
    let spools = records.values().filter(|record| {
        let id = &record.id;
        record.spool_gone_at.is_none() && !is_gone(id, What::Spool) && !is_gone(id, What::Session)
    });
    let left: u64 = items
        .iter()
        .filter(|item| item.what == What::Spool && item.fate != Fate::Removed)
        // The others were counted by their records.
        .filter(|item| {
            !records.contains_key(&item.session) || is_gone(&item.session, What::Session)
        })
        .map(|item| item.size)
        .sum();
    Usage {
        mirrors: mirrors.map(|(_, size)| size).sum(),
        spools: spools.map(|record| record.stdout.saturating_add(record.stderr)).sum::<u64>()
            + left,
        waiting: items.iter().filter(|item| item.fate == Fate::Waits).count(),
    }
}
