//! Noticing that the configuration may have changed.
//!
//! The kernel reports on directories, not on names: a watch on a file goes
//! blind when an editor renames another over it, and one on a path does when
//! any link on the way is swapped. So every directory is watched in which an
//! entry could change what the path leads to, and whatever happens in any of
//! them only means that it is time to look. Reading by itself is no event
//! here, or looking would make its own reason to look again.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// As many links as Linux follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// The directories in which an entry could change what `path` leads to: of
/// every link on the way, of the file itself, and one above. Where the way
/// ends early, the last directory that is there.
pub(super) fn directories(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut links = 0;
    let mut here = PathBuf::from("/");
    // The next component is the last one.
    let mut ahead: Vec<OsString> = components(path);
    while let Some(name) = ahead.pop() {
        if name == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&name);
        let Ok(metadata) = next.symlink_metadata() else {
            found.insert(here);
            return found;
        };
        if metadata.is_symlink() {
            found.insert(here.clone());
            links += 1;
            let Ok(target) = next.read_link() else { return found };
            if links > MAX_LINKS {
                return found;
            }
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            ahead.extend(components(&target));
        } else {
            here = next;
        }
    }
    let dir = if here.is_dir() { here.as_path() } else { here.parent().unwrap_or(&here) };
    found.extend(dir.parent().map(Path::to_owned));
    found.insert(dir.to_owned());
    found
}

/// The names on the way, the first one last.
fn components(path: &Path) -> Vec<OsString> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).collect()
}

/// Word from the watcher's thread to the actor. However much happens, one
/// message at most is on its way.
#[derive(Debug, Default)]
pub(super) struct Activity {
    count: AtomicU64,
    is_told: AtomicBool,
}

impl Activity {
    /// How much has happened so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Something happened; true if the actor has to be told.
    fn note(&self) -> bool {
        self.count.fetch_add(1, Ordering::SeqCst);
        !self.is_told.swap(true, Ordering::SeqCst)
    }

    /// The actor is about to look, and wants to be told of what comes after.
    pub(super) fn listen(&self) {
        self.is_told.store(false, Ordering::SeqCst);
    }
}

/// The watches. Everything here blocks.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    directories: BTreeSet<PathBuf>,
}

impl Watch {
    /// Watches nothing yet; `tell` is called from another thread.
    pub(super) fn new(activity: Arc<Activity>, tell: impl Fn() + Send + 'static) -> Self {
        let on_event = move |event| {
            if is_reason(&event) && activity.note() {
                tell();
            }
        };
        let watcher = notify::recommended_watcher(on_event)
            .inspect_err(|error| {
                tracing::warn!(%error, "cannot watch the configuration; looking at intervals");
            })
            .ok();
        Self { watcher, directories: BTreeSet::new() }
    }

    /// Watches these directories and no others.
    ///
    /// All of them are taken up anew each time: a directory that was removed
    /// and made again has the same path, and perhaps the same inode, but no
    /// watch.
    pub(super) fn rearm(&mut self, directories: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for old in &self.directories {
            // It may be gone, and its watch with it.
            let _gone = watcher.unwatch(old);
        }
        self.directories = directories;
        for dir in &self.directories {
            if let Err(error) = watcher.watch(dir, RecursiveMode::NonRecursive) {
                // It may have gone since; the next look sees to it.
                tracing::debug!(dir = %dir.display(), %error, "cannot watch");
            }
        }
    }
}

/// Whether an event is a reason to look. Errors are, and so is a queue that
/// overflowed, which comes as an event without paths.
fn is_reason(event: &notify::Result<Event>) -> bool {
    !event.as_ref().is_ok_and(|event| matches!(event.kind, EventKind::Access(_)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn in_tempdir() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        (dir, path)
    }

    fn set(paths: &[&Path]) -> BTreeSet<PathBuf> {
        paths.iter().map(|path| path.to_path_buf()).collect()
    }

    #[test]
    fn a_plain_file_is_its_directory_and_the_one_above() {
        let (_guard, top) = in_tempdir();
        fs::create_dir(top.join("d")).unwrap();
        fs::write(top.join("d/f"), "").unwrap();
        assert_eq!(directories(&top.join("d/f")), set(&[&top, &top.join("d")]));
    }

    #[test]
    fn what_is_missing_is_the_nearest_directory_that_is_there() {
        let (_guard, top) = in_tempdir();
        assert_eq!(directories(&top.join("a/b/f")), set(&[&top]));
    }

    #[test]
    fn every_link_on_the_way_counts() {
        let (_guard, top) = in_tempdir();
        fs::create_dir_all(top.join("mount/v1")).unwrap();
        fs::create_dir_all(top.join("other")).unwrap();
        fs::write(top.join("mount/v1/f"), "").unwrap();
        symlink("v1", top.join("mount/..data")).unwrap();
        symlink("..data/f", top.join("mount/f")).unwrap();
        symlink(top.join("mount"), top.join("other/link")).unwrap();
        let (mount, other) = (top.join("mount"), top.join("other"));
        assert_eq!(
            directories(&top.join("other/link/f")),
            set(&[&other, &mount, &mount.join("v1")])
        );
    }

    #[test]
    fn links_in_a_circle_come_to_an_end() {
        let (_guard, top) = in_tempdir();
        symlink("b", top.join("a")).unwrap();
        symlink("a", top.join("b")).unwrap();
        assert_eq!(directories(&top.join("a")), set(&[&top]));
    }

    #[test]
    fn looking_is_no_reason_to_look() {
        let (_guard, top) = in_tempdir();
        fs::write(top.join("f"), "text").unwrap();
        let (send, events) = std::sync::mpsc::channel();
        let mut watcher =
            notify::recommended_watcher(move |event| send.send(event).unwrap()).unwrap();
        for _ in 0..3 {
            let _unwatched = watcher.unwatch(&top);
            watcher.watch(&top, RecursiveMode::NonRecursive).unwrap();
            assert_eq!(fs::read_to_string(top.join("f")).unwrap(), "text");
            assert_eq!(fs::read_dir(&top).unwrap().count(), 1);
        }
        // Events come in order: what comes before this one is of the looking.
        fs::create_dir(top.join("end")).unwrap();
        let before: Vec<_> = events
            .iter()
            .take_while(|event| !event.as_ref().is_ok_and(|e| e.paths.contains(&top.join("end"))))
            .filter(is_reason)
            .collect();
        assert!(before.is_empty(), "{before:?}");
    }

    #[test]
    fn the_actor_is_told_once_until_it_listens_again() {
        let activity = Activity::default();
        assert!(activity.note());
        assert!(!activity.note());
        activity.listen();
        assert!(activity.note());
        assert_eq!(activity.count(), 3);
    }
}
