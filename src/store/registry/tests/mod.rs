//! What the registry promises, tried on real files.

mod events;
mod formats;
mod kill;
mod sessions;
mod trouble;

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::domain::session::{Exit, Outcome, Phase, Removal, SessionRecord};
use crate::domain::timestamp::Timestamp;

/// A registry in a folder of its own, which is gone with it.
struct Fixture {
    dir: TempDir,
    registry: Registry,
}

impl Fixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(file_in(&dir)).await.unwrap();
        Self { dir, registry }
    }

    /// Opens the same file once more.
    async fn reopen(self) -> Self {
        drop(self.registry);
        let registry = Registry::open(file_in(&self.dir)).await.unwrap();
        Self { dir: self.dir, registry }
    }
}

fn file_in(dir: &TempDir) -> PathBuf {
    dir.path().join("state").join("registry.sqlite")
}

fn named(id: u64, name: &str) -> SessionRecord {
    SessionRecord { name: Some(name.parse().unwrap()), ..SessionRecord::sample(id) }
}

fn ended(record: SessionRecord) -> SessionRecord {
    let outcome = Outcome::of_exit(Exit::Code(0), None);
    SessionRecord { phase: Phase::Ended { outcome }, ..record }
}
