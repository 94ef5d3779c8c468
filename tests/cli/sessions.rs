//! `logs`, `attach`, `wait`, `kill`, `rm`.

use longhaul::domain::failure::classify::session_failure;
use longhaul::domain::failure::trouble::SessionTrouble;
use longhaul::domain::failure::whereabouts::Whereabouts;

use super::*;

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
async fn what_was_dropped_is_said_at_its_place_and_never_printed() {
    let said = |range: &str| {
        format!("longhaul: bytes {range} of standard output were dropped (max_output 1 MB)\n")
    };
    for hidden in [false, true] {
        let fake = daemon();
        if hidden {
            fake.hide_mirrors();
        }
        let request = RunRequest { max_output: Some(1_000_000), ..RunRequest::default() };
        let id = fake.add(7, &request);
        fake.write(&id, Stream::Stdout, b"1\n2\n3");
        fake.drop_output(&id, Stream::Stdout, 100_000);
        fake.write(&id, Stream::Stdout, b"4\n5\n");
        for (flags, stdout, range) in [
            (&[] as &[&str], "1\n2\n34\n5\n", Some("5–100004")),
            (&["--since", "4"], "34\n5\n", Some("5–100004")),
            (&["--since", "70000"], "4\n5\n", Some("70000–100004")),
            (&["--since", "100007"], "5\n", None),
            (&["--tail", "1"], "5\n", None),
            (&["--tail", "2"], "4\n5\n", None),
            (&["--tail", "3"], "34\n5\n", Some("5–100004")),
            (&["--tail", "4"], "2\n34\n5\n", Some("5–100004")),
        ] {
            let words = [&["logs", id.as_str()], flags].concat();
            let stderr = range.map(said).unwrap_or_default();
            assert_output(&run(&fake, &words).await, 0, stdout, &stderr);
        }
        fake.exit(&id, Exit::Code(3));
        let attached = run(&fake, &["attach", id.as_str()]).await;
        assert_output(&attached, 3, "1\n2\n34\n5\n", &said("5–100004"));
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
async fn kill_names_what_it_cannot_end() {
    let fake = daemon();
    for ends in [false, true] {
        let id = fake.add(7 + u64::from(ends), &RunRequest::default());
        fake.on_kill(move |fake, id, _| {
            let left = SessionTrouble::Unkillable { pids: vec![4711, 4712] };
            fake.warn(id, session_failure(&left, &Whereabouts::local()));
            if ends {
                fake.exit(id, Exit::Signal(15));
            }
        });
        let got = run(&fake, &["kill", id.as_str()]).await;
        let state = if ends { "signalled TERM" } else { "running" };
        let expected = (Some(1), format!("{id} {state}\n"));
        assert_eq!((got.status.code(), text(&got.stdout)), expected);
        let said = text(&got.stderr);
        assert!(said.contains("processes survived KILL on this machine: 4711, 4712"), "{said}");
        assert!(said.contains("ps -o pid,stat,wchan,args -p 4711,4712"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rm_removes_what_has_ended_and_tells_of_the_rest() {
    let fake = daemon();
    let ended = session(&fake);
    fake.exit(&ended, Exit::Code(0));
    let live = fake.add(1 << 45, &RunRequest::default());
    let got = run(&fake, &["rm", live.as_str(), ended.as_str()]).await;
    let said = format!(
        "longhaul: session {live} has not ended\n  try: longhaul rm --force {live}   (stops it first)\n"
    );
    assert_output(&got, 1, &format!("{ended}\n"), &said);
}
