//! Ranges of a stream that are not in its mirror, since they were dropped
//! where the session ran before they could come.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::stream::Stream;

/// A range of a stream that was dropped; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first byte that is missing.
    pub from: u64,
    /// The first byte behind it that is not.
    pub to: u64,
}

impl Gap {
    /// How many bytes are missing.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.to - self.from
    }

    /// The line that stands for it in a stream's list of gaps.
    #[must_use]
    pub fn line(self) -> String {
        format!("{} {}\n", self.from, self.to)
    }

    fn parse(line: &str) -> Option<Self> {
        let (from, to) = line.split_once(' ')?;
        let gap = Self { from: from.parse().ok()?, to: to.parse().ok()? };
        (gap.from < gap.to).then_some(gap)
    }
}

impl fmt::Display for Gap {
    /// The first and the last byte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.from, self.to - 1)
    }
}

/// A gap, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The stream.
    pub stream: Stream,
    /// The range.
    #[serde(flatten)]
    pub gap: Gap,
}

/// All gaps of a stream: in order, and with bytes between any two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps(Vec<Gap>);

/// A part of a stream without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins: where it was asked for, or behind the gap there.
    pub start: u64,
    /// Where it ends: at the next gap, or where the stream does.
    pub end: u64,
}

impl Stretch {
    /// Its length in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.end - self.start
    }
}

impl Gaps {
    /// The gaps that a list tells of. A line without its end is not whole, and
    /// tells of nothing: it is written before anything relies on it.
    #[must_use]
    pub fn parse(list: &[u8]) -> Self {
        let whole = list.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut gaps = Self::default();
        for line in String::from_utf8_lossy(&list[..whole]).lines() {
            if let Some(gap) = Gap::parse(line) {
                gaps.add(gap);
            }
        }
        gaps
    }

    /// Takes in a gap that begins no earlier than those before it.
    pub fn add(&mut self, gap: Gap) {
        match self.0.last_mut() {
            Some(last) if gap.from <= last.to => last.to = last.to.max(gap.to),
            _ => self.0.push(gap),
        }
    }

    /// What can be read in one piece from `at` on, of a stream of which `length`
    /// bytes are known.
    #[must_use]
    pub fn stretch(&self, at: u64, length: u64) -> Stretch {
        let behind = self.0.partition_point(|gap| gap.to <= at);
        let (start, next) = match self.0.get(behind) {
            Some(gap) if gap.from <= at => (gap.to, self.0.get(behind + 1)),
            next => (at, next),
        };
        let end = next.map_or(length, |gap| gap.from.min(length));
        Stretch { start, end: end.max(start) }
    }

    /// The stretch that ends at `end`, which is no place inside a gap.
    #[must_use]
    pub fn stretch_before(&self, end: u64) -> Stretch {
        let before = self.0.partition_point(|gap| gap.to < end);
        let start = before.checked_sub(1).and_then(|at| self.0.get(at)).map_or(0, |gap| gap.to);
        // Of a gap that ends where this does nothing is left but its beginning.
        match self.0.get(before) {
            Some(gap) if gap.from < end => Stretch { start, end: gap.from },
            _ => Stretch { start, end },
        }
    }

    /// Them, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Gap] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gaps(pairs: &[(u64, u64)]) -> Gaps {
        let mut gaps = Gaps::default();
        pairs.iter().for_each(|&(from, to)| gaps.add(Gap { from, to }));
        gaps
    }

    #[test]
    fn a_list_that_was_cut_short_tells_of_its_whole_lines() {
        let all = gaps(&[(10, 20), (30, 45)]);
        assert_eq!(Gaps::parse(b"10 20\n30 45\n"), all);
        assert_eq!(Gaps::parse(b"10 20\n30 45\n50 6"), all);
        assert_eq!(Gaps::parse(b"10 2"), Gaps::default());
    }

    #[test]
    fn a_gap_that_grew_is_one() {
        assert_eq!(gaps(&[(10, 20), (10, 40), (40, 50)]), gaps(&[(10, 50)]));
    }

    #[test]
    fn a_gap_is_shown_by_its_first_and_last_byte() {
        assert_eq!(Gap { from: 1000, to: 2000 }.to_string(), "1000–1999");
    }

    #[test]
    fn a_stretch_backwards_ends_where_it_was_asked_for_or_before_the_gap_there() {
        let gaps = gaps(&[(0, 10), (20, 30)]);
        for (end, start, stop) in [(40, 30, 40), (30, 10, 20), (20, 10, 20), (10, 0, 0)] {
            assert_eq!(gaps.stretch_before(end), Stretch { start, end: stop }, "{end}");
        }
    }

    fn any_gaps() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0u64..10, 1u64..10), 0..6).prop_map(|steps| {
            let mut at = 0;
            let next = |(skip, size): (u64, u64)| {
                let from = at + skip;
                at = from + size;
                (from, at)
            };
            steps.into_iter().map(next).collect()
        })
    }

    proptest! {
        /// Against the plainest model: whether each byte is there.
        #[test]
        fn stretches_cover_what_is_there_and_nothing_else(pairs in any_gaps(), length in 0u64..90) {
            let gaps = gaps(&pairs);
            let is_there = |byte| !pairs.iter().any(|(from, to)| (*from..*to).contains(&byte));
            let mut covered = Vec::new();
            let mut at = 0;
            loop {
                let stretch = gaps.stretch(at, length);
                covered.extend(stretch.start..stretch.end);
                if stretch.end >= length {
                    break;
                }
                at = stretch.end;
            }
            let expected: Vec<u64> = (0..length).filter(|byte| is_there(*byte)).collect();
            prop_assert_eq!(covered, expected);
        }

        #[test]
        fn a_list_reads_as_what_was_written(pairs in any_gaps()) {
            let list: String = pairs.iter().map(|&(from, to)| Gap { from, to }.line()).collect();
            prop_assert_eq!(Gaps::parse(list.as_bytes()), gaps(&pairs));
        }

        #[test]
        fn the_way_back_meets_the_same_stretches(pairs in any_gaps(), more in 1u64..9) {
            let gaps = gaps(&pairs);
            let length = pairs.last().map_or(0, |(_, to)| *to) + more;
            let (mut there, mut back) = (Vec::new(), Vec::new());
            let mut at = 0;
            while at < length {
                let stretch = gaps.stretch(at, length);
                there.push(stretch);
                at = stretch.end;
            }
            let mut at = length;
            while at > 0 {
                let stretch = gaps.stretch_before(at);
                back.push(stretch);
                at = stretch.start;
            }
            back.reverse();
            there.retain(|stretch| stretch.bytes() > 0);
            back.retain(|stretch| stretch.bytes() > 0);
            prop_assert_eq!(there, back);
        }
    }
}
