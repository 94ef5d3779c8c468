//! What the other tests stand on, tried with OpenSSH's own client.

use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

use crate::support::checksum::{self, DataFile, MIB};
use crate::support::command::{Finished, Input, Running};
use crate::support::keys::KeyPair;
use crate::support::must::Must;
use crate::support::processes;
use crate::support::proxy::{Flow, Proxy};
use crate::support::sshd::{SHELLS, Setup, Sshd, account};
use crate::support::wait::{PATIENCE, eventually, eventually_or};

/// `ssh`, with nothing of this machine's configuration.
fn ssh(port: u16, sshd: &Sshd, command: &str) -> Command {
    ssh_with(&[], port, sshd, command)
}

/// [`ssh`] with further options.
fn ssh_with(options: &[&str], port: u16, sshd: &Sshd, command: &str) -> Command {
    let identity = KeyPair::client().write_to(&sshd.home().join("client_key"));
    let host_key = KeyPair::host().public();
    let known = sshd.write("known_hosts", &format!("[127.0.0.1]:{port} {host_key}\n"));
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentityAgent=none"])
        .args(["-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"])
        .arg("-o")
        .arg(format!("UserKnownHostsFile=\"{}\"", known.display()))
        .args(["-p", &port.to_string(), "-l", account(), "-i"])
        .arg(identity)
        .args(options)
        .args(["127.0.0.1", command]);
    ssh
}

fn run(command: Command) -> Finished {
    Running::start(command, Input::Nothing).finish()
}

#[test]
fn every_login_shell_gets_the_command_as_it_was_sent() {
    for shell in SHELLS {
        let sshd = Sshd::with(&Setup { shell, home: "home of mine", ..Setup::default() });
        let sent = r#"echo "$HOME" 'a"b $x  c' d\ e; pwd; echo shell:"$SHELL"; exit 3"#;
        let said = run(ssh(sshd.port(), &sshd, sent)).exited(3);
        let home = sshd.home().display();
        let expected = format!("{home} a\"b $x  c d e\n{home}\nshell:");
        assert!(said.out().starts_with(&expected), "{shell}\n{said}");
        assert!(said.out().ends_with(&format!("/{shell}\n")), "{shell}\n{said}");
    }
}

#[test]
fn rc_files_of_the_sandbox_home_are_read() {
    for (shell, rc) in [
        ("bash", ".bashrc"),
        ("zsh", ".zshenv"),
        ("tcsh", ".tcshrc"),
        ("fish", ".config/fish/config.fish"),
    ] {
        let sshd = Sshd::with(&Setup { shell, ..Setup::default() });
        sshd.write(rc, "echo noise\n");
        let said = run(ssh(sshd.port(), &sshd, "echo signal")).exited(0);
        assert_eq!(said.out(), "noise\nsignal\n", "{shell}\n{said}");
    }
}

#[test]
fn killed_connections_end_the_client_and_not_the_command() {
    let sshd = Sshd::start();
    let long = Running::start(ssh(sshd.port(), &sshd, "exec sleep 1000"), Input::Nothing);
    let sleeps = || sshd.session_processes().into_iter().find(|p| p.arguments == "sleep 1000");
    eventually("the command runs", || sleeps().is_some());
    assert!(sshd.kill_connections() > 0);
    long.finish().exited(255);
    let sleep = sleeps().must("find the command that outlived its connection");
    processes::signal(sleep.pid, rustix::process::Signal::KILL);
    eventually("the command is gone", || sleeps().is_none());
}

#[test]
fn a_restarted_server_has_its_port_and_its_key_again() {
    let mut sshd = Sshd::start();
    let port = sshd.port();
    sshd.stop();
    run(ssh(port, &sshd, "true")).exited(255);
    sshd.restart();
    assert_eq!(sshd.port(), port);
    assert_eq!(run(ssh(port, &sshd, "echo back")).exited(0).out(), "back\n");
}

#[test]
fn a_key_that_is_not_authorized_is_denied_and_logged() {
    let sshd = Sshd::start();
    sshd.authorize(&[]);
    let said = run(ssh(sshd.port(), &sshd, "true")).exited(255);
    assert!(said.err().contains("Permission denied"), "{said}");
    eventually_or(
        "the refused key is logged",
        || sshd.log_lines_with("Failed publickey for") == 1,
        || sshd.log(),
    );
}

#[test]
fn data_pass_the_proxy_unharmed_on_both_streams() {
    let sshd = Sshd::start();
    let proxy = Proxy::to(sshd.port());
    let out = DataFile::create(&sshd.home().join("data1"), 1, 4 * MIB);
    let err = DataFile::create(&sshd.home().join("data2"), 2, 4 * MIB);
    let said = run(ssh(proxy.port(), &sshd, "cat data1 & cat data2 >&2; wait")).exited(0);
    assert_eq!(checksum::sha256(&said.stdout), out.sha256);
    assert_eq!(checksum::sha256(&said.stderr), err.sha256);
    assert_eq!(proxy.connections(), 1);
    assert!(proxy.passed() > 8 * MIB);
}

/// A bare connection that has read sshd's greeting.
fn greeted(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).must("connect");
    stream.set_read_timeout(Some(PATIENCE)).must("set a timeout");
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).must("read the greeting");
    stream
}

#[test]
fn a_cut_is_seen_as_an_end_and_a_reset_as_a_reset() {
    let sshd = Sshd::start();
    let proxy = Proxy::to(sshd.port());
    let mut cut = greeted(proxy.port());
    proxy.cut();
    let mut rest = Vec::new();
    assert!(cut.read_to_end(&mut rest).is_ok());
    let mut reset = greeted(proxy.port());
    proxy.reset();
    let seen = reset.read_to_end(&mut rest).map_err(|error| error.kind());
    assert_eq!(seen, Err(ErrorKind::ConnectionReset));
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn nothing_moves_through_a_black_hole_and_all_of_it_afterwards() {
    let sshd = Sshd::start();
    let proxy = Proxy::to(sshd.port());
    let mut long = Running::start(ssh(proxy.port(), &sshd, "cat; echo ended"), Input::Open);
    long.write(b"one\n");
    eventually("the first line is back", || long.stdout() == b"one\n");
    proxy.set(Flow::BlackHole);
    let before = proxy.passed();
    long.write(b"two\n");
    long.close_input();
    assert!(!long.has_ended());
    assert_eq!(proxy.passed(), before);
    proxy.set(Flow::Pass);
    assert_eq!(long.finish().exited(0).out(), "one\ntwo\nended\n");
}

#[test]
fn a_refusing_proxy_refuses_until_it_passes_again() {
    let sshd = Sshd::start();
    let proxy = Proxy::to(sshd.port());
    proxy.set(Flow::Refuse);
    eventually("connections are refused", || {
        run(ssh(proxy.port(), &sshd, "true")).err().contains("Connection refused")
    });
    proxy.set(Flow::Throttle(MIB));
    eventually("connections pass", || run(ssh(proxy.port(), &sshd, "true")).code() == Some(0));
}

#[test]
fn max_sessions_limits_the_channels_of_a_link() {
    let sshd = Sshd::with(&Setup { max_sessions: 1, ..Setup::default() });
    let control = format!("-S{}", sshd.home().join("control").display());
    let master = ssh_with(&["-M", &control], sshd.port(), &sshd, "echo up; read line");
    let first = Running::start(master, Input::Open);
    eventually("the first channel is open", || first.stdout() == b"up\n");
    // No connection of its own when the master has no channel for it.
    let alone = ["-oProxyCommand=false", &control];
    let said = run(ssh_with(&alone, sshd.port(), &sshd, "true")).exited(255);
    assert!(said.err().contains("Session open refused"), "{said}");
    drop(first);
}
