//! What the janitor did, as the API shows it.

use super::handle::{DaemonHandle, store};
use crate::actors::janitor::{Fate, Item, What};
use crate::api::backend::RequestError;
use crate::api::types::{GcFate, GcItem, GcView, GcWhat};

/// Removes what need not be kept, or only says what that is.
pub(super) async fn run(daemon: &DaemonHandle, dry_run: bool) -> Result<GcView, RequestError> {
    let swept = daemon.janitor().sweep(dry_run).await.ok_or(RequestError::Unavailable)?;
    let swept = swept.map_err(|error| store(&error))?;
    Ok(GcView { dry_run, items: swept.items.into_iter().map(view).collect() })
}

fn view(item: Item) -> GcItem {
    let (fate, detail) = match item.fate {
        Fate::Due => (GcFate::Due, None),
        Fate::Removed => (GcFate::Removed, None),
        Fate::Waits => (GcFate::Waits, None),
        Fate::Stays { detail } => (GcFate::Stays, Some(detail)),
    };
    GcItem {
        session: item.session,
        name: item.name,
        place: item.place.to_string(),
        what: match item.what {
            What::Spool => GcWhat::Spool,
            What::Session => GcWhat::Session,
        },
        why: item.why,
        size: item.size,
        fate,
        detail,
    }
}
