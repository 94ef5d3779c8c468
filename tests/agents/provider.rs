//! A model provider on loopback: enough of the APIs of Anthropic and OpenAI that
//! a real agent can hold a conversation with it, or fail in each of the ways that
//! matter. The first part of the path says in which [`Mode`] it answers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;
use super::support::must::Must;

/// The most that a request may send.
const MOST: u64 = 64 << 20;
/// How many words a slow answer has.
pub(crate) const SLOW_WORDS: usize = 24;
/// How many words a long answer has.
pub(crate) const LONG_WORDS: usize = 2000;

/// How the provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In a few words, which say the how manieth turn of the conversation it is.
    Ok,
    /// Word by word, over some seconds.
    Slow,
    /// In many words, as fast as they are read.
    Long,
    /// Too many requests.
    RateLimited,
    /// The key is not known.
    Unauthorized,
    /// More to do than it can.
    Overloaded,
    /// The account's money is used up.
    NoCredit,
    /// The prompt is longer than the model can take.
    TooLong,
    /// The line breaks in the middle of an answer.
    Broken,
}

const MODES: [(Mode, &str); 9] = [
    (Mode::Ok, "ok"),
    (Mode::Slow, "slow"),
    (Mode::Long, "long"),
    (Mode::RateLimited, "rate-limited"),
    (Mode::Unauthorized, "unauthorized"),
    (Mode::Overloaded, "overloaded"),
    (Mode::NoCredit, "no-credit"),
    (Mode::TooLong, "too-long"),
    (Mode::Broken, "broken"),
];

impl Mode {
    /// Its part of the path.
    pub(crate) fn name(self) -> &'static str {
        MODES.iter().find(|(mode, _)| *mode == self).must("find the mode").1
    }

    fn of(name: &str) -> Option<Self> {
        MODES.iter().find(|(_, known)| *known == name).map(|(mode, _)| *mode)
    }
}

/// A provider that answers until the tests end.
#[derive(Debug)]
pub(crate) struct Provider {
    port: u16,
    streamed: Arc<AtomicUsize>,
}

impl Provider {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).must("listen");
        let port = listener.local_addr().must("have an address").port();
        let streamed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&streamed);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                // An agent that hangs up early has its reasons.
                thread::spawn(move || drop(serve(stream, &counter)));
            }
        });
        Self { port, streamed }
    }

    /// Where it answers in `mode`.
    pub(crate) fn url(&self, mode: Mode) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, mode.name())
    }

    /// How many pieces of answers it has sent.
    pub(crate) fn streamed(&self) -> usize {
        self.streamed.load(Ordering::Relaxed)
    }
}

/// Answers one request after the other.
fn serve(stream: TcpStream, streamed: &AtomicUsize) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    while let Some((line, body)) = request(&mut reader, &mut out)? {
        let path = line.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/");
        let (mode, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let api = Api::at(rest).filter(|_| line.starts_with("POST "));
        let (Some(mode), Some(api)) = (Mode::of(mode), api) else {
            // A list of models, a count of tokens, a word about how things go.
            reply(&mut out, 200, &json!({"object": "list", "data": [], "input_tokens": 11}))?;
            continue;
        };
        if let Some((status, error)) = api.refusal(mode) {
            reply(&mut out, status, &error)?;
        } else {
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            answer(&mut out, mode, api, &asked, streamed)?;
        }
        if mode == Mode::Broken {
            return Ok(());
        }
    }
    Ok(())
}

/// The next request's first line and its body; `None` once no more come.
fn request(
    reader: &mut BufReader<TcpStream>,
    out: &mut TcpStream,
) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end().to_ascii_lowercase();
        match header.split_once(':').map(|(name, value)| (name, value.trim())) {
            Some(("content-length", value)) => length = value.parse().unwrap_or(0),
            Some(("transfer-encoding", value)) => chunked = value == "chunked",
            Some(("expect", _)) => out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = Vec::new();
    if !chunked {
        reader.take(u64::min(length, MOST)).read_to_end(&mut body)?;
        return Ok(Some((first, body)));
    }
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0).min(MOST);
        // Each chunk has a line break behind it, the empty last one too.
        reader.take(size).read_to_end(&mut body)?;
        reader.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(Some((first, body)));
        }
    }
}

fn answer(
    out: &mut TcpStream,
    mode: Mode,
    api: Api,
    asked: &Value,
    streamed: &AtomicUsize,
) -> io::Result<()> {
    let counted = |count| (0..count).map(|n| format!("word{n} ")).collect();
    let words: Vec<String> = match mode {
        Mode::Slow => counted(SLOW_WORDS),
        Mode::Long => counted(LONG_WORDS),
        _ => vec!["This ".to_owned(), "is ".to_owned(), format!("turn {}.", api.turns(asked))],
    };
    if asked["stream"] != true {
        if mode == Mode::Broken {
            return out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
        }
        return reply(out, 200, &api.whole(&words));
    }
    out.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )?;
    let pause = Duration::from_millis(if mode == Mode::Slow { 200 } else { 0 });
    for (count, (name, data)) in api.events(&words, asked).into_iter().enumerate() {
        if mode == Mode::Broken && count == 3 {
            return out.flush();
        }
        let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        let block = format!("{name}data: {data}\n\n");
        write!(out, "{:x}\r\n{block}\r\n", block.len())?;
        streamed.fetch_add(1, Ordering::Relaxed);
        thread::sleep(pause);
    }
    out.write_all(b"0\r\n\r\n")
}

/// Answers in one piece. Both ways to say when to come back are in use, and keep
/// the agents' own retries short.
fn reply(out: &mut TcpStream, status: u16, body: &Value) -> io::Result<()> {
    let after = match status {
        429 | 503 | 529 => "retry-after-ms: 100\r\nretry-after: 1\r\n",
        _ => "",
    };
    let (text, kind) = (body.to_string(), "content-type: application/json");
    write!(
        out,
        "HTTP/1.1 {status} Told\r\n{kind}\r\n{after}content-length: {}\r\n\r\n{text}",
        text.len()
    )
}
