//! The one thread that owns the database, and its transactions.
//!
//! SQLite blocks, so it has a thread of its own, and nobody awaits the disk on
//! the runtime. What is queued while a transaction runs shares the next one:
//! a commit costs the same for one call as for hundreds.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::Fault;

/// Calls that may wait; a caller beyond that waits for a place.
pub(super) const QUEUE: usize = 1_024;
/// Calls that share one transaction at most, so that the first of them is not
/// kept waiting by an endless stream.
const BATCH: usize = 256;

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A call as the worker sees it.
pub(super) trait Job: Send {
    fn access(&self) -> Access;
    /// Does the work inside an open transaction, keeps the result, and says
    /// whether it went well. It may be called again after a rollback.
    fn run(&mut self, db: &Connection) -> bool;
    /// Replaces the result: the transaction could not be begun or committed.
    fn fail(&mut self, error: rusqlite::Error);
    /// Hands over the result; the transaction is over.
    fn answer(self: Box<Self>);
}

/// A call with the type of its result.
pub(super) struct Call<T, F> {
    access: Access,
    work: F,
    result: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<T, F> Call<T, F>
where
    F: FnMut(&Connection) -> Result<T, Fault> + Send,
    T: Send,
{
    pub(super) fn new(access: Access, work: F) -> (Box<Self>, oneshot::Receiver<Result<T, Fault>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Self { access, work, result: None, reply }), answer)
    }
}

impl<T, F> Job for Call<T, F>
where
    F: FnMut(&Connection) -> Result<T, Fault> + Send,
    T: Send,
{
    fn access(&self) -> Access {
        self.access
    }

    fn run(&mut self, db: &Connection) -> bool {
        let result = (self.work)(db);
        let went_well = result.is_ok();
        self.result = Some(result);
        went_well
    }

    fn fail(&mut self, error: rusqlite::Error) {
        self.result = Some(Err(error.into()));
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            // A caller that stopped waiting has no use for the answer; what it
            // asked for is done all the same.
            drop(self.reply.send(result));
        }
    }
}

/// Works calls off until every handle is gone.
pub(super) fn run(db: &Connection, calls: &mut mpsc::Receiver<Box<dyn Job>>, file: &Path) {
    let mut batch = Vec::new();
    while let Some(first) = calls.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH
            && let Ok(next) = calls.try_recv()
        {
            batch.push(next);
        }
        work_off(db, &mut batch, file);
        batch.drain(..).for_each(Job::answer);
    }
}

/// Runs a batch in one transaction; if that fails, each call in its own, so
/// that a call fails by its own fault only. (A full disk, say, must not fail
/// those who only read.)
fn work_off(db: &Connection, batch: &mut [Box<dyn Job>], file: &Path) {
    let Err(halt) = transact(db, batch) else { return };
    if let [only] = batch {
        if let Halt::Transaction(error) = halt {
            only.fail(error);
        }
        return;
    }
    tracing::debug!(calls = batch.len(), file = %file.display(), "registry: batch rolled back");
    for job in batch.iter_mut() {
        if let Err(Halt::Transaction(error)) = transact(db, std::slice::from_mut(job)) {
            job.fail(error);
        }
    }
}

/// What ended a transaction early.
enum Halt {
    /// A call failed; it holds the fault itself.
    Call,
    /// It could not be begun or committed.
    Transaction(rusqlite::Error),
}

/// Runs `jobs` in one transaction: all of it is committed, or nothing is left.
fn transact(db: &Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), Halt> {
    let writes = jobs.iter().any(|job| job.access() == Access::Write);
    // A transaction that begins by reading cannot always be turned into a
    // writing one: SQLITE_BUSY_SNAPSHOT is not waited for.
    let begin = if writes { "BEGIN IMMEDIATE" } else { "BEGIN DEFERRED" };
    db.execute_batch(begin).map_err(Halt::Transaction)?;
    let ended = if jobs.iter_mut().all(|job| job.run(db)) {
        db.execute_batch("COMMIT").map_err(Halt::Transaction)
    } else {
        Err(Halt::Call)
    };
    // Some errors, such as a full disk, have rolled back already.
    if ended.is_err() && !db.is_autocommit() {
        db.execute_batch("ROLLBACK").map_err(Halt::Transaction)?;
    }
    ended
}
