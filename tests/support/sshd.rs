//! A real OpenSSH sshd, run as whoever runs the tests.
//!
//! It listens on loopback, has its own keys and lets in one client key. What
//! it runs for a client is what an account with another login shell and
//! another home would get: `ForceCommand` names a script that enters that home
//! and hands the client's command, as it is, to that shell with `-c`, which is
//! what sshd does by itself with the account's own (`session.c`, `do_child`).

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::keys::KeyPair;
use super::must::Must;
use super::ports::free_port;
use super::processes::{self, Process};
use super::wait::{PATIENCE, eventually_or, holds_within};

/// The login shells that accounts have, by the names that [`shell`] knows.
pub(crate) const SHELLS: [&str; 6] = ["bash", "dash", "zsh", "fish", "tcsh", "ash"];

/// How a server is set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The login shell, one of [`SHELLS`].
    pub(crate) shell: &'static str,
    /// The last component of the home directory there.
    pub(crate) home: &'static str,
    /// sshd's `MaxSessions`: channels on one link. OpenSSH's default is 10.
    pub(crate) max_sessions: u16,
    /// sshd's `MaxStartups`: logins under way at once. Many tests log in at
    /// once, so it is out of the way unless it is what is tested; OpenSSH's
    /// default is 10:30:100.
    pub(crate) max_startups: &'static str,
    /// Lines that go before all others in sshd_config; the first one counts.
    pub(crate) first: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self { shell: "bash", home: "home", max_sessions: 10, max_startups: "1000", first: "" }
    }
}

/// The server, and the home of the account behind it.
#[derive(Debug)]
pub(crate) struct Sshd {
    base: TempDir,
    home: PathBuf,
    port: u16,
    listener: Option<Child>,
}

impl Sshd {
    /// Starts a server of OpenSSH's defaults with bash behind it.
    pub(crate) fn start() -> Self {
        Self::with(&Setup::default())
    }

    /// Starts a server.
    pub(crate) fn with(setup: &Setup) -> Self {
        let base = tempfile::Builder::new().prefix("lh-sshd-").tempdir().must("make a folder");
        let home = base.path().join(setup.home);
        fs::create_dir(&home).must("make the home behind sshd");
        let port = free_port();
        let mut sshd = Self { base, home, port, listener: None };
        sshd.write_files(setup);
        sshd.listen();
        sshd
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The home directory of the account.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Writes a file in the account's home, with the folders that it needs.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.home.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).must("make a folder in the home behind sshd");
        }
        fs::write(&file, text).must("write a file in the home behind sshd");
        file
    }

    /// Reads a file of the account's home; what is not there is empty.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read(self.home.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// How many lines of the log hold `text`.
    pub(crate) fn log_lines_with(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Lets in these keys, and no others, from the next login on.
    pub(crate) fn authorize(&self, keys: &[&KeyPair]) {
        let lines: String = keys.iter().map(|key| format!("{}\n", key.public())).collect();
        fs::write(self.file("authorized_keys"), lines).must("write authorized_keys");
    }

    /// Takes so many channels on a link from the next [`restart`](Self::restart) on.
    pub(crate) fn set_max_sessions(&self, number: u16) {
        let file = self.file("sshd_config");
        let config = fs::read_to_string(&file).must("read sshd_config");
        let lines = config.lines().map(|line| match line.starts_with("MaxSessions ") {
            true => format!("MaxSessions {number}\n"),
            false => format!("{line}\n"),
        });
        fs::write(&file, lines.collect::<String>()).must("write sshd_config");
    }

    /// Shows this host key from the next [`restart`](Self::restart) on.
    pub(crate) fn set_host_key(&self, key: &KeyPair) {
        key.write_to(&self.file("host_key"));
    }

    /// Processes of the open connections: monitors and their children.
    pub(crate) fn connections(&self) -> Vec<Process> {
        let Some(listener) = &self.listener else { return Vec::new() };
        processes::descendants(listener.id()).into_iter().filter(is_sshd).collect()
    }

    /// What runs for open connections: all processes that a connection has
    /// started and that are still below it.
    pub(crate) fn link_processes(&self) -> Vec<u32> {
        let Some(listener) = &self.listener else { return Vec::new() };
        let below = processes::descendants(listener.id());
        below.into_iter().filter(|p| !is_sshd(p)).map(|p| p.pid).collect()
    }

    /// Kills (KILL) every open connection; the listener stays. What ran behind
    /// them stays as well.
    pub(crate) fn kill_connections(&self) -> usize {
        let connections = self.connections();
        for connection in &connections {
            if processes::look_at(connection.pid).is_some_and(|now| is_sshd(&now)) {
                processes::signal(connection.pid, Signal::KILL);
            }
        }
        connections.len()
    }

    /// Ends the listener and its connections; what ran behind them stays.
    pub(crate) fn stop(&mut self) {
        let Some(mut listener) = self.listener.take() else { return };
        // Stopped, it cannot fork a connection between the look and the kill.
        processes::signal(listener.id(), Signal::STOP);
        for connection in processes::descendants(listener.id()).into_iter().filter(is_sshd) {
            // What has just been forked for a session may have become its shell.
            if processes::look_at(connection.pid).is_some_and(|now| is_sshd(&now)) {
                processes::signal(connection.pid, Signal::KILL);
            }
        }
        let _ = listener.kill();
        let _ = listener.wait();
    }

    /// Starts anew on the same port.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.listen();
    }

    /// Processes of sessions: whatever belongs to the home and is no sshd.
    pub(crate) fn session_processes(&self) -> Vec<Process> {
        let mut found = processes::belonging_to(self.base.path());
        found.retain(|process| !is_sshd(process));
        found
    }

    fn file(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    fn write_files(&self, setup: &Setup) {
        KeyPair::host().write_to(&self.file("host_key"));
        self.authorize(&[KeyPair::client()]);
        // The account's real shell runs the forced command, and bash reads a
        // .bashrc when sshd starts it; it shall find none.
        fs::create_dir(self.file("bare")).must("make an empty home");
        symlink(program("busybox"), self.file("ash")).must("link ash");
        let shell = if setup.shell == "ash" { self.file("ash") } else { program(setup.shell) };
        let login = self.file("login");
        fs::write(&login, login_script(&self.home, &shell)).must("write the login script");
        fs::set_permissions(&login, Permissions::from_mode(0o755)).must("make it executable");
        let config = self.config(setup);
        fs::write(self.file("sshd_config"), config).must("write sshd_config");
    }

    fn config(&self, setup: &Setup) -> String {
        let Setup { max_sessions, max_startups, first, .. } = setup;
        let base = self.base.path().display();
        let port = self.port;
        let penalties = if knows_penalties() { "PerSourcePenalties no\n" } else { "" };
        format!(
            "{first}\n\
             ListenAddress 127.0.0.1:{port}\n\
             HostKey {base}/host_key\n\
             AuthorizedKeysFile {base}/authorized_keys\n\
             PidFile {base}/pid\n\
             StrictModes no\n\
             UsePAM no\n\
             PasswordAuthentication no\n\
             KbdInteractiveAuthentication no\n\
             PermitRootLogin yes\n\
             MaxSessions {max_sessions}\n\
             MaxStartups {max_startups}\n\
             LoginGraceTime 60\n\
             PrintMotd no\n\
             LogLevel VERBOSE\n\
             SetEnv HOME={base}/bare\n\
             ForceCommand exec {base}/login\n\
             {penalties}"
        )
    }

    fn listen(&mut self) {
        let listening = format!("Server listening on 127.0.0.1 port {}.", self.port);
        let before = self.log_lines_with(&listening);
        let mut listener = Command::new(sshd_program())
            .arg("-D")
            .arg("-f")
            .arg(self.file("sshd_config"))
            .arg("-E")
            .arg(self.file("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .must("start sshd");
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port);
        eventually_or(
            "sshd greets on its port",
            || {
                if let Ok(Some(status)) = listener.try_wait() {
                    panic!("sshd did not start ({status}):\n{}", self.log());
                }
                // Who greets on the port might be another one.
                self.log_lines_with(&listening) > before && greets(address)
            },
            || self.log(),
        );
        self.listener = Some(listener);
    }
}

impl Drop for Sshd {
    /// Ends the server, and fails the test if processes of a session are left.
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            for process in self.session_processes() {
                processes::signal(process.pid, Signal::KILL);
            }
            return;
        }
        if !holds_within(PATIENCE, || self.session_processes().is_empty()) {
            let left = self.session_processes();
            for process in &left {
                processes::signal(process.pid, Signal::KILL);
            }
            panic!("sessions left processes behind sshd:\n{}", processes::listing(&left));
        }
    }
}

/// The path of a program that the tests need; `tests/run` installs them.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .must(&format!("find {name}, which tests/run installs"))
}

/// The name of the account that runs the tests, and so of every login.
pub(crate) fn account() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let said = Command::new("id").arg("-un").output().must("ask id for the account's name");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    })
}

fn login_script(home: &Path, shell: &Path) -> String {
    // sshd sets no SHLVL and, without a forced command, no
    // SSH_ORIGINAL_COMMAND; `exec` leaves no shell in between.
    format!(
        "#!/bin/sh\n\
         HOME='{home}' SHELL='{shell}'\n\
         export HOME SHELL\n\
         unset SHLVL OLDPWD _\n\
         cd \"$HOME\" || exit 1\n\
         if [ -n \"${{SSH_ORIGINAL_COMMAND+set}}\" ]; then\n\
         \tset -- -c \"$SSH_ORIGINAL_COMMAND\"\n\
         fi\n\
         unset SSH_ORIGINAL_COMMAND\n\
         exec \"$SHELL\" \"$@\"\n",
        home = home.display(),
        shell = shell.display(),
    )
}

fn is_sshd(process: &Process) -> bool {
    // OpenSSH 9.8 moved the connection's half to a program of its own.
    matches!(process.name.as_str(), "sshd" | "sshd-session" | "sshd-auth")
}

fn sshd_program() -> PathBuf {
    // sshd starts itself again for each connection and wants its full path.
    program("sshd")
}

/// Whether this sshd punishes failed logins (OpenSSH 9.8): tests of refused
/// keys would be locked out.
fn knows_penalties() -> bool {
    static KNOWS: OnceLock<bool> = OnceLock::new();
    *KNOWS.get_or_init(|| {
        let key = tempfile::tempdir().must("make a folder");
        let host_key = KeyPair::host().write_to(&key.path().join("host_key"));
        let said = Command::new(sshd_program())
            .args(["-t", "-f", "/dev/null", "-o", "PerSourcePenalties=no", "-h"])
            .arg(host_key)
            .output()
            .must("ask sshd about its options");
        !String::from_utf8_lossy(&said.stderr).contains("PerSourcePenalties")
    })
}

fn greets(address: SocketAddrV4) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).is_ok() && &greeting == b"SSH-"
}
