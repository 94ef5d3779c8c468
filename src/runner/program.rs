//! The programs, as they travel: one line each, then their parameters.

use std::sync::LazyLock;

use crate::domain::launch;

/// What the login shell is asked to run.
///
/// `sshd` hands this to whatever shell the account has. Without a quote inside,
/// without `!`, backslash and newline, one pair of single quotes means the same
/// to the Bourne, C and fish families. The inner shell reads the program with
/// `read`, which takes exactly its line: `sh -s` would read ahead, and swallow
/// what is meant for the program.
pub const BOOTSTRAP: &str = r#"exec /bin/sh -c 'IFS= read -r _p; eval "$(printf %b "$_p")"'"#;

/// The folder of spools where no other is asked for. Its last part is the version
/// of the spool's format.
pub const USUAL_SPOOLS: &str = "~/.local/state/longhaul/1";

macro_rules! program {
    ($($file:literal),+) => {
        LazyLock::new(|| launch::one_line(&[$(include_str!($file)),+]))
    };
}

macro_rules! part {
    ($($file:literal),+) => {
        LazyLock::new(|| {
            let program = launch::one_line(&[$(include_str!($file)),+]);
            [b"part ".as_slice(), &program].concat()
        })
    };
}

static START: LazyLock<Vec<u8>> =
    program!("lib.sh", "launch.sh", "finish.sh", "agent.sh", "start.sh");
static FOLLOW: LazyLock<Vec<u8>> = program!("lib.sh", "finish.sh", "agent.sh", "follow.sh");
static STOP: LazyLock<Vec<u8>> = program!("lib.sh", "stop.sh");
static INPUT: LazyLock<Vec<u8>> = program!("lib.sh", "input.sh");
static REMOVE: LazyLock<Vec<u8>> = program!("lib.sh", "remove.sh");
static LIST: LazyLock<Vec<u8>> = program!("lib.sh", "offset.sh", "list.sh");
static PROBE: LazyLock<Vec<u8>> =
    program!("lib.sh", "launch.sh", "bounded.sh", "logout.sh", "linger.sh", "probe.sh");
static LOAD: LazyLock<Vec<u8>> = program!("lib.sh", "launch.sh", "bounded.sh", "load.sh");
static WHICH: LazyLock<Vec<u8>> =
    program!("lib.sh", "launch.sh", "bounded.sh", "version.sh", "which.sh");
static DETECT: LazyLock<Vec<u8>> =
    program!("lib.sh", "launch.sh", "bounded.sh", "version.sh", "detect.sh");

static SEGMENTS: LazyLock<Vec<u8>> = part!("segments.sh");
static ROTATION: LazyLock<Vec<u8>> = part!("segments.sh", "offset.sh", "rotate.sh");
static LOGOUT: LazyLock<Vec<u8>> = part!("logout.sh");
static SCOPE: LazyLock<Vec<u8>> = part!("logout.sh", "linger.sh", "scope.sh");

/// A part of a program that most sessions do not need. It comes with the
/// parameters, as they alone tell who needs it: the shell reads a byte at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// For [`Program::Follow`]: sends a capped output.
    Segments,
    /// For [`Program::Start`]: caps the output, and sends it.
    Rotation,
    /// For [`Program::Follow`], under systemd: tells what a logout does.
    Logout,
    /// For [`Program::Start`], under systemd: the same, and makes a scope.
    Scope,
}

impl Part {
    /// The part as the line that a program takes in, newline included.
    #[must_use]
    pub fn line(self) -> &'static [u8] {
        match self {
            Self::Segments => &SEGMENTS,
            Self::Rotation => &ROTATION,
            Self::Logout => &LOGOUT,
            Self::Scope => &SCOPE,
        }
    }

    /// What [`Program::Start`] needs besides.
    pub fn of_start(capped: bool, systemd: bool) -> impl Iterator<Item = Self> {
        let rotation = capped.then_some(Self::Rotation);
        rotation.into_iter().chain(systemd.then_some(Self::Scope))
    }

    /// What [`Program::Follow`] needs besides; it asks for [`Part::Segments`].
    pub fn of_follow(systemd: bool) -> impl Iterator<Item = Self> {
        systemd.then_some(Self::Logout).into_iter()
    }
}

/// A program of the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    /// Claims a spool, starts a session in it, and follows it.
    Start,
    /// Follows a session that was started earlier.
    Follow,
    /// Signals or ends a session.
    Stop,
    /// Adds to a session's standard input.
    Input,
    /// Removes an ended session's spool.
    Remove,
    /// Tells what spools there are.
    List,
    /// Tells what the host is.
    Probe,
    /// Tells how busy the host is.
    Load,
    /// Tells whether a program is there, and which version.
    Which,
    /// Tells which agents are there, and who is logged in.
    Detect,
}

impl Program {
    /// The program as the line that the bootstrap reads, newline included.
    #[must_use]
    pub fn line(self) -> &'static [u8] {
        match self {
            Self::Start => &START,
            Self::Follow => &FOLLOW,
            Self::Stop => &STOP,
            Self::Input => &INPUT,
            Self::Remove => &REMOVE,
            Self::List => &LIST,
            Self::Probe => &PROBE,
            Self::Load => &LOAD,
            Self::Which => &WHICH,
            Self::Detect => &DETECT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_means_the_same_to_every_login_shell() {
        let inner = BOOTSTRAP
            .strip_prefix("exec /bin/sh -c '")
            .and_then(|rest| rest.strip_suffix('\''))
            .expect("one pair of single quotes");
        assert!(!inner.contains(['\'', '!', '\\', '\n']));
    }

    #[test]
    fn every_program_is_one_line_of_plain_ascii() {
        for program in [
            Program::Start,
            Program::Follow,
            Program::Stop,
            Program::Input,
            Program::Remove,
            Program::List,
            Program::Probe,
            Program::Load,
            Program::Which,
            Program::Detect,
        ] {
            let line = program.line();
            assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1, "{program:?}");
            assert!(line.ends_with(b"\n") && line.is_ascii(), "{program:?}");
        }
    }

    /// Runs the start program with this input, closed after it, and nobody who
    /// listens; gives back what is in the spools' folder once all is over.
    fn start_and_hang_up(input: &[u8], dir: &std::path::Path) -> Vec<String> {
        use std::io::Write as _;
        use std::process::{Command, Stdio};

        let mut program = Command::new("/bin/sh")
            .args(["-c", BOOTSTRAP])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop((program.stdout.take(), program.stderr.take()));
        let mut stdin = program.stdin.take().unwrap();
        stdin.write_all(input).unwrap();
        drop(stdin);
        program.wait().unwrap();
        let Ok(spools) = std::fs::read_dir(dir) else { return Vec::new() };
        spools.map(|spool| spool.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn launch_of(command: &str, root: &std::path::Path) -> (String, Vec<u8>) {
        use crate::domain::launch::{Launch, Nonce, Parameters, Stdin};

        let launch = Launch {
            id: crate::domain::ids::SessionId::from_bits(7),
            argv: ["sh", "-c", command].map(|word| word.as_bytes().to_vec()).to_vec(),
            env: Vec::new(),
            cwd: None,
            path: None,
            stdin: Stdin::Null,
            meta: String::new(),
            max_output: None,
        };
        let parameters = Parameters::new(&Nonce::from_bits(3)).session(&launch.id, root.to_str());
        let input = [Program::Start.line(), &parameters.launch(&launch).finish()].concat();
        (launch.id.to_string(), input)
    }

    #[test]
    fn a_launch_that_was_cut_short_starts_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("spool");
        let (_, input) = launch_of("true", &root);
        let program = Program::Start.line().len();
        for end in (program..input.len()).chain([program / 2, program - 1]) {
            assert_eq!(start_and_hang_up(&input[..end], &root), [""; 0], "{end}");
        }
    }

    #[test]
    fn a_launch_whose_reader_has_gone_is_carried_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("spool");
        let (id, input) = launch_of("exit 3", &root);
        assert_eq!(start_and_hang_up(&input, &root), [id.as_str()]);
        // The shell may have gone before its wrapper: that one writes the record.
        let record = root.join(id).join("exit");
        let until = std::time::SystemTime::now() + std::time::Duration::from_secs(30);
        while !record.exists() && std::time::SystemTime::now() < until {
            std::thread::yield_now();
        }
        assert_eq!(std::fs::read_to_string(record).unwrap(), "code 3 run\n");
    }

    /// A host without a free inotify instance has every `tail -f` say so.
    #[test]
    fn what_a_tail_says_itself_is_no_output_of_the_sessions() {
        use std::io::Write as _;
        use std::os::unix::fs::PermissionsExt as _;
        use std::process::{Command, Stdio};

        use crate::domain::launch::{Launch, Nonce, Parameters, Stdin};

        let dir = tempfile::tempdir().unwrap();
        let fake = dir.path().join("tail");
        std::fs::write(
            &fake,
            "#!/bin/sh\necho tail: trouble >&2\nPATH=${PATH#*:} exec tail \"$@\"\n",
        )
        .unwrap();
        std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o700)).unwrap();
        let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
        let go = dir.path().join("go");
        let script = format!("until [ -e {} ]; do sleep 0.05; done; echo err >&2", go.display());
        let launch = Launch {
            id: crate::domain::ids::SessionId::from_bits(7),
            argv: ["sh", "-c", &script].map(|word| word.as_bytes().to_vec()).to_vec(),
            env: Vec::new(),
            cwd: None,
            path: None,
            stdin: Stdin::Null,
            meta: String::new(),
            max_output: None,
        };
        let nonce = Nonce::from_bits(3);
        let root = dir.path().join("spool");
        let parameters =
            Parameters::new(&nonce).session(&launch.id, root.to_str()).launch(&launch).finish();
        let mut program = Command::new("/bin/sh")
            .args(["-c", BOOTSTRAP])
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = program.stdin.take().unwrap();
        for part in [Program::Start.line(), &parameters, b"follow\n"] {
            stdin.write_all(part).unwrap();
        }
        // The tails have been started once this is said.
        let mut stdout = std::io::BufReader::new(program.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains(" started ") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut stdout, &mut line).unwrap() > 0);
        }
        std::fs::write(&go, "").unwrap();
        while !line.contains(" end ") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut stdout, &mut line).unwrap() > 0);
        }
        // As if nothing had come: the rest is all of it, by way of `tail`.
        stdin.write_all(b"rest 0 1\n").unwrap();
        let said = program.wait_with_output().unwrap().stderr;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("rr\n") && !said.contains("trouble"), "{said}");
    }
}
