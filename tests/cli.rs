//! The built binary against a daemon that does what a test says.

#[path = "support/fake_daemon.rs"]
#[expect(dead_code, reason = "shared with the tests of the API")]
mod fake_daemon;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use fake_daemon::{Fake, link, refused};
use longhaul::api::types::{Exit, LinkState, RunRequest, SessionState, SessionView, Stream, Where};
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

#[tokio::test(flavor = "multi_thread")]
async fn run_copies_both_streams_exactly_and_exits_with_the_session_s_status() {
    for hidden in [false, true] {
        let fake = daemon();
        if hidden {
            fake.hide_mirrors();
        }
        fake.on_run(|fake, id, _| {
            let (fake, id) = (fake.clone(), id.clone());
            tokio::spawn(async move {
                for part in noise(3_000_001).chunks(70_000) {
                    fake.write(&id, Stream::Stdout, part);
                    fake.write(&id, Stream::Stderr, &part[..1000.min(part.len())]);
                    tokio::task::yield_now().await;
                }
                fake.exit(&id, Exit::Code(3));
            });
        });
        let got = run(&fake, &["run", "--", "make", "-j2"]).await;
        assert_eq!(got.status.code(), Some(3));
        let sent = noise(3_000_001);
        assert!(got.stdout == sent, "stdout differs, mirror hidden: {hidden}");
        let errors: Vec<u8> =
            sent.chunks(70_000).flat_map(|part| &part[..1000.min(part.len())]).copied().collect();
        assert!(got.stderr == errors, "stderr differs, mirror hidden: {hidden}");
        assert_eq!(fake.requests()[0].command, ["make", "-j2"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_exits_with_what_became_of_the_session() {
    for (exit, code) in [
        (Exit::Code(0), 0),
        (Exit::Code(1), 1),
        (Exit::Code(255), 255),
        (Exit::Signal(9), 137),
        (Exit::Signal(15), 143),
    ] {
        let fake = daemon();
        fake.on_run(move |fake, id, _| fake.exit(id, exit));
        assert_output(&run(&fake, &["run", "--", "x"]).await, code, "", "");
    }
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.set(id, SessionState::TimedOut, None));
    let got = run(&fake, &["run", "--", "x"]).await;
    assert_output(&got, 124, "", "longhaul: session 0100000000 timed-out\n");
}

const REFUSED: &str = "\
longhaul: box: box.example refused the connection on port 22
  | Connection refused (os error 111)
  try:  ssh box.example systemctl start ssh
  more: longhaul explain ssh.connect.refused   (it is tried again)
";

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_ours_is_told_with_its_remedy_and_exits_with_125() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.fail(id, SessionState::Failed, refused()));
    assert_output(&run(&fake, &["run", "--", "x"]).await, 125, "", REFUSED);
    // Turned down at once.
    assert_output(&run(&fake, &["run", "--", "refuse"]).await, 125, "", REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_link_is_told_once_and_so_is_its_return() {
    let fake = daemon();
    let bad = || Some(link(LinkState::BackingOff, Some(refused())));
    fake.on_run(move |fake, id, _| fake.set(id, SessionState::Waiting, bad()));
    let mut child = longhaul(fake.dir(), &["run", "--on", "box", "--", "x"]).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    read_until(&mut stderr, REFUSED.as_bytes()).await;
    let id = &fake.ids()[0];
    // Tried again, in vain: nothing new.
    fake.set(id, SessionState::Waiting, Some(link(LinkState::Connecting, None)));
    fake.set(id, SessionState::Waiting, bad());
    fake.set(id, SessionState::Running, Some(link(LinkState::Connected, None)));
    read_until(&mut stderr, b"longhaul: box: connected again\n").await;
    fake.exit(id, Exit::Code(0));
    assert_eq!(wait(&mut child).await, 0);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "");
    assert_eq!(fake.requests()[0].on, Some(Where::On("box".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn detached_it_prints_the_id_and_nothing_else() {
    let fake = daemon();
    let got = run(&fake, &["run", "-d", "--name", "n", "--", "sleep", "9"]).await;
    assert_output(&got, 0, "0100000000\n", "");
    let got = run(&fake, &["run", "-d", "--json", "--", "sleep", "9"]).await;
    let view: SessionView = serde_json::from_slice(&got.stdout).unwrap();
    assert_eq!(view.id.as_str(), "0200000000");
    assert_eq!(fake.kills(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_standard_output_ends_it_without_a_word() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.write(id, Stream::Stdout, b"first\n"));
    let mut child = longhaul(fake.dir(), &["run", "--", "yes"]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    read_until(&mut stdout, b"first\n").await;
    drop(stdout);
    let id = &fake.ids()[0];
    fake.write(id, Stream::Stdout, b"second\n");
    assert_eq!(wait(&mut child).await, 141);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "");
    assert_eq!(fake.kills(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_output_that_nobody_reads_holds_up_neither_errors_nor_ctrl_c() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.write(id, Stream::Stdout, &noise(4 << 20)));
    fake.on_kill(|fake, id, _| fake.exit(id, Exit::Signal(2)));
    let mut child = longhaul(fake.dir(), &["run", "--", "yes"]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    // It is writing, and will not get far.
    read_until(&mut stdout, &noise(4 << 20)[..10]).await;
    let id = &fake.ids()[0];
    fake.write(id, Stream::Stderr, b"still here\n");
    read_until(&mut stderr, b"still here\n").await;
    signal(&child, Signal::INT);
    read_until(&mut stderr, b"longhaul: sent INT to the session").await;
    // The session has ended; what it wrote is still to be had.
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest.len(), (4 << 20) - 10);
    assert_eq!(wait(&mut child).await, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_is_int_then_term_then_kill() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.write(id, Stream::Stdout, b"ready\n"));
    fake.on_kill(|fake, id, kill| {
        if kill.signal.as_deref() == Some("KILL") {
            fake.exit(id, Exit::Signal(9));
        }
    });
    let mut child = longhaul(fake.dir(), &["run", "--", "stubborn"]).spawn().unwrap();
    read_until(child.stdout.as_mut().unwrap(), b"ready\n").await;
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    for expected in [
        "longhaul: sent INT to the session (Ctrl-C again: TERM)",
        "longhaul: stopping the session with TERM, then KILL (Ctrl-C again: KILL)",
        "longhaul: stopping the session with KILL (Ctrl-C again: leaves it to that)",
    ] {
        signal(&child, Signal::INT);
        let said = tokio::time::timeout(LONG, stderr.next_line()).await.unwrap().unwrap();
        assert_eq!(said.as_deref(), Some(expected));
    }
    assert_eq!(wait(&mut child).await, 137);
    assert_eq!(fake.kills(), ["INT", "TERM", "KILL"].map(|name| Some(name.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_takes_back_a_session_that_waits() {
    let fake = daemon();
    fake.on_run(|fake, id, _| {
        let bad = link(LinkState::NeedsAttention, Some(refused()));
        fake.set(id, SessionState::Waiting, Some(bad));
    });
    fake.on_kill(|fake, id, _| fake.set(id, SessionState::Cancelled, None));
    let mut child = longhaul(fake.dir(), &["run", "--on", "box", "--", "x"]).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    read_until(&mut stderr, REFUSED.as_bytes()).await;
    signal(&child, Signal::INT);
    assert_eq!(wait(&mut child).await, 125);
    let mut said = String::new();
    stderr.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("longhaul: taking the session back"), "{said}");
    assert!(said.ends_with("longhaul: session 0100000000 cancelled\n"), "{said}");
    assert_eq!(fake.kills(), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_the_terminal_only_leaves_the_session() {
    for (number, code) in [(Signal::HUP, 129), (Signal::TERM, 143)] {
        let fake = daemon();
        fake.on_run(|fake, id, _| fake.write(id, Stream::Stdout, b"ready\n"));
        let mut child = longhaul(fake.dir(), &["run", "--", "x"]).spawn().unwrap();
        read_until(child.stdout.as_mut().unwrap(), b"ready\n").await;
        signal(&child, number);
        assert_eq!(wait(&mut child).await, code);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(
            said,
            "longhaul: session 0100000000 goes on; come back with: longhaul attach 0100000000\n"
        );
        assert_eq!(fake.kills(), []);
    }
}

/// The arguments that everybody on the machine can see.
async fn visible(child: &Child) -> String {
    let pid = child.id().unwrap().to_string();
    let got = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid]).output().await.unwrap();
    text(&got.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_and_values_leave_the_process_list() {
    for words in [
        &["run", "--agent", "claude", "hunter2 prompt"] as &[&str],
        &["run", "--agent", "claude", "--prompt", "hunter2 prompt"],
        &["run", "-e", "TOKEN=hunter2", "--stdin", "in.txt", "--", "cat"],
    ] {
        let fake = daemon();
        std::fs::write(fake.dir().join("in.txt"), "typed").unwrap();
        fake.on_run(|fake, id, _| fake.write(id, Stream::Stdout, b"ready\n"));
        let mut child = longhaul(fake.dir(), words).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        // Only the process that follows writes output.
        read_until(&mut stdout, b"ready\n").await;
        let seen = visible(&child).await;
        assert!(seen.contains("attach") && !seen.contains("hunter2"), "{seen}");
        let request = &fake.requests()[0];
        let carried = format!("{:?} {:?}", request.prompt, request.env);
        assert!(carried.contains("hunter2"), "{carried}");
        let id = &fake.ids()[0];
        if request.stdin_open {
            eventually(|| fake.input_of(id) == b"typed").await;
        }
        fake.write(id, Stream::Stdout, b"done\n");
        fake.exit(id, Exit::Code(7));
        read_until(&mut stdout, b"done\n").await;
        assert_eq!(wait(&mut child).await, 7);
        assert_eq!(fake.requests().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_streamed_and_waits_where_there_is_no_room() {
    let fake = daemon();
    fake.refuse_input(3);
    let mut child = longhaul(fake.dir(), &["run", "--stdin", "-", "--", "cat"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a line\n").await.unwrap();
    eventually(|| fake.ids().first().is_some_and(|id| fake.input_of(id) == b"a line\n")).await;
    let sent = noise(1_000_003);
    stdin.write_all(&sent).await.unwrap();
    drop(stdin);
    let id = fake.ids()[0].clone();
    eventually(|| !fake.view(&id).stdin.open).await;
    assert!(fake.input_of(&id) == [b"a line\n".as_slice(), &sent].concat());
    fake.exit(&id, Exit::Code(0));
    assert_eq!(wait(&mut child).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_end_before_its_input_does() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.exit(id, Exit::Code(0)));
    let mut child = longhaul(fake.dir(), &["run", "--stdin", "-", "--", "true"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // Held open: nothing is ever written to it.
    let _stdin = child.stdin.take().unwrap();
    assert_eq!(wait(&mut child).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn send_adds_a_line_or_a_file_and_ends_the_input() {
    let fake = daemon();
    let id = fake.add(1, &RunRequest { stdin_open: true, ..RunRequest::default() });
    let name = id.as_str();
    assert_output(&run(&fake, &["send", name, "-yes"]).await, 0, "", "");
    assert_output(&run(&fake, &["send", "-n", name, "no line"]).await, 0, "", "");
    assert_eq!(text(&fake.input_of(&id)), "-yes\nno line");
    std::fs::write(fake.dir().join("in"), noise(300_000)).unwrap();
    let mut command = longhaul(fake.dir(), &["send", name, "--eof"]);
    command.stdin(std::fs::File::open(fake.dir().join("in")).unwrap());
    assert_output(&output(command).await, 0, "", "");
    assert_eq!(fake.input_of(&id).len(), 300_000 + 12);
    let closed = run(&fake, &["send", name, "more"]).await;
    let said =
        "longhaul: session 0000000001 takes no input\n  try: longhaul run -i … keeps it open\n";
    assert_output(&closed, 1, "", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_comes_from_a_file_or_standard_input_and_is_text() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.exit(id, Exit::Code(0)));
    // Larger than the bound of every other request.
    let long = "é".repeat(200_000);
    std::fs::write(fake.dir().join("p"), &long).unwrap();
    run(&fake, &["run", "--agent", "a", "--prompt-file", "p"]).await;
    let mut command = longhaul(fake.dir(), &["run", "--agent", "a", "--prompt-file", "-"]);
    command.stdin(std::fs::File::open(fake.dir().join("p")).unwrap());
    assert_output(&output(command).await, 0, "", "");
    let prompts: Vec<_> = fake.requests().into_iter().map(|request| request.prompt).collect();
    assert!(prompts == [Some(long.clone()), Some(long)]);
    std::fs::write(fake.dir().join("bad"), b"ab\xff").unwrap();
    let bad = run(&fake, &["run", "--agent", "a", "--prompt-file", "bad"]).await;
    assert_output(&bad, 125, "", "longhaul: bad is not UTF-8: byte 2 is no character's\n");
    let missing = run(&fake, &["run", "--agent", "a", "--prompt-file", "nope"]).await;
    let said = "longhaul: could not read nope: No such file or directory (os error 2)\n";
    assert_output(&missing, 125, "", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_prints_what_is_asked_for_on_the_stream_it_came_on() {
    for hidden in [false, true] {
        let fake = daemon();
        if hidden {
            fake.hide_mirrors();
        }
        let id = session(&fake);
        fake.write(&id, Stream::Stdout, b"1\n2\n3");
        fake.write(&id, Stream::Stderr, b"e1\ne2\n");
        for (flags, stdout, stderr) in [
            (&[] as &[&str], "1\n2\n3", "e1\ne2\n"),
            (&["--stdout"], "1\n2\n3", ""),
            (&["--stderr"], "", "e1\ne2\n"),
            (&["--tail", "1"], "3", "e2\n"),
            (&["--tail", "0"], "", ""),
            (&["--since", "3"], "\n3", "e2\n"),
            (&["--since", "99"], "", ""),
        ] {
            let words = [&["logs", id.as_str()], flags].concat();
            assert_output(&run(&fake, &words).await, 0, stdout, stderr);
        }
        let mut child =
            longhaul(fake.dir(), &["logs", "-f", id.as_str(), "--tail", "1"]).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        read_until(&mut stdout, b"3").await;
        fake.write(&id, Stream::Stdout, b"4\n");
        read_until(&mut stdout, b"4\n").await;
        fake.exit(&id, Exit::Code(5));
        assert_eq!(wait(&mut child).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attach_shows_an_ended_session_and_exits_with_its_status() {
    let fake = daemon();
    let id = session(&fake);
    fake.write(&id, Stream::Stdout, b"1\n2\n");
    fake.exit(&id, Exit::Code(42));
    assert_output(&run(&fake, &["attach", "0000"]).await, 42, "1\n2\n", "");
    assert_output(&run(&fake, &["attach", "--tail", "1", "0000"]).await, 42, "2\n", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn following_goes_on_when_the_session_s_actor_was_restarted() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.write(id, Stream::Stdout, b"before\n"));
    let mut child = longhaul(fake.dir(), &["run", "--", "x"]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    read_until(&mut stdout, b"before\n").await;
    let id = &fake.ids()[0];
    fake.restart_actor(id);
    fake.write(id, Stream::Stdout, b"after\n");
    read_until(&mut stdout, b"after\n").await;
    fake.exit(id, Exit::Code(0));
    assert_eq!(wait(&mut child).await, 0);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_was_stopped_is_not_started_again() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.write(id, Stream::Stdout, b"ready\n"));
    let mut child = longhaul(fake.dir(), &["run", "--", "x"]).spawn().unwrap();
    read_until(child.stdout.as_mut().unwrap(), b"ready\n").await;
    fake.stop();
    assert_eq!(wait(&mut child).await, 125);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert_eq!(
        said,
        "longhaul: the daemon was stopped; session 0100000000 goes on\n  try: longhaul attach 0100000000\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_exits_with_the_last_one_s_status() {
    let fake = daemon();
    let first = session(&fake);
    let second = fake.add(1 << 45, &RunRequest::default());
    let mut child =
        longhaul(fake.dir(), &["wait", first.as_str(), second.as_str()]).spawn().unwrap();
    fake.exit(&second, Exit::Code(4));
    fake.exit(&first, Exit::Code(9));
    assert_eq!(wait(&mut child).await, 4);
    // A wrong name is told before anything is waited for.
    fake.add(1 << 46, &RunRequest::default());
    let wrong = run(&fake, &["wait", "2000000000", "zzz"]).await;
    assert_output(&wrong, 125, "", "longhaul: no session \"zzz\"\n  try: longhaul ps -a\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_waits_until_it_is_done_or_says_that_it_will_be() {
    let fake = daemon();
    let id = session(&fake);
    fake.on_kill(|fake, id, kill| match kill.signal.as_deref() {
        None | Some("KILL") => fake.exit(id, Exit::Signal(15)),
        _ => {}
    });
    let hup = run(&fake, &["kill", "-s", "sighup", id.as_str()]).await;
    assert_output(&hup, 0, "0000000001 sent HUP\n", "");
    let term = run(&fake, &["kill", id.as_str(), "--grace", "5s"]).await;
    assert_output(&term, 0, "0000000001 signalled TERM\n", "");
    let away = fake.add(
        1 << 45,
        &RunRequest { on: Some(Where::On("box".to_owned())), ..RunRequest::default() },
    );
    fake.on_kill(|fake, id, _| {
        let bad = link(LinkState::BackingOff, Some(refused()));
        fake.set(id, SessionState::Stopping, Some(bad));
    });
    let kept = run(&fake, &["kill", away.as_str()]).await;
    let said = format!(
        "longhaul: box is away; session {away} is stopped when it is back (the order is kept)\n"
    );
    assert_output(&kept, 0, "", &said);
    let none = run(&fake, &["kill", "zzz"]).await;
    assert_output(&none, 1, "", "longhaul: no session \"zzz\"\n  try: longhaul ps -a\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn rm_removes_what_has_ended_and_tells_of_the_rest() {
    let fake = daemon();
    let ended = session(&fake);
    fake.exit(&ended, Exit::Code(0));
    let live = fake.add(1 << 45, &RunRequest::default());
    let got = run(&fake, &["rm", live.as_str(), ended.as_str()]).await;
    let said = format!("longhaul: session {live} has not ended\n  try: longhaul kill {live}\n");
    assert_output(&got, 1, &format!("{ended}\n"), &said);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_tables_for_people_and_json_for_programs() {
    let fake = daemon();
    session(&fake);
    for (words, part) in [
        (&["ps"] as &[&str], "0000000001  -"),
        (&["inspect", "0000"], "state     running"),
        (&["status"], "daemon  9.9.9, pid 42"),
        (&["remote", "ls"], "box (default)  me@box.example:22"),
        (&["remote", "show", "box"], "try:  ssh box.example systemctl start ssh"),
        (&["remote", "test", "good"], "it calls itself box"),
        (&["agent", "ls"], "nowhere: remote box is disabled"),
        (&["config", "show"], "config  /etc/longhaul.ron"),
        (&["config", "reload"], "config  /etc/longhaul.ron"),
        (&["daemon", "status"], "daemon  "),
        (&["daemon", "start"], "daemon  "),
    ] {
        let got = run(&fake, words).await;
        assert_eq!(got.status.code(), Some(0), "{words:?}: {}", text(&got.stderr));
        assert!(text(&got.stdout).contains(part), "{words:?}: {}", text(&got.stdout));
        if words != ["daemon", "start"] {
            let json = run(&fake, &[words, &["--json"]].concat()).await;
            assert_eq!(json.status.code(), Some(0), "{words:?}: {}", text(&json.stderr));
            serde_json::from_slice::<Value>(&json.stdout).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_news_is_in_the_exit_code_too() {
    let fake = daemon();
    let test = run(&fake, &["remote", "test", "box"]).await;
    assert_output(&test, 1, "box (me@box.example:22)\n  connect       1.2 ms  FAILED\n", REFUSED);
    let show = run(&fake, &["remote", "show", "bx"]).await;
    assert_output(&show, 1, "", "longhaul: no remote \"bx\"\n  try: one of: box\n");
    fake.reject_config("longhaul.ron:3:9: no such field");
    let reload = run(&fake, &["config", "reload"]).await;
    let said = "longhaul: longhaul.ron:3:9: no such field\n  try: longhaul config check\n";
    assert_output(&reload, 1, "", said);
    let status = run(&fake, &["status"]).await;
    assert!(text(&status.stdout).contains("        longhaul.ron:3:9: no such field\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_verb_minds_a_closed_standard_output() {
    let fake = daemon();
    let id = session(&fake);
    fake.event("box");
    fake.write(&id, Stream::Stdout, b"text\n");
    for words in [
        &["ps"] as &[&str],
        &["ps", "--json"],
        &["status"],
        &["logs", "0000"],
        &["events"],
        &["remote", "ls"],
    ] {
        let mut command = longhaul(fake.dir(), words);
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        command.stdout(write);
        assert_output(&output(command).await, 141, "", "");
    }
    let mut help = longhaul(fake.dir(), &["--help"]);
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    help.stdout(write);
    let got = output(help).await;
    assert_eq!((got.status.code(), text(&got.stderr)), (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_lines_and_go_on_with_follow() {
    let fake = daemon();
    fake.event("a");
    fake.event("b");
    let got = run(&fake, &["events", "--since", "1"]).await;
    assert_output(&got, 0, "2026-01-02T03:04:05.678Z       2  b  connected\n", "");
    let json = run(&fake, &["events", "--json"]).await;
    let lines: Vec<Value> =
        text(&json.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["event"], "link-changed");
    let mut child = longhaul(fake.dir(), &["events", "-f", "--since", "2"]).spawn().unwrap();
    fake.event("c");
    let mut stdout = child.stdout.take().unwrap();
    read_until(&mut stdout, b"2026-01-02T03:04:05.678Z       3  c  connected\n").await;
    fake.stop();
    assert_eq!(wait(&mut child).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_daemon_starts_none() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("api.sock");
    let missing =
        format!("daemon  not running (socket {}); what needs it starts it\n", socket.display());
    let config = format!("{}/.config/longhaul/longhaul.ron\n", dir.path().display());
    for (words, code, stdout, stderr) in [
        (&["daemon", "status"] as &[&str], 3, missing.as_str(), ""),
        (&["status"], 3, &missing, ""),
        (&["daemon", "stop"], 0, "", "longhaul: no daemon runs\n"),
        (&["ps"], 0, "ID  NAME  AGENT  REMOTE  STATE  AGE  OUTPUT  COMMAND\n", ""),
        (&["ps", "--json"], 0, "[]\n", ""),
        (&["config", "path"], 0, &config, ""),
    ] {
        assert_output(&output(longhaul(dir.path(), words)).await, code, stdout, stderr);
    }
    assert!(!dir.path().join("state").exists(), "something was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_cannot_be_started_says_why() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("state"), "a file").unwrap();
    let got = output(longhaul(dir.path(), &["run", "--", "true"])).await;
    assert_eq!(got.status.code(), Some(125));
    let said = text(&got.stderr);
    assert!(said.starts_with("longhaul: could not make "), "{said}");
    assert!(said.contains("try: LONGHAUL_STATE_DIR="), "{said}");
    let mut long = longhaul(dir.path(), &["ps"]);
    long.env("LONGHAUL_SOCKET", dir.path().join("x".repeat(200)));
    let got = output(long).await;
    assert_eq!(got.status.code(), Some(1));
    assert!(text(&got.stderr).contains("try: LONGHAUL_SOCKET="), "{}", text(&got.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_exits_with_2_and_says_how_to_write_it() {
    let fake = daemon();
    let got = run(&fake, &["run", "ls"]).await;
    let said = "longhaul: a command is written after --\n  try: longhaul run -- ls\n       longhaul run --agent NAME \"ls\"   (if it is a prompt)\n";
    assert_output(&got, 2, "", said);
    let unset = run(&fake, &["run", "-e", "NOPE", "--", "env"]).await;
    assert_output(&unset, 2, "", "longhaul: NOPE is not set here\n  try: -e NOPE=VALUE\n");
    assert_eq!(fake.requests(), []);
}
