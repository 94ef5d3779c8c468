//! A registry that is damaged is no reason not to start.
//!
//! It is set aside, whole, with its log; a new one takes its place, and what can
//! be read of the sessions goes into it: first what the damaged one still
//! gives, then the records that are kept beside the mirrors. What is in neither
//! is on its host, and `longhaul adopt` finds it there.

use std::io;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::mirror::kept_records;
use super::registry::{Inserted, Readable, Registry, RegistryError, readable};
use super::state_dir::StateDir;
use crate::domain::session::{Removal, SessionRecord};

/// A registry that was damaged or gone, and what became of it.
#[derive(Debug)]
pub struct Rescue {
    /// What was wrong, and where the damaged one is now; `None` where there was
    /// none, or an empty file.
    pub damaged: Option<(RegistryError, PathBuf)>,
    /// Sessions that were found again.
    pub sessions: usize,
}

impl Rescue {
    /// What a person is told.
    #[must_use]
    pub fn notice(&self) -> String {
        let what = match &self.damaged {
            Some((damage, aside)) => format!("{damage}. It is set aside as {}", aside.display()),
            None => "the registry was gone, or cut to nothing".to_owned(),
        };
        format!(
            "{what}; {} sessions were found again. For what runs on a remote and is missing here: \
             longhaul adopt REMOTE",
            self.sessions
        )
    }
}

/// Opens the registry; sets a damaged one aside and opens a new one. `stamp`
/// tells one damaged registry from another.
///
/// SQLite takes a file that was cut to nothing, or to a byte, for a database
/// that is yet to be made: so a new registry beside mirrors is one that was
/// lost. It is marked once all is in it: a mirror beside a marked one is of a
/// session that was never taken in.
///
/// # Errors
///
/// The registry cannot be opened for another reason than damage, or the
/// damaged one cannot be set aside.
pub async fn open(
    state: &StateDir,
    stamp: u64,
) -> Result<(Registry, Option<Rescue>), RegistryError> {
    let file = state.registry();
    let (registry, damaged) = match Registry::open(&file).await {
        Ok(registry) if registry.is_in_use().await? => return Ok((registry, None)),
        Ok(registry) => (registry, None),
        Err(error @ (RegistryError::Corrupt { .. } | RegistryError::Entry { .. })) => {
            let aside = set_aside(&file, stamp)
                .map_err(|source| RegistryError::Open { file: file.clone(), source })?;
            (Registry::open(&file).await?, Some((error, aside)))
        }
        Err(error) => return Err(error),
    };
    let (aside, sessions) = (damaged.as_ref().map(|(_, aside)| aside.clone()), state.sessions());
    let rest = spawn_blocking(move || what_is_left(aside.as_deref(), &sessions)).await;
    let (records, removals) = rest.unwrap_or_default();
    let mut found = 0;
    for record in records {
        found += usize::from(take_in(&registry, record).await?);
    }
    for removal in &removals {
        registry.remember(removal).await?;
    }
    registry.mark_in_use().await?;
    let happened = damaged.is_some() || found > 0;
    Ok((registry, happened.then_some(Rescue { damaged, sessions: found })))
}

/// Moves the database with its log, which belongs to it: left behind, it would
/// be replayed into the next one. The log goes first: a database without it is
/// one that is still in its place.
fn set_aside(file: &Path, stamp: u64) -> io::Result<PathBuf> {
    let beside = |path: &Path, end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let aside = beside(file, &format!(".damaged-{stamp}"));
    for end in ["-wal", "-shm", ""] {
        match std::fs::rename(beside(file, end), beside(&aside, end)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !end.is_empty() => {}
            moved => moved?,
        }
    }
    Ok(aside)
}

/// What can be read: the sessions, oldest first, and what is to be removed. Of
/// two records of a session the later one holds, and one that has ended.
fn what_is_left(damaged: Option<&Path>, sessions: &Path) -> (Vec<SessionRecord>, Vec<Removal>) {
    let Readable { sessions: mut found, removals } = damaged.map(readable).unwrap_or_default();
    let age = |record: &SessionRecord| (record.revision, !record.is_live());
    for kept in kept_records(sessions).unwrap_or_default() {
        if found.get(&kept.id).is_none_or(|record| age(&kept) > age(record)) {
            found.insert(kept.id.clone(), kept);
        }
    }
    let mut records: Vec<_> = found.into_values().map(SessionRecord::to_be_looked_up).collect();
    records.sort_by_key(|record| record.created_at);
    (records, removals)
}

/// Whether the session is in the registry now. Of two that have one name, the
/// later loses it.
async fn take_in(registry: &Registry, mut record: SessionRecord) -> Result<bool, RegistryError> {
    loop {
        match registry.insert(record.clone()).await {
            Ok(Inserted::New) => return Ok(true),
            Err(RegistryError::NameTaken { .. }) if record.name.is_some() => record.name = None,
            Ok(Inserted::Existing(_)) => record.idempotency_key = None,
            Err(RegistryError::IdTaken(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::ids::SessionId;
    use crate::domain::session::{Exit, Outcome, Phase};
    use crate::domain::timestamp::Timestamp;
    use crate::store::mirror::Mirror;
    use crate::store::registry::{Page, Which};

    struct Fixture {
        _dir: tempfile::TempDir,
        state: StateDir,
    }

    impl Fixture {
        /// A registry of three: one runs, one has ended, one waits.
        async fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let state = StateDir::prepare(dir.path().join("state")).unwrap();
            let (registry, rescue) = open(&state, 1).await.unwrap();
            assert!(rescue.is_none());
            for record in sessions() {
                registry.insert(record.clone()).await.unwrap();
                let mirror = Mirror::create(state.session(&record.id)).await.unwrap();
                mirror.save_record(&record).await.unwrap();
            }
            drop(registry);
            let fixture = Self { _dir: dir, state };
            fixture.closed().await;
            fixture
        }

        fn file(&self, end: &str) -> PathBuf {
            PathBuf::from(format!("{}{end}", self.state.registry().display()))
        }

        /// The thread that owned the registry brings the log in when it ends.
        async fn closed(&self) {
            while self.file("-wal").exists() {
                tokio::task::yield_now().await;
            }
        }

        async fn reopen(&self) -> (Vec<SessionRecord>, Option<Rescue>) {
            let (registry, rescue) = open(&self.state, 2).await.unwrap();
            let mut records = registry.list(Which::All, Page::WHOLE).await.unwrap();
            records.reverse();
            drop(registry);
            self.closed().await;
            (records, rescue)
        }
    }

    fn sessions() -> Vec<SessionRecord> {
        let outcome = Outcome::of_exit(Exit::Code(3), None);
        let name = |name: &str| Some(name.parse().unwrap());
        vec![
            SessionRecord {
                phase: Phase::Running { pid: Some(7) },
                name: name("runs"),
                ..SessionRecord::sample(1)
            },
            SessionRecord { phase: Phase::Ended { outcome }, ..SessionRecord::sample(2) },
            SessionRecord::sample(3),
        ]
    }

    fn looked_up() -> Vec<SessionRecord> {
        sessions().into_iter().map(SessionRecord::to_be_looked_up).collect()
    }

    #[tokio::test]
    async fn garbage_in_the_registrys_place_is_set_aside_and_rebuilt_from_the_mirrors() {
        let fixture = Fixture::new().await;
        let garbage = b"no database any more\n".repeat(999);
        for length in [garbage.len(), 1_000, 100, 1, 0] {
            fs::write(fixture.file(""), &garbage[..length]).unwrap();
            let (records, rescue) = fixture.reopen().await;
            let rescue = rescue.unwrap();
            if let Some((_, aside)) = &rescue.damaged {
                assert_eq!(fs::read(aside).unwrap(), garbage[..length]);
            }
            assert_eq!((rescue.sessions, records), (3, looked_up()), "{length}");
            assert!(rescue.notice().contains("longhaul adopt"), "{}", rescue.notice());
            let (_, again) = fixture.reopen().await;
            assert!(again.is_none(), "it is sound now");
        }
    }

    #[tokio::test]
    async fn a_registry_cut_at_any_page_never_keeps_the_daemon_from_starting() {
        let fixture = Fixture::new().await;
        let (registry, _) = open(&fixture.state, 1).await.unwrap();
        for id in 10..400 {
            registry.insert(SessionRecord::sample(id)).await.unwrap();
        }
        drop(registry);
        fixture.closed().await;
        let file = fixture.file("");
        let whole = fs::read(&file).unwrap();
        for cut in (0..whole.len()).step_by(4_096 * 5).chain([1, 99, 4_095, whole.len() - 1]) {
            fs::write(&file, &whole[..cut]).unwrap();
            let (records, rescue) = fixture.reopen().await;
            assert!(rescue.is_some(), "{cut}");
            assert!(looked_up().iter().all(|one| records.contains(one)), "{cut}");
            fs::remove_file(&file).unwrap();
        }
    }

    #[tokio::test]
    async fn what_the_damaged_registry_still_gives_needs_no_mirror() {
        let fixture = Fixture::new().await;
        fs::remove_dir_all(fixture.state.sessions()).unwrap();
        fs::create_dir(fixture.state.sessions()).unwrap();
        let registry = Registry::open(fixture.file("")).await.unwrap();
        registry.spoil(&SessionId::from_bits(1)).await;
        // What was removed here, and is yet to be removed where it ran.
        let removal = Removal::of(&sessions()[1], Some(5), Timestamp::from_millis(9));
        registry.forget(&removal.session, Some(&removal)).await.unwrap();
        drop(registry);
        fixture.closed().await;
        let (records, rescue) = fixture.reopen().await;
        let (damage, _) = rescue.unwrap().damaged.unwrap();
        assert!(matches!(damage, RegistryError::Entry { .. }), "{damage}");
        assert_eq!(records, looked_up()[2..]);
        let registry = Registry::open(fixture.file("")).await.unwrap();
        assert_eq!(registry.removals().await.unwrap(), [removal]);
    }

    #[tokio::test]
    async fn a_mirror_beside_a_registry_without_events_is_of_no_session() {
        let fixture = Fixture::new().await;
        let record = SessionRecord::sample(9);
        let mirror = Mirror::create(fixture.state.session(&record.id)).await.unwrap();
        mirror.save_record(&record).await.unwrap();
        let (records, rescue) = fixture.reopen().await;
        assert!(rescue.is_none());
        assert_eq!(records, sessions());
    }

    #[tokio::test]
    async fn of_two_records_of_a_session_the_later_one_holds() {
        let fixture = Fixture::new().await;
        let ended = SessionRecord { revision: 7, ..sessions()[1].clone() };
        let gone = Some(Timestamp::from_millis(9));
        let cleared = SessionRecord { revision: 8, spool_gone_at: gone, ..ended.clone() };
        let mirror = Mirror::open(fixture.state.session(&ended.id)).await.unwrap();
        mirror.save_record(&ended).await.unwrap();
        let registry = Registry::open(fixture.file("")).await.unwrap();
        registry.save(cleared.clone()).await.unwrap();
        registry.spoil(&SessionId::from_bits(1)).await;
        drop(registry);
        fixture.closed().await;
        let (records, _) = fixture.reopen().await;
        assert!(records.contains(&cleared), "{records:?}");
        let later = SessionRecord { revision: 9, ..ended };
        mirror.save_record(&later).await.unwrap();
        let registry = Registry::open(fixture.file("")).await.unwrap();
        registry.spoil(&SessionId::from_bits(1)).await;
        drop(registry);
        fixture.closed().await;
        let (records, _) = fixture.reopen().await;
        assert!(records.contains(&later), "{records:?}");
    }
}
