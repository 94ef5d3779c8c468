//! The folder that holds the registry and the mirrors, and its lock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;

use super::files;
use crate::domain::ids::SessionId;

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// It could not be made, or something in it could not.
    #[error("{} cannot be made: {source}", path.display())]
    Create {
        /// What was to be made.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Something else has its name.
    #[error("{} is not a directory", dir.display())]
    NotADirectory {
        /// The state directory.
        dir: PathBuf,
    },
    /// It is another user's.
    #[error("{} belongs to user {owner}, not to you (user {you})", dir.display())]
    NotYours {
        /// The state directory.
        dir: PathBuf,
        /// The owner's user id.
        owner: u32,
        /// This process's user id.
        you: u32,
    },
    /// Others may put files into it.
    #[error("{} can be written by others (mode {mode:04o})", dir.display())]
    OpenToOthers {
        /// The state directory.
        dir: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It, or the file system that it is on, may not be written.
    #[error("{} cannot be written: {source}", path.display())]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is full.
    #[error("no space left for {}", path.display())]
    Full {
        /// What was to be written.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// It was removed while a daemon used it.
    #[error("{} was removed while the daemon ran", dir.display())]
    Gone {
        /// The state directory.
        dir: PathBuf,
    },
    /// A daemon uses it.
    #[error("a daemon{} runs already on {}", of_pid(*pid), dir.display())]
    AlreadyRunning {
        /// The state directory.
        dir: PathBuf,
        /// The daemon's process id, where it could be read.
        pid: Option<u32>,
    },
    /// The file system knows no locks.
    #[error("{} cannot be locked: {source}", file.display())]
    Lock {
        /// The lock file.
        file: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
}

fn of_pid(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl StateDirError {
    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        const ELSEWHERE: &str = "or set LONGHAUL_STATE_DIR to a directory of your own";
        match self {
            Self::OpenToOthers { dir, .. } => {
                format!("chmod go-w '{}', {ELSEWHERE}", dir.display())
            }
            Self::Gone { .. } => {
                "sessions go on; take in what runs on a remote: longhaul adopt REMOTE".to_owned()
            }
            Self::Full { path, .. } => format!("make room: df '{}'", parent(path).display()),
            Self::AlreadyRunning { .. } => "longhaul daemon status".to_owned(),
            Self::Create { path, .. } | Self::ReadOnly { path, .. } => {
                format!(
                    "make it writable for you: ls -ld '{}', {ELSEWHERE}",
                    parent(path).display()
                )
            }
            Self::NotADirectory { dir } | Self::NotYours { dir, .. } => {
                format!("see what it is: ls -ld '{}', {ELSEWHERE}", dir.display())
            }
            Self::Lock { file, .. } => {
                format!(
                    "put it on a local file system: df -T '{}', {ELSEWHERE}",
                    parent(file).display()
                )
            }
        }
    }

    fn making(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { path, source }
            }
            _ => Self::Create { path, source },
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// A state directory that is fit for use.
///
/// ```text
/// <root>/
///     registry.sqlite   0600
///     daemon.lock       0600   the running daemon's process id
///     control-id        0600   what tells this directory from any other
///     digest.key        0600   the key of digests in the registry
///     sessions/<id>/    0700   mirrors
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    root: PathBuf,
}

/// What is locked in it.
const LOCK: &str = "daemon.lock";

/// The right to use a state directory; it is given back when this is dropped
/// and when the process ends, however it ends.
#[derive(Debug)]
pub struct DaemonLock {
    held: File,
    path: PathBuf,
}

impl DaemonLock {
    /// Whether the directory is still the one that was locked: it, or the lock
    /// in it, may have been removed, and another one made in its place. Blocks
    /// for a moment.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        match (self.held.metadata(), fs::metadata(&self.path)) {
            (Ok(held), Ok(there)) => same(held, there),
            // What cannot be looked at is not known to be gone.
            (Err(_), _) => true,
            (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        }
    }
}

impl StateDir {
    /// Makes the directory and what belongs in it, for the owner alone, and
    /// refuses one in which others could lay traps. A directory that is there
    /// keeps its mode. Blocks: it is for start-up.
    ///
    /// # Errors
    ///
    /// It cannot be made or written, is no directory, is somebody else's, or
    /// can be written by others.
    pub fn prepare(root: impl Into<PathBuf>) -> Result<Self, StateDirError> {
        let state = Self { root: root.into() };
        make(&state.root)?;
        let found = fs::metadata(&state.root)
            .map_err(|source| StateDirError::making(&state.root, source))?;
        check(&state.root, found.uid(), found.mode(), rustix::process::geteuid().as_raw())?;
        make(&state.sessions())?;
        Ok(state)
    }

    /// Takes the lock, for as long as the answer is kept. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// Another daemon has it, or the lock file cannot be made.
    pub fn lock(&self) -> Result<DaemonLock, StateDirError> {
        let path = self.root.join(LOCK);
        // Not truncated: until it is locked, it is another daemon's.
        let opened = files::owner_only().read(true).write(true).create(true).open(&path);
        let mut file = opened.map_err(|source| StateDirError::making(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateDirError::AlreadyRunning {
                    dir: self.root.clone(),
                    pid: read_pid(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StateDirError::Lock { file: path, source });
            }
        }
        write_pid(&mut file).map_err(|source| StateDirError::making(&path, source))?;
        Ok(DaemonLock { held: file, path })
    }

    /// Whether a daemon has the lock of the directory `root`, as it does until its
    /// process ends: what has hung up may still be writing. Blocks for a moment.
    #[must_use]
    pub fn is_locked(root: &Path) -> bool {
        let locked = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        File::open(root.join(LOCK)).is_ok_and(locked)
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Bytes that are free for this user on its file system; `None` if that
    /// cannot be told.
    pub async fn free(&self) -> Option<u64> {
        let root = self.root.clone();
        let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&root));
        let found = asked.await.ok()?.ok()?;
        found.f_bavail.checked_mul(found.f_frsize)
    }

    /// The registry's file.
    #[must_use]
    pub fn registry(&self) -> PathBuf {
        self.root.join("registry.sqlite")
    }

    /// The file that holds the directory's id.
    #[must_use]
    pub fn control_id(&self) -> PathBuf {
        self.root.join("control-id")
    }

    /// The key of the digests that the registry holds; `fresh` becomes it where
    /// there is none. Blocks: it is for start-up.
    ///
    /// # Errors
    ///
    /// The file can be neither read nor made.
    pub fn digest_key(&self, fresh: [u8; 32]) -> Result<[u8; 32], StateDirError> {
        let path = self.root.join("digest.key");
        match fs::read(&path).map(<[u8; 32]>::try_from) {
            Ok(Ok(key)) => return Ok(key),
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StateDirError::making(&path, source));
            }
            // None yet, or one that is none.
            _ => {}
        }
        let new = path.with_extension("new");
        let written = files::owner_only().write(true).create(true).truncate(true).open(&new);
        written
            .and_then(|mut file| {
                file.write_all(&fresh)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|source| StateDirError::making(&path, source))?;
        Ok(fresh)
    }

    /// The file that holds the token of the API's TCP listener.
    #[must_use]
    pub fn token(&self) -> PathBuf {
        self.root.join("token")
    }

    /// The folder that holds all mirrors.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    /// The folder of one session's mirror.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> PathBuf {
        self.sessions().join(id.as_str())
    }
}

fn make(dir: &Path) -> Result<(), StateDirError> {
    match files::create_folder(dir) {
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
            Err(StateDirError::NotADirectory { dir: dir.to_owned() })
        }
        made => made.map_err(|source| StateDirError::making(dir, source)),
    }
}

/// Whether a directory of this owner and mode can be trusted by `you`.
fn check(dir: &Path, owner: u32, mode: u32, you: u32) -> Result<(), StateDirError> {
    let dir = dir.to_owned();
    if owner != you {
        return Err(StateDirError::NotYours { dir, owner, you });
    }
    if mode & 0o022 != 0 {
        return Err(StateDirError::OpenToOthers { dir, mode: mode & 0o7777 });
    }
    Ok(())
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", process::id())
}

/// For the message only: between another daemon's lock and its first write,
/// this is empty or its predecessor's.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn is_made_for_the_owner_alone_with_all_that_belongs_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::prepare(dir.path().join("a").join("longhaul")).unwrap();
        let _lock = state.lock().unwrap();
        assert_eq!(mode(state.root()), 0o700);
        assert_eq!(mode(&state.sessions()), 0o700);
        assert_eq!(mode(&state.root().join("daemon.lock")), 0o600);
        assert_eq!(
            StateDir::prepare(state.root()).unwrap(),
            state,
            "a second time changes nothing"
        );
    }

    #[test]
    fn the_key_of_digests_is_made_once_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::prepare(dir.path().join("state")).unwrap();
        let file = state.root().join("digest.key");
        assert_eq!(state.digest_key([1; 32]).unwrap(), [1; 32]);
        assert_eq!(state.digest_key([2; 32]).unwrap(), [1; 32]);
        assert_eq!(mode(&file), 0o600);
        fs::write(&file, "cut short").unwrap();
        assert_eq!(state.digest_key([3; 32]).unwrap(), [3; 32]);
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        for (bits, fine) in [(0o700, true), (0o755, true), (0o770, false), (0o1777, false)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(bits)).unwrap();
            match StateDir::prepare(dir.path()) {
                Ok(_) => assert!(fine, "{bits:o}"),
                Err(error) => {
                    assert!(!fine, "{error}");
                    assert!(
                        matches!(error, StateDirError::OpenToOthers { mode, .. } if mode == bits)
                    );
                    assert!(error.remedy().starts_with("chmod go-w"), "{}", error.remedy());
                }
            }
            assert_eq!(mode(dir.path()), bits, "it is not ours to change");
        }
    }

    #[test]
    fn another_users_directory_is_refused() {
        let refused = check(Path::new("/x"), 1_001, 0o700, 1_000);
        assert!(
            matches!(refused, Err(StateDirError::NotYours { owner: 1_001, you: 1_000, .. })),
            "{refused:?}"
        );
        assert!(check(Path::new("/x"), 1_000, 0o40700, 1_000).is_ok());
    }

    #[test]
    fn a_file_in_its_place_is_told_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state");
        fs::write(&file, "mine").unwrap();
        let refused = StateDir::prepare(&file);
        assert!(matches!(refused, Err(StateDirError::NotADirectory { .. })), "{refused:?}");
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn what_the_system_says_becomes_what_a_person_would_mend() {
        let of = |kind: io::ErrorKind| StateDirError::making(Path::new("/x/y"), kind.into());
        for kind in [io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied] {
            assert!(matches!(of(kind), StateDirError::ReadOnly { .. }), "{kind}");
        }
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert!(matches!(of(kind), StateDirError::Full { .. }), "{kind}");
        }
        assert!(matches!(of(io::ErrorKind::NotFound), StateDirError::Create { .. }));
    }

    #[test]
    fn a_lock_whose_directory_was_removed_or_made_anew_is_none_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("state");
        let state = StateDir::prepare(&root).unwrap();
        let lock = state.lock().unwrap();
        assert!(lock.is_in_place());
        fs::remove_dir_all(&root).unwrap();
        assert!(!lock.is_in_place());
        let next = StateDir::prepare(&root).unwrap().lock().unwrap();
        assert!(next.is_in_place() && !lock.is_in_place());
    }

    #[test]
    fn a_second_daemon_is_refused_and_told_who_is_first() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::prepare(dir.path()).unwrap();
        // A longer number from a daemon that was killed.
        fs::write(state.root().join("daemon.lock"), "4194304000\n").unwrap();
        let first = state.lock().unwrap();
        for _ in 0..2 {
            let refused = state.lock();
            assert!(
                matches!(&refused, Err(StateDirError::AlreadyRunning { pid: Some(pid), .. })
                    if *pid == process::id()),
                "{refused:?}"
            );
        }
        drop(first);
        state.lock().unwrap();
    }
}
