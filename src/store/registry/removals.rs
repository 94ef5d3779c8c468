//! The statements about sessions that are gone from the list and not yet from
//! their hosts.

use rusqlite::{Connection, named_params};

use super::error::Fault;
use super::sessions;
use crate::domain::ids::SessionId;
use crate::domain::session::Removal;
use crate::domain::timestamp::Timestamp;

/// The removals of a database that may be damaged.
pub(super) const EVERY: &str = "SELECT removal FROM removals ORDER BY serial";

pub(super) fn encode(removal: &Removal) -> Result<String, Fault> {
    serde_json::to_string(removal)
        .map_err(|source| Fault::Entry { entry: removal.session.to_string(), source })
}

/// Forgets a session, and remembers what is left to do for it: both, or
/// neither. Whether there was such a session.
pub(super) fn forget(
    db: &Connection,
    id: &SessionId,
    removal: Option<&str>,
) -> Result<bool, Fault> {
    if !sessions::remove(db, id)? {
        return Ok(false);
    }
    if let Some(json) = removal {
        remember(db, id, json)?;
    }
    Ok(true)
}

/// Remembers what is left to do for a session that is not in the list.
pub(super) fn remember(db: &Connection, id: &SessionId, json: &str) -> Result<(), Fault> {
    let params = named_params! { ":id": id.as_str(), ":removal": json };
    db.prepare("INSERT OR REPLACE INTO removals (id, removal) VALUES (:id, :removal)")?
        .execute(params)?;
    Ok(())
}

/// In the order in which they were given.
pub(super) fn all(db: &Connection) -> Result<Vec<Removal>, Fault> {
    let mut statement = db.prepare("SELECT id, removal FROM removals ORDER BY serial")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (entry, json): (String, String) = row?;
        serde_json::from_str(&json).map_err(|source| Fault::Entry { entry, source })
    })
    .collect()
}

/// Nothing is left of these sessions where they ran: those that are still in
/// the list remember it, and the others are done with.
pub(super) fn spools_gone(db: &Connection, ids: &[SessionId], at: Timestamp) -> Result<(), Fault> {
    for id in ids {
        let params = named_params! { ":id": id.as_str() };
        db.prepare("DELETE FROM removals WHERE id = :id")?.execute(params)?;
        let Some(mut record) = sessions::get(db, id)? else { continue };
        record.spool_gone_at = Some(at);
        record.revision += 1;
        sessions::save(db, &sessions::Entry::new(record)?)?;
    }
    Ok(())
}
