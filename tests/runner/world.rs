//! A machine that is not like this one: a mount namespace in which files of the
//! system are hidden or have something else in their place.
//!
//! It takes the right to mount, which root has, and in most Linux systems
//! everybody within a user namespace of their own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::bench::NotTried;
use crate::shell::find;

/// The namespace lives as long as this does.
#[derive(Debug)]
pub(crate) struct World {
    folder: TempDir,
    holder: Child,
}

impl World {
    /// A world as this script makes it, a word for what it is like being its
    /// name. In the script `$world` is a folder of its own, whose `bin` comes
    /// first in the PATH of who asks for it by [`bin`](Self::bin).
    ///
    /// Where nothing may be mounted the fact is [`NotTried`], which it says.
    pub(crate) fn make(name: &str, script: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("longhaul-world-{name}-"))
            .tempdir()
            .expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        let text =
            format!("set -e; world={}; {script}\necho ready; read -r _", folder.path().display());
        let mut unshare = Command::new("unshare");
        unshare.arg("--mount");
        if !is_root() {
            unshare.args(["--user", "--map-root-user"]);
        }
        let mut holder = unshare
            .args(["--", "/bin/sh", "-c", &text])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare, which is part of util-linux");
        let mut line = String::new();
        let said = BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut line);
        let world = Self { folder, holder };
        if said.is_err() || line != "ready\n" {
            NotTried::here("it needs the right to mount, as root or in a user namespace");
        }
        world
    }

    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its own programs.
    pub(crate) fn bin(&self) -> PathBuf {
        self.dir().join("bin")
    }

    /// Makes a program of its own.
    pub(crate) fn program(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.bin().join(name);
        fs::write(&file, format!("#!/bin/dash\n{text}\n")).expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    /// A command that runs in it: the program comes as the first argument.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(find("nsenter"));
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--");
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Its mounts go with the last process in it.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
