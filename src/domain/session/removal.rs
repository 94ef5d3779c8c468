//! What is left to do for a session that is in the list no more.

use serde::{Deserialize, Serialize};

use super::record::SessionRecord;
use crate::domain::ids::SessionId;
use crate::domain::target::{Place, SshRequest};
use crate::domain::timestamp::Timestamp;

/// A removed session's spool, which is still on its host: it goes when the host
/// is reached. Fields are only ever added, each with a serde default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// The session.
    pub session: SessionId,
    /// Where it ran.
    pub place: Place,
    /// How that is reached; `None` on this machine.
    pub ssh: Option<SshRequest>,
    /// Bytes of output that are there, as far as is known.
    pub size: u64,
    /// Its processes may still be there: they are to be stopped first, with so
    /// many seconds between TERM and KILL.
    pub stop_grace_s: Option<u64>,
    /// When it was removed here.
    pub ordered_at: Timestamp,
}

impl Removal {
    /// What is left of a session to remove elsewhere.
    #[must_use]
    pub fn of(record: &SessionRecord, stop_grace_s: Option<u64>, ordered_at: Timestamp) -> Self {
        Self {
            session: record.id.clone(),
            place: record.place.clone(),
            ssh: record.ssh.clone(),
            size: record.stdout.saturating_add(record.stderr),
            stop_grace_s,
            ordered_at,
        }
    }
}
