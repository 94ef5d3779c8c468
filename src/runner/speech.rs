//! What a program says, told from what the session prints.
//!
//! Both streams carry three things: whatever the login shell's rc files print,
//! then the session's own bytes, and in between the program's lines, each of
//! which starts with a record separator and the run's nonce.

use bytes::{Buf, Bytes, BytesMut};

use crate::domain::launch::Nonce;

/// The most that is kept of what the login shell printed.
const MAX_NOISE: usize = 4096;
/// A program's line is shorter than this, or it is none.
const MAX_LINE: usize = 64 * 1024;

/// One piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the session's.
    Data(Bytes),
    /// A line of the program's, without its mark and newline.
    Line(String),
}

/// Takes one stream apart.
#[derive(Debug)]
pub struct Splitter {
    mark: Vec<u8>,
    held: BytesMut,
    /// What came before the first line.
    noise: Vec<u8>,
    /// Whether that has come.
    spoke: bool,
}

impl Splitter {
    /// A splitter for a run with this nonce.
    #[must_use]
    pub fn new(nonce: &Nonce) -> Self {
        let mark = format!("\x1e{} ", nonce.as_str()).into_bytes();
        Self { mark, held: BytesMut::new(), noise: Vec::new(), spoke: false }
    }

    /// What the login shell printed, if the program never spoke.
    #[must_use]
    pub fn noise(&self) -> Option<String> {
        (!self.spoke).then(|| self.before())
    }

    /// What the login shell printed before the program spoke.
    #[must_use]
    pub fn before(&self) -> String {
        String::from_utf8_lossy(&self.noise).into_owned()
    }

    /// Takes the next bytes in, and hands out what is certain by now.
    ///
    /// Bytes that could be the beginning of a mark are held back until the next
    /// call; there are never more of them than a mark or a line has.
    pub fn feed(&mut self, bytes: Bytes, mut take: impl FnMut(Piece)) {
        let mut rest = if self.held.is_empty() {
            bytes
        } else {
            self.held.extend_from_slice(&bytes);
            self.held.split().freeze()
        };
        while !rest.is_empty() {
            let at = find_mark(&rest, &self.mark);
            if at > 0 {
                self.plain(rest.split_to(at), &mut take);
                continue;
            }
            let body = &rest[self.mark.len().min(rest.len())..];
            let whole = rest.len() >= self.mark.len();
            match memchr::memchr(b'\n', body).filter(|_| whole) {
                Some(end) => {
                    let line = String::from_utf8_lossy(&body[..end]).into_owned();
                    rest.advance(self.mark.len() + end + 1);
                    self.spoke = true;
                    take(Piece::Line(line));
                }
                None if rest.len() > MAX_LINE => {
                    self.plain(rest.split_to(1), &mut take);
                }
                None => {
                    self.held.extend_from_slice(&rest);
                    return;
                }
            }
        }
    }

    fn plain(&mut self, bytes: Bytes, take: &mut impl FnMut(Piece)) {
        if self.spoke {
            take(Piece::Data(bytes));
        } else {
            self.noise.extend_from_slice(&bytes);
            let surplus = self.noise.len().saturating_sub(MAX_NOISE);
            self.noise.drain(..surplus);
        }
    }
}

/// Where in `bytes` the first mark begins, or what may become one; else the end.
fn find_mark(bytes: &[u8], mark: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memchr(mark[0], &bytes[from..]) {
        let candidate = &bytes[from + at..];
        let common = candidate.len().min(mark.len());
        if candidate[..common] == mark[..common] {
            return from + at;
        }
        from += at + 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<u8>, Vec<String>, Option<String>) {
        let mut splitter = Splitter::new(&Nonce::from_bits(7));
        let (mut data, mut lines) = (Vec::new(), Vec::new());
        for chunk in chunks {
            splitter.feed(Bytes::copy_from_slice(chunk), |piece| match piece {
                Piece::Data(bytes) => data.extend_from_slice(&bytes),
                Piece::Line(line) => lines.push(line),
            });
        }
        (data, lines, splitter.noise())
    }

    fn line(words: &str) -> Vec<u8> {
        format!("\x1e{} {words}\n", Nonce::from_bits(7).as_str()).into_bytes()
    }

    #[test]
    fn output_counts_from_the_first_line_on() {
        let stream = [b"motd\n".to_vec(), line("claimed"), b"out".to_vec(), line("end")].concat();
        let (data, lines, noise) = split(&[&stream]);
        assert_eq!((data.as_slice(), noise), (b"out".as_slice(), None));
        assert_eq!(lines, ["claimed", "end"]);
    }

    #[test]
    fn a_silent_program_leaves_what_the_shell_said() {
        assert_eq!(split(&[b"go ", b"away"]).2.as_deref(), Some("go away"));
    }

    #[test]
    fn another_runs_nonce_is_data() {
        let other = format!("\x1e{} end\n", Nonce::from_bits(8).as_str()).into_bytes();
        let (data, lines, _) = split(&[&line("claimed"), &other]);
        assert_eq!((data, lines), (other, vec!["claimed".to_owned()]));
    }

    proptest! {
        #[test]
        fn the_cuts_between_chunks_do_not_matter(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(prop_oneof![Just(0x1e_u8), Just(b'0'), any::<u8>()], 0..40),
                    Just(line("word")),
                ],
                0..8,
            ),
            size in 1usize..50,
        ) {
            let stream = [line("claimed"), parts.concat(), line("end")].concat();
            let whole = split(&[&stream]);
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            prop_assert_eq!(split(&chunks), whole);
        }
    }
}
