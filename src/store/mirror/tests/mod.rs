//! What a mirror promises, tried on real files.

mod files;
mod model;

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::domain::stream::Stream;

/// A new mirror in a folder of its own, which is gone with the second value.
async fn mirror() -> (Mirror, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mirror = Mirror::create(dir.path().join("sessions").join("0000000001")).await.unwrap();
    (mirror, dir)
}

fn batch(parts: &[&str]) -> Vec<Bytes> {
    parts.iter().map(|part| Bytes::copy_from_slice(part.as_bytes())).collect()
}
