//! `run`: output, statuses, failures, and what it refuses.

use super::*;

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
async fn bad_usage_exits_with_2_and_says_how_to_write_it() {
    let fake = daemon();
    let got = run(&fake, &["run", "ls"]).await;
    let said = "longhaul: a command is written after --\n  try: longhaul run -- ls\n       longhaul run --agent NAME \"ls\"   (if it is a prompt)\n";
    assert_output(&got, 2, "", said);
    let unset = run(&fake, &["run", "-e", "NOPE", "--", "env"]).await;
    assert_output(&unset, 2, "", "longhaul: NOPE is not set here\n  try: -e NOPE=VALUE\n");
    assert_eq!(fake.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn output_goes_to_files_and_pipes_of_every_kind() {
    let sent = noise(2_000_003);
    let fake = daemon();
    let bytes = sent.clone();
    fake.on_run(move |fake, id, _| {
        fake.write(id, Stream::Stdout, &bytes);
        fake.exit(id, Exit::Code(0));
    });
    let path = fake.dir().join("file");
    // Appending: copy_file_range(2) refuses such a file.
    for append in [false, true] {
        std::fs::write(&path, "before\n").unwrap();
        let mut file = std::fs::OpenOptions::new().write(true).append(append).open(&path).unwrap();
        if !append {
            std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
        }
        let mut command = longhaul(fake.dir(), &["run", "--", "x"]);
        command.stdout(file);
        assert_output(&output(command).await, 0, "", "");
        let got = std::fs::read(&path).unwrap();
        assert!(got == [b"before\n".as_slice(), &sent].concat(), "append: {append}");
    }
    // A pipe that fails instead of to wait, when it is full.
    let (mut read, write) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&write).unwrap();
    rustix::fs::fcntl_setfl(&write, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut command = longhaul(fake.dir(), &["run", "--", "x"]);
    let mut child = command.stdout(write).spawn().unwrap();
    drop(command);
    let reading = tokio::task::spawn_blocking(move || {
        let mut got = Vec::new();
        std::io::Read::read_to_end(&mut read, &mut got).unwrap();
        got
    });
    assert_eq!(wait(&mut child).await, 0);
    assert!(reading.await.unwrap() == sent);
}
