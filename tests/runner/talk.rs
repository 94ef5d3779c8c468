//! A running program, and what it has said.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use longhaul::domain::launch::Nonce;
use longhaul::runner::speech::{Piece, Splitter};

use crate::wait::{PATIENCE, eventually, eventually_or, holds_within};

/// One stream, taken apart as the product does.
#[derive(Debug, Default)]
struct Heard {
    data: Vec<u8>,
    lines: Vec<String>,
    /// Offsets that were told, and how much data there was then.
    places: Vec<(usize, u64)>,
    /// How much data there was when the end was told.
    at_end: Option<usize>,
    /// All of it, as it came, up to a few kilobytes.
    raw: Vec<u8>,
}

impl Heard {
    fn pieces(&self) -> Vec<(u64, Vec<u8>)> {
        let ends = self.places.iter().skip(1).map(|place| place.0).chain([self.data.len()]);
        let cut = |(&(from, at), to): (&(usize, u64), usize)| (at, self.data[from..to].to_vec());
        self.places.iter().zip(ends).map(cut).collect()
    }
}

#[derive(Debug)]
struct Ear {
    heard: Arc<Mutex<Heard>>,
    reader: JoinHandle<()>,
}

impl Ear {
    fn on(mut pipe: impl Read + Send + 'static, nonce: &Nonce) -> Self {
        let heard = Arc::<Mutex<Heard>>::default();
        let sink = Arc::clone(&heard);
        let mut splitter = Splitter::new(nonce);
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let mut heard = sink.lock().unwrap_or_else(PoisonError::into_inner);
                let heard = &mut *heard;
                if heard.raw.len() < 4096 {
                    heard.raw.extend_from_slice(&buffer[..length]);
                }
                splitter.feed(Bytes::copy_from_slice(&buffer[..length]), |piece| match piece {
                    Piece::Data(bytes) => heard.data.extend_from_slice(&bytes),
                    Piece::Line(line) => {
                        if let Some(at) = line.strip_prefix("at ") {
                            heard.places.push((heard.data.len(), at.parse().expect("an offset")));
                            return;
                        }
                        if line.starts_with("end") {
                            heard.at_end = Some(heard.data.len());
                        }
                        heard.lines.push(line);
                    }
                });
            }
        });
        Self { heard, reader }
    }

    fn with<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has(&self, start: &str) -> Option<String> {
        self.with(|heard| heard.lines.iter().find(|line| line.starts_with(start)).cloned())
    }
}

/// All that a program has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    /// Both streams in pieces, by the offsets that were told with them.
    pub(crate) pieces: [Vec<(u64, Vec<u8>)>; 2],
    pub(crate) lines: Vec<String>,
    pub(crate) err_lines: Vec<String>,
}

impl Said {
    /// The exit record.
    #[track_caller]
    pub(crate) fn record(&self) -> &str {
        let end = self.lines.iter().find_map(|line| line.strip_prefix("end "));
        let end = end.unwrap_or_else(|| panic!("no end: {self:?}"));
        end.split_once(' ').expect("a record").1
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.err).into_owned()
    }
}

/// A program that runs. Dropped, it is cut off from its reader.
#[derive(Debug)]
pub(crate) struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Ear,
    err: Ear,
    /// Where the reader began.
    pub(crate) offsets: (u64, u64),
}

impl Talk {
    pub(crate) fn start(mut command: Command, nonce: &Nonce) -> Self {
        let mut child = command.spawn().expect("a shell");
        let stdin = child.stdin.take();
        let out = Ear::on(child.stdout.take().expect("piped"), nonce);
        let err = Ear::on(child.stderr.take().expect("piped"), nonce);
        Self { child, stdin, out, err, offsets: (0, 0) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("the program reads");
    }

    /// Asks for a stream; a program that has just ended hears it no more.
    pub(crate) fn ask_to_stream(&mut self) {
        let _ = self.stdin.as_mut().expect("open").write_all(b"follow\n");
    }

    /// Goes away, as a reader whose link is cut.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// Waits for a line that starts like this.
    #[track_caller]
    pub(crate) fn line(&self, start: &str) -> String {
        eventually_or(
            &format!("the line {start:?}"),
            || self.out.has(start).is_some(),
            || format!("{:?}\n{:?}", self.out, self.err),
        );
        self.out.has(start).expect("it was there")
    }

    /// Whether a line has come that starts like this.
    pub(crate) fn has_said(&self, start: &str) -> bool {
        self.out.has(start).is_some()
    }

    /// What has come on standard output.
    pub(crate) fn out_so_far(&self) -> String {
        self.out.with(|heard| String::from_utf8_lossy(&heard.data).into_owned())
    }

    /// Waits until this has come on standard output.
    #[track_caller]
    pub(crate) fn await_out(&self, text: &str) {
        eventually_or(
            &format!("{text:?} on standard output"),
            || self.out_so_far().contains(text),
            || format!("{:?}\n{:?}", self.out, self.err),
        );
    }

    /// Holds that it has not told how the session ended.
    #[track_caller]
    pub(crate) fn says_no_end(&self) {
        assert_eq!(self.out.has("end"), None);
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Asks for what is missing, as the product does once the end is told.
    #[track_caller]
    pub(crate) fn ask_for_the_rest(&mut self) {
        let end = self.line("end ");
        eventually("the end on standard error", || self.err.has("end").is_some());
        if end.starts_with("end yes ") {
            let at = |ear: &Ear, from| {
                ear.with(|heard| {
                    let (before, place) = heard.places.last().copied().unwrap_or((0, from));
                    place + (heard.at_end.expect("an end") - before) as u64
                })
            };
            let (out, err) = (at(&self.out, self.offsets.0), at(&self.err, self.offsets.1));
            self.write(format!("rest {out} {err}\n").as_bytes());
            self.line("fin");
            eventually("fin on standard error", || self.err.has("fin").is_some());
        }
    }

    /// Waits for its end and that of both streams.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Said {
        let streams = format!("{:?}\n{:?}", self.out, self.err);
        if !holds_within(PATIENCE, || self.has_ended()) {
            panic!("has not ended: {:?}\n{:?}\nbefore: {streams}", self.out, self.err);
        }
        eventually("both streams end", || {
            self.out.reader.is_finished() && self.err.reader.is_finished()
        });
        let take = |ear: &Ear| {
            ear.with(|heard| {
                // No shell has a word of its own before the program's first.
                let first = heard.raw.first();
                assert!(matches!(first, None | Some(0x1e)), "noise: {heard:?}");
                (heard.data.clone(), heard.lines.clone(), heard.pieces())
            })
        };
        let (out, lines, out_pieces) = take(&self.out);
        let (err, err_lines, err_pieces) = take(&self.err);
        Said { out, err, pieces: [out_pieces, err_pieces], lines, err_lines }
    }

    /// The whole talk with a program that streams: what is missing, then the end.
    #[track_caller]
    pub(crate) fn hear_out(mut self) -> Said {
        self.ask_for_the_rest();
        self.finish()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.stdin = None;
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
