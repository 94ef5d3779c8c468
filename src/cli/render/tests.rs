//! Rendering, by literal comparison.

use std::time::{Duration, SystemTime};

use super::words::{age, command, size};
use super::*;
use crate::api::types::{
    ConfigView, EventKind, EventView, Exit, LinkState, LinkView, RemoteView, SessionState,
    SessionView, StatusView, StdinView, TestReport, TestStage,
};
use crate::domain::failure::{Disposition, Failure, Stage};
use crate::domain::ids::SessionId;

const AT: &str = "2026-01-02T03:04:05.678Z";

fn look() -> Look {
    let at = humantime::parse_rfc3339(AT).unwrap();
    Look { now: at + Duration::from_secs(200), width: None }
}

fn refused() -> Failure {
    Failure {
        code: "ssh.connect.refused".to_owned(),
        stage: Stage::Connect,
        disposition: Disposition::Retries,
        place: "box".to_owned(),
        message: "box.example refused the connection on port 22".to_owned(),
        evidence: Some("Connection refused\x1b[2J\n(os error 111)".to_owned()),
        remedy: Some("ssh box.example".to_owned()),
    }
}

fn link() -> LinkView {
    LinkView {
        state: LinkState::BackingOff,
        failures: 3,
        next_try_ms: Some(3001),
        failure: Some(refused()),
        question: None,
        since: AT.to_owned(),
    }
}

fn session() -> SessionView {
    SessionView {
        id: SessionId::from_bits(7),
        name: None,
        agent: None,
        command: vec!["sh".to_owned(), "-c".to_owned(), "echo 'a b'".to_owned()],
        place: "local".to_owned(),
        host: None,
        link: None,
        state: SessionState::Exited,
        exit: Some(Exit::Code(3)),
        failure: None,
        created_at: AT.to_owned(),
        started_at: None,
        ended_at: None,
        stdout: 1500,
        stderr: 36,
        stdin: StdinView::default(),
        pid: Some(4711),
        mirror: "/state/0000000007".into(),
        cwd: None,
    }
}

fn waiting() -> SessionView {
    SessionView {
        id: SessionId::from_bits(8),
        name: Some("nightly".parse().unwrap()),
        agent: Some("claude".parse().unwrap()),
        command: Vec::new(),
        place: "box".to_owned(),
        host: Some("box.example".to_owned()),
        link: Some(link()),
        state: SessionState::Waiting,
        exit: None,
        stdout: 0,
        stderr: 0,
        ..session()
    }
}

fn remote_view() -> RemoteView {
    RemoteView {
        name: "box".to_owned(),
        label: None,
        enabled: true,
        default: true,
        destination: Some("me@box.example:22".to_owned()),
        host: "box.example".to_owned(),
        link: link(),
        links: 0,
        sessions: 1,
        working_dir: Some("~/project".to_owned()),
        env: vec!["A".to_owned(), "B".to_owned()],
    }
}

#[test]
fn ps_is_a_line_for_each_session() {
    assert_eq!(
        ps(&[waiting(), session()], look()),
        "\
ID          NAME     AGENT   REMOTE             STATE                                      AGE  OUTPUT  COMMAND
0000000008  nightly  claude  box (box.example)  waiting, backing-off: ssh.connect.refused  3m   0B
0000000007  -        -       local              exited 3                                   3m   1.5K    sh -c 'echo '\\''a b'\\'''
"
    );
}

#[test]
fn an_empty_ps_is_its_header() {
    assert_eq!(ps(&[], look()), "ID  NAME  AGENT  REMOTE  STATE  AGE  OUTPUT  COMMAND\n");
}

#[test]
fn on_a_terminal_the_command_is_cut_to_its_width() {
    let long = SessionView { command: vec!["x".repeat(300)], ..session() };
    let text = ps(&[long], Look { width: Some(90), ..look() });
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert_eq!(longest, Some(90), "{text}");
    assert!(text.ends_with("x…\n"));
}

#[test]
fn inspect_tells_all_and_the_failure() {
    assert_eq!(
        inspect(&waiting(), look()),
        "\
id        0000000008
name      nightly
agent     claude
on        box (box.example)
state     waiting, backing-off: ssh.connect.refused
created   2026-01-02T03:04:05.678Z (3m ago)
pid       4711
stdout    0B
stderr    0B
stdin     closed, 0B taken, 0B there
mirror    /state/0000000007

box: box.example refused the connection on port 22
  | Connection refused\\u{1b}[2J
  | (os error 111)
  try:  ssh box.example
  more: longhaul explain ssh.connect.refused   (it is tried again)
"
    );
}

#[test]
fn status_shows_a_refused_edit_whole() {
    let view = StatusView {
        version: "0.1.0".to_owned(),
        pid: 42,
        started_at: AT.to_owned(),
        config: ConfigView {
            path: "/etc/longhaul.ron".into(),
            exists: true,
            loaded_at: AT.to_owned(),
            rejected: Some("longhaul.ron:3:9: no such field\n\n  prot: 22\n".to_owned()),
            warnings: vec!["odd".to_owned()],
            default_remote: Some("box".parse().unwrap()),
        },
        remotes: vec![remote_view()],
        sessions: Vec::new(),
        state_dir: "/state".into(),
    };
    assert_eq!(
        status(&view, look()),
        "\
daemon  0.1.0, pid 42, up 3m, state in /state
config  /etc/longhaul.ron, read 3m ago
        default remote box
        warning: odd
        THE LAST EDIT IS NOT IN FORCE, the one before it is:
        longhaul.ron:3:9: no such field

          prot: 22

REMOTE         HOST               LINK         SINCE  SESSIONS  NEXT TRY  FAILURE
box (default)  me@box.example:22  backing-off  3m     1         4 s       ssh.connect.refused (3 times): box.example refused the connection on port 22

no live sessions
"
    );
}

#[test]
fn a_remote_s_test_shows_each_stage() {
    let stage = |name: &str, took_ms, ok, detail: Option<&str>| TestStage {
        name: name.to_owned(),
        took_ms,
        ok,
        detail: detail.map(str::to_owned),
    };
    let report = TestReport {
        remote: "box".to_owned(),
        destination: Some("me@box.example:22".to_owned()),
        stages: vec![
            stage("resolve", 0.04, true, Some("192.0.2.1")),
            stage("key exchange", 1234.56, false, None),
        ],
        hostname: Some("box\r".to_owned()),
        failure: None,
    };
    assert_eq!(
        test_report(&report),
        "\
box (me@box.example:22)
  resolve            0.0 ms  ok  192.0.2.1
  key exchange    1234.6 ms  FAILED
  it calls itself box\\r
"
    );
}

#[test]
fn a_remote_is_told_without_the_values_of_its_environment() {
    let text = remote(&remote_view(), look());
    assert!(text.contains("env         A B\n"), "{text}");
    assert!(text.contains("link        backing-off for 3m, 0 up\nnext try    in 4 s\n"), "{text}");
}

#[test]
fn events_are_a_line_each() {
    let session = SessionId::from_bits(7);
    let line = |kind| event_line(&EventView { seq: 12, at: AT.to_owned(), kind });
    for (kind, expected) in [
        (
            EventKind::SessionChanged {
                session: session.clone(),
                state: SessionState::Signalled,
                exit: Some(Exit::Signal(9)),
                failure: None,
            },
            "0000000007  signalled KILL",
        ),
        (
            EventKind::SessionChanged {
                session,
                state: SessionState::Failed,
                exit: None,
                failure: Some("ssh.auth.denied".to_owned()),
            },
            "0000000007  failed: ssh.auth.denied",
        ),
        (
            EventKind::LinkChanged {
                remote: "box".to_owned(),
                state: LinkState::Connected,
                failure: None,
            },
            "box  connected",
        ),
        (
            EventKind::ConfigReloaded { changes: vec!["remote a: new".to_owned()] },
            "config  in force: remote a: new",
        ),
    ] {
        assert_eq!(line(kind), format!("{AT}      12  {expected}"));
    }
}

#[test]
fn ages_and_sizes_are_short() {
    let at = humantime::parse_rfc3339(AT).unwrap();
    for (seconds, expected) in
        [(0, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (172_799, "47h"), (864_000, "10d")]
    {
        assert_eq!(age(AT, at + Duration::from_secs(seconds)), expected);
    }
    assert_eq!(age(AT, SystemTime::UNIX_EPOCH), "0s");
    assert_eq!(age("soon", at), "-");
    for (bytes, expected) in [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1.0K"),
        (10 << 10, "10K"),
        ((1 << 20) - 1, "1023K"),
        (64 << 20, "64M"),
        (u64::MAX, "15E"),
    ] {
        assert_eq!(size(bytes), expected);
    }
    for (ms, expected) in [(1, "1 s"), (4000, "4 s"), (60_000, "1 min"), (61_000, "2 min")] {
        assert_eq!(duration_ms(ms), expected);
    }
}

#[test]
fn a_command_can_be_typed_again_and_cannot_drive_the_terminal() {
    for (words, expected) in [
        (vec!["ls", "-la"], "ls -la"),
        (vec!["echo", "", "a b", "$x"], "echo '' 'a b' '$x'"),
        (vec!["a\n\x1b[2J'"], r"$'a\n\x1b[2J\''"),
    ] {
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        assert_eq!(command(&words), expected);
    }
}
