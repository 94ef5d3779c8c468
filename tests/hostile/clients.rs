//! Clients that the API has to withstand.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use crate::daemon::{Daemon, Stream, WAYS, Way, answer, status};
use crate::support::command::{Input, Running};
use crate::support::wait::{PATIENCE, eventually_or};

const MIB: u64 = 1 << 20;

/// How long a head may take, as the daemon has it; tests allow for a busy machine
/// on one side only.
const HEAD_TIME: Duration = Duration::from_secs(10);

fn get(fields: &str) -> Vec<u8> {
    format!("GET /v1/status HTTP/1.1\r\n{fields}Connection: close\r\n\r\n").into_bytes()
}

#[test]
fn whoever_comes_by_tcp_needs_the_token() {
    let daemon = Daemon::start();
    let (host, token) = (daemon.address, daemon.token());
    assert_eq!(token.len(), 64, "256 bits");
    let file = daemon.home.state_dir().join("token");
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    let mut almost = token.clone();
    almost.pop();
    let with = |word: &str| get(&format!("Host: {host}\r\nAuthorization: {word}\r\n"));
    for word in ["Bearer x", "Bearer ", "Basic eDp4", &token, &format!("Bearer {almost}")] {
        let (said, _) = daemon.ask(Way::Tcp, &with(word));
        assert_eq!(status(&said), Some(401), "{word}\n{said}");
        assert!(said.contains("www-authenticate: Bearer"), "{said}");
        assert!(!said.contains(&token), "{said}");
    }
    let (said, _) = daemon.ask(Way::Tcp, &get(&format!("Host: {host}\r\n")));
    assert_eq!(status(&said), Some(401), "{said}");
    // Nor does a path help that is no route, nor one that any could be told.
    for path in ["/", "/v1/version", "/metrics", "/v1/openapi.json", "/v1/nothing"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let (said, _) = daemon.ask(Way::Tcp, request.as_bytes());
        assert_eq!(status(&said), Some(401), "{path}\n{said}");
    }
    let (said, _) = daemon.ask(Way::Tcp, &with(&format!("Bearer {token}")));
    assert_eq!(status(&said), Some(200), "{said}");
    // The socket is the owner's, and asks for none.
    let (said, _) = daemon.ask(Way::Socket, &get("Host: x\r\n"));
    assert_eq!(status(&said), Some(200), "{said}");
    assert!(!daemon.log().contains(&token), "the log holds the token");
}

#[test]
fn a_page_of_another_site_is_refused_even_with_the_token() {
    let daemon = Daemon::start();
    let (port, token) = (daemon.address.port(), daemon.token());
    let ours = format!("Host: localhost:{port}\r\n");
    for (fields, expected) in [
        // What a browser sends once evil.example leads to 127.0.0.1.
        ("Host: evil.example\r\n".to_owned(), 421),
        (format!("Host: evil.example:{port}\r\n"), 421),
        (format!("Host: 127.0.0.1.nip.io:{port}\r\n"), 421),
        (String::new(), 421),
        (format!("{ours}Host: evil.example\r\n"), 421),
        (format!("{ours}Origin: http://evil.example\r\n"), 403),
        (format!("{ours}Origin: http://localhost:1\r\n"), 403),
        (format!("{ours}Origin: null\r\n"), 403),
        (format!("{ours}Origin: http://localhost:{port}\r\n"), 200),
        (ours.clone(), 200),
    ] {
        let request = get(&format!("{fields}Authorization: Bearer {token}\r\n"));
        let (said, _) = daemon.ask(Way::Tcp, &request);
        // Without a Host there may be no answer of ours at all.
        let refused_unheard = fields.is_empty() && status(&said) == Some(400);
        assert!(status(&said) == Some(expected) || refused_unheard, "{fields}\n{said}");
        assert!(!said.to_lowercase().contains("access-control"), "{said}");
    }
    let preflight = format!(
        "OPTIONS /v1/sessions HTTP/1.1\r\n{ours}Origin: http://evil.example\r\n\
         Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    );
    let (said, _) = daemon.ask(Way::Tcp, preflight.as_bytes());
    assert_eq!(status(&said), Some(403), "{said}");
}

/// Runs a program as `nobody`; whoever runs the tests has to be root, or to be
/// allowed to become somebody else.
fn as_nobody(program: &[&str]) -> Command {
    let mut words = match rustix::process::geteuid().is_root() {
        true => vec!["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        false => vec!["sudo", "-n", "-u", "#65534"],
    };
    words.extend(program);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir("/");
    command
}

#[test]
fn another_user_who_gets_at_the_socket_is_hung_up_on_unheard() {
    let daemon = Daemon::start();
    let ask = "import socket, sys\n\
               s = socket.socket(socket.AF_UNIX)\n\
               try: s.connect(sys.argv[1])\n\
               except PermissionError: sys.exit('kept out')\n\
               s.settimeout(60)\n\
               try:\n \
                   s.sendall(b'GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n \
                   print(len(s.recv(1000)))\n\
               except (ConnectionResetError, BrokenPipeError): print(0)\n";
    let socket = daemon.home.socket();
    let path = socket.to_str().unwrap().to_owned();
    let nobody = || {
        let command = as_nobody(&["/usr/bin/python3", "-c", ask, &path]);
        Running::start(command, Input::Nothing).finish()
    };
    // By the folders' and the socket's modes nobody gets that far.
    let said = nobody().exited(1);
    assert!(said.err().contains("kept out"), "nothing was tested\n{said}");
    let open = |path: &std::path::Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    };
    open(daemon.home.path());
    open(&socket);
    for _ in 0..20 {
        assert_eq!(nobody().exited(0).out(), "0\n");
    }
    let log = daemon.log();
    assert_eq!(log.matches("connections of another user").count(), 1, "told once a minute\n{log}");
    daemon.home.longhaul(&["daemon", "status"]).exited(0);
    open_again(&daemon);
}

/// Takes back what the test above has opened up.
fn open_again(daemon: &Daemon) {
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(daemon.home.path(), private).unwrap();
}

/// A request whose body is a gigabyte, and how it goes on.
fn gigabyte(fields: &str, path: &str, chunked: bool) -> (Vec<u8>, Vec<u8>) {
    let length = if chunked { "Transfer-Encoding: chunked" } else { "Content-Length: 1073741824" };
    let head = format!("POST {path} HTTP/1.1\r\n{fields}{length}\r\n\r\n").into_bytes();
    let mut piece = vec![b' '; 1 << 20];
    if chunked {
        piece = [b"100000\r\n".as_slice(), &piece, b"\r\n"].concat();
    }
    (head, piece)
}

/// Sends a gigabyte until one is stopped; how much went out, and the answer.
fn send_gigabyte(stream: &mut dyn Stream, head: &[u8], piece: &[u8]) -> (u64, String) {
    stream.write_all(head).unwrap();
    let mut sent = 0;
    while sent < 1024 && stream.write_all(piece).is_ok() {
        sent += 1;
    }
    (sent * MIB, answer(stream))
}

#[test]
fn a_body_of_a_gigabyte_is_refused_and_not_held() {
    let daemon = Daemon::start();
    let fields = daemon.fields();
    let wrong = format!("Host: {}\r\nAuthorization: Bearer x\r\n", daemon.address);
    let (before, _) = daemon.memory();
    daemon.forget_peak();
    let start = Instant::now();
    for way in WAYS {
        for chunked in [false, true] {
            for path in ["/v1/sessions", "/v1/sessions/x/input", "/v1/gc", "/v1/status"] {
                let (head, piece) = gigabyte(&fields, path, chunked);
                let mut stream = daemon.connect(way);
                let (sent, said) = send_gigabyte(stream.as_mut(), &head, &piece);
                let what = format!("{way:?} {path} chunked {chunked}: {sent} bytes\n{said}");
                // The answer is lost where the kernel resets a connection whose
                // input nobody has read.
                assert!(matches!(status(&said), Some(413 | 405) | None), "{what}");
                assert!(sent < 32 * MIB, "{what}");
            }
        }
    }
    // Without the token not even a megabyte of it is read.
    let (head, piece) = gigabyte(&wrong, "/v1/sessions", false);
    let (sent, said) = send_gigabyte(daemon.connect(Way::Tcp).as_mut(), &head, &piece);
    assert!(matches!(status(&said), Some(401) | None), "{said}");
    assert!(sent < 16 * MIB, "{sent}");
    let (_, peak) = daemon.memory();
    let grown = peak.saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB more, in {:?}", grown / MIB, start.elapsed());
    report("17 bodies of a gigabyte", grown, start.elapsed());
}

#[test]
fn bodies_that_are_read_at_once_share_their_room() {
    let daemon = Daemon::start();
    let fields = daemon.fields();
    let (before, _) = daemon.memory();
    daemon.forget_peak();
    let start = Instant::now();
    // The largest there may be, and no JSON, so that nothing runs.
    let length = 16 * MIB;
    let head = format!(
        "POST /v1/sessions HTTP/1.1\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let body = vec![b' '; usize::try_from(length).unwrap()];
    thread::scope(|scope| {
        let asked: Vec<_> = (0..24)
            .map(|number| {
                let way = WAYS[number % 2];
                let (daemon, head, body) = (&daemon, &head, &body);
                scope.spawn(move || {
                    let mut stream = daemon.connect(way);
                    stream.write_all(head.as_bytes()).unwrap();
                    stream.write_all(body).unwrap();
                    answer(stream.as_mut())
                })
            })
            .collect();
        for asked in asked {
            let said = asked.join().unwrap();
            assert_eq!(status(&said), Some(400), "{said}");
        }
    });
    let (_, peak) = daemon.memory();
    let grown = peak.saturating_sub(before);
    // 24 of them are 384 MiB; a body is held twice while it is put together.
    assert!(grown < 192 * MIB, "{} MiB more", grown / MIB);
    report("24 bodies of 16 MiB at once", grown, start.elapsed());
}

#[test]
fn a_head_without_end_is_refused_and_not_held() {
    let daemon = Daemon::start();
    let (before, _) = daemon.memory();
    daemon.forget_peak();
    let field = format!("X-Field: {}\r\n", "x".repeat(4000));
    for way in WAYS {
        let mut stream = daemon.connect(way);
        stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n").unwrap();
        let mut sent = 0;
        while sent < 64 * MIB && stream.write_all(field.as_bytes()).is_ok() {
            sent += 4000;
        }
        assert!(sent < 8 * MIB, "{way:?}: {sent}");
        let said = answer(stream.as_mut());
        assert!(matches!(status(&said), Some(431 | 400) | None), "{said}");
        let fields: String = (0..1000).map(|n| format!("X-{n}: 1\r\n")).collect();
        let request = format!("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        let (said, _) = daemon.ask(way, request.as_bytes());
        assert_eq!(status(&said), Some(431), "{way:?}\n{said}");
        let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(1 << 20));
        let (said, _) = daemon.ask(way, long.as_bytes());
        assert!(matches!(status(&said), Some(414 | 431 | 400) | None), "{said}");
    }
    let (_, peak) = daemon.memory();
    assert!(peak.saturating_sub(before) < 16 * MIB, "{} MiB more", (peak - before) / MIB);
}

#[test]
fn slow_heads_and_bodies_are_cut_off_and_hold_up_nobody() {
    let daemon = Daemon::start();
    let start = Instant::now();
    // Slowloris: a byte now and then, and never the end.
    let heads: Vec<_> = (0..40)
        .map(|number| {
            let mut stream = daemon.connect(WAYS[number % 2]);
            thread::spawn(move || {
                let head = b"GET /v1/status HTTP/1.1\r\nX-Slow: ".iter().chain([&b'x'; 4000]);
                for byte in head {
                    if stream.write_all(&[*byte]).is_err() {
                        break;
                    }
                    thread::sleep(Duration::from_millis(200));
                }
                start.elapsed()
            })
        })
        .collect();
    let bodies: Vec<_> = WAYS
        .iter()
        .map(|&way| {
            let mut stream = daemon.connect(way);
            let head = format!(
                "POST /v1/gc HTTP/1.1\r\n{}Content-Length: 60000\r\n\r\n{{",
                daemon.fields()
            );
            thread::spawn(move || {
                stream.write_all(head.as_bytes()).unwrap();
                let said = answer(stream.as_mut());
                (said, start.elapsed())
            })
        })
        .collect();
    // In the meantime everybody else is answered.
    for _ in 0..5 {
        daemon.home.longhaul(&["ps"]).exited(0);
        let (said, _) = daemon.ask(Way::Tcp, &get(&daemon.fields()));
        assert_eq!(status(&said), Some(200), "{said}");
    }
    for head in heads {
        let after = head.join().unwrap();
        assert!(after >= HEAD_TIME / 2 && after < PATIENCE, "a slow head went on for {after:?}");
    }
    for body in bodies {
        let (said, after) = body.join().unwrap();
        assert_eq!(status(&said), Some(408), "{said}");
        assert!(said.contains("slow-body"), "{said}");
        assert!(after < PATIENCE * 2, "{after:?}");
    }
}

/// Connections of the owner's that say nothing.
const IDLE: usize = 2500;
/// Those by TCP, more than are served at once; how many more wait is up to the
/// kernel (listen(2)).
const IDLE_TCP: usize = 300;

#[test]
fn thousands_of_idle_connections_cost_little_and_are_closed() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let daemon = Daemon::start();
    let (before, _) = daemon.memory();
    let files = daemon.descriptors();
    daemon.forget_peak();
    let start = Instant::now();
    let mut idle: Vec<_> = (0..IDLE).map(|_| daemon.connect(Way::Socket)).collect();
    // The owner gets through all of them.
    let asked = Instant::now();
    daemon.home.longhaul(&["ps"]).exited(0);
    let answered = asked.elapsed();
    let open = daemon.descriptors().saturating_sub(files);
    idle.extend((0..IDLE_TCP).map(|_| daemon.connect(Way::Tcp)));
    let both = daemon.descriptors().saturating_sub(files);
    assert!(both <= IDLE + 256 + 8, "{both} connections are open");
    // Whoever comes by TCP waits until those before them are cut off.
    let (said, _) = daemon.ask(Way::Tcp, &get(&daemon.fields()));
    assert_eq!(status(&said), Some(200), "{said}");
    for (number, mut stream) in idle.into_iter().enumerate() {
        let read = stream.read(&mut [0]).map_err(|error| error.kind());
        assert!(matches!(read, Ok(0) | Err(ErrorKind::ConnectionReset)), "{number}: {read:?}");
    }
    eventually_or(
        "all of them are closed there, too",
        || daemon.descriptors() <= files + 8,
        || format!("{} files", daemon.descriptors()),
    );
    let (_, peak) = daemon.memory();
    let grown = peak.saturating_sub(before);
    assert!(grown < 96 * MIB, "{} KiB more for {open} connections", grown / 1024);
    report(&format!("{open} idle connections, `ps` in {answered:?}"), grown, start.elapsed());
}

/// What was measured, for whoever wants to see it (`--nocapture`).
fn report(what: &str, grown: u64, took: Duration) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{what}: {} KiB more at most, {took:?}", grown / 1024);
}
