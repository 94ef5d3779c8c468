use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Barrier};

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use super::*;
use crate::domain::gaps::Gap;
use crate::domain::ids::SessionId;

#[tokio::test]
async fn folder_and_files_are_the_owners_alone() {
    let (mirror, _dir) = mirror().await;
    mirror.save_launch(&"a prompt").await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(mirror.dir()), 0o700);
    for file in ["out", "err", "in", "launch.json"] {
        assert_eq!(mode(&mirror.dir().join(file)), 0o600, "{file}");
    }
}

/// What a crash between the two leaves behind.
#[tokio::test]
async fn a_gap_that_was_listed_and_not_made_is_told_once() {
    let (mirror, _dir) = mirror().await;
    let mut writer = mirror.writer().await.unwrap();
    writer.append(Stream::Stdout, batch(&["one"])).await.unwrap();
    let list = mirror.dir().join("out.gaps");
    super::super::gaps::append(&list, Gap { from: 3, to: 10 }).unwrap();
    drop(writer);
    let mut writer = mirror.writer().await.unwrap();
    assert_eq!(writer.length(Stream::Stdout).unwrap(), 3);
    writer.skip_to(Stream::Stdout, 20).await.unwrap();
    writer.append(Stream::Stdout, batch(&["two"])).await.unwrap();
    let gaps = mirror.gaps(Stream::Stdout).await.unwrap();
    assert_eq!(gaps.as_slice(), [Gap { from: 3, to: 20 }]);
    assert_eq!(fs::metadata(&list).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(mirror.read_at(Stream::Stdout, 20, 9).await.unwrap(), "two");
    for (max, last) in [(2, "wo"), (9, "two"), (99, "two")] {
        assert_eq!(mirror.last_bytes(Stream::Stdout, 23, max).await.unwrap(), last);
    }
}

#[tokio::test]
async fn what_is_brought_to_the_disk_is_told_and_a_missing_file_is_an_error() {
    let (mirror, _dir) = mirror().await;
    let mut writer = mirror.writer().await.unwrap();
    writer.append(Stream::Stdout, batch(&["seven.."])).await.unwrap();
    drop(writer);
    let here = Lengths { stdout: 7, stderr: 0, stdin: 0 };
    assert_eq!(mirror.sync().await.unwrap(), here);
    fs::remove_file(mirror.file(Stream::Stderr)).unwrap();
    assert!(matches!(mirror.sync().await, Err(MirrorError::Read { .. })));
}

#[tokio::test]
async fn each_sessions_folder_is_measured_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let id = SessionId::from_bits(7);
    let mirror = Mirror::create(dir.path().join(id.as_str())).await.unwrap();
    mirror.take_input(Piece { bytes: "in".into(), ..Piece::default() }).await.unwrap();
    fs::write(mirror.file(Stream::Stdout), "output").unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    let measured = sizes(dir.path().to_owned()).await.unwrap();
    assert_eq!(measured, HashMap::from([(id, 8)]));
}

#[tokio::test]
async fn the_two_streams_are_kept_apart_and_their_lengths_survive() {
    let (mirror, _dir) = mirror().await;
    let mut writer = mirror.writer().await.unwrap();
    assert_eq!(writer.append(Stream::Stdout, batch(&["one ", "", "two"])).await.unwrap(), 7);
    assert_eq!(writer.append(Stream::Stderr, batch(&["oops"])).await.unwrap(), 4);
    assert_eq!(writer.append(Stream::Stdout, batch(&["!"])).await.unwrap(), 8);
    assert_eq!(writer.append(Stream::Stdout, vec![]).await.unwrap(), 8);
    writer.sync().await.unwrap();
    drop(writer);
    let again = Mirror::open(mirror.dir()).await.unwrap();
    assert_eq!(again.lengths().await.unwrap(), Lengths { stdout: 8, stderr: 4, stdin: 0 });
    assert_eq!(again.read_at(Stream::Stdout, 4, 3).await.unwrap(), "two");
    assert_eq!(again.read_at(Stream::Stdout, 7, usize::MAX).await.unwrap(), "!");
    assert_eq!(again.read_at(Stream::Stderr, 9, 3).await.unwrap(), "");
    let mut writer = again.writer().await.unwrap();
    assert_eq!(writer.length(Stream::Stderr).unwrap(), 4);
    assert_eq!(writer.append(Stream::Stderr, batch(&["again"])).await.unwrap(), 9);
}

#[tokio::test]
async fn making_it_again_keeps_what_is_there() {
    let (mirror, _dir) = mirror().await;
    mirror.writer().await.unwrap().append(Stream::Stdout, batch(&["kept"])).await.unwrap();
    fs::remove_file(mirror.dir().join("err")).unwrap();
    let again = Mirror::create(mirror.dir()).await.unwrap();
    assert_eq!(again.lengths().await.unwrap().stdout, 4);
    assert!(again.file(Stream::Stderr).exists());
}

#[tokio::test]
async fn a_second_writer_waits_for_the_first() {
    let (mirror, _dir) = mirror().await;
    let mut first = mirror.writer().await.unwrap();
    let mut second = Box::pin(mirror.writer());
    assert!(second.as_mut().now_or_never().is_none());
    first.append(Stream::Stdout, batch(&["first"])).await.unwrap();
    drop(first);
    assert_eq!(second.await.unwrap().length(Stream::Stdout).unwrap(), 5);
}

/// A pump that is aborted leaves a write behind: a resume offset that is read
/// before that write is done would have its bytes sent, and written, twice.
#[test]
fn an_abandoned_append_is_over_before_the_next_writer_says_where_to_resume() {
    let two_threads = Builder::new_current_thread().max_blocking_threads(2).build().unwrap();
    two_threads.block_on(async {
        let (mirror, _dir) = mirror().await;
        for round in 1..=5 {
            let mut writer = mirror.writer().await.unwrap();
            // Both threads are busy, so the append has to wait for one.
            let busy = Arc::new(Barrier::new(3));
            for _ in 0..2 {
                let busy = Arc::clone(&busy);
                drop(spawn_blocking(move || busy.wait()));
            }
            let part = vec![Bytes::from(vec![b'x'; 8 << 20])];
            assert!(writer.append(Stream::Stdout, part).now_or_never().is_none());
            let refused = writer.append(Stream::Stdout, batch(&["y"])).await;
            assert!(matches!(refused, Err(MirrorError::Abandoned { .. })), "{refused:?}");
            assert!(matches!(writer.length(Stream::Stdout), Err(MirrorError::Abandoned { .. })));
            drop(writer);
            let mut next = Box::pin(mirror.writer());
            assert!(next.as_mut().now_or_never().is_none());
            busy.wait();
            assert_eq!(next.await.unwrap().length(Stream::Stdout).unwrap(), round * (8 << 20));
        }
    });
}

fn piece(bytes: &Bytes) -> Piece {
    Piece { bytes: bytes.clone(), ..Piece::default() }
}

#[tokio::test]
async fn a_piece_that_is_offered_again_is_taken_once_also_with_the_end_and_after_a_restart() {
    let (mirror, _dir) = mirror().await;
    let here = |accepted, ended| Taken::Here { accepted, ended };
    let offered = |text: &'static str, offset, again, ends| {
        let piece = Piece { bytes: text.into(), offset: Some(offset), again, ends };
        let mirror = mirror.clone();
        async move { mirror.take_input(piece).await.unwrap() }
    };
    assert_eq!(offered("one", 0, false, false).await, here(3, false));
    assert_eq!(offered("one", 0, true, false).await, here(3, false));
    // The same words of two people are two pieces.
    assert_eq!(offered("one", 0, false, false).await, Taken::Moved { accepted: 3 });
    assert_eq!(offered("One", 0, true, false).await, Taken::Moved { accepted: 3 });
    // The write was cut short by a crash, and the answer never came.
    std::fs::write(mirror.input_file(), "one\ntw").unwrap();
    assert_eq!(offered("\ntwo", 3, true, true).await, here(7, true));
    assert_eq!(offered("\ntwo", 3, true, true).await, here(7, true));
    assert_eq!(offered("", 7, true, true).await, here(7, true));
    assert_eq!(offered("more", 7, false, false).await, Taken::Closed);
    assert_eq!(offered("more", 7, true, false).await, Taken::Closed);
    let again = Mirror::open(mirror.dir()).await.unwrap();
    assert!(again.input_has_ended().await.unwrap());
    assert_eq!(again.input_from(0, 99).await.unwrap(), "one\ntwo");
}

#[tokio::test]
async fn what_is_taken_over_is_in_one_place_and_its_old_one_takes_no_more() {
    let (first, _dir) = mirror().await;
    let second = Mirror::create(first.dir().with_file_name("0000000002")).await.unwrap();
    first.save_launch(&"launch").await.unwrap();
    first.take_input(Piece { ends: true, ..piece(&"input".into()) }).await.unwrap();
    for _ in 0..2 {
        second.take_over(first.dir()).await.unwrap();
        assert_eq!(second.load_launch::<String>().await.unwrap().as_deref(), Some("launch"));
        assert_eq!(second.input_from(0, 99).await.unwrap(), "input");
        assert!(second.input_has_ended().await.unwrap());
        assert_eq!(first.load_launch::<String>().await.unwrap(), None);
        let late = first.take_input(piece(&"late".into())).await;
        assert!(matches!(late, Err(MirrorError::Gone { .. })), "{late:?}");
    }
}

#[tokio::test]
async fn concurrent_input_is_taken_whole_and_one_after_the_other() {
    let (mirror, _dir) = mirror().await;
    let texts: Vec<_> = (0..20u8).map(|n| Bytes::from(vec![b'a' + n; 10_000])).collect();
    let taken = join_all(texts.iter().map(|text| mirror.take_input(piece(text)))).await;
    let total = |taken: Result<Taken, MirrorError>| match taken {
        Ok(Taken::Here { accepted, ended: false }) => accepted,
        other => panic!("{other:?}"),
    };
    let mut totals: Vec<_> = taken.into_iter().map(total).collect();
    totals.sort_unstable();
    assert!(totals.iter().copied().eq((1..=20).map(|n| n * 10_000)));
    let all = mirror.input_from(0, usize::MAX).await.unwrap();
    let mut parts: Vec<_> = all.chunks(10_000).map(Bytes::copy_from_slice).collect();
    parts.sort_unstable();
    assert_eq!(parts, texts);
    assert_eq!(mirror.lengths().await.unwrap().stdin, 200_000);
    assert_eq!(mirror.input_from(199_999, 9).await.unwrap(), "t");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Launch {
    prompt: String,
    retries: u8,
}

#[tokio::test]
async fn the_launch_file_is_there_until_it_is_dropped() {
    let (mirror, _dir) = mirror().await;
    assert_eq!(mirror.load_launch::<Launch>().await.unwrap(), None);
    let launch = |retries| Launch { prompt: "do it".to_owned(), retries };
    for retries in [1, 2] {
        mirror.save_launch(&launch(retries)).await.unwrap();
        assert_eq!(mirror.load_launch().await.unwrap(), Some(launch(retries)));
    }
    // What a write that was cut short leaves is as secret as the file.
    fs::write(mirror.dir().join("launch.json.new"), "do").unwrap();
    for _ in 0..2 {
        mirror.drop_launch().await.unwrap();
        let left = fs::read_dir(mirror.dir()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(!left.into_iter().any(|name| name.to_string_lossy().starts_with("launch")));
    }
    assert_eq!(mirror.load_launch::<Launch>().await.unwrap(), None);
}

#[tokio::test]
async fn a_damaged_launch_file_is_told_without_its_secrets() {
    let (mirror, _dir) = mirror().await;
    let damaged = r#"{"prompt":"hunter1","retries":"hunter2"}"#;
    fs::write(mirror.dir().join("launch.json"), damaged).unwrap();
    let error = mirror.load_launch::<Launch>().await.unwrap_err();
    assert!(matches!(error, MirrorError::Launch { line: 1, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
}

#[tokio::test]
async fn what_is_removed_is_gone_and_stays_gone() {
    let (mirror, _dir) = mirror().await;
    mirror.save_launch(&1).await.unwrap();
    mirror.remove().await.unwrap();
    assert!(!mirror.dir().exists());
    mirror.remove().await.unwrap();
    let opened = Mirror::open(mirror.dir()).await;
    assert!(matches!(opened, Err(MirrorError::Gone { .. })), "{opened:?}");
    assert_eq!(mirror.lengths().await.unwrap(), Lengths::default());
}
