//! Exec channels on a real sshd.

use std::time::Duration;

use crate::domain::failure::trouble::{LinkTrouble, LostHow};
use crate::ssh::testing::{Sshd, dial};
use crate::ssh::{ExecChannel, ExecEvent, ExecReader, Link};

#[derive(Debug, Default, PartialEq)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    eof: bool,
    status: Option<u32>,
    signal: Option<String>,
    closed: bool,
}

async fn all(reader: &mut ExecReader) -> Output {
    let mut output = Output::default();
    while let Some(event) = reader.next().await {
        assert!(!output.closed, "{event:?} after the end");
        match event {
            ExecEvent::Stdout(bytes) => output.stdout.extend(bytes),
            ExecEvent::Stderr(bytes) => output.stderr.extend(bytes),
            ExecEvent::Eof => output.eof = true,
            ExecEvent::ExitStatus(status) => output.status = Some(status),
            ExecEvent::ExitSignal(signal) => output.signal = Some(signal),
            ExecEvent::Closed => output.closed = true,
        }
    }
    output
}

async fn run(link: &Link, command: &str) -> Output {
    let (mut reader, _writer) = link.exec(command).await.unwrap().split();
    all(&mut reader).await
}

/// Reads until the command has said so.
async fn until(reader: &mut ExecReader, word: &str) {
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(word) {
        match reader.next().await {
            Some(ExecEvent::Stdout(bytes)) => said.extend(bytes),
            other => panic!("{other:?} before {word}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_and_exit_status_arrive_apart_and_whole() {
    let (_sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    for status in [0, 3, 255] {
        let command = format!("echo out; echo err >&2; exit {status}");
        let expected = Output {
            stdout: b"out\n".to_vec(),
            stderr: b"err\n".to_vec(),
            eof: true,
            status: Some(status),
            signal: None,
            closed: true,
        };
        assert_eq!(run(&link, &command).await, expected);
    }
    assert_eq!(run(&link, "kill -TERM $$").await.signal.as_deref(), Some("TERM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn input_reaches_the_command_until_its_end() {
    let (_sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    let (mut reader, mut writer) = link.exec("cat; echo done").await.unwrap().split();
    // More than sshd's window of 2 MiB.
    let input: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let expected = [&input[..], b"done\n"].concat();
    let write = tokio::spawn(async move {
        writer.write_all(&input).await.unwrap();
        writer.eof().await;
        writer
    });
    let output = all(&mut reader).await;
    assert!(output.stdout == expected, "{} bytes", output.stdout.len());
    assert_eq!(output.status, Some(0));
    let mut writer = write.await.unwrap();
    assert!(matches!(writer.write_all(b"late").await, Err(LinkTrouble::ChannelRefused { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_waits_hears_that_the_channel_is_closed() {
    let (_sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    for keep_reader in [true, false] {
        let (mut reader, mut writer) = link.exec("exec sleep 1").await.unwrap().split();
        let write = tokio::spawn(async move { writer.write_all(&vec![0; 64 << 20]).await });
        if keep_reader {
            all(&mut reader).await;
        }
        drop(reader);
        let written = tokio::time::timeout(Duration::from_secs(20), write).await;
        let trouble = written.unwrap().unwrap().unwrap_err();
        assert!(matches!(trouble, LinkTrouble::ChannelRefused { .. }), "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn try_next_takes_only_what_is_there() {
    let (_sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    let (mut reader, mut writer) = link.exec("read line; echo $line").await.unwrap().split();
    assert_eq!(reader.try_next(), None);
    writer.write_all(b"x\n").await.unwrap();
    assert_eq!(reader.next().await, Some(ExecEvent::Stdout("x\n".into())));
    while reader.next().await.is_some_and(|event| event != ExecEvent::Closed) {}
    assert_eq!(reader.try_next(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_channels_than_max_sessions_are_opened() {
    let (_sshd, settings) = Sshd::ready_with("MaxSessions 2");
    let link = dial(&settings).await.unwrap();
    let first = link.exec("cat").await.unwrap();
    let second = link.exec("cat").await.unwrap();
    let refused = link.exec("true").await.unwrap_err();
    assert_eq!(refused, LinkTrouble::ChannelRefused { detail: "open failed".to_owned() });
    assert!(!link.is_lost());
    drop(first);
    freed(&link).await;
    drop(second);
}

/// Waits until the server has a slot: it frees one a little after the close.
async fn freed(link: &Link) -> ExecChannel {
    let open = async {
        loop {
            match link.exec("cat").await {
                Ok(channel) => return channel,
                Err(LinkTrouble::ChannelRefused { .. }) => tokio::task::yield_now().await,
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), open).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_open_leaks_no_slot() {
    let (_sshd, settings) = Sshd::ready_with("MaxSessions 2");
    let link = dial(&settings).await.unwrap();
    for _ in 0..10 {
        // Polled once, so that the request is on its way, and dropped.
        let open = std::pin::pin!(link.exec("cat"));
        assert!(futures_util::FutureExt::now_or_never(open).is_none());
    }
    let _first = freed(&link).await;
    let _second = freed(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_half_leaves_the_other_and_dropping_both_closes() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    let mark = sshd.path("mark");
    // Writes the mark when its input ends, which a closed channel does to it.
    let command = format!("cat > /dev/null; echo ended > '{}'", mark.display());
    let (reader, mut writer) = link.exec(&command).await.unwrap().split();
    drop(reader);
    writer.write_all(b"still here\n").await.unwrap();
    drop(writer);
    let appeared = async {
        while std::fs::read_to_string(&mark).unwrap_or_default().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), appeared).await.unwrap();
    assert!(!link.is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_of_our_own_ends_the_reader() {
    let (_sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    let (mut reader, mut writer) = link.exec("echo ready; exec cat").await.unwrap().split();
    until(&mut reader, "ready").await;
    writer.close().await;
    let output = tokio::time::timeout(Duration::from_secs(20), all(&mut reader)).await.unwrap();
    assert!(output.closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sshd_is_a_lost_link_and_no_exit_status() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    let (mut reader, mut writer) = link.exec("echo ready; exec cat").await.unwrap().split();
    until(&mut reader, "ready").await;
    assert!(!link.is_lost());
    sshd.kill_sessions();
    let lost = tokio::time::timeout(Duration::from_secs(20), link.lost()).await.unwrap();
    assert!(matches!(lost, LinkTrouble::Lost { how: LostHow::Closed, .. }), "{lost:?}");
    assert!(link.is_lost());
    let output = all(&mut reader).await;
    assert_eq!((output.closed, output.status, output.signal), (false, None, None));
    assert_eq!(writer.write_all(b"x").await, Err(lost.clone()));
    assert_eq!(link.exec("true").await.unwrap_err(), lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_link_is_gone_when_close_returns() {
    let (_sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    let other = link.clone();
    link.close().await;
    assert!(other.is_lost());
    assert!(matches!(other.exec("true").await, Err(LinkTrouble::Lost { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_lives_as_long_as_a_channel_on_it() {
    let (_sshd, settings) = Sshd::ready();
    let link = dial(&settings).await.unwrap();
    let (mut reader, mut writer) = link.exec("cat").await.unwrap().split();
    drop(link);
    writer.write_all(b"alive").await.unwrap();
    until(&mut reader, "alive").await;
}
