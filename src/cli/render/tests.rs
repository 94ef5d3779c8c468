//! Rendering, by literal comparison.

use std::time::{Duration, SystemTime};

use super::words::{age, command, duration_ms, size};
use super::*;
use crate::api::types::{
    AdoptReport, AttemptView, ConfigView, Dropped, EventKind, EventView, Exit, Finding,
    FindingStatus, FoundSession, Gap, GcFate, GcItem, GcView, GcWhat, KeptView, LinkState,
    LinkView, Priority, QueueView, RemoteView, SessionState, SessionView, StatusView, StdinView,
    Stream, TestStage, WaitsFor, Why,
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
        next_try_at: Some("2026-01-02T03:07:28.679Z".to_owned()),
        failure: Some(refused()),
        question: None,
        transport: None,
        since: AT.to_owned(),
        unreachable_since: Some(AT.to_owned()),
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
        warnings: Vec::new(),
        created_at: AT.to_owned(),
        started_at: None,
        ended_at: None,
        stdout: 1500,
        stderr: 36,
        max_output: None,
        dropped: Vec::new(),
        stdout_dropped: 0,
        stderr_dropped: 0,
        stdin: StdinView::default(),
        pid: Some(4711),
        mirror: "/state/0000000007".into(),
        cwd: None,
        adopted_from: None,
        mirror_paused: None,
        mirror_behind: None,
        spool_gone_at: None,
        attempt: AttemptView::default(),
        agent_run: None,
        continues: None,
        agent_events: Vec::new(),
        priority: Priority::Normal,
        client: None,
        queue: None,
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
        tags: ["gpu".parse().unwrap()].into(),
        max_sessions: Some(8),
        slots: None,
    }
}

#[test]
fn ps_is_a_line_for_each_session() {
    assert_eq!(
        ps(&[waiting(), session()], look()),
        "\
ID          NAME     AGENT   REMOTE             STATE                                                        AGE  OUTPUT  COMMAND
0000000008  nightly  claude  box (box.example)  waiting (unreachable 3m: ssh.connect.refused, next try 4 s)  3m   0B
0000000007  -        -       local              exited 3                                                     3m   1.5K    sh -c 'echo '\\''a b'\\'''
"
    );
}

#[test]
fn one_that_waits_for_its_turn_shows_its_place_and_why() {
    let remote = "box".parse().unwrap();
    let waits_for = WaitsFor::Remote { remote, most: 2 };
    let queue = Some(QueueView { place: 3, of: 5, waits_for });
    let client = Some("ci".parse().unwrap());
    let view = SessionView { queue, client, priority: Priority::High, link: None, ..waiting() };
    let table = ps(std::slice::from_ref(&view), look());
    assert!(table.contains("waiting (3 of 5 in the queue: box takes 2 at once)"), "{table}");
    let shown = inspect(&view, &[], look());
    for line in [
        "queue     3 of 5 in the queue: box takes 2 at once\n",
        "priority  high\n",
        "client    ci\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

fn full() -> Failure {
    Failure {
        code: "local.disk-full".to_owned(),
        stage: Stage::Local,
        disposition: Disposition::WaitsForYou,
        place: "local".to_owned(),
        message: "there is no room in /state".to_owned(),
        evidence: None,
        remedy: Some("df -h /state".to_owned()),
    }
}

#[test]
fn a_mirror_that_is_paused_shows_beside_the_state() {
    let paused = SessionView {
        state: SessionState::Running,
        exit: None,
        mirror_paused: Some(full()),
        ..session()
    };
    let table = ps(std::slice::from_ref(&paused), look());
    assert!(table.contains("  running, mirror paused: local.disk-full  "), "{table}");
    let behind = SessionView { mirror_behind: Some(3 << 20), ..paused.clone() };
    let table = ps(std::slice::from_ref(&behind), look());
    assert!(table.contains("paused: local.disk-full, 3.0M behind  "), "{table}");
    let all = inspect(&paused, &[], look());
    assert!(all.contains("\nlocal: there is no room in /state\n  try:  df -h /state\n"), "{all}");
}

#[test]
fn a_spool_that_is_gone_is_told() {
    let gone = SessionView { spool_gone_at: Some(AT.to_owned()), ..session() };
    let all = inspect(&gone, &[], look());
    assert!(all.contains(&format!("spool     gone since {AT} (3m ago)\n")), "{all}");
}

#[test]
fn gc_tells_what_goes_and_why_and_what_waits() {
    let item = |number, what, why, fate, detail: Option<&str>| GcItem {
        session: SessionId::from_bits(number),
        name: None,
        place: "box".to_owned(),
        what,
        why,
        size: 1500,
        fate,
        detail: detail.map(str::to_owned),
    };
    let items = vec![
        item(1, GcWhat::Session, Why::TooOld, GcFate::Removed, None),
        item(1, GcWhat::Spool, Why::TooOld, GcFate::Removed, None),
        item(2, GcWhat::Spool, Why::Asked, GcFate::Waits, None),
        item(3, GcWhat::Spool, Why::GraceOver, GcFate::Stays, Some("rm:\nno\x1b")),
    ];
    assert_eq!(
        gc(&GcView { dry_run: false, items }),
        "\
SESSION     NAME  REMOTE  WHAT     SIZE  WHY                      RESULT
0000000001  -     box     session  1.4K  older than mirror_age    removed
0000000001  -     box     spool    1.4K  older than mirror_age    removed
0000000002  -     box     spool    1.4K  the session was removed  waits for box
0000000003  -     box     spool    1.4K  all of it is here        NOT removed: rm: no\\u{1b}

2 removed, 2.9K; 1 as soon as the host is reached
"
    );
    let items = vec![item(1, GcWhat::Session, Why::TooMuch, GcFate::Due, None)];
    let text = gc(&GcView { dry_run: true, items });
    assert!(text.ends_with("\n1 would be removed, 1.4K\n"), "{text}");
    assert_eq!(gc(&GcView { dry_run: true, items: Vec::new() }), "nothing to remove\n");
}

#[test]
fn a_later_attempt_says_which_it_is_and_when_it_starts() {
    let attempt = |number, starts_at: Option<&str>| {
        let starts_at = starts_at.map(str::to_owned);
        AttemptView { number, most: 3, starts_at, ..AttemptView::default() }
    };
    // `look` is at 03:07:25.678.
    for (attempt, words) in [
        (attempt(2, None), "attempt 2 of 3"),
        (attempt(2, Some("2026-01-02T03:07:33.678Z")), "attempt 2 of 3, starts in 8 s"),
        (attempt(3, Some("2026-01-02T03:07:25.678Z")), "attempt 3 of 3"),
        (attempt(3, Some("2026-01-02T03:07:24.000Z")), "attempt 3 of 3"),
        (attempt(3, Some("soon")), "attempt 3 of 3"),
    ] {
        assert_eq!(attempt_words(&attempt, look().now), words);
    }
    let second = SessionView { attempt: attempt(2, Some("2026-01-02T03:07:33.678Z")), ..session() };
    let first = SessionView { attempt: attempt(1, None), id: SessionId::from_bits(6), ..session() };
    let text = inspect(&second, &[first, second.clone()], look());
    assert!(text.contains("state     exited 3 (attempt 2 of 3)\n"), "{text}");
    let listed = "attempts  0000000006 exited 3\n          0000000007 exited 3 (attempt 2 of 3) (this one)\n";
    assert!(text.contains(listed), "{text}");
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
        inspect(&waiting(), &[], look()),
        "\
id        0000000008
name      nightly
agent     claude
on        box (box.example)
state     waiting
link      unreachable since 2026-01-02T03:04:05.678Z (3m), next try 4 s
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
fn inspect_tells_the_cap_and_what_was_dropped() {
    let dropped = |stream, from, to| Dropped { stream, gap: Gap { from, to } };
    let view = SessionView {
        max_output: Some(100_000_000),
        stdout: 2048,
        dropped: vec![
            dropped(Stream::Stdout, 0, 1024),
            dropped(Stream::Stderr, 0, 100),
            dropped(Stream::Stderr, 200, 300),
        ],
        stdout_dropped: 1024,
        stderr_dropped: 200,
        ..waiting()
    };
    let text = inspect(&view, &[], look());
    for line in [
        "stdout    2.0K, of which bytes 0–1023 were dropped\n",
        "stderr    0B, 200B of it dropped, last bytes 200–299\n",
        "keeps     at most 100 MB of output there\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn status_shows_a_refused_edit_whole() {
    let view = StatusView {
        version: "0.1.0".to_owned(),
        pid: 42,
        started_at: AT.to_owned(),
        config: ConfigView {
            failure: None,
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
        notices: Vec::new(),
        kept: KeptView { mirrors: 5 << 20, spools: 1500, waiting: 2 },
        used: Vec::new(),
        failed: Vec::new(),
        disk: None,
    };
    assert_eq!(
        status(&view, look()),
        "\
daemon  0.1.0, pid 42, up 3m, state in /state
kept    5.0M here, 1.4K in spools; 2 to remove when their hosts are back
config  /etc/longhaul.ron, read 3m ago
        default remote box
        warning: odd
        THE LAST EDIT IS NOT IN FORCE, the one before it is:
        longhaul.ron:3:9: no such field

          prot: 22
        more: longhaul explain config.invalid

REMOTE         HOST               LINK         SINCE  SESSIONS  NEXT TRY  FAILURE
box (default)  me@box.example:22  backing-off  3m     1         4 s       ssh.connect.refused (3 times): box.example refused the connection on port 22

no live sessions
"
    );
}

#[test]
fn each_stage_of_a_test_is_a_line() {
    let told = |name: &str, took_ms, ok, detail: Option<&str>| {
        let (name, detail) = (name.to_owned(), detail.map(str::to_owned));
        stage(&TestStage { name, took_ms, ok, detail })
    };
    let resolve = "  resolve                 0.0 ms  ok  192.0.2.1\n";
    assert_eq!(told("resolve", 0.04, true, Some("192.0.2.1")), resolve);
    let exchange = "  key exchange         1234.6 ms  FAILED  closed\\r here\n";
    assert_eq!(told("key exchange", 1234.56, false, Some("closed\r\nhere")), exchange);
    let jump = "  jump developer@edge.example:22      12.0 ms  ok\n";
    assert_eq!(told("jump developer@edge.example:22", 12.0, true, None), jump);
}

#[test]
fn a_finding_is_a_line_and_what_to_do_about_it() {
    let well = Finding::ok("doctor.shell", "the login shell is /bin/bash");
    assert_eq!(finding(&well), "  doctor.shell           ok    the login shell is /bin/bash\n");
    let ill = Finding::new("doctor.disk", FindingStatus::Fail, "full\x1b[2J", "None can start.")
        .with("# look\ndf -h");
    let first = "  doctor.disk            FAIL  full\\u{1b}[2J";
    let rest = "      None can start.\n      try: # look\n           df -h\n      more: longhaul explain doctor.disk\n";
    assert_eq!(finding(&ill), format!("{first}\n{rest}"));
}

#[test]
fn what_is_under_way_leaves_the_line_to_what_comes() {
    assert_eq!(pending(Some("connect")), "\x1b[K  connect …\r");
    assert_eq!(pending(None), "\x1b[K");
}

#[test]
fn a_remote_is_told_without_the_values_of_its_environment() {
    let text = remote(&remote_view(), look());
    assert!(text.contains("env         A B\n"), "{text}");
    let link = format!(
        "link        backing-off for 3m, 0 up\naway        since {AT}\nnext try    in 4 s\n"
    );
    assert!(text.contains(&link), "{text}");
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

fn found(id: u64, origin: Option<&str>, taken: bool) -> FoundSession {
    FoundSession {
        id: SessionId::from_bits(id),
        name: Some("job".parse().unwrap()),
        name_taken: false,
        agent: None,
        command: vec!["make".into(), "\u{1b}[2J".into()],
        cwd: None,
        created_at: None,
        origin: origin.map(str::to_owned),
        state: "running".into(),
        exit: None,
        stdout: u64::MAX,
        stderr: 2048,
        taken,
    }
}

#[test]
fn what_was_found_on_a_host_is_told_with_whose_it_is() {
    let clash = FoundSession { name_taken: true, ..found(2, Some("me@here"), true) };
    let ended = FoundSession { exit: Some(Exit::Code(3)), ..found(3, Some("me@here"), true) };
    let mut report = AdoptReport {
        remote: "box".into(),
        dry_run: false,
        known: 4,
        sessions: vec![
            found(1, Some("me@here"), true),
            clash,
            ended,
            found(5, Some("ann@laptop"), false),
            found(6, Some("ann@laptop"), false),
            found(7, None, false),
        ],
    };
    let text = adopted(&report, look());
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("exited 3") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(
        adoption_words(&report),
        [
            "3 taken in from box; 4 known already",
            "0000000002 lost its name job: a live session has it",
            "1 more does not tell whose; longhaul adopt box --all takes it in",
            "2 more belong to ann@laptop; longhaul adopt box --all takes them in",
        ]
    );
    (report.dry_run, report.known) = (true, 0);
    assert_eq!(adoption_words(&report)[0], "3 would be taken in from box");
    report.sessions.clear();
    assert_eq!(adopted(&report, look()), "");
    assert_eq!(adoption_words(&report), ["no session to take in on box"]);
}
