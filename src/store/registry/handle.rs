//! What the rest of the program calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::{Fault, RegistryError};
use super::events::{self, Events};
use super::sessions::{self, Entry, Found, Insertion, Page, Saving, Which};
use super::worker::{self, Access, Call, Job};
use super::{removals, schema};
use crate::domain::event::EventKind;
use crate::domain::ids::SessionId;
use crate::domain::session::{Removal, SessionRecord};
use crate::domain::timestamp::Timestamp;

/// The sessions' records and the events.
///
/// A handle: clones share one thread, which ends with the last of them. What
/// has been answered survives the death of the daemon at any moment. A call
/// whose future is dropped may or may not have been carried out.
#[derive(Debug, Clone)]
pub struct Registry {
    calls: mpsc::Sender<Box<dyn Job>>,
    file: Arc<Path>,
    /// Whether the last write found no room.
    is_full: Arc<AtomicBool>,
}

/// How an insert went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The session is in the registry now.
    New,
    /// Nothing was done: an earlier session has the idempotency key.
    Existing(Box<SessionRecord>),
}

/// How a save went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// The record is in the registry now.
    Written,
    /// Nothing was done: a newer record is there, or the session was removed.
    Stale,
}

impl Registry {
    /// Opens the registry in `file`, and makes it, for the owner alone, where
    /// there is none.
    ///
    /// # Errors
    ///
    /// The file is damaged, too new, locked, or cannot be made or written.
    pub async fn open(file: impl Into<PathBuf>) -> Result<Self, RegistryError> {
        let file: Arc<Path> = Arc::from(file.into());
        let (calls, mut queue) = mpsc::channel::<Box<dyn Job>>(worker::QUEUE);
        let (opened, is_open) = oneshot::channel();
        let own = Arc::clone(&file);
        let body = move || match schema::open(&own) {
            Ok(db) => {
                // Nobody waits any more: the queue is closed, and this ends.
                drop(opened.send(Ok(())));
                worker::run(&db, &mut queue, &own);
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        thread::Builder::new()
            .name("registry".to_owned())
            .spawn(body)
            .map_err(|source| RegistryError::Thread { source })?;
        is_open.await.map_err(|_| RegistryError::Stopped)??;
        Ok(Self { calls, file, is_full: Arc::default() })
    }

    /// Takes a session in, unless its idempotency key is known already.
    ///
    /// # Errors
    ///
    /// A live session has the name, a session has the id, or the disk fails;
    /// the registry is as it was then.
    pub async fn insert(&self, record: SessionRecord) -> Result<Inserted, RegistryError> {
        let entry = self.entry(record)?;
        let id = entry.record().id.clone();
        match self.write(move |db| sessions::insert(db, &entry)).await? {
            Insertion::New => Ok(Inserted::New),
            Insertion::Existing(record) => Ok(Inserted::Existing(record)),
            Insertion::NameTaken { name, by } => Err(RegistryError::NameTaken { name, by }),
            Insertion::IdTaken => Err(RegistryError::IdTaken(id)),
        }
    }

    /// Writes a session's whole record over the one that is there, unless that
    /// is of a later revision. A session that was removed stays removed.
    ///
    /// # Errors
    ///
    /// Another live session has the name, or the disk fails.
    pub async fn save(&self, record: SessionRecord) -> Result<Saved, RegistryError> {
        let entry = self.entry(record)?;
        saved(self.write(move |db| sessions::save(db, &entry)).await?)
    }

    /// Writes that a session has ended and that another goes on from it, in one
    /// transaction: whatever happens in between, there is none or one to go on.
    /// To do it again changes nothing.
    ///
    /// # Errors
    ///
    /// The disk fails; the registry is as it was then.
    pub async fn hand_over(
        &self,
        ended: SessionRecord,
        next: SessionRecord,
    ) -> Result<Saved, RegistryError> {
        let (ended, next) = (self.entry(ended)?, self.entry(next)?);
        saved(self.write(move |db| sessions::hand_over(db, &ended, &next)).await?)
    }

    /// The session that was taken in with this idempotency key.
    ///
    /// # Errors
    ///
    /// The disk fails, or the record is damaged.
    pub async fn by_key(&self, key: &str) -> Result<Option<SessionRecord>, RegistryError> {
        let key = key.to_owned();
        self.read(move |db| sessions::by_key(db, &key)).await
    }

    /// The session with this id.
    ///
    /// # Errors
    ///
    /// The disk fails, or the record is damaged.
    pub async fn get(&self, id: &SessionId) -> Result<Option<SessionRecord>, RegistryError> {
        let id = id.clone();
        self.read(move |db| sessions::get(db, &id)).await
    }

    /// The session that a person means: by its id, else the live one with this
    /// name, else the newest ended one with it, else by a unique beginning of
    /// an id.
    ///
    /// # Errors
    ///
    /// The disk fails, or the record is damaged.
    pub async fn find(&self, given: &str) -> Result<Found, RegistryError> {
        let given = given.to_owned();
        self.read(move |db| sessions::find(db, &given)).await
    }

    /// Sessions, newest first.
    ///
    /// # Errors
    ///
    /// The disk fails, or a record is damaged.
    pub async fn list(
        &self,
        which: Which,
        page: Page,
    ) -> Result<Vec<SessionRecord>, RegistryError> {
        self.read(move |db| sessions::list(db, which, page)).await
    }

    /// All sessions that have not ended, newest first: what a daemon that
    /// starts has to look after.
    ///
    /// # Errors
    ///
    /// The disk fails, or a record is damaged.
    pub async fn live(&self) -> Result<Vec<SessionRecord>, RegistryError> {
        self.list(Which::Live, Page::WHOLE).await
    }

    /// Forgets a session, and says whether there was one.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn remove(&self, id: &SessionId) -> Result<bool, RegistryError> {
        let id = id.clone();
        self.write(move |db| sessions::remove(db, &id)).await
    }

    /// Forgets a session, and remembers what is left to do for it elsewhere:
    /// both, or neither. Says whether there was such a session.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn forget(
        &self,
        id: &SessionId,
        removal: Option<&Removal>,
    ) -> Result<bool, RegistryError> {
        let json = removal.map(removals::encode).transpose();
        let json = json.map_err(|fault| fault.of(&self.file))?;
        let id = id.clone();
        self.write(move |db| removals::forget(db, &id, json.as_deref())).await
    }

    /// Remembers what is left to do for a session that is in the list no more.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn remember(&self, removal: &Removal) -> Result<(), RegistryError> {
        let json = removals::encode(removal).map_err(|fault| fault.of(&self.file))?;
        let id = removal.session.clone();
        self.write(move |db| removals::remember(db, &id, &json)).await
    }

    /// What is left to do for sessions that were removed, oldest first.
    ///
    /// # Errors
    ///
    /// The disk fails, or an entry is damaged.
    pub async fn removals(&self) -> Result<Vec<Removal>, RegistryError> {
        self.read(removals::all).await
    }

    /// Remembers that nothing is left of these sessions where they ran, be
    /// they in the list or removed.
    ///
    /// # Errors
    ///
    /// The disk fails, or a record is damaged.
    pub async fn spools_gone(
        &self,
        ids: Vec<SessionId>,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        self.write(move |db| removals::spools_gone(db, &ids, at)).await
    }

    /// Has the system put all that was written on the disk itself: what
    /// survives a daemon's death survives a power cut then, too.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn sync(&self) -> Result<(), RegistryError> {
        // SQLite brings the log on the disk before what is in it goes into the
        // database, so the log is all that may be on its way. The database's
        // own file must not be opened here: to close it would drop the locks
        // that SQLite has on it (fcntl(2)).
        let mut log = self.file.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let synced = tokio::task::spawn_blocking(move || match std::fs::File::open(&log) {
            Ok(log) => log.sync_all(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
        .await;
        let synced = synced.map_err(|_| RegistryError::Stopped)?;
        synced.map_err(|source| RegistryError::Open { file: self.file.to_path_buf(), source })
    }

    /// Adds an event and returns its number, which is greater than that of any
    /// event before it. The newest [`KEPT_EVENTS`](super::KEPT_EVENTS) are
    /// kept.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn append_event(
        &self,
        at: Timestamp,
        kind: &EventKind,
    ) -> Result<u64, RegistryError> {
        let kind = events::encode(kind).map_err(|fault| fault.of(&self.file))?;
        self.write(move |db| events::append(db, at, &kind)).await
    }

    /// Adds what an agent told in the output of `session` up to byte `up_to`, and
    /// remembers that it is written down: both, or neither.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn tell(
        &self,
        at: Timestamp,
        session: &SessionId,
        up_to: u64,
        kinds: &[EventKind],
    ) -> Result<Vec<u64>, RegistryError> {
        let kinds = kinds.iter().map(events::encode).collect::<Result<Vec<_>, _>>();
        let kinds = kinds.map_err(|fault| fault.of(&self.file))?;
        let session = session.clone();
        self.write(move |db| events::tell(db, at, &session, up_to, &kinds)).await
    }

    /// Up to which byte of a session's output its agent's events are written
    /// down.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn told(&self, session: &SessionId) -> Result<u64, RegistryError> {
        let session = session.clone();
        self.read(move |db| events::told(db, &session)).await
    }

    /// Events numbered above `since`, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// The disk fails, or an event is damaged.
    pub async fn events(&self, since: u64, limit: usize) -> Result<Events, RegistryError> {
        self.read(move |db| events::since(db, since, limit)).await
    }

    /// The number of the newest event; 0 before the first.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn last_event(&self) -> Result<u64, RegistryError> {
        self.read(events::last).await
    }

    /// Whether it is in use: one that is not may stand in the place of one that
    /// was lost.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn is_in_use(&self) -> Result<bool, RegistryError> {
        let marked = self.read(|db| Ok(schema::is_marked(db)?)).await?;
        // Those of the first versions have no mark.
        Ok(marked || self.last_event().await? > 0)
    }

    /// Marks it as one that is in use.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn mark_in_use(&self) -> Result<(), RegistryError> {
        self.write(|db| Ok(schema::mark(db)?)).await
    }

    /// Whether the last write found no room on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Makes a session's record one that cannot be read.
    #[cfg(test)]
    pub(crate) async fn spoil(&self, id: &SessionId) {
        let id = id.as_str().to_owned();
        let sql = "UPDATE sessions SET record = '{' WHERE id = ?1";
        self.write(move |db| Ok(db.execute(sql, [&id])?)).await.expect("a session to spoil");
    }

    /// The database's file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn entry(&self, record: SessionRecord) -> Result<Entry, RegistryError> {
        Entry::new(record).map_err(|fault| fault.of(&self.file))
    }

    async fn read<T, F>(&self, work: F) -> Result<T, RegistryError>
    where
        F: FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        self.call(Access::Read, work).await
    }

    async fn write<T, F>(&self, work: F) -> Result<T, RegistryError>
    where
        F: FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let written = self.call(Access::Write, work).await;
        match &written {
            Ok(_) => self.is_full.store(false, Ordering::Relaxed),
            Err(RegistryError::DiskFull { .. }) => self.is_full.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        written
    }

    pub(super) async fn call<T, F>(&self, access: Access, work: F) -> Result<T, RegistryError>
    where
        F: FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let (job, answer) = Call::new(access, work);
        self.calls.send(job).await.map_err(|_| RegistryError::Stopped)?;
        let result = answer.await.map_err(|_| RegistryError::Stopped)?;
        result.map_err(|fault| fault.of(&self.file))
    }
}

fn saved(saving: Saving) -> Result<Saved, RegistryError> {
    match saving {
        Saving::NameTaken { name, by } => Err(RegistryError::NameTaken { name, by }),
        Saving::Written => Ok(Saved::Written),
        Saving::Stale => Ok(Saved::Stale),
    }
}
