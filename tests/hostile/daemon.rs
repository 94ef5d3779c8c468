//! A daemon that listens on TCP, too, and what it holds of memory.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tokio::time::Instant;

use crate::support::client_home::ClientHome;
use crate::support::command::{Input, Running};
use crate::support::must::Must;
use crate::support::wait::{PATIENCE, eventually_or};

/// A daemon with a home of its own. Fields are dropped in this order: it is killed
/// first, since a host that lies never says that a session of its own has ended.
pub(crate) struct Daemon {
    pub(crate) address: SocketAddr,
    process: Running,
    pub(crate) home: ClientHome,
}

/// How a request's connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Socket,
    Tcp,
}

pub(crate) const WAYS: [Way; 2] = [Way::Socket, Way::Tcp];

/// Either kind of connection.
pub(crate) trait Stream: Read + Write + Send {
    fn give_up_after(&self, limit: Duration) -> io::Result<()>;
}

impl Stream for UnixStream {
    fn give_up_after(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

impl Stream for TcpStream {
    fn give_up_after(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

impl Daemon {
    pub(crate) fn start() -> Self {
        let home = ClientHome::new();
        let mut command = home.command(&["daemon", "run"]);
        command.env("LONGHAUL_LISTEN", "127.0.0.1:0").env("LONGHAUL_LOG_FORMAT", "json");
        let process = Running::start(command, Input::Nothing);
        let mut address = None;
        eventually_or(
            "it says where it listens",
            || {
                address = told_address(&process.stderr());
                address.is_some()
            },
            || String::from_utf8_lossy(&process.stderr()).into_owned(),
        );
        let daemon = Self { address: address.must("its address"), process, home };
        eventually_or(
            "it answers",
            || daemon.home.longhaul(&["daemon", "status"]).code() == Some(0),
            || daemon.log(),
        );
        daemon
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.process.stderr()).into_owned()
    }

    pub(crate) fn connect(&self, way: Way) -> Box<dyn Stream> {
        let stream: Box<dyn Stream> = match way {
            Way::Socket => Box::new(UnixStream::connect(self.home.socket()).must("connect")),
            Way::Tcp => Box::new(TcpStream::connect(self.address).must("connect")),
        };
        stream.give_up_after(PATIENCE).must("set a time-out");
        stream
    }

    /// The token of the state directory.
    pub(crate) fn token(&self) -> String {
        let token = fs::read_to_string(self.home.state_dir().join("token"));
        token.must("read the token").trim().to_owned()
    }

    /// The header fields that a request needs.
    pub(crate) fn fields(&self) -> String {
        format!("Host: {}\r\nAuthorization: Bearer {}\r\n", self.address, self.token())
    }

    /// The answer to a request that is sent as it is, and how long it took.
    pub(crate) fn ask(&self, way: Way, request: &[u8]) -> (String, Duration) {
        let start = Instant::now();
        let mut stream = self.connect(way);
        // Who is refused may be hung up on while they go on writing.
        let _ = stream.write_all(request);
        (answer(stream.as_mut()), start.elapsed())
    }

    /// What is resident now, in bytes, and what was at most since
    /// [`forget_peak`](Self::forget_peak).
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid()));
        let status = status.must("read its status");
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).must(name);
            let number = line.split_whitespace().nth(1).must("a number");
            number.parse::<u64>().must("parse it") * 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    pub(crate) fn forget_peak(&self) {
        // proc_pid_clear_refs(5).
        fs::write(format!("/proc/{}/clear_refs", self.process.pid()), "5").must("forget the peak");
    }

    /// Its files that are open.
    pub(crate) fn descriptors(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.process.pid()));
        open.must("list its files").count()
    }
}

/// All that comes until the other side hangs up, in whatever way.
pub(crate) fn answer(stream: &mut dyn Stream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

fn told_address(log: &[u8]) -> Option<SocketAddr> {
    let lines = String::from_utf8_lossy(log).into_owned();
    let line = lines.lines().find(|line| line.contains("listens on TCP"))?;
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line["fields"]["address"].as_str()?.parse().ok()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "{}", self.log());
        }
    }
}
