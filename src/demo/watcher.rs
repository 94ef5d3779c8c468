//! One session, watched from both ends: what its home says of it, and what
//! arrives here.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest as _, Sha256};

use super::script::{Checksum, Script};
use crate::api::client::{Client, ClientError, OutputQuery};
use crate::api::types::Stream;
use crate::domain::ids::SessionId;

/// A session that was asked for.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) script: Script,
    pub(super) id: SessionId,
    /// Which remote it runs on.
    pub(super) remote: usize,
    /// Its home there.
    pub(super) home: PathBuf,
    /// Lines of both streams that have arrived here.
    pub(super) arrived: Arc<AtomicU32>,
    /// What arrived on standard output and standard error, once that is all.
    pub(super) sums: [Option<Checksum>; 2],
}

impl Watched {
    /// Lines of both streams that have arrived here.
    pub(super) fn arrived(&self) -> u32 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Lines of both streams that it has printed, by its own word.
    pub(super) fn printed(&self) -> u32 {
        let said = std::fs::read_to_string(self.home.join(self.script.progress_file()));
        // Read while it is written anew it is empty.
        let printed = said.ok().and_then(|said| said.trim().parse().ok()).unwrap_or(0) * 2;
        printed.max(self.arrived())
    }

    /// How often it was started, by its own word.
    pub(super) fn starts(&self) -> usize {
        let file = self.home.join(self.script.starts_file());
        std::fs::read_to_string(file).map(|text| text.lines().count()).unwrap_or(0)
    }
}

/// Follows a stream to its end, as any reader would.
pub(super) async fn follow(
    client: Client,
    id: SessionId,
    stream: Stream,
    arrived: Arc<AtomicU32>,
) -> Result<Checksum, ClientError> {
    let query = OutputQuery { stream, offset: 0, limit: None, follow: true };
    let mut bytes = client.output(id.as_str(), query).await?;
    let mut sum = Sha256::new();
    while let Some(chunk) = bytes.next().await? {
        let lines = chunk.iter().filter(|byte| **byte == b'\n').count();
        arrived.fetch_add(u32::try_from(lines).unwrap_or(u32::MAX), Ordering::Relaxed);
        sum.update(&chunk);
    }
    Ok(Checksum(sum.finalize().into()))
}
