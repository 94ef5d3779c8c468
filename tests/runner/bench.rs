//! A folder of its own for a fact, programs that run in it, and the proof that
//! nothing is left of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longhaul::domain::ids::SessionId;
use longhaul::domain::launch::{Launch, Nonce, Parameters, Stdin};
use longhaul::runner::program::{Part, Program};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::processes;
use crate::shell::{Shell, find};
use crate::talk::Talk;
use crate::wait::{eventually, holds_within};
use crate::world::World;

/// Parameters with these parts.
fn with(parameters: Parameters, parts: impl Iterator<Item = Part>) -> Parameters {
    parts.fold(parameters, |parameters, part| parameters.part(part.line()))
}

/// The user that owns nothing.
const NOBODY: u32 = 65534;

/// What a login has in its environment.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Why a fact cannot be tried here: what is thrown in place of a failure.
#[derive(Debug)]
pub(crate) struct NotTried(pub(crate) &'static str);

impl NotTried {
    /// Ends the fact.
    pub(crate) fn here(why: &'static str) -> ! {
        std::panic::panic_any(Self(why))
    }
}

/// A home, a folder of spools, and a shell.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) shell: Shell,
    /// The session. No other test has one of that name: what bears its mark is
    /// killed when it is stopped.
    pub(crate) id: SessionId,
    folder: TempDir,
    /// What the account's login has set.
    pub(crate) environment: BTreeMap<String, OsString>,
    /// Where the spools are; `None` is where the product has them.
    pub(crate) root: Option<PathBuf>,
    /// Runs the programs as a user that may not do everything.
    pub(crate) as_nobody: bool,
    /// What the login shell does before anything else.
    pub(crate) before: String,
    /// Whether systemd runs there, which decides on the parts that are sent.
    pub(crate) systemd: bool,
    /// The machine that the programs run on, if it is not this one.
    world: Option<World>,
}

impl Bench {
    /// Tries a fact out, and sees to it that no process is left. A fact that this
    /// machine does not allow to be tried says so, and does not fail.
    #[expect(clippy::print_stderr, reason = "says what was not tried")]
    pub(crate) fn try_out(shell: Shell, fact: fn(&mut Bench)) {
        let folder =
            tempfile::Builder::new().prefix("longhaul-runner-").tempdir().expect("a folder");
        let dir = folder.path().to_owned();
        let root = dir.join("spools");
        fs::create_dir(dir.join("home")).expect("a home");
        let environment = [
            ("HOME", dir.join("home").into_os_string()),
            ("PATH", PATH.into()),
            ("SHELL", "/bin/sh".into()),
            ("LANG", "C.UTF-8".into()),
            // By this every process is known that comes of this bench.
            ("BENCH", dir.clone().into_os_string()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        let mut bench = Bench {
            shell,
            id: draw_id(),
            folder,
            environment,
            root: Some(root),
            as_nobody: false,
            before: String::new(),
            systemd: false,
            world: None,
        };
        if shell == Shell::BusyboxAlone {
            bench.use_busybox_alone();
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| fact(&mut bench)));
        let gone =
            holds_within(Duration::from_secs(5), || processes::belonging_to(&dir).is_empty());
        let left = processes::belonging_to(&dir);
        for process in &left {
            processes::signal(process.pid, Signal::KILL);
        }
        if let Err(panic) = outcome {
            match panic.downcast_ref::<NotTried>() {
                Some(NotTried(why)) => eprintln!("NOT TRIED: {why}"),
                None => resume_unwind(panic),
            }
        }
        assert!(gone, "these are left:\n{}", processes::listing(&left));
    }

    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir().join("home")
    }

    /// From here on the programs run on that machine, and its own programs come
    /// first in the PATH.
    pub(crate) fn move_to(&mut self, world: World) {
        let path = self.environment["PATH"].to_str().expect("UTF-8");
        let path = format!("{}:{path}", world.bin().display());
        self.environment.insert("PATH".to_owned(), path.into());
        self.world = Some(world);
    }

    /// From here on the PATH has busybox's programs, and no others.
    fn use_busybox_alone(&mut self) {
        let bin = self.dir().join("applets");
        fs::create_dir(&bin).expect("a folder");
        let busybox = find("busybox");
        let applets = Command::new(&busybox).arg("--list").output().expect("busybox runs").stdout;
        for applet in String::from_utf8(applets).expect("UTF-8").lines() {
            symlink(&busybox, bin.join(applet)).expect("a link");
        }
        self.environment.insert("PATH".to_owned(), bin.into_os_string());
    }

    /// A file in the session's spool.
    pub(crate) fn spool(&self, file: &str) -> PathBuf {
        let root = self.root.clone();
        let root = root.unwrap_or_else(|| self.home().join(".local/state/longhaul/1"));
        root.join(self.id.as_str()).join(file)
    }

    /// Writes a script, executable.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.dir().join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a script");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its mode");
        file
    }

    /// Runs a program with these parameters.
    pub(crate) fn run(&self, program: Program, parameters: Parameters) -> Talk {
        // A server's children have three descriptors. Whoever runs the tests may have
        // more open, and a shell numbers its own from the first that is free.
        let mut command = Command::new(find("bash"));
        command.args(["-c", r#"for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -lt 3 ] || eval "exec $fd>&-"; done; exec "$@""#, "bash"]);
        if let Some(world) = &self.world {
            let world = world.command();
            command.arg(world.get_program()).args(world.get_args());
        }
        command.arg("/bin/sh");
        let enter = format!("cd {} && {}", self.dir().display(), self.before);
        command.arg("-c").arg(enter + &self.shell.bootstrap(self.dir()));
        command.env_clear().envs(&self.environment).current_dir(self.dir());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // sshd gives each channel a session, and the product each program a group.
        command.process_group(0);
        if self.as_nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut talk = Talk::start(command, &nonce());
        talk.write(program.line());
        talk.write(&parameters.finish());
        talk
    }

    /// Parameters with the session in them.
    pub(crate) fn session(&self) -> Parameters {
        let root = self.root.as_ref().map(|root| root.to_str().expect("UTF-8"));
        Parameters::new(&nonce()).session(&self.id, root)
    }

    /// A launch of this command, with nothing else to it.
    pub(crate) fn command(&self, argv: &[&str]) -> Launch {
        Launch {
            id: self.id.clone(),
            argv: argv.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
            env: Vec::new(),
            cwd: None,
            path: None,
            stdin: Stdin::Null,
            meta: String::new(),
            max_output: None,
        }
    }

    /// From here on it is about another session.
    pub(crate) fn next_session(&mut self) {
        self.id = draw_id();
    }

    /// From here on the programs run as a user for whom permissions count; the
    /// folder becomes that user's.
    pub(crate) fn become_nobody(&mut self) {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        for folder in [self.dir(), &self.home()] {
            chown(folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        self.as_nobody = true;
    }

    /// Gives the session's spool to the user for whom permissions count.
    pub(crate) fn give_spool_away(&self) {
        let spool = self.spool("");
        let files = fs::read_dir(&spool).expect("a spool").map(|file| file.expect("a file").path());
        for path in files.chain([spool.clone(), self.root.clone().expect("a folder of spools")]) {
            chown(&path, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
    }

    /// Starts a session.
    pub(crate) fn start(&self, launch: &Launch) -> Talk {
        let parts = Part::of_start(launch.max_output.is_some(), self.systemd);
        self.run(Program::Start, with(self.session(), parts).launch(launch))
    }

    /// Starts a shell script as the session's command.
    pub(crate) fn start_script(&self, script: &str) -> Talk {
        self.start(&self.command(&["/bin/sh", "-c", script]))
    }

    /// Follows the session from these offsets.
    pub(crate) fn follow(&self, out: u64, err: u64) -> Talk {
        let parts = Part::of_follow(self.systemd);
        let parameters = with(self.session(), parts).offsets(out, err);
        let mut talk = self.run(Program::Follow, parameters);
        if self.spool("out.d").is_dir() {
            // The product says this at once, and again when it was asked.
            talk.ask_to_stream();
            talk.line("want segments");
            talk.write(Part::Segments.line());
        }
        talk.offsets = (out, err);
        talk
    }

    /// Runs a program that does one thing, and returns its lines.
    pub(crate) fn control(&self, program: Program, parameters: Parameters) -> Vec<String> {
        let mut talk = self.run(program, parameters);
        talk.close();
        let said = talk.finish();
        assert_eq!(said.err, b"", "on standard error: {said:?}");
        said.lines
    }

    /// Stops the session with a grace of this many seconds.
    pub(crate) fn stop(&self, grace: u64) -> Vec<String> {
        self.control(Program::Stop, self.session().signal("TERM", Some(grace)))
    }

    /// Delivers a signal to the session's group.
    pub(crate) fn signal(&self, signal: &str) -> Vec<String> {
        self.control(Program::Stop, self.session().signal(signal, None))
    }

    /// The process id of the command, once it has signed.
    pub(crate) fn pid(&self) -> u32 {
        let read = || fs::read_to_string(self.spool("pid")).unwrap_or_default();
        eventually("the command signs", || read().ends_with('\n'));
        read().split(' ').next().unwrap().parse().expect("a process id")
    }
}

fn draw_id() -> SessionId {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let nth = DRAWN.fetch_add(1, Ordering::Relaxed);
    SessionId::from_bits(u64::from(std::process::id()) << 20 | nth)
}

pub(crate) fn nonce() -> Nonce {
    Nonce::from_bits(99)
}
