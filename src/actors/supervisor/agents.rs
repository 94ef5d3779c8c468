//! What agents told and took, for those who ask.

use std::collections::BTreeMap;

use tracing::warn;

use crate::api::types::{SessionView, ToldView, UsedView};
use crate::domain::agent::{EventReader, Read};
use crate::domain::session::SessionRecord;
use crate::domain::stream::Stream;
use crate::store::mirror::{Mirror, MirrorError};

/// How much of the end of the output is looked at.
const TAIL: usize = 256 << 10;
/// The most events that are shown.
const SHOWN: usize = 20;
/// No text of them is longer.
const CLIPPED: usize = 500;

/// The view with the last that its agent told.
pub(super) async fn with_events(mut view: SessionView) -> SessionView {
    if view.agent_run.as_ref().is_some_and(|run| run.events > 0) {
        match last_events(&view).await {
            Ok(events) => view.agent_events = events,
            Err(error) => warn!(%error, "what the agent told last cannot be read"),
        }
    }
    view
}

async fn last_events(view: &SessionView) -> Result<Vec<ToldView>, MirrorError> {
    let Some(run) = &view.agent_run else { return Ok(Vec::new()) };
    let mirror = Mirror::open(&view.mirror).await?;
    let bytes = mirror.last_bytes(Stream::Stdout, view.stdout, TAIL).await?;
    let mut reader = EventReader::new(run.profile, 0);
    // In the middle of a line, as far as is known.
    reader.skip_to(view.stdout.saturating_sub(bytes.len() as u64));
    let mut events = Vec::new();
    let mut take = |offset, read: Read<'_>| {
        if let Read::Event(told) = read {
            events.push(ToldView { offset, told: told.clipped(CLIPPED) });
        }
    };
    reader.feed(&bytes, &mut take);
    if view.state.has_ended() {
        reader.finish(&mut take);
    }
    Ok(events.split_off(events.len().saturating_sub(SHOWN)))
}

/// What all of these have taken, by agent and place.
pub(super) fn used(records: &[SessionRecord]) -> Vec<UsedView> {
    let mut sums: BTreeMap<_, UsedView> = BTreeMap::new();
    for record in records {
        let Some(run) = &record.agent_run else { continue };
        let (agent, place) = (record.agent.clone(), record.place.to_string());
        let sum = sums.entry((agent.clone(), place.clone())).or_insert_with(|| UsedView {
            agent,
            place,
            sessions: 0,
            usage: Default::default(),
        });
        sum.sessions += 1;
        sum.usage = sum.usage.plus(run.usage);
    }
    sums.into_values().collect()
}
