//! Machines without anything that gives a process a session of its own.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::bench::Bench;
use crate::processes;
use crate::shell::{Shell, find};
use crate::wait::eventually;
use crate::world::World;

under_every_shell! {
    without_setsid_a_group_is_made_or_the_start_is_refused
    perl_and_python_stand_in_for_setsid
}

/// What the programs and the scripts here need besides.
const NEEDED: [&str; 13] = [
    "mkdir", "mkfifo", "tail", "cat", "sleep", "rm", "grep", "env", "id", "uname", "dd", "find",
    // No builtin of mksh.
    "printf",
];

/// A machine with these programs and no `setsid`.
fn bare(bench: &mut Bench, more: &[&str]) {
    let world = World::make(
        "no-setsid",
        "for file in /usr/bin/setsid /bin/setsid; do
           ! [ -x $file ] || mount --bind /dev/null $file
         done",
    );
    for program in NEEDED.iter().chain(more) {
        // Elsewhere than in the system's folder it may be a script that needs more.
        let system = Path::new("/usr/bin").join(program);
        let file = if system.is_file() { system } else { find(program) };
        symlink(file, world.bin().join(program)).unwrap();
    }
    let path = world.bin().into_os_string();
    bench.move_to(world);
    bench.environment.insert("PATH".to_owned(), path);
}

fn without_setsid_a_group_is_made_or_the_start_is_refused(bench: &mut Bench) {
    bare(bench, &[]);
    let talk = bench.start(&bench.command(&["/bin/sh", "-c", "env -i sleep 61 & sleep 62; wait"]));
    if !matches!(bench.shell, Shell::BashPosix | Shell::BashAsSh) {
        assert_eq!(talk.finish().lines, ["fail setsid"]);
        assert!(!bench.spool("").exists());
        return;
    }
    let pid = bench.pid();
    eventually("both run", || processes::descendants(pid).len() == 2);
    let before = processes::descendants(pid);
    assert_eq!(bench.stop(5), ["stopped"]);
    assert!(before.iter().all(|process| !processes::is_alive(process.pid)));
    let said = talk.finish();
    assert_eq!((said.record(), said.err().as_str()), ("signal 15 run", ""));
    bench.next_session();
    let said = bench.start_script("echo out; echo err >&2; exit 3").finish();
    assert_eq!((said.record(), said.out().as_str()), ("code 3 run", "out\n"));
    assert_eq!(said.err(), "err\n");
}

fn perl_and_python_stand_in_for_setsid(bench: &mut Bench) {
    for helper in ["perl", "python3"] {
        bare(bench, &[helper]);
        let script = r#"read -r stat </proc/$$/stat; set -- ${stat##*) }; echo "$$ $3 $4"; exit 3"#;
        let said = bench.start(&bench.command(&["/bin/sh", "-c", script])).finish();
        let pid = bench.pid();
        assert_eq!(said.record(), "code 3 run", "{said:?}");
        assert_eq!(said.out(), format!("{pid} {pid} {pid}\n"), "{helper}");
        bench.next_session();
    }
}
