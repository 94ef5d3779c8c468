//! Tables, JSON and events.

use super::*;

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
        (&["remote", "test", "good"], "good\n  connect                 1.2 ms  ok\n"),
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
    let connect = "  connect                 1.2 ms  FAILED\n";
    assert_output(&test, 1, &format!("box\n{connect}"), REFUSED);
    let doctor = run(&fake, &["remote", "doctor", "good"]).await;
    let expected = "\
good
  connect                 1.2 ms  ok
  doctor.shell           ok    /bin/sh
  doctor.disk            FAIL  full
      It was made so.
      try: df -h
      more: longhaul explain doctor.disk
";
    assert_output(&doctor, 1, expected, "");
    let json = run(&fake, &["remote", "doctor", "good", "--json"]).await;
    assert_eq!(json.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["findings"][1]["status"], "fail");
    let show = run(&fake, &["remote", "show", "bx"]).await;
    assert_output(&show, 1, "", "longhaul: no remote \"bx\"\n  try: one of: box\n");
    fake.reject_config("longhaul.ron:3:9: no such field");
    let reload = run(&fake, &["config", "reload"]).await;
    let said = "longhaul: longhaul.ron:3:9: no such field\n  try: longhaul config check\n       \
        longhaul explain config.invalid\n";
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
