//! The API over a real Unix socket, with a daemon that does what a test says.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail them")]

#[path = "support/fake_daemon/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod fake_daemon;

use std::time::Duration;

use bytes::Bytes;
use fake_daemon::{Fake, link, refused};
use longhaul::api::client::{Client, ClientError, FeedItem, OutputQuery};
use longhaul::api::types::{
    CheckLine, CheckNotice, Exit, InputOffer, KillRequest, LinkState, RunRequest, SessionState,
    Stream, TestRequest, TrustRequest,
};
use longhaul::domain::attention::{Question, Reply};
use longhaul::domain::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// A bound for what would otherwise hang; nothing waits for it to pass.
const LONG: Duration = Duration::from_secs(20);

fn daemon() -> (Fake, Client) {
    let fake = Fake::new();
    fake.listen();
    let client = Client::new(fake.socket());
    (fake, client)
}

fn follow(stream: Stream, offset: u64) -> OutputQuery {
    OutputQuery { stream, offset, limit: None, follow: true }
}

async fn read_all(mut bytes: longhaul::api::client::Bytes) -> Result<Vec<u8>, ClientError> {
    let mut all = Vec::new();
    while let Some(more) = bytes.next().await? {
        all.extend_from_slice(&more);
    }
    Ok(all)
}

/// What a hand-written request is answered with.
async fn raw(fake: &Fake, request: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(fake.socket()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

/// The status and the word of an answer that is a no.
fn said<T: std::fmt::Debug>(result: Result<T, ClientError>) -> (u16, String) {
    match result {
        Err(ClientError::Api { status, body }) => (status, body.error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn follows_output_until_the_session_has_ended_and_all_was_sent() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    fake.write(&id, Stream::Stdout, b"one\n");
    let reader = client.output(id.as_str(), follow(Stream::Stdout, 2)).await.unwrap();
    let reading = tokio::spawn(read_all(reader));
    // Larger than a chunk, and not a multiple of one.
    let large: Vec<u8> = (0..1_000_003u32).map(|n| n.to_le_bytes()[0]).collect();
    fake.write(&id, Stream::Stdout, &large);
    fake.write(&id, Stream::Stderr, b"not this");
    fake.exit(&id, Exit::Code(0));
    let got = reading.await.unwrap().unwrap();
    assert_eq!(got, [b"e\n".as_slice(), &large].concat());
}

#[tokio::test]
async fn without_follow_output_is_what_is_here_now() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    fake.write(&id, Stream::Stderr, b"0123456789");
    for (offset, limit, expected) in [
        (0, None, "0123456789"),
        (4, None, "456789"),
        (4, Some(3), "456"),
        (10, None, ""),
        (99, None, ""),
    ] {
        let query = OutputQuery { stream: Stream::Stderr, offset, limit, follow: false };
        let got = read_all(client.output(id.as_str(), query).await.unwrap()).await.unwrap();
        assert_eq!(got, expected.as_bytes(), "{offset} {limit:?}");
    }
    let (status, answer) =
        raw(&fake, &get(&format!("/v1/sessions/{id}/output?stream=stderr&offset=4"))).await;
    assert_eq!(status, 200);
    assert!(answer.contains("longhaul-offset: 4\r\n"), "{answer}");
    assert!(answer.contains("content-length: 6\r\n"), "{answer}");
}

#[tokio::test]
async fn an_answer_never_runs_across_a_gap_and_says_where_it_begins() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    fake.write(&id, Stream::Stdout, b"0123456789");
    fake.drop_output(&id, Stream::Stdout, 1000);
    fake.write(&id, Stream::Stdout, b"abcdef");
    for (offset, limit, start, expected) in [
        (0, None, 0, "0123456789"),
        (4, Some(3), 4, "456"),
        (10, None, 1010, "abcdef"),
        (500, Some(2), 1010, "ab"),
        (1012, None, 1012, "cdef"),
        (1016, None, 1016, ""),
    ] {
        let query = OutputQuery { stream: Stream::Stdout, offset, limit, follow: false };
        let answer = client.output(id.as_str(), query).await.unwrap();
        assert_eq!(answer.offset(), Some(start), "{offset} {limit:?}");
        assert_eq!(read_all(answer).await.unwrap(), expected.as_bytes(), "{offset} {limit:?}");
    }
}

#[tokio::test]
async fn a_followed_answer_ends_where_something_is_dropped() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    fake.write(&id, Stream::Stdout, b"one");
    let reader = client.output(id.as_str(), follow(Stream::Stdout, 0)).await.unwrap();
    let reading = tokio::spawn(read_all(reader));
    fake.drop_output(&id, Stream::Stdout, 7);
    assert_eq!(reading.await.unwrap().unwrap(), b"one");
    let reader = client.output(id.as_str(), follow(Stream::Stdout, 3)).await.unwrap();
    assert_eq!(reader.offset(), Some(10));
    fake.write(&id, Stream::Stdout, b"two");
    fake.exit(&id, Exit::Code(0));
    assert_eq!(read_all(reader).await.unwrap(), b"two");
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_nobody() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    let _asleep = client.output(id.as_str(), follow(Stream::Stdout, 0)).await.unwrap();
    // More than any buffer between the two.
    fake.write(&id, Stream::Stdout, &vec![7; 16 << 20]);
    fake.exit(&id, Exit::Code(0));
    let awake = client.output(id.as_str(), follow(Stream::Stdout, 0)).await.unwrap();
    let got = tokio::time::timeout(LONG, read_all(awake)).await.unwrap().unwrap();
    assert_eq!(got.len(), 16 << 20);
}

#[tokio::test]
async fn a_mirror_that_lost_bytes_breaks_the_stream_instead_of_ending_it() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    fake.write(&id, Stream::Stdout, b"0123456789");
    let path = fake.dir().join(id.as_str()).join("out");
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(4).unwrap();
    // It may break before or behind the response's head.
    let read =
        async { read_all(client.output(id.as_str(), follow(Stream::Stdout, 0)).await?).await };
    assert!(matches!(read.await, Err(ClientError::Broken(_))));
}

#[tokio::test]
async fn watch_ends_with_the_last_pulse() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    let mut pulses = client.watch(id.as_str()).await.unwrap();
    assert_eq!(pulses.next().await.unwrap().unwrap().state, SessionState::Running);
    fake.set(&id, SessionState::Waiting, Some(link(LinkState::BackingOff, Some(refused()))));
    let waiting = pulses.next().await.unwrap().unwrap();
    assert_eq!(waiting.link.unwrap().failure, Some(refused()));
    fake.write(&id, Stream::Stdout, b"abc");
    fake.exit(&id, Exit::Signal(9));
    let mut last = None;
    while let Some(pulse) = pulses.next().await.unwrap() {
        last = Some(pulse);
    }
    let last = last.unwrap();
    assert_eq!((last.state, last.stdout), (SessionState::Signalled, 3));
    assert_eq!(last.exit, Some(Exit::Signal(9)));
}

#[tokio::test]
async fn watch_leaves_out_lengths_in_between_but_not_the_last() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    let mut pulses = client.watch(id.as_str()).await.unwrap();
    pulses.next().await.unwrap().unwrap();
    for _ in 0..2000 {
        fake.write(&id, Stream::Stdout, b"x");
    }
    let mut lines = 0;
    loop {
        lines += 1;
        if pulses.next().await.unwrap().unwrap().stdout == 2000 {
            break;
        }
    }
    assert!(lines < 1000, "{lines} lines");
}

#[tokio::test]
async fn followers_end_when_the_server_stops() {
    let fake = Fake::new();
    let server = fake.listen();
    let client = Client::new(fake.socket());
    let id = fake.add(1, &RunRequest::default());
    let output = client.output(id.as_str(), follow(Stream::Stdout, 0)).await.unwrap();
    let mut pulses = client.watch(id.as_str()).await.unwrap();
    let mut feed = client.events(None, true).await.unwrap();
    pulses.next().await.unwrap().unwrap();
    client.stop().await.unwrap();
    tokio::time::timeout(LONG, server).await.unwrap().unwrap();
    // The session goes on, so its output is cut short and its watch just ends.
    assert!(matches!(read_all(output).await, Err(ClientError::Broken(_))));
    assert_eq!(pulses.next().await.unwrap(), None);
    assert_eq!(feed.next().await.unwrap(), None);
}

async fn seqs(feed: &mut longhaul::api::client::Feed, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        match tokio::time::timeout(LONG, feed.next()).await.unwrap().unwrap() {
            Some(FeedItem::Event(event)) => seqs.push(event.seq),
            other => panic!("{other:?} after {seqs:?}"),
        }
    }
    seqs
}

#[tokio::test]
async fn events_come_once_each_kept_and_new() {
    let (fake, client) = daemon();
    // More than a page.
    for _ in 0..600 {
        fake.event("box");
    }
    let mut feed = client.events(Some(10), true).await.unwrap();
    assert_eq!(seqs(&mut feed, 590).await, (11..=600).collect::<Vec<_>>());
    fake.event("box");
    assert_eq!(seqs(&mut feed, 1).await, [601]);
    let mut kept = client.events(None, false).await.unwrap();
    assert_eq!(seqs(&mut kept, 601).await.len(), 601);
    assert_eq!(kept.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_reader_that_lags_reads_what_it_missed() {
    let (fake, client) = daemon();
    let mut feed = client.events(None, true).await.unwrap();
    // The channel holds 8, and nobody reads while this loop runs.
    for _ in 0..5000 {
        fake.event("box");
    }
    assert_eq!(seqs(&mut feed, 5000).await, (1..=5000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_that_is_too_old_gets_a_snapshot() {
    let (fake, client) = daemon();
    for _ in 0..9 {
        fake.event("box");
    }
    fake.forget_events(5);
    let mut feed = client.events(Some(2), true).await.unwrap();
    match feed.next().await.unwrap() {
        Some(FeedItem::Stale(stale)) => assert_eq!((stale.since, stale.oldest), (2, 6)),
        other => panic!("{other:?}"),
    }
    match feed.next().await.unwrap() {
        Some(FeedItem::Snapshot(status)) => assert_eq!(status.pid, 42),
        other => panic!("{other:?}"),
    }
    fake.event("box");
    assert_eq!(seqs(&mut feed, 1).await, [10]);
    // Who names no cursor has missed nothing.
    let mut kept = client.events(None, false).await.unwrap();
    assert_eq!(seqs(&mut kept, 5).await, [6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn a_cursor_from_the_future_gets_a_snapshot() {
    let (fake, client) = daemon();
    fake.event("box");
    let mut feed = client.events(Some(99), false).await.unwrap();
    assert!(matches!(feed.next().await.unwrap(), Some(FeedItem::Stale(_))));
    assert!(matches!(feed.next().await.unwrap(), Some(FeedItem::Snapshot(_))));
    assert_eq!(feed.next().await.unwrap(), None);
}

#[tokio::test]
async fn last_event_id_is_newer_than_the_query() {
    let (fake, _client) = daemon();
    for _ in 0..4 {
        fake.event("box");
    }
    let request = "GET /v1/events?since=1 HTTP/1.1\r\nhost: x\r\nlast-event-id: 3\r\nconnection: close\r\n\r\n";
    let (status, answer) = raw(&fake, request).await;
    assert_eq!(status, 200);
    assert!(answer.contains("text/event-stream"), "{answer}");
    assert!(answer.contains("id: 4\n") && !answer.contains("id: 3\n"), "{answer}");
}

#[tokio::test]
async fn errors_have_a_status_and_a_stable_word() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest::default());
    fake.add(2, &RunRequest::default());
    let refused = RunRequest { command: vec!["refuse".to_owned()], ..RunRequest::default() };
    fake.reject_config("longhaul.ron:3:1: no");
    let table = [
        (said(client.session("zzz").await), (404, "no-such-session")),
        (said(client.session("0").await), (409, "ambiguous")),
        (said(client.remove(id.as_str(), false).await), (409, "still-running")),
        (said(client.input(id.as_str(), offer(b"", true)).await), (409, "stdin-closed")),
        (said(client.run(&refused).await), (422, "failed")),
        (
            said(client.test_remote("nowhere", &TestRequest::default()).await),
            (404, "no-such-remote"),
        ),
        (said(client.reconnect("no where/?").await), (404, "no-such-remote")),
        (said(client.reload().await), (422, "config-rejected")),
    ];
    for ((status, word), expected) in table {
        assert_eq!((status, word.as_str()), expected);
    }
    fake.refuse_input(1);
    let open = fake.add(1 << 45, &RunRequest { stdin_open: true, ..RunRequest::default() });
    let full = said(client.input(open.as_str(), offer(b"x", false)).await);
    assert_eq!(full, (429, "input-full".to_owned()));
}

fn offer(bytes: &[u8], eof: bool) -> InputOffer {
    InputOffer { bytes: Bytes::copy_from_slice(bytes), eof, ..InputOffer::default() }
}

#[tokio::test]
async fn what_is_no_request_is_said_in_json() {
    let (fake, _client) = daemon();
    let post = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for (request, expected, word) in [
        (get("/v2"), 404, "no-such-route"),
        (post("/v1/status", ""), 405, "no-such-method"),
        (get("/v1/sessions?all=maybe"), 400, "bad-query"),
        (get("/v1/sessions/%ff"), 400, "bad-path"),
        (post("/v1/sessions", "{"), 400, "bad-body"),
        (post("/v1/sessions", r#"{"comand": ["ls"]}"#), 400, "bad-body"),
        (post("/v1/sessions", r#"{"name": "a b"}"#), 400, "bad-body"),
    ] {
        let (status, answer) = raw(&fake, &request).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer.contains(&format!(r#""error":"{word}""#)), "{answer}");
    }
}

#[tokio::test]
async fn bodies_are_bounded() {
    let (fake, client) = daemon();
    let id = fake.add(1, &RunRequest { stdin_open: true, ..RunRequest::default() });
    let most = vec![b'x'; 1 << 20];
    assert_eq!(client.input(id.as_str(), offer(&most, false)).await.unwrap().accepted, 1 << 20);
    let more = vec![b'x'; (1 << 20) + 1];
    // Either the answer, or the connection that was closed on a client that
    // went on writing.
    match client.input(id.as_str(), offer(&more, false)).await {
        Err(ClientError::Api { status, .. }) => assert_eq!(status, 413),
        Err(ClientError::Broken(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(fake.input_of(&id).len(), 1 << 20);
}

#[tokio::test]
async fn a_missing_and_a_stale_socket_both_say_that_no_daemon_runs() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let client = Client::new(&socket);
    assert!(matches!(client.version().await, Err(ClientError::NotRunning { .. })));
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(matches!(client.version().await, Err(ClientError::NotRunning { .. })));
    let long = Client::new(dir.path().join("x".repeat(200)));
    assert!(matches!(long.version().await, Err(ClientError::Connect { .. })));
}

#[tokio::test]
async fn every_other_method_answers() {
    let (fake, client) = daemon();
    let request = RunRequest { command: vec!["ls".to_owned()], ..RunRequest::default() };
    let view = client.run(&request).await.unwrap();
    assert_eq!(fake.requests(), [request]);
    assert_eq!(client.sessions(false).await.unwrap(), std::slice::from_ref(&view));
    let attempts = client.attempts(view.id.as_str()).await.unwrap();
    assert_eq!(attempts, std::slice::from_ref(&view));
    let kill = KillRequest { signal: Some("INT".to_owned()), grace_s: None };
    client.kill(view.id.as_str(), &kill).await.unwrap();
    assert_eq!(fake.kills(), [Some("INT".to_owned())]);
    fake.exit(&view.id, Exit::Code(3));
    assert_eq!(client.sessions(true).await.unwrap().len(), 1);
    client.remove(view.id.as_str(), false).await.unwrap();
    assert_eq!(client.sessions(true).await.unwrap(), []);
    assert_eq!(client.status().await.unwrap().pid, 42);
    assert_eq!(client.remotes().await.unwrap()[0].name, "box");
    assert_eq!(client.agents().await.unwrap()[0].name.as_str(), "claude");
    client.reconnect("box").await.unwrap();
    let shown = client.host_key("box").await.unwrap();
    let other = TrustRequest { fingerprint: "SHA256:other".to_owned() };
    assert_eq!(said(client.trust("box", &other).await), (409, "not-trusted".to_owned()));
    let agreed = TrustRequest { fingerprint: shown.fingerprint };
    assert!(client.trust("box", &agreed).await.unwrap().known);
    client.reload().await.unwrap();
    let report = client.test_remote("good", &TestRequest::default()).await.unwrap();
    assert_eq!(report.hostname.as_deref(), Some("box"));
    let report = client.doctor("good").await.unwrap();
    assert_eq!(report.findings.len(), 2);
    assert_eq!(client.version().await.unwrap().pid, std::process::id());
}

#[tokio::test]
async fn a_check_is_told_of_line_by_line_and_its_report_comes_last() {
    let (_fake, client) = daemon();
    let mut test = client.follow_test("good", &TestRequest::default()).await.unwrap();
    let mut lines = Vec::new();
    let report = loop {
        match test.next().await.unwrap() {
            CheckLine::Notice(notice) => lines.push(notice),
            CheckLine::Report(report) => break report,
        }
    };
    let [CheckNotice::Began(what), CheckNotice::Stage(stage)] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!((what.as_str(), &report.stages[..]), ("connect", &[stage.clone()][..]));
    assert!(matches!(test.next().await, Err(ClientError::Unfinished { .. })));
    let mut doctor = client.follow_doctor("good").await.unwrap();
    let mut findings = Vec::new();
    let report = loop {
        match doctor.next().await.unwrap() {
            CheckLine::Notice(CheckNotice::Finding(finding)) => findings.push(finding),
            CheckLine::Notice(_) => {}
            CheckLine::Report(report) => break report,
        }
    };
    assert_eq!(findings, report.findings);
    // What is turned down is so at once, with its status.
    let refused = client.follow_test("nowhere", &TestRequest::default()).await.unwrap_err();
    assert!(matches!(refused, ClientError::Api { status: 404, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_question_is_answered_once_and_by_its_id() {
    let (fake, client) = daemon();
    assert!(client.attention().await.unwrap().is_empty());
    let question = Question::Password { user: "me".to_owned(), host: "box".to_owned() };
    let id = fake.ask("box", &question, 7);
    let [open] = &client.attention().await.unwrap()[..] else { panic!("one question") };
    assert_eq!((open.id, &open.question, open.secret), (id, &question, true));
    client.answer(id, Secret::new("a \"b\" \\ c\n")).await.unwrap();
    let reply = Some(Reply::Given(Secret::new("a \"b\" \\ c\n")));
    assert_eq!(fake.answered("box", &question), reply);
    let again = client.answer(id, Secret::new("x")).await;
    assert_eq!(said(again), (404, "no-such-question".to_owned()));
    for id in ["7", "x", "-"] {
        let body = r#"{"answer":"x"}"#;
        let request = format!(
            "POST /v1/attention/{id} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(raw(&fake, &request).await.0, 404, "{id}");
    }
    let touch = fake.ask("box", &Question::Touch { key: "yubi".to_owned() }, 8);
    let answered = client.answer(touch, Secret::new("yes")).await;
    assert_eq!(said(answered), (422, "no-answer".to_owned()));
}
