//! The built binary against a daemon that does what a test says.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail them")]

#[path = "../support/fake_daemon/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of the API")]
mod fake_daemon;

mod attention;
mod daemon;
mod input;
mod lists;
mod remotes;
mod run;
mod sessions;
mod signals;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use fake_daemon::{Fake, link, refused};
use longhaul::api::types::{
    Exit, LinkState, LinkView, RunRequest, SessionState, SessionView, Stream, Where,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// A bound for what would otherwise hang; nothing waits for it to pass.
const LONG: Duration = Duration::from_secs(30);

/// The binary, in a world of its own.
fn longhaul(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
    command
        .args(words)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("LONGHAUL_SOCKET", dir.join("api.sock"))
        .env("LONGHAUL_STATE_DIR", dir.join("state"))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn output(mut command: Command) -> Output {
    // Not `output`, which would replace the streams that a test has set.
    let running = command.spawn().unwrap().wait_with_output();
    tokio::time::timeout(LONG, running).await.expect("it hangs").unwrap()
}

async fn run(fake: &Fake, words: &[&str]) -> Output {
    output(longhaul(fake.dir(), words)).await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asserts all that a person or a script would see.
#[track_caller]
fn assert_output(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let got = (output.status.code(), text(&output.stdout), text(&output.stderr));
    assert_eq!(got, (Some(code), stdout.to_owned(), stderr.to_owned()));
}

fn daemon() -> Fake {
    let fake = Fake::new();
    fake.listen();
    fake
}

/// A session that someone else started.
fn session(fake: &Fake) -> longhaul::domain::ids::SessionId {
    fake.add(1, &RunRequest::default())
}

async fn read_until(stream: &mut (impl AsyncRead + Unpin), expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    tokio::time::timeout(LONG, stream.read_exact(&mut got)).await.expect("it hangs").unwrap();
    assert_eq!(text(&got), text(expected));
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

async fn wait(child: &mut Child) -> i32 {
    tokio::time::timeout(LONG, child.wait()).await.expect("it hangs").unwrap().code().unwrap()
}

async fn eventually(mut holds: impl FnMut() -> bool) {
    tokio::time::timeout(LONG, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("it never came to that");
}

/// Bytes in which no two places look alike, and that are no text.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// How that failure reads.
const REFUSED: &str = "\
longhaul: box: box.example refused the connection on port 22
  | Connection refused (os error 111)
  try:  ssh box.example systemctl start ssh
  more: longhaul explain ssh.connect.refused   (it is tried again)
";
