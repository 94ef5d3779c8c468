//! The daemon under a service manager, and the next one in its place.

use std::fs::{self, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::client_home::ClientHome;
use crate::support::command::{Input, Running};
use crate::support::processes::{is_alive, signal};
use crate::support::wait::{PATIENCE, eventually, eventually_or};

/// What a service manager hears, word by word.
struct Ear(UnixDatagram);

impl Ear {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// The next message that begins with `word`; what comes before is dropped.
    #[track_caller]
    fn hears(&self, word: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let length = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("{word}: {error}"));
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if message.starts_with(word) {
                return message;
            }
        }
    }
}

/// Waits for the daemon that was started here: a command that comes before it
/// would start one of its own.
#[track_caller]
fn await_daemon(home: &ClientHome) {
    eventually("the daemon answers", || home.longhaul(&["daemon", "status"]).code() == Some(0));
}

#[test]
fn tells_the_service_manager_how_it_goes() {
    let home = ClientHome::new();
    let path = home.path().join("notify");
    let ear = Ear::at(&path);
    let mut command = home.command(&["daemon", "run"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    let daemon = Running::start(command, Input::Nothing);
    let ready = ear.hears("READY=1");
    assert!(ready.contains("STATUS=no sessions"), "{ready}");
    // Ready means ready: the first request is answered.
    home.longhaul(&["daemon", "status"]).exited(0);
    ear.hears("WATCHDOG=1");
    let id = home.detached(&["--local", "--", "sleep", "100"]);
    ear.hears("STATUS=1 session");
    home.longhaul(&["kill", &id]).exited(0);
    daemon.signal(Signal::HUP);
    let reloading = ear.hears("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    ear.hears("READY=1");
    daemon.signal(Signal::TERM);
    ear.hears("STOPPING=1");
    daemon.finish().exited(0);
}

#[test]
fn serves_on_the_socket_that_it_is_handed_and_leaves_it_there() {
    let home = ClientHome::new();
    let listener = UnixListener::bind(home.socket()).unwrap();
    // Asked before there is a daemon, and answered by the one that comes.
    let asked = home.start(&["ps"]);
    let start = |listener: &UnixListener| {
        let mut command = Command::new("/bin/sh");
        let given = home.command(&[]);
        command
            .arg("-c")
            .arg("exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" daemon run")
            .arg(given.get_program())
            .env_clear()
            .envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(home.path())
            .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut first = start(&listener);
    asked.finish().exited(0);
    home.longhaul(&["daemon", "stop"]).exited(0);
    // The command came back when the daemon closed; the listener is the manager's.
    first.wait().unwrap();
    assert!(home.socket().exists());
    let asked = home.start(&["run", "--local", "--", "echo", "there"]);
    let mut second = start(&listener);
    assert_eq!(asked.finish().exited(0).out(), "there\n");
    signal(second.id(), Signal::TERM);
    assert!(second.wait().unwrap().success());
    assert!(home.socket().exists());
}

#[test]
fn who_follows_goes_on_with_the_next_daemon() {
    let home = ClientHome::new();
    let go = home.path().join("go");
    let script =
        format!("echo before; until [ -e '{}' ]; do sleep 0.05; done; echo after", go.display());
    let id = home.detached(&["--local", "--", "sh", "-c", &script]);
    let (logs, attached) = (home.start(&["logs", "-f", &id]), home.start(&["attach", &id]));
    for reader in [&logs, &attached] {
        let said = || String::from_utf8_lossy(&reader.stdout()).into_owned();
        eventually_or("it follows", || said() == "before\n", said);
    }
    let first = home.daemon_pid().unwrap();
    home.longhaul(&["daemon", "restart"]).exited(0);
    assert!(!is_alive(first));
    assert_ne!(home.daemon_pid(), None);
    fs::write(&go, "").unwrap();
    assert_eq!(logs.finish().exited(0).out(), "before\nafter\n");
    assert_eq!(attached.finish().exited(0).out(), "before\nafter\n");
}

#[test]
fn a_log_that_has_grown_is_put_aside_and_no_line_is_lost() {
    let home = ClientHome::new();
    let log = home.path().join("daemon.log");
    let file = OpenOptions::new().create(true).append(true).open(&log).unwrap();
    let path = log.to_str().unwrap();
    let mut command = home.command(&["daemon", "run", "--log", path, "--log-bytes", "20000"]);
    let mut daemon = command.env("LONGHAUL_LOG", "info").stderr(Stdio::from(file)).spawn().unwrap();
    await_daemon(&home);
    let aside = home.path().join("daemon.log.1");
    let mut sessions = 0;
    while !aside.exists() {
        // Each leaves some lines.
        home.longhaul(&["run", "--local", "--", "true"]).exited(0);
        sessions += 1;
        assert!(sessions < 500, "the log is never put aside");
    }
    home.longhaul(&["daemon", "stop"]).exited(0);
    assert!(daemon.wait().unwrap().success());
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let all = read(&aside) + &read(&log);
    assert!(read(&aside).len() >= 20_000);
    let ended = all.lines().filter(|line| line.contains("ended session=")).count();
    assert_eq!(ended, sessions, "lines are missing:\n{all}");
    assert!(read(&log).contains("stopping; sessions go on"), "{}", read(&log));
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn json_is_logged_where_it_is_asked_for() {
    let home = ClientHome::new();
    let mut command = home.command(&["daemon", "run"]);
    command.env("LONGHAUL_LOG_FORMAT", "json");
    let daemon = Running::start(command, Input::Nothing);
    await_daemon(&home);
    home.longhaul(&["run", "--local", "--", "true"]).exited(0);
    home.longhaul(&["daemon", "stop"]).exited(0);
    for line in daemon.finish().exited(0).err().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["fields"]["message"].is_string() && line["level"].is_string(), "{line}");
    }
}

/// A folder of programs with a `systemctl` that writes down what it is told, and
/// a home where the units go.
struct Installed {
    home: ClientHome,
}

impl Installed {
    fn new() -> Self {
        let home = ClientHome::new();
        let bin = home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let systemctl = bin.join("systemctl");
        let orders = home.path().join("orders");
        fs::write(&systemctl, format!("#!/bin/sh\necho \"$*\" >>'{}'\n", orders.display()))
            .unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
        Self { home }
    }

    fn longhaul(&self, args: &[&str]) -> crate::support::command::Finished {
        let mut command = self.home.command(args);
        let path = format!("{}:/usr/bin:/bin", self.home.path().join("bin").display());
        command.env("PATH", path);
        Running::start(command, Input::Nothing).finish()
    }

    fn orders(&self) -> String {
        fs::read_to_string(self.home.path().join("orders")).unwrap_or_default()
    }
}

#[test]
fn the_service_is_installed_and_taken_away_as_systemd_wants_it() {
    let installed = Installed::new();
    let units = installed.home.path().join(".config/systemd/user");
    let id = installed.home.detached(&["--local", "--", "sleep", "100"]);
    installed.home.await_state(&id, "running");
    let before = installed.home.daemon_pid();
    installed.longhaul(&["daemon", "install", "--hardened"]).exited(0);
    assert_ne!(installed.home.daemon_pid(), before, "the daemon gave way to the service");
    assert_eq!(installed.home.inspect(&id)["state"], "running", "sessions go on");
    let orders = installed.orders();
    // What comes after is a command that finds no daemon, since this one starts none.
    assert!(
        orders.starts_with(
            "--user daemon-reload\n\
             --user stop longhaul.socket longhaul.service\n\
             --user enable --now longhaul.socket longhaul.service\n"
        ),
        "{orders}"
    );
    let unit = fs::read_to_string(units.join("longhaul.service")).unwrap();
    let state =
        format!("Environment=LONGHAUL_STATE_DIR={}\n", installed.home.state_dir().display());
    assert!(unit.contains(&state), "{unit}");
    let socket = fs::read_to_string(units.join("longhaul.socket")).unwrap();
    let listen = format!("ListenStream={}\n", installed.home.socket().display());
    assert!(socket.contains(&listen), "{socket}");
    assert!(units.join("longhaul.service.d/10-hardened.conf").exists());
    verify(&installed.home, &units);
    // Not hardened any more, since it was not said again.
    installed.longhaul(&["daemon", "install"]).exited(0);
    assert!(!units.join("longhaul.service.d/10-hardened.conf").exists());
    installed.longhaul(&["daemon", "uninstall"]).exited(0);
    assert!(installed.orders().contains("--user disable --now longhaul.socket longhaul.service\n"));
    assert!(!units.join("longhaul.service").exists() && !units.join("longhaul.socket").exists());
    installed.longhaul(&["daemon", "uninstall"]).exited(0).says("no service is installed");
    installed.home.longhaul(&["kill", &id]).exited(0);
}

/// systemd's own word on the units.
fn verify(home: &ClientHome, units: &Path) {
    let runtime = home.path().join("run");
    fs::create_dir_all(&runtime).unwrap();
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["--user", "verify"])
        .args(["longhaul.service", "longhaul.socket"].map(|unit| units.join(unit)))
        .env("XDG_RUNTIME_DIR", &runtime)
        .env("HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && said.is_empty(), "{said}");
}

#[test]
fn a_unit_that_somebody_else_has_written_stays() {
    let installed = Installed::new();
    let units = installed.home.path().join(".config/systemd/user");
    fs::create_dir_all(&units).unwrap();
    fs::write(units.join("longhaul.service"), "[Service]\nExecStart=/bin/true\n").unwrap();
    installed.longhaul(&["daemon", "install"]).refused().says("longhaul has not written it");
    assert_eq!(
        fs::read_to_string(units.join("longhaul.service")).unwrap(),
        "[Service]\nExecStart=/bin/true\n"
    );
    assert_eq!(installed.orders(), "");
    assert!(!units.join("longhaul.socket").exists());
}

#[test]
fn without_a_manager_of_the_user_s_it_is_said_what_to_type() {
    let installed = Installed::new();
    let systemctl = installed.home.path().join("bin/systemctl");
    fs::write(&systemctl, "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n").unwrap();
    installed
        .longhaul(&["daemon", "install"])
        .refused()
        .says("Failed to connect to bus")
        .says("loginctl enable-linger");
}
