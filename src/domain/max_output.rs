//! How much of a session's output its spool keeps.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most bytes of output that a session's spool may hold, of both streams
/// together. What is older goes, and is told as dropped where it had not come
/// here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct MaxOutput(u64);

/// What is no such size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MaxOutputError {
    /// It does not read as a size.
    #[error("a size is written like \"100 MB\", \"512 KiB\" or \"2 GB\"")]
    NotASize,
    /// It is too small to be kept to.
    #[error("it has to be at least 64 KB")]
    TooSmall,
    /// It is more than can be counted.
    #[error("it has to be less than 1000 TB")]
    TooLarge,
}

/// Names of units and their bytes, the largest first of each kind.
const UNITS: [(&str, u64); 9] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1000),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl MaxOutput {
    /// Less than this is mostly the rotation's own grain.
    const LEAST: u64 = 64_000;
    /// An offset in a spool has 15 digits.
    const MOST: u64 = 999_999_999_999_999;

    /// The cap of so many bytes.
    ///
    /// # Errors
    ///
    /// It is less than 64 KB or more than 1000 TB.
    pub fn of_bytes(bytes: u64) -> Result<Self, MaxOutputError> {
        match bytes {
            0..Self::LEAST => Err(MaxOutputError::TooSmall),
            Self::LEAST..=Self::MOST => Ok(Self(bytes)),
            _ => Err(MaxOutputError::TooLarge),
        }
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// How the spool keeps to it.
    #[must_use]
    pub fn rotation(self) -> Rotation {
        // A segment is the least that is dropped at once. A large one costs disk
        // where a slow reader has it open, a small one a process for each.
        let segment_bytes = (self.0 / 16).clamp(1, 64 << 20);
        Rotation { segment_bytes, segments: self.0 / segment_bytes }
    }
}

/// How a capped spool is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The most bytes in one segment.
    pub segment_bytes: u64,
    /// The most segments, of both streams together.
    pub segments: u64,
}

impl FromStr for MaxOutput {
    type Err = MaxOutputError;

    /// As [`bytes()`].
    fn from_str(text: &str) -> Result<Self, MaxOutputError> {
        Self::of_bytes(bytes(text)?)
    }
}

/// The bytes that a text stands for: a whole number with a unit, such as
/// `100 MB`, `512KiB` or `2g`. KB, MB, GB and TB are powers of 1000, as are K, M,
/// G and T; KiB and so on are powers of 1024.
///
/// # Errors
///
/// It is no size, or more than can be counted.
pub fn bytes(text: &str) -> Result<u64, MaxOutputError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let factor = UNITS.iter().find(|(name, _)| {
        let letter = name.strip_suffix('B').filter(|letter| letter.len() == 1);
        unit.eq_ignore_ascii_case(name)
            || letter.is_some_and(|letter| unit.eq_ignore_ascii_case(letter))
    });
    // A bare number may have been meant as anything.
    let Some((_, factor)) = factor else { return Err(MaxOutputError::NotASize) };
    if number.is_empty() {
        return Err(MaxOutputError::NotASize);
    }
    // All digits, so what fails here is too long.
    let number: u64 = number.parse().map_err(|_| MaxOutputError::TooLarge)?;
    number.checked_mul(*factor).ok_or(MaxOutputError::TooLarge)
}

impl fmt::Display for MaxOutput {
    /// With the unit that says it in the fewest digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = UNITS.iter().filter(|(_, factor)| self.0.is_multiple_of(*factor));
        let (unit, factor) = fits.max_by_key(|(_, factor)| *factor).unwrap_or(&("B", 1));
        write!(f, "{} {unit}", self.0 / factor)
    }
}

impl TryFrom<u64> for MaxOutput {
    type Error = MaxOutputError;

    fn try_from(bytes: u64) -> Result<Self, MaxOutputError> {
        Self::of_bytes(bytes)
    }
}

impl From<MaxOutput> for u64 {
    fn from(cap: MaxOutput) -> Self {
        cap.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        use MaxOutputError::{NotASize, TooLarge, TooSmall};
        for (text, expected) in [
            ("100 MB", Ok(100_000_000)),
            ("1MB", Ok(1_000_000)),
            (" 1 mb ", Ok(1_000_000)),
            ("2g", Ok(2_000_000_000)),
            ("512 KiB", Ok(524_288)),
            ("1gib", Ok(1 << 30)),
            ("64000 B", Ok(64_000)),
            ("64000", Err(NotASize)),
            ("", Err(NotASize)),
            ("MB", Err(NotASize)),
            ("1.5 MB", Err(NotASize)),
            ("-1 MB", Err(NotASize)),
            ("1 MBit", Err(NotASize)),
            ("1 Ki", Err(NotASize)),
            ("much", Err(NotASize)),
            ("63 KB", Err(TooSmall)),
            ("0 GB", Err(TooSmall)),
            ("1000 TB", Err(TooLarge)),
            ("99999999999999999999 GB", Err(TooLarge)),
            ("99999999999 TB", Err(TooLarge)),
        ] {
            assert_eq!(text.parse().map(MaxOutput::bytes), expected, "{text:?}");
        }
    }

    #[test]
    fn a_size_is_shown_as_a_person_would_write_it() {
        for text in ["100 MB", "64 KB", "1 GiB", "1500 MB", "65537 B", "96 MiB"] {
            assert_eq!(text.parse::<MaxOutput>().unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_what_it_was(bytes in MaxOutput::LEAST..=MaxOutput::MOST) {
            let cap = MaxOutput::of_bytes(bytes).unwrap();
            prop_assert_eq!(cap.to_string().parse(), Ok(cap));
        }

        #[test]
        fn a_rotation_keeps_to_its_cap_and_uses_most_of_it(
            bytes in MaxOutput::LEAST..=MaxOutput::MOST
        ) {
            let Rotation { segment_bytes, segments } =
                MaxOutput::of_bytes(bytes).unwrap().rotation();
            prop_assert!(segment_bytes * segments <= bytes);
            prop_assert!(segment_bytes * segments > bytes - bytes / 8);
            prop_assert!(segments >= 16);
            // The shells multiply and add with it, some in 32 bits.
            prop_assert!(segment_bytes <= 64 << 20);
        }
    }
}
