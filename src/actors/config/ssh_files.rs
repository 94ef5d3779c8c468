//! Which files `ssh_config` was read from, as those say who read them.

use std::path::PathBuf;

use ractor::ActorRef;
use tokio::sync::watch;

use super::actor::ConfigMsg;
use crate::store::marks::{Mark, Marks};

/// The files of every evaluation, as they were when they were last read for one.
/// Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct SshFiles(watch::Sender<Marks>);

impl SshFiles {
    /// What all files are like that are known so far: what an evaluation that
    /// follows reads of them is no older. Blocks.
    #[must_use]
    pub fn before(&self) -> Marks {
        let known: Vec<PathBuf> = self.0.borrow().keys().cloned().collect();
        known.into_iter().map(|path| (path.clone(), Mark::of(&path))).collect()
    }

    /// Has the files of an evaluation watched that followed `before`. Blocks.
    pub fn read(&self, files: Vec<PathBuf>, before: &Marks) {
        let mark = |path: PathBuf| {
            let mark = before.get(&path).copied().unwrap_or_else(|| Mark::of(&path));
            (path, mark)
        };
        let read: Marks = files.into_iter().map(mark).collect();
        self.0.send_if_modified(|all| {
            let count = all.len();
            all.extend(read);
            all.len() > count
        });
    }

    /// The files, as they were when they were last read.
    pub(super) fn marks(&self) -> Marks {
        self.0.borrow().clone()
    }

    /// An edit since `read` has been told of.
    pub(super) fn told(&self, read: &Marks, now: &Marks) {
        self.0.send_if_modified(|all| {
            for (path, mark) in all.iter_mut() {
                // Unless it has been read once more meanwhile.
                if read.get(path) == Some(mark) {
                    *mark = now.get(path).copied().unwrap_or(*mark);
                }
            }
            false
        });
    }

    /// Has `actor` look when there are new ones, for as long as it lives.
    pub(super) fn tell_of_news(&self, actor: &ActorRef<ConfigMsg>) {
        let (mut news, actor) = (self.0.subscribe(), actor.clone());
        tokio::spawn(async move {
            while news.changed().await.is_ok() {
                if actor.cast(ConfigMsg::SshFilesRead).is_err() {
                    return;
                }
            }
        });
    }
}

/// What a look at the files compares with.
#[derive(Debug)]
pub(super) struct SshLook {
    /// What they were at the last look.
    pub(super) looked: Marks,
    /// What they were when they were last read: one that was edited and edited
    /// back between two looks may have been read in between.
    pub(super) read: Marks,
}

/// What a look at the files brought.
#[derive(Debug)]
pub(super) struct SshLooked {
    pub(super) read: Marks,
    pub(super) now: Marks,
    /// Those that are not what they were, in either sense.
    pub(super) edited: Vec<PathBuf>,
}

impl SshLook {
    /// Blocks.
    pub(super) fn look(self) -> SshLooked {
        let Self { looked, read } = self;
        let now: Marks = read.keys().map(|path| (path.clone(), Mark::of(path))).collect();
        let differs = |marks: &Marks, path: &PathBuf, mark: &Mark| {
            marks.get(path).is_some_and(|was| was != mark)
        };
        let edited = now
            .iter()
            .filter(|(path, mark)| differs(&looked, path, mark) || differs(&read, path, mark));
        let edited = edited.map(|(path, _)| path.clone()).collect();
        SshLooked { read, now, edited }
    }
}
