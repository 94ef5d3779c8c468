//! A real sshd on loopback, and keys for it.
//!
//! Each connection is accepted here and handed to an `sshd -i` of its own, so
//! there is no port to guess and no start to wait for.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::auth::Askpass;
use super::channel::ExecEvent;
use super::dial::dial_with;
use super::link::Link;
use super::settings::{SshEnvironment, effective};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_options::{Login, Offer, Reach};
use crate::domain::target::{
    HostKeyRules, KeepAlive, SshConfigUse, SshRequest, SshSettings, SystemSsh, UnknownHost,
};
use crate::domain::transport::{Chosen, TransportChoice};

/// The passphrase of the keys that have one.
pub(super) const PASSPHRASE: &str = "open sesame";

/// A server and the home of its one client.
pub(super) struct Sshd {
    pub(super) dir: TempDir,
    pub(super) port: u16,
    sessions: Arc<Mutex<Vec<Child>>>,
}

impl Sshd {
    /// A server with an ed25519 host key and these lines before its defaults.
    pub(super) fn start(options: &str) -> Self {
        Self::with_host_keys(&["ed25519"], options)
    }

    pub(super) fn with_host_keys(types: &[&str], options: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut config = format!("{options}\n");
        for kind in types {
            let file = path(&format!("host_{kind}"));
            keygen(&file, kind, "");
            config.push_str(&format!("HostKey {}\n", file.display()));
        }
        config.push_str(&format!(
            "AuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel DEBUG1\n",
            path("authorized_keys").display(),
        ));
        let (config_file, log) = (path("sshd_config"), path("sshd.log"));
        fs::write(&config_file, config).unwrap();
        fs::write(path("authorized_keys"), "").unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sessions = Arc::<Mutex<Vec<Child>>>::default();
        let children = sessions.clone();
        // Lives as long as the test's process; a server that is gone must not
        // be the reason for which a test passes.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let output = stream.try_clone().unwrap();
                let session = Command::new("/usr/sbin/sshd")
                    .arg("-i")
                    .arg("-f")
                    .arg(&config_file)
                    .arg("-E")
                    .arg(&log)
                    .stdin(Stdio::from(OwnedFd::from(stream)))
                    .stdout(Stdio::from(OwnedFd::from(output)))
                    .stderr(Stdio::null())
                    .spawn();
                if let Ok(session) = session {
                    children.lock().unwrap().push(session);
                }
            }
        });
        Self { dir, port, sessions }
    }

    /// A server and settings that log in to it with an ed25519 key.
    pub(super) fn ready() -> (Self, SshSettings) {
        Self::ready_with("")
    }

    pub(super) fn ready_with(options: &str) -> (Self, SshSettings) {
        let sshd = Self::start(options);
        let key = sshd.key("id", "ed25519", "");
        sshd.authorize(&key);
        let settings = sshd.settings(&[&key]);
        (sshd, settings)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A new key in the client's home.
    pub(super) fn key(&self, name: &str, kind: &str, passphrase: &str) -> PathBuf {
        let file = self.path(name);
        keygen(&file, kind, passphrase);
        file
    }

    pub(super) fn authorize(&self, key: &Path) {
        let authorized = self.path("authorized_keys");
        let all = fs::read_to_string(&authorized).unwrap() + &public(key);
        fs::write(authorized, all).unwrap();
    }

    /// Settings that find the server, with these keys and an empty known_hosts.
    pub(super) fn settings(&self, keys: &[&PathBuf]) -> SshSettings {
        SshSettings {
            port: self.port,
            user: me(),
            identity_files: keys.iter().map(|&key| key.clone()).collect(),
            user_known_hosts: vec![self.path("known_hosts")],
            ..bare_settings()
        }
    }

    /// The same settings, to be reached by the system's `ssh`.
    pub(super) fn by_system(&self, settings: SshSettings) -> SshSettings {
        let file = self.path("ssh_config");
        let text = format!(
            "IdentityAgent none\nIdentitiesOnly yes\nUserKnownHostsFile {}\n\
             GlobalKnownHostsFile /dev/null\n",
            self.path("known_hosts").display()
        );
        fs::write(&file, text).unwrap();
        let told = SystemSsh {
            host: settings.host_name.clone(),
            port: Some(settings.port),
            user: Some(settings.user.clone()),
            identity_file: settings.identity_files.first().cloned(),
            ssh_config: SshConfigUse::File(file),
        };
        SshSettings { system_ssh: Some(told), ..settings }
    }

    /// What sshd has logged so far.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("sshd.log")).unwrap_or_default()
    }

    /// The settings of `host` by an ssh_config of this text.
    pub(super) fn configured(&self, host: &str, config: &str) -> SshSettings {
        let evaluated = self.evaluated(host, config);
        evaluated.unwrap_or_else(|trouble| panic!("{config}\n{trouble:?}"))
    }

    pub(super) fn evaluated(&self, host: &str, config: &str) -> Result<SshSettings, LinkTrouble> {
        let home = self.path("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        fs::write(home.join(".ssh/config"), config).unwrap();
        let request = SshRequest {
            host: host.to_owned(),
            port: None,
            user: None,
            identity_file: None,
            ssh_config: SshConfigUse::On,
            transport: TransportChoice::Auto,
        };
        let env =
            SshEnvironment { home, local_user: me(), ssh_auth_sock: None, system_config: None };
        effective(&request, &env)
    }

    /// The lines that lead to this server, for a `Host` of an ssh_config.
    pub(super) fn lines(&self) -> String {
        format!(
            " HostName 127.0.0.1\n Port {}\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n \
             ConnectTimeout 20\n",
            self.port,
            self.path("known_hosts").display()
        )
    }

    pub(super) fn known_hosts(&self) -> String {
        fs::read_to_string(self.path("known_hosts")).unwrap_or_default()
    }

    /// Kills the processes of all connections: for a plain user the one that was
    /// started has a child, which would go on without it.
    pub(super) fn kill_sessions(&self) {
        for session in self.sessions.lock().unwrap().iter_mut() {
            let parent = session.id().to_string();
            let children = Command::new("pgrep").args(["-P", &parent]).output().unwrap().stdout;
            let _ = session.kill();
            let _ = session.wait();
            let children = String::from_utf8_lossy(&children).into_owned();
            let _ = Command::new("kill").arg("-KILL").args(children.split_whitespace()).output();
        }
    }

    /// A program that answers every prompt with `answer` and writes the prompt
    /// down.
    pub(super) fn askpass(&self, answer: &str) -> Askpass {
        let file = self.path("askpass");
        let log = self.path("prompts");
        let text =
            format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}'\necho '{answer}'\n", log.display());
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
        Askpass::program(file)
    }

    pub(super) fn prompts(&self) -> String {
        fs::read_to_string(self.path("prompts")).unwrap_or_default()
    }

    /// An agent that holds these keys.
    pub(super) fn agent(&self, keys: &[&PathBuf]) -> Agent {
        let socket = self.path("agent");
        let mut child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It prints where it listens once it does.
        let mut said = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut said).unwrap();
        for key in keys {
            let askpass = self.askpass(PASSPHRASE);
            let added = Command::new("ssh-add")
                .arg("-q")
                .arg(key)
                .env("SSH_AUTH_SOCK", &socket)
                .env("SSH_ASKPASS", askpass.path())
                .env("SSH_ASKPASS_REQUIRE", "force")
                .stdin(Stdio::null())
                .status()
                .unwrap();
            assert!(added.success());
        }
        let _ = fs::remove_file(self.path("prompts"));
        Agent { child, socket }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_sessions();
    }
}

/// A running ssh-agent.
pub(super) struct Agent {
    child: Child,
    pub(super) socket: PathBuf,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Settings that lead to port 22 of this machine, without any key.
pub(super) fn bare_settings() -> SshSettings {
    SshSettings {
        host_name: "127.0.0.1".to_owned(),
        host_key_name: "127.0.0.1".to_owned(),
        host_key_alias: None,
        port: 22,
        user: "me".to_owned(),
        identity_files: Vec::new(),
        identities_explicit: true,
        identities_only: false,
        jumps: Vec::new(),
        keep_alive: KeepAlive::default(),
        connect_timeout: Duration::from_secs(20),
        unknown_host: UnknownHost::AcceptNew,
        host_key_rules: HostKeyRules::default(),
        user_known_hosts: Vec::new(),
        global_known_hosts: Vec::new(),
        agent_socket: None,
        forward_agent: None,
        reach: Reach::default(),
        login: Login::default(),
        offer: Offer::default(),
        env: Vec::new(),
        transport: Chosen::default(),
        system_ssh: None,
    }
}

/// Dials without askpass and without progress.
pub(super) async fn dial(settings: &SshSettings) -> Result<Link, LinkTrouble> {
    dial_with(settings, None, &|_| {}).await
}

pub(super) fn keygen(file: &Path, kind: &str, passphrase: &str) {
    let bits: &[&str] = if kind == "rsa" { &["-b", "2048"] } else { &[] };
    // Few rounds: the key derivation is not what is tested.
    let made = Command::new("ssh-keygen")
        .args(["-q", "-a", "1", "-t", kind, "-C", "", "-N", passphrase, "-f"])
        .arg(file)
        .args(bits)
        .status()
        .unwrap();
    assert!(made.success());
}

/// The public half as text, with its line end.
pub(super) fn public(key: &Path) -> String {
    fs::read_to_string(format!("{}.pub", key.display())).unwrap()
}

/// The user who runs the tests.
pub(super) fn me() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

/// What a command prints on the other side.
pub(super) async fn says(link: &Link, command: &str) -> String {
    let (mut reader, _writer) = link.exec(command).await.unwrap().split();
    let mut said = Vec::new();
    while let Some(event) = reader.next().await {
        if let ExecEvent::Stdout(bytes) = event {
            said.extend(bytes);
        }
    }
    String::from_utf8(said).unwrap()
}
