//! Ctrl-C, hang-ups, closed and full pipes, and the process list.

use super::*;

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
