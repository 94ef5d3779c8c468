//! What a machine is like, and whether a session could start on it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use longhaul::domain::doctor::facts::Facts;
use longhaul::domain::doctor::read;
use longhaul::domain::launch::Parameters;
use longhaul::runner::program::Program;

use crate::bench::{Bench, nonce};
use crate::shell::{Shell, find};
use crate::world::World;

under_every_shell! {
    a_machine_tells_what_it_is_like
    what_cannot_be_written_to_is_told_in_the_systems_words
    processes_with_the_mark_of_no_session_are_told
    what_the_runner_would_lack_is_told
    a_rehearsal_goes_as_far_as_a_start_would
    a_rehearsal_tells_a_program_for_another_machine
}

fn examine(bench: &Bench) -> (Vec<String>, Facts) {
    let root = bench.root.as_ref().map(|root| root.to_str().unwrap());
    let lines = bench.control(Program::Doctor, Parameters::new(&nonce()).root(root));
    let facts = read::facts(&lines).unwrap_or_else(|| panic!("no end: {lines:?}"));
    (lines, facts)
}

fn a_machine_tells_what_it_is_like(bench: &mut Bench) {
    fs::write(bench.home().join(".profile"), "echo noise; PATH=/from/the/rc:$PATH\n").unwrap();
    let seconds = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let before = seconds();
    let (lines, facts) = examine(bench);
    let told = read::clock(&lines[0]).unwrap();
    assert!((before..=seconds()).contains(&told), "{told}");
    let path = bench.environment["PATH"].to_str().unwrap();
    // The system's own profile may set another one before.
    assert!(facts.login_path.is_some_and(|path| path.starts_with("/from/the/rc:")), "{lines:?}");
    assert_eq!((facts.path.as_str(), facts.shell.as_str()), (path, "/bin/sh"));
    assert_eq!(facts.system, "Linux");
    assert!(facts.setsid.is_some_and(|file| file.ends_with("/setsid")));
    assert_eq!(facts.lacks, [""; 0]);
    let root = bench.root.clone().unwrap();
    assert_eq!(facts.spools, root.to_str().unwrap());
    assert_eq!(facts.unwritable, None);
    let disk = facts.disk.unwrap();
    assert!(disk.total > 0 && disk.free <= disk.total, "{disk:?}");
    assert!(!facts.file_system.is_empty());
    // Nothing is left of what was tried.
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
}

fn what_cannot_be_written_to_is_told_in_the_systems_words(bench: &mut Bench) {
    bench.become_nobody();
    let closed = bench.dir().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    bench.root = Some(closed.join("spools"));
    let (_, facts) = examine(bench);
    let words = facts.unwritable.expect("it cannot be written to");
    assert!(words.ends_with("Permission denied"), "{words}");
    assert!(facts.disk.is_some(), "the folder above tells of the disk");
}

fn processes_with_the_mark_of_no_session_are_told(bench: &mut Bench) {
    let marked = |home: &Path, mark: &str| {
        let mut sleep = Command::new("/bin/sleep");
        sleep.arg("600").env_clear().env("LONGHAUL_SESSION", mark).env("HOME", home);
        sleep.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        sleep.process_group(0).spawn().unwrap()
    };
    let mut ours = marked(&bench.home(), "7777777777");
    let mut others = marked(bench.dir(), "7777777778");
    let (_, facts) = examine(bench);
    for process in [&mut ours, &mut others] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let seen: Vec<_> =
        facts.marked.iter().map(|marked| (marked.pid, marked.session.as_str())).collect();
    // What has another home is of another set of spools.
    assert_eq!(seen, [(ours.id(), "7777777777")]);
}

/// The programs of the system that are there, but for `tail` and `setsid`.
const THERE: [&str; 17] = [
    "mkdir", "mkfifo", "cat", "dd", "sleep", "rm", "mv", "ls", "grep", "id", "uname", "date", "df",
    "stat", "tr", "readlink", "printf",
];

fn what_the_runner_would_lack_is_told(bench: &mut Bench) {
    let world = World::make(
        "no-tail",
        "for file in /usr/bin/setsid /bin/setsid; do
           ! [ -x $file ] || mount --bind /dev/null $file
         done",
    );
    for program in THERE {
        let system = Path::new("/usr/bin").join(program);
        let file = if system.is_file() { system } else { find(program) };
        symlink(file, world.bin().join(program)).unwrap();
    }
    let path = world.bin().into_os_string();
    bench.move_to(world);
    bench.environment.insert("PATH".to_owned(), path);
    let (_, facts) = examine(bench);
    assert_eq!(facts.lacks, ["tail"]);
    // bash has something in the place of setsid.
    let has_jobs = matches!(bench.shell, Shell::BashPosix | Shell::BashAsSh);
    assert_eq!(facts.setsid, has_jobs.then(String::new));
}

fn rehearse(bench: &Bench, cwd: Option<&str>, path: &str, argv: &[&str]) -> Vec<String> {
    let argv: Vec<String> = argv.iter().map(|&arg| arg.to_owned()).collect();
    let root = bench.root.as_ref().map(|root| root.to_str().unwrap());
    let parameters = Parameters::new(&nonce()).root(root).cwd(cwd).search(Some(path), &argv);
    bench.control(Program::Rehearse, parameters)
}

fn a_rehearsal_goes_as_far_as_a_start_would(bench: &mut Bench) {
    let tool = bench.script("tool", r#"printf '%s\n' "tool $1 1.2 * \n" more; sleep 60 & exit 3"#);
    let closed = bench.script("closed", "exit");
    fs::set_permissions(closed, fs::Permissions::from_mode(0o600)).unwrap();
    let path = format!("{}:{}", bench.dir().display(), bench.environment["PATH"].display());
    let home = bench.home();
    fs::create_dir(home.join("work")).unwrap();
    let entered = |dir: &Path| format!("cwd {}", dir.display());
    let found = format!("found {}", tool.display());
    assert_eq!(
        rehearse(bench, Some("~/work"), &path, &["tool", "a b"]),
        [entered(&home.join("work")), found, r"version 3 tool a b 1.2 * \n".to_owned()]
    );
    bench.script("silent", "exit 0");
    assert_eq!(rehearse(bench, None, &path, &["silent"])[2], "version 0 ");
    bench.script("flood", "exec yes");
    let flood = rehearse(bench, None, &path, &["flood"]);
    assert!(flood[2].starts_with("version ") && flood[2].ends_with(" y"), "{flood:?}");
    fs::write(home.join("notes"), "").unwrap();
    for (dir, why) in [("no/such", "missing"), ("~/notes", "file"), ("notes/below", "file")] {
        assert_eq!(rehearse(bench, Some(dir), &path, &["tool"]), [format!("stuck cwd {why}")]);
    }
    for (program, why) in [("no-such", "missing"), ("say", "missing"), ("closed", "denied")] {
        let said = rehearse(bench, None, &path, &[program]);
        assert_eq!(said, [entered(&home), format!("stuck program {why}")], "{program}");
    }
    assert_eq!(fs::read_dir(bench.root.clone().unwrap()).unwrap().count(), 0);
    // A file is where the folder of spools should be.
    bench.root = Some(tool.join("spools"));
    let said = rehearse(bench, None, &path, &["tool"]);
    assert!(
        said[1].starts_with("stuck spool ") && said[1].ends_with("Not a directory"),
        "{said:?}"
    );
}

fn a_rehearsal_tells_a_program_for_another_machine(bench: &mut Bench) {
    let file = bench.script("foreign", "");
    // The head of a program of ELF with the other order of bytes (elf(5)).
    let order = if cfg!(target_endian = "little") { 2 } else { 1 };
    let mut head = [b"\x7fELF".as_slice(), &[2, order, 1]].concat();
    head.resize(64, 0);
    fs::write(&file, head).unwrap();
    let path = format!("{}:{}", bench.dir().display(), bench.environment["PATH"].display());
    let said = rehearse(bench, None, &path, &["foreign", "--version"]);
    assert_eq!(
        said[1..],
        [format!("found {}", file.display()), "stuck program foreign".to_owned()]
    );
}
