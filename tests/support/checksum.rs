//! Known bytes, and what is known of them.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::must::Must;

/// One mebibyte.
pub(crate) const MIB: u64 = 1024 * 1024;

/// A file of bytes that no two seeds share and no codec makes smaller.
#[derive(Debug)]
pub(crate) struct DataFile {
    /// Its checksum.
    pub(crate) sha256: String,
}

impl DataFile {
    /// Writes `length` bytes that follow from `seed`.
    pub(crate) fn create(path: &Path, seed: u64, length: u64) -> Self {
        let mut file = BufWriter::new(fs::File::create(path).must("create a data file"));
        let mut hash = Sha256::new();
        let mut noise = Noise::new(seed);
        let mut left = length;
        while left > 0 {
            let block = noise.block();
            let take = usize::try_from(left).map_or(block.len(), |left| left.min(block.len()));
            file.write_all(&block[..take]).must("write a data file");
            hash.update(&block[..take]);
            left -= take as u64;
        }
        file.flush().must("write a data file");
        Self { sha256: hex(&hash.finalize()) }
    }
}

/// `length` bytes that follow from `seed`.
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut noise = Noise::new(seed);
    let mut out = Vec::with_capacity(length + BLOCK);
    while out.len() < length {
        out.extend_from_slice(&noise.block());
    }
    out.truncate(length);
    out
}

/// The SHA-256 of `bytes`, in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

const BLOCK: usize = 4096;

/// Marsaglia's xorshift64: 64 bits of state, every byte value, no zero run.
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        // Zero is the one state that xorshift never leaves.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn block(&mut self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        for chunk in block.chunks_exact_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes());
        }
        block
    }
}
