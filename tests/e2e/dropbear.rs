//! A server that is no OpenSSH: dropbear.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::forwarded_agent::Agent;
use crate::support::client_home::ClientHome;
use crate::support::config::{Config, Entry};
use crate::support::keys::KeyPair;
use crate::support::must::Must;
use crate::support::ports::free_port;
use crate::support::processes;
use crate::support::sshd::{account, program};
use crate::support::wait::eventually_or;

/// The server and its one client. The account's home is this folder, by
/// nss_wrapper: dropbear asks for no other place of its authorized_keys.
struct Dropbear {
    home: ClientHome,
    base: TempDir,
    port: u16,
    listener: Child,
}

impl Dropbear {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let base = tempfile::Builder::new().prefix("lh-dropbear-").tempdir().must("a folder");
        let path = |name: &str| base.path().join(name);
        fs::create_dir_all(path("home/.ssh")).must("make the account's home");
        fs::write(path("home/.ssh/authorized_keys"), KeyPair::client().public()).must("write");
        let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let (name, there) = (account(), path("home"));
        let passwd = format!("{name}:x:{uid}:{gid}::{}:/bin/bash\n", there.display());
        fs::write(path("passwd"), passwd).must("write passwd");
        fs::write(path("group"), format!("{name}:x:{gid}:\n")).must("write group");
        File::create(path("log")).must("make the log");
        new_host_key(&path("host_key"));
        let port = free_port();
        let listener = listen(&base, port, options);
        let home = ClientHome::new();
        home.configure(&Config::default().with_remote(Entry::remote(
            "box",
            port,
            &home.identity(),
        )));
        Self { home, base, port, listener }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn logs(&self) -> String {
        format!("{}--- dropbear\n{}", self.home.logs(), self.log())
    }

    /// Logins that were begun: the log names their user.
    fn logins(&self) -> usize {
        self.log().matches("(user '").count()
    }

    fn kill_connections(&self) -> usize {
        let mut below = processes::descendants(self.listener.id());
        below.retain(|process| process.name == "dropbear");
        below.iter().for_each(|connection| processes::signal(connection.pid, Signal::KILL));
        below.len()
    }

    fn on_box(&self, args: &[&str]) -> crate::support::command::Finished {
        let args: Vec<_> = ["run", "--on", "box"].iter().chain(args).copied().collect();
        self.home.longhaul(&args)
    }

    fn show_another_key(&mut self) {
        self.kill_connections();
        let _ = self.listener.kill();
        let _ = self.listener.wait();
        fs::remove_file(self.path("host_key")).must("remove the host key");
        new_host_key(&self.path("host_key"));
        self.listener = listen(&self.base, self.port, &[]);
    }
}

impl Drop for Dropbear {
    fn drop(&mut self) {
        self.kill_connections();
        let _ = self.listener.kill();
        let _ = self.listener.wait();
    }
}

/// The public half of the new key, as known_hosts has it.
fn new_host_key(file: &std::path::Path) {
    let made = Command::new(program("dropbearkey"))
        .args(["-t", "ed25519", "-f"])
        .arg(file)
        .output()
        .must("start dropbearkey");
    assert!(made.status.success(), "{made:?}");
}

fn listen(base: &TempDir, port: u16, options: &[&str]) -> Child {
    let path = |name: &str| base.path().join(name);
    let log = File::options().append(true).open(path("log")).must("open the log");
    let listener = Command::new(program("dropbear"))
        // In the foreground, its log on standard error, no passwords.
        .args(["-F", "-E", "-s", "-r"])
        .arg(path("host_key"))
        .args(["-p", &format!("127.0.0.1:{port}"), "-P"])
        .arg(path("pid"))
        .args(options)
        .env("LD_PRELOAD", "libnss_wrapper.so")
        .env("NSS_WRAPPER_PASSWD", path("passwd"))
        .env("NSS_WRAPPER_GROUP", path("group"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .must("start dropbear");
    let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    eventually_or("dropbear listens", listens, String::new);
    listener
}

#[test]
fn a_session_runs_from_end_to_end_and_its_key_is_learned() {
    let mut server = Dropbear::start();
    let said = server.on_box(&["--", "sh", "-c", "echo out; echo err >&2; pwd; exit 3"]);
    let said = said.exited(3);
    assert_eq!(said.out(), format!("out\n{}\n", server.path("home").display()), "{said}");
    assert_eq!(said.err().lines().last(), Some("err"), "{said}");
    let shown = Command::new(program("dropbearkey"))
        .args(["-y", "-f"])
        .arg(server.path("host_key"))
        .output()
        .must("start dropbearkey");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let key = shown.lines().find(|line| line.starts_with("ssh-ed25519 ")).must("a public key");
    let key: Vec<_> = key.split(' ').take(2).collect();
    let known = fs::read_to_string(server.home.path().join(".ssh/known_hosts")).must("learned");
    assert!(known.contains(&key.join(" ")), "{known}\n{shown}");

    server.show_another_key();
    server.on_box(&["--", "true"]).exited(125).says("ssh.host-key.changed");
}

#[test]
fn a_session_survives_the_cut_of_its_link_and_can_be_killed() {
    let server = Dropbear::start();
    let script = "echo up; until [ -e go ]; do sleep 0.1; done; echo end; sleep 1000";
    let id = server.home.detached(&["--on", "box", "--", "sh", "-c", script]);
    let printed = |bytes: u64| server.home.inspect(&id)["stdout"].as_u64() == Some(bytes);
    eventually_or("it runs", || printed(3), || server.logs());
    assert!(server.kill_connections() > 0);
    fs::write(server.path("home/go"), "").must("let it go on");
    eventually_or("it is followed again", || printed(7), || server.logs());
    assert_eq!(server.home.longhaul(&["logs", &id]).exited(0).out(), "up\nend\n");
    server.home.longhaul(&["kill", &id]).exited(0);
    server.home.await_state(&id, "signalled");
}

#[test]
fn as_many_sessions_as_one_likes_run_side_by_side() {
    let server = Dropbear::start();
    let start = |n: usize| {
        let script = format!("until [ -e go ]; do sleep 0.1; done; echo {n}");
        server.home.detached(&["--on", "box", "--", "sh", "-c", &script])
    };
    let ids: Vec<_> = (0..12).map(start).collect();
    ids.iter().for_each(|id| _ = server.home.await_state(id, "running"));
    fs::write(server.path("home/go"), "").must("let them go on");
    for (n, id) in ids.iter().enumerate() {
        server.home.longhaul(&["wait", id]).exited(0);
        assert_eq!(server.home.longhaul(&["logs", id]).out(), format!("{n}\n"));
    }
}

#[test]
fn a_login_that_is_refused_is_not_tried_again() {
    let server = Dropbear::with(&["-T", "2"]);
    fs::write(server.path("home/.ssh/authorized_keys"), "").must("let nobody in");
    server.on_box(&["--", "true"]).exited(125).says("ssh.auth.denied");
    server.home.longhaul(&["ps"]).exited(0);
    assert_eq!(server.logins(), 1, "{}", server.logs());
}

#[test]
fn the_agent_is_forwarded_there_too() {
    let server = Dropbear::start();
    let agent = Agent::start(server.home.path());
    fs::write(server.home.path().join(".ssh/config"), agent.forwarding()).must("write");
    let said = server.on_box(&["--", "sh", "-c", "ssh-add -l; ssh-add -l"]).exited(0);
    assert_eq!(said.out().matches("ED25519").count(), 2, "{said}");
}
