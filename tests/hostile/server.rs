//! Servers that lie: all that one can have is a session of its own that fails.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use crate::daemon::Daemon;
use crate::liar::{ESCAPES, Liar, Lie};
use crate::support::command::Finished;
use crate::support::config::{Config, Entry};
use crate::support::must::Must;
use crate::support::wait::{PATIENCE, eventually_or};

const MIB: u64 = 1 << 20;

/// The most that the daemon may grow by for a server that sends without end.
const MOST: u64 = 64 * MIB;

impl Daemon {
    /// Has remotes, each on a port of this machine, and agents `claude` there.
    fn knows(&self, remotes: &[(&str, u16)]) {
        let mut config = Config::default().with("retention", r#"(mirror_size: "100 MB")"#);
        for (name, port) in remotes {
            let remote = Entry::remote(name, *port, &self.home.identity());
            // Nobody is there to agree to a key, or to be waited for.
            config = config.with_remote(remote.text("start_within", "20s"));
        }
        let agent = Entry::named("claude").raw("profile", "Claude");
        self.home.configure(&config.with_agent(agent));
        self.home.longhaul(&["config", "reload"]).exited(0);
    }

    /// What comes of a command; nothing in it moves a cursor, whoever said it.
    #[track_caller]
    fn tells(&self, args: &[&str]) -> Finished {
        let said = self.home.longhaul(args);
        assert_tame(&said);
        assert_ne!(said.code(), Some(101), "it panicked\n{said}");
        said
    }

    /// Asserts that it lives, answers, and has not panicked.
    #[track_caller]
    fn is_well(&self) {
        self.home.longhaul(&["daemon", "status"]).exited(0);
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }
}

#[track_caller]
fn assert_tame(said: &Finished) {
    for (what, text) in [("stdout", said.out()), ("stderr", said.err())] {
        let obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        if let Some(at) = text.find(obeyed) {
            let context: String = text[at..].chars().take(60).collect();
            panic!("a terminal would obey {what}: {context:?}\n{said}");
        }
    }
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| line.replace("ESC", ESCAPES)).collect()
}

/// What a machine could tell of itself, all of it with escapes or absurd.
fn absurd() -> Vec<String> {
    let most = u64::MAX;
    lines(&[
        "path /bin:ESC",
        "path-from shell",
        "host ESC",
        "system ESC",
        "boot ESC",
        "home /ESC",
        "systemd runs",
        "logout kills",
        "clock 18446744073709551615",
        "shell /bin/ESC",
        "login-path ESC",
        "setsid ESC",
        "lacks ESC",
        "spools /ESC",
        "unwritable ESC",
        &format!("disk {most} 0"),
        &format!("inodes {most} {most}"),
        "fs ESC",
        &format!("marked {} 0123456789", u32::MAX),
        "cwd /ESC",
        "agent claude",
        "found /bin/ESC",
        &format!("version 99999999999 {}ESC", "9".repeat(60_000)),
        "login file ESC",
        "detected",
        &format!("spool 0123456789 {most} {most} {most} open running"),
        &format!("spool 9876543210 {most} {most} {most} open ESC"),
        "meta {\"format\":1,\"name\":\"ESC\"}",
        "listed all",
        &format!("have {most}"),
        "cpus 0",
        "load 99999999999999999999 -1 ESC",
        "examined",
    ])
}

#[test]
fn nothing_that_a_machine_tells_of_itself_moves_a_cursor() {
    let daemon = Daemon::start();
    let liar = Liar::start(Lie::Says(absurd()));
    daemon.knows(&[("liar", liar.port)]);
    for args in [
        &["remote", "test", "liar"][..],
        &["remote", "test", "liar", "--json"],
        &["remote", "test", "liar", "--agent", "claude"],
        &["remote", "doctor", "liar"],
        &["remote", "doctor", "liar", "--json"],
        &["adopt", "liar", "--dry-run", "--all"],
        &["adopt", "liar", "--dry-run", "--all", "--json"],
        &["remote", "show", "liar"],
        &["run", "--on", "any", "-d", "--", "true"],
        &["gc", "--dry-run"],
        &["status"],
        &["status", "--json"],
        &["ps", "-a"],
        &["events"],
        &["events", "--json"],
    ] {
        daemon.tells(args);
    }
    daemon.is_well();
}

#[test]
fn a_refusal_is_shown_as_words_and_nothing_else() {
    let daemon = Daemon::start();
    let refusals = [
        "fail spool ESC",
        "fail ESC",
        "fail lacks ESC ESC",
        "end no ESC",
        "end no code 99999999999999999999 run",
        "end yes code 0 run",
        "started 99999999999999999999",
        "note ESC",
    ];
    let liars: Vec<_> =
        refusals.iter().map(|line| Liar::start(Lie::Says(lines(&["claimed", line])))).collect();
    let names: Vec<_> = (0..liars.len()).map(|number| format!("liar{number}")).collect();
    let remotes: Vec<_> =
        names.iter().zip(&liars).map(|(name, liar)| (name.as_str(), liar.port)).collect();
    daemon.knows(&remotes);
    for (name, line) in names.iter().zip(refusals) {
        let said = daemon.tells(&["run", "-d", "--on", name, "--", "echo", "x"]);
        let id = said.out().trim().to_owned();
        for args in [
            &["inspect", id.as_str()][..],
            &["inspect", &id, "--json"],
            &["ps", "-a"],
            &["ps", "-a", "--json"],
            &["events"],
        ] {
            let said = daemon.tells(args);
            // A lie about the end is never taken for a success.
            let done = said.out().contains("exited 0") || said.out().contains("\"code\": 0");
            assert!(!done || line == "end yes code 0 run", "{line}\n{said}");
        }
    }
    daemon.is_well();
}

#[test]
fn a_question_is_shown_as_words_and_nothing_else() {
    let daemon = Daemon::start();
    let liar = Liar::start(Lie::Asks(format!("{ESCAPES}{}", "What? ".repeat(2_000))));
    daemon.knows(&[("liar", liar.port)]);
    let said = daemon.tells(&["run", "-d", "--on", "liar", "--", "true"]);
    let id = said.out().trim().to_owned();
    let asked = || daemon.tells(&["attention"]).out().contains("What?");
    eventually_or("the question is shown", asked, || daemon.log());
    for args in [
        &["attention"][..],
        &["attention", "--json"],
        &["status"],
        &["inspect", &id],
        &["remote", "show", "liar"],
        &["events", "--json"],
    ] {
        let said = daemon.tells(args);
        assert!(said.out().len() < 64 << 10, "{args:?}: {} bytes", said.out().len());
    }
    daemon.is_well();
}

#[test]
fn a_greeting_without_end_is_hung_up_on() {
    let daemon = Daemon::start();
    let listener = TcpListener::bind("127.0.0.1:0").must("listen");
    let port = listener.local_addr().must("the port").port();
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().must("a client");
        let piece = format!("{ESCAPES}hello\r\n").repeat(1000);
        let mut sent = 0;
        while sent < 1 << 30 {
            match stream.write_all(piece.as_bytes()) {
                Ok(()) => sent += piece.len(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        sent
    });
    daemon.knows(&[("liar", port)]);
    let (before, _) = daemon.memory();
    daemon.forget_peak();
    daemon.tells(&["remote", "test", "liar"]).refused().says("ssh.banner.too-long");
    assert!(heard.join().unwrap() < 64 << 20);
    let (_, peak) = daemon.memory();
    assert!(peak.saturating_sub(before) < MOST, "{} MiB more", (peak - before) / MIB);
}

#[test]
fn a_program_that_talks_for_ever_is_not_listened_to_for_long() {
    let daemon = Daemon::start();
    let fact = b"\x1eNONCE lacks everything\n".to_vec();
    let spool = b"\x1eNONCE spool 0123456789 1 1 1 open running\n".to_vec();
    let page = b"\x1eNONCE listed more\n".to_vec();
    let endless = [
        b"no line ".to_vec(),
        fact,
        spool,
        page,
        // Lines that are no end, of a length that is none.
        [b"\x1eNONCE ".as_slice(), &[b'x'; 200_000]].concat(),
    ];
    let mut liars: Vec<_> =
        endless.into_iter().map(|rest| Liar::start(Lie::ForEver(Vec::new(), rest))).collect();
    liars.push(Liar::start(Lie::Noise));
    let names: Vec<_> = (0..liars.len()).map(|number| format!("liar{number}")).collect();
    let remotes: Vec<_> =
        names.iter().zip(&liars).map(|(name, liar)| (name.as_str(), liar.port)).collect();
    daemon.knows(&remotes);
    let (before, _) = daemon.memory();
    daemon.forget_peak();
    // A minute each at most, all at once.
    thread::scope(|scope| {
        for name in &names {
            for verb in [&["remote", "test"][..], &["adopt", "--dry-run"]] {
                let daemon = &daemon;
                scope.spawn(move || {
                    let args: Vec<_> = verb.iter().copied().chain([name.as_str()]).collect();
                    let said = daemon.home.start(&args).finish_within(PATIENCE * 3);
                    assert_tame(&said);
                });
            }
        }
    });
    let (_, peak) = daemon.memory();
    let grown = peak.saturating_sub(before);
    assert!(grown < 4 * MOST, "{} MiB more for twelve that talk", grown / MIB);
    daemon.is_well();
}

#[test]
fn absurd_offsets_make_no_hole_that_others_pay_for() {
    let daemon = Daemon::start();
    let most = u64::MAX;
    let offsets = [most, 1 << 62, 1 << 51];
    let liars = offsets.map(|offset| {
        let says = vec!["claimed".to_owned(), "started 1".to_owned(), format!("at {offset}")];
        Liar::start(Lie::ForEver(says, b"x".to_vec()))
    });
    // An honest jump is told, and costs no room.
    let honest = Liar::start(Lie::Says(lines(&["claimed", "started 1", "at 1099511627776"])));
    let mut remotes: Vec<_> =
        ["liar0", "liar1", "liar2"].into_iter().zip(liars.iter().map(|liar| liar.port)).collect();
    remotes.push(("honest", honest.port));
    daemon.knows(&remotes);
    let kept = daemon.home.detached(&["--local", "--", "echo", "kept"]);
    daemon.home.longhaul(&["wait", &kept]).exited(0);
    let ids: Vec<_> = remotes
        .iter()
        .map(|(name, _)| daemon.home.detached(&["--on", name, "--max-output", "1MB", "--", "x"]))
        .collect();
    let told = daemon.home.await_state(&ids[3], "running");
    let jumped = || daemon.home.inspect(&ids[3])["stdout"] == 1_u64 << 40;
    eventually_or("the jump is told", jumped, || format!("{told:#}\n{}", daemon.log()));
    for id in &ids[..3] {
        let view = daemon.home.inspect(id);
        assert_eq!(view["stdout"], 0, "{view:#}");
    }
    // A terabyte that nobody has is no reason to remove what somebody has.
    let said = daemon.tells(&["gc"]).exited(0);
    assert_eq!(daemon.home.longhaul(&["logs", &kept]).exited(0).out(), "kept\n", "{said}");
    for args in [&["ps"][..], &["status"], &["ps", "--json"]] {
        daemon.tells(args).exited(0);
    }
    daemon.is_well();
}

#[test]
fn an_agents_line_of_ten_megabytes_is_read_and_not_kept() {
    let daemon = Daemon::start();
    // Up to what a line may be, then over it.
    let text = "x".repeat(10 << 20);
    let long = "x".repeat(5 << 20);
    let over = "y".repeat(20 << 20);
    let events = [
        format!(r#"{{"type":"system","subtype":"init","session_id":"{long}","model":"{long}"}}"#),
        format!(
            r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
        ),
        format!(
            r#"{{"type":"assistant","message":{{"content":[{{"type":"tool_use","id":"{long}","name":"{long}","input":{{"command":"{long}"}}}}]}}}}"#
        ),
        format!(r#"{{"type":"result","is_error":true,"result":"{over}"}}"#),
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"ESC"}]}}"#
            .replace("ESC", r"\u001b[2J\u009b\u202e"),
    ];
    let file = daemon.home.path().join("told");
    fs::write(&file, events.join("\n") + "\n").must("write it");
    daemon.home.configure(&Config::default().with_agent(
        Entry::named("claude").raw("profile", "Claude").raw("command", r#"["./liar"]"#),
    ));
    let program = daemon.home.path().join("liar");
    fs::write(&program, "#!/bin/sh\ncat told\n").must("write it");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).must("make it a program");
    daemon.home.longhaul(&["config", "reload"]).exited(0);
    let (before, _) = daemon.memory();
    daemon.forget_peak();
    let home = daemon.home.path().to_str().must("its path").to_owned();
    let id =
        daemon.home.detached(&["--local", "--cwd", &home, "--agent", "claude", "--prompt", "x"]);
    daemon.home.longhaul(&["wait", &id]);
    let said = daemon.tells(&["inspect", &id, "--json"]);
    assert!(said.out().len() < 64 << 10, "{} bytes", said.out().len());
    let said = daemon.tells(&["events", "--json"]);
    assert!(said.out().len() < 64 << 10, "{} bytes", said.out().len());
    assert!(said.out().contains("tool-call"), "nothing was heard: nothing was tested\n{said}");
    for args in [&["ps", "-a"][..], &["inspect", &id], &["events"], &["status"]] {
        daemon.tells(args);
    }
    let (_, peak) = daemon.memory();
    let grown = peak.saturating_sub(before);
    // A line of ten megabytes, its JSON, and what is made of it.
    assert!(grown < 4 * MOST, "{} MiB more", grown / MIB);
    daemon.is_well();
}
