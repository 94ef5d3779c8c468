//! Daemons that are not there, go away, or cannot be started.

use super::*;

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
    assert!(text(&got.stderr).contains("LONGHAUL_SOCKET"), "{}", text(&got.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_returns_when_the_daemon_is_gone() {
    let fake = daemon();
    assert_output(&run(&fake, &["daemon", "stop"]).await, 0, "", "");
    assert_eq!(run(&fake, &["daemon", "status"]).await.status.code(), Some(3));
}
