//! From bytes, however they are split, to lines with their offsets.

use memchr::memchr;

/// The longest line that is read. An agent puts a whole tool's output into one
/// line, so they get long; of one that is longer nothing is kept in memory, and
/// it is passed over.
pub const MAX_LINE: usize = 16 << 20;

/// Cuts a stream into lines. It holds one unfinished line at most.
#[derive(Debug)]
pub(super) struct Lines {
    /// The offset of the next byte that is fed.
    at: u64,
    /// Where the unfinished line begins.
    start: u64,
    held: Vec<u8>,
    /// Whether the unfinished line is passed over.
    skips: bool,
    most: usize,
}

impl Lines {
    /// Lines of a stream that is read from `offset` on, where a line begins.
    #[must_use]
    pub(super) fn from(offset: u64) -> Self {
        Self::bounded(offset, MAX_LINE)
    }

    fn bounded(offset: u64, most: usize) -> Self {
        Self { at: offset, start: offset, held: Vec::new(), skips: false, most }
    }

    /// The offset of the next byte that is wanted.
    #[must_use]
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    /// Takes the next bytes, and hands out each line that they end, without its
    /// line break, with the offset at which it begins.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(u64, &[u8])) {
        while let Some(end) = memchr(b'\n', bytes) {
            let (head, tail) = (&bytes[..end], &bytes[end + 1..]);
            self.at += end as u64 + 1;
            if self.skips || self.held.len() + head.len() > self.most {
                // Nothing is said of it.
            } else if self.held.is_empty() {
                line(self.start, head);
            } else {
                self.held.extend_from_slice(head);
                line(self.start, &self.held);
            }
            self.forget();
            bytes = tail;
        }
        self.at += bytes.len() as u64;
        self.skips |= self.held.len() + bytes.len() > self.most;
        if self.skips {
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    /// Hands out what is left once no more bytes come: a program that is killed
    /// leaves a line unfinished, and some never end their last one.
    pub(super) fn finish(&mut self, mut line: impl FnMut(u64, &[u8])) {
        if !self.held.is_empty() {
            line(self.start, &self.held);
        }
        self.forget();
    }

    /// Goes on at a later offset: what was between is not to be had. What it
    /// tore apart is no line: neither the one before, nor the rest of the one
    /// behind.
    pub(super) fn skip_to(&mut self, offset: u64) {
        if offset > self.at {
            self.at = offset;
            self.forget();
            self.skips = true;
        }
    }

    fn forget(&mut self) {
        self.start = self.at;
        self.skips = false;
        // A buffer that one long line has grown is given back.
        if self.held.capacity() > 1 << 20 {
            self.held = Vec::new();
        } else {
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(mut lines: Lines, parts: &[&[u8]]) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        for part in parts {
            lines.feed(part, |at, line| found.push((at, line.to_vec())));
        }
        lines.finish(|at, line| found.push((at, line.to_vec())));
        found
    }

    #[test]
    fn lines_have_the_offsets_at_which_they_begin() {
        let found = lines(Lines::from(100), &[b"one\n\ntw", b"o", b"\nlast"]);
        let expected: Vec<(u64, Vec<u8>)> = vec![
            (100, b"one".to_vec()),
            (104, b"".to_vec()),
            (105, b"two".to_vec()),
            (109, b"last".to_vec()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_not() {
        let found = lines(Lines::bounded(0, 4), &[b"12345\nab\n123", b"45\ncd\n"]);
        assert_eq!(found, [(6, b"ab".to_vec()), (15, b"cd".to_vec())]);
    }

    #[test]
    fn behind_a_gap_the_next_whole_line_counts() {
        let mut lines = Lines::from(0);
        let mut found = Vec::new();
        let mut take = |at: u64, line: &[u8]| found.push((at, line.to_vec()));
        lines.feed(b"one\ntorn", &mut take);
        lines.skip_to(50);
        lines.feed(b"rest\ntwo\n", &mut take);
        lines.finish(&mut take);
        assert_eq!(found, [(0, b"one".to_vec()), (55, b"two".to_vec())]);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_bytes_are_split(
            parts in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..12), 0..12),
            most in 1_usize..10,
        ) {
            let whole: Vec<u8> = parts.concat();
            let split: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(
                lines(Lines::bounded(7, most), &split),
                lines(Lines::bounded(7, most), &[&whole])
            );
        }
    }
}
