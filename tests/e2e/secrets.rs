//! What nobody else on either machine gets to see.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::command::{Input, Running};
use crate::support::config::{Config, Entry};
use crate::support::must::Must;
use crate::support::processes;
use crate::support::wait::eventually_or;
use crate::support::world::World;

const PROMPT: &str = "prompt-that-nobody-shall-see-58151";
const VALUE: &str = "value-that-nobody-shall-see-72990";
const GIVEN: &str = "given-value-that-nobody-shall-see-11327";

/// Looks at all argument lists of this machine, which is both ends, until it
/// is told to stop; gives those that hold a secret.
struct Onlooker {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<(usize, Vec<String>)>,
}

impl Onlooker {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut looks = 0;
            let mut seen = Vec::new();
            while !told.load(Ordering::Relaxed) {
                looks += 1;
                let secret =
                    |text: &String| [PROMPT, VALUE, GIVEN].iter().any(|s| text.contains(s));
                seen.extend(processes::all().into_iter().map(|p| p.arguments).filter(secret));
            }
            (looks, seen)
        });
        Self { stop, thread }
    }

    fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let (looks, seen) = self.thread.join().expect("the onlooker panicked");
        assert!(looks > 1);
        seen
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&path, found),
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
}

fn files_with(folder: &Path, secret: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    files_below(folder, &mut files);
    let holds = |file: &PathBuf| {
        fs::read(file).is_ok_and(|bytes| {
            bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
        })
    };
    files.into_iter().filter(holds).collect()
}

fn world_with_secrets() -> World {
    let world = World::new();
    let remote = world.remote().raw("env", r#"{ "TOKEN": FromEnv("CONTROL_TOKEN") }"#);
    let agent = Entry::named("asked")
        .raw("command", r#"["sh", "-c", "cat >/dev/null; echo ${#TOKEN} ${#GIVEN}; until [ -e go ]; do sleep 0.1; done"]"#)
        .raw("remote", r#"On("box")"#);
    world.home.configure(&Config::default().with_remote(remote).with_agent(agent));
    world
}

#[test]
fn argument_lists_hold_no_prompt_and_no_env_value() {
    let world = world_with_secrets();
    let args = ["run", "--agent", "asked", "--name", "s", "-e", "GIVEN", "--prompt-file", "-"];
    let mut command = world.home.command(&args);
    command.env("CONTROL_TOKEN", VALUE).env("GIVEN", GIVEN);
    let onlooker = Onlooker::start();
    let running = Running::start(command, Input::Bytes(PROMPT.into()));
    let lengths = format!("{} {}\n", VALUE.len(), GIVEN.len());
    eventually_or(
        "the command has its prompt and its values",
        || running.stdout() == lengths.as_bytes(),
        || world.logs(),
    );
    // While it runs: no value in any file of longhaul's, on either side.
    for secret in [VALUE, GIVEN] {
        assert_eq!(files_with(&world.home.state_dir(), secret), Vec::<PathBuf>::new());
        assert_eq!(files_with(world.sshd.home(), secret), Vec::<PathBuf>::new());
    }
    assert_eq!(files_with(&world.home.state_dir(), PROMPT), Vec::<PathBuf>::new());
    for verb in [&["inspect", "s"][..], &["ps"], &["status"], &["events", "--since", "0"]] {
        let args: Vec<_> = verb.iter().chain(&["--json"]).copied().collect();
        let said = world.home.longhaul(&args).exited(0);
        for secret in [VALUE, GIVEN, PROMPT] {
            assert!(!said.out().contains(secret) && !said.err().contains(secret), "{said}");
        }
    }
    world.sshd.write("go", "");
    running.finish().exited(0);
    assert_eq!(onlooker.stop(), Vec::<String>::new());
}

#[test]
fn the_prompt_goes_with_the_session() {
    let world = world_with_secrets();
    world.sshd.write("go", "");
    let args = ["run", "--agent", "asked", "--name", "s", "--prompt", PROMPT];
    let mut command = world.home.command(&args);
    command.env("CONTROL_TOKEN", VALUE);
    let said = Running::start(command, Input::Nothing).finish().exited(0);
    assert_eq!(said.out(), format!("{} 0\n", VALUE.len()));
    world.home.longhaul(&["rm", "s"]).exited(0);
    eventually_or(
        "no file holds the prompt once the session is removed",
        || {
            files_with(world.sshd.home(), PROMPT).is_empty()
                && files_with(world.home.path(), PROMPT).is_empty()
        },
        || world.logs(),
    );
}

#[test]
fn state_socket_and_spool_are_the_owners_alone() {
    let world = World::new();
    let before = entries(world.sshd.home());
    world.on_box(&["--name", "s", "--", "echo", "hello"]).exited(0);
    let mode = |path: &Path| fs::metadata(path).must("look at a path").mode() & 0o077;
    assert_eq!(mode(&world.home.state_dir()), 0, "the state folder");
    let socket = world.home.socket();
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(mode(&socket), 0, "the socket");
    let inspected = world.home.inspect("s");
    let mirror = PathBuf::from(inspected["mirror"].as_str().unwrap());
    assert_eq!(fs::read(mirror.join("out")).unwrap(), b"hello\n");
    assert_eq!(mode(&mirror.join("out")), 0, "the mirror");
    let made: Vec<_> =
        entries(world.sshd.home()).into_iter().filter(|path| !before.contains(path)).collect();
    assert!(!made.is_empty(), "the spool is in the home there");
    let spooled: Vec<_> = made.iter().flat_map(|top| files_with(top, "hello")).collect();
    for file in spooled {
        assert!(
            file.ancestors().take_while(|a| a.starts_with(world.sshd.home())).any(|a| mode(a) == 0),
            "{} is open to others",
            file.display()
        );
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
