//! The login shell, what the runner needs, the working directory, the command.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use crate::bench::Bench;
use crate::reach::Kept;
use crate::row::{Place, Row, is_final};
use crate::ssh::{Manner, Server};
use crate::support::config::Entry;
use crate::support::must::Must;
use crate::support::sshd::{Setup, account, program};

/// Hosts behind which there is no POSIX shell, or none that may be used.
pub(crate) fn shells(bench: &mut Bench) -> Vec<Row> {
    let mut rows = Vec::new();
    let run = ["--", "true"];
    let mut says = |name, manner, told| {
        let server = Server::start(manner);
        bench.remote(name, server.port);
        rows.push(Row::session(name, &run, told).counted(&server.taken));
    };
    let shell = "shell";
    let windows = || is_final("session.shell.unsupported", shell).says("runs Windows");
    says(
        "cmd",
        Manner::Says(
            "'exec' is not recognized as an internal or external command,\r\n\
             operable program or batch file.\r\n",
            1,
        ),
        windows().remedy("DefaultShell"),
    );
    says(
        "powershell",
        Manner::Says(
            "exec : The term 'exec' is not recognized as the name of a cmdlet, function, \
             script file, or operable program.\r\n",
            1,
        ),
        windows(),
    );
    let appliance = || is_final("session.shell.appliance", shell).remedy("mend the host's name");
    let refusal = "exec /bin/sh\r\n     ^\r\n% Invalid input detected at '^' marker.\r\n";
    says("router", Manner::Says(refusal, 0), appliance());
    says("prompt", Manner::Prompts("\r\nWelcome\r\ncore-1#"), appliance());
    let says_and_ends = Manner::Says("backup of today: done\r\n", 0);
    says(
        "replaced",
        says_and_ends,
        is_final("session.shell.replaced", shell).remedy("grep 'key options'"),
    );
    let mut real = |name, setup: &Setup, rc: Option<(&str, &str)>, told| {
        let sshd = bench.sshd(setup);
        if let Some((file, text)) = rc {
            sshd.write(file, text);
        }
        let port = sshd.port();
        bench.remote(name, port);
        rows.push(Row::session(name, &run, told));
    };
    real(
        "nologin",
        &Setup { first: "ForceCommand /usr/sbin/nologin", ..Setup::default() },
        None,
        is_final("session.shell.no-login", shell).remedy(format!("getent passwd {}", account())),
    );
    real(
        "sftp-only",
        &Setup { first: "ForceCommand internal-sftp", ..Setup::default() },
        None,
        is_final("session.shell.restricted", shell).says("may not run commands"),
    );
    real(
        "forced",
        &Setup { first: "ForceCommand date", ..Setup::default() },
        None,
        is_final("session.shell.replaced", shell).remedy("ssh -v"),
    );
    real(
        "shut",
        &Setup::default(),
        Some((".bashrc", "echo 'ask your administrator'; exit 1\n")),
        is_final("session.shell.broken", shell).remedy("-- echo ok"),
    );
    real(
        "rc-file",
        &Setup::default(),
        Some((".bashrc", "eval 'if' || exit\n")),
        is_final("session.shell.profile", shell).remedy("mend the file that the evidence names"),
    );
    rows
}

/// A host that lacks what every Unix has.
pub(crate) fn userland(bench: &mut Bench) -> Vec<Row> {
    let sshd = bench.sshd(&Setup::default());
    let bin = sshd.home().join("bin");
    fs::create_dir(&bin).must("make a folder");
    for name in ["sh", "bash", "cat", "dd", "mkdir", "rm", "sleep", "uname", "id"] {
        symlink(program(name), bin.join(name)).must("link a program");
    }
    sshd.write(".bashrc", "PATH=~/bin\n");
    let port = sshd.port();
    bench.remote("bare", port);
    let told = is_final("session.userland.missing", "shell")
        .says("mkfifo, tail")
        .remedy("command -v mkfifo tail");
    vec![Row::session("bare", &["--", "true"], told)]
}

/// Working directories that cannot be entered.
pub(crate) fn directories(bench: &mut Bench, kept: &mut Kept) -> Vec<Row> {
    // Whom nothing is denied must first be one to whom it is.
    const LIKE_EVERYBODY: &str = "\
if [ \"$(id -u)\" = 0 ] && [ -z \"$LIKE_EVERYBODY\" ]; then
  export LIKE_EVERYBODY=1
  exec setpriv --bounding-set=-dac_override,-dac_read_search \\
    bash -c \"$BASH_EXECUTION_STRING\"
fi
";
    let sshd = bench.sshd(&Setup::default());
    sshd.write(".bashrc", LIKE_EVERYBODY);
    sshd.write("a file", "");
    let closed = sshd.home().join("closed");
    fs::create_dir_all(closed.join("inner")).must("make folders");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).must("close one");
    kept.push(Box::new(Closed(closed)));
    let port = sshd.port();
    let cwd = "working-directory";
    let mut row = |name, dir: &'static str, told| {
        bench.remote(name, port);
        Row::session(name, &["--cwd", dir, "--", "true"], told).tested_with(&["--cwd", dir])
    };
    vec![
        row(
            "cwd-missing",
            "~/not/there",
            is_final("session.cwd.missing", cwd)
                .says("~/not/there does not exist")
                .remedy("mkdir -p ~/not/there"),
        ),
        row(
            "cwd-file",
            "~/a file",
            is_final("session.cwd.not-a-directory", cwd).says("is no directory"),
        ),
        row("cwd-in-file", "~/a file/inner", is_final("session.cwd.not-a-directory", cwd)),
        row(
            "cwd-closed",
            "~/closed",
            is_final("session.cwd.denied", cwd).remedy("namei -l ~/closed"),
        ),
        row("cwd-in-closed", "~/closed/inner", is_final("session.cwd.denied", cwd)),
    ]
}

/// A closed folder, which is opened again so that it can be removed.
struct Closed(PathBuf);

impl Drop for Closed {
    fn drop(&mut self) {
        _ = fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700));
    }
}

/// Commands and agents that are there and cannot be started, or are not there.
pub(crate) fn commands(bench: &mut Bench) -> Vec<Row> {
    let sshd = bench.sshd(&Setup::default());
    let tool = |name: &str, bytes: &[u8], mode: u32| {
        let file = sshd.write(&format!("tools/{name}"), "");
        fs::write(&file, bytes).must("write a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).must("set its mode");
    };
    tool("closed-agent", b"#!/bin/sh\n", 0o644);
    tool("foreign-agent", &foreign_program(), 0o755);
    tool("unled-agent", b"#!/no/such/interpreter\n", 0o755);
    tool("scripted-agent", b"#!/usr/bin/env no-such-interpreter\n", 0o755);
    sshd.write(".bashrc", "PATH=~/tools:$PATH\n");
    let port = sshd.port();
    bench.remote("tools", port);
    for agent in ["absent", "closed", "foreign", "unled", "scripted"] {
        bench.agent(agent, &format!("{agent}-agent"));
    }
    let command = "command";
    let at = format!("{}@127.0.0.1", account());
    let row = |agent: &'static str, option: [&'static str; 2], told| {
        Row::session("tools", &[option[0], option[1], "--prompt", agent], told)
            .tested_with(&["--agent", agent])
    };
    vec![
        row(
            "absent",
            ["--agent", "absent"],
            is_final("agent.not-found", command).says("absent-agent").says(&at),
        ),
        row(
            "closed",
            ["--agent", "closed"],
            is_final("session.command.not-executable", command)
                .says("closed-agent")
                .remedy("chmod +x"),
        ),
        row(
            "foreign",
            ["--agent", "foreign"],
            is_final("session.command.wrong-format", command)
                .says("foreign-agent")
                .remedy("uname -sm"),
        ),
        row(
            "unled",
            ["--agent", "unled"],
            is_final("session.interpreter.not-named", command).remedy("head -n 1"),
        ),
        row(
            "scripted",
            ["--agent", "scripted"],
            is_final("session.interpreter.missing", command)
                .says("no-such-interpreter")
                .remedy("command -v no-such-interpreter"),
        ),
        Row::session(
            "tools",
            &["--", "no-such-command"],
            is_final("session.command.not-found", command)
                .says("no-such-command")
                .remedy("command -v no-such-command"),
        )
        .except(Place::Test, "a test looks for what every session needs, and for agents"),
    ]
}

/// The head of a program for a machine that this is not (elf(5)): EM_S390, or
/// EM_386 of the wrong byte order where it is one.
fn foreign_program() -> Vec<u8> {
    let mut head = vec![0; 64];
    // ELF, 64 bits, most significant byte first, version 1.
    head[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 2, 1]);
    let machine: u8 = if cfg!(target_arch = "s390x") { 3 } else { 22 };
    head[16..20].copy_from_slice(&[0, 2, 0, machine]);
    head
}

/// What this machine lacks for a session there.
pub(crate) fn environment(bench: &mut Bench) -> Vec<Row> {
    let port = bench.sshd(&Setup::default()).port();
    let remote = Entry::remote("env", port, &bench.home.identity())
        .raw("env", "{\"TOKEN\": FromEnv(\"NO_SUCH_VARIABLE\")}");
    bench.add(remote);
    let told =
        is_final("session.env.unavailable", "config").says("TOKEN").remedy("longhaul daemon stop");
    vec![Row::session("env", &["--", "true"], told)]
}
