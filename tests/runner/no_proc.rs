//! Machines without `/proc`: macOS and the BSDs. Linux with `/proc` hidden, and
//! stand-ins for their `ps` and `sysctl`, takes the programs the same way.

use std::fs;
use std::process::{Child, Command};

use longhaul::runner::program::Program;
use rustix::process::Signal;

use crate::bench::Bench;
use crate::processes;
use crate::wait::eventually;
use crate::world::World;

under_every_shell! {
    a_session_without_proc_runs_and_is_followed
    a_tree_without_proc_ends
    a_process_id_reused_without_proc_is_never_signalled
    a_clock_that_is_set_without_proc_loses_no_session
}

/// `ps` in the forms that the programs ask for, with dates for start times.
const PS: &str = r#"
proc=${0%/bin/ps}/proc
look() {
  { IFS= read -r stat <"$proc/$1/stat"; } 2>/dev/null || return
  set -- ${stat##*") "}
  state=$1 group=$3 since=${20}
}
case $* in
  "-o stat= -o lstart= -p "*)
    shift 5
    look "$1" && echo "${state}s   Thu Jan  1 00:00:$since 1970    "
    ;;
  "-A -e -ww -o pid= -o pgid= -o stat= -o command=")
    for dir in "$proc"/[0-9]*; do
      look "${dir##*/}" || continue
      case $(tr '\0' ' ' <"$dir/environ") in
        *LONGHAUL_SESSION*) printf '%5s %5s %s   ' "${dir##*/}" "$group" "$state"
          echo "command $(tr '\0' ' ' <"$dir/environ")" ;;
        *) printf '%5s %5s %s   command\n' "${dir##*/}" "$group" "$state" ;;
      esac
    done 2>/dev/null
    ;;
  *) echo "ps: $*: not in these tests" >&2; exit 1 ;;
esac"#;

/// The one name of the three that every one of these systems has.
const SYSCTL: &str = r#"
[ "$2" = kern.boottime ] || { echo "sysctl: unknown oid '$2'" >&2; exit 1; }
read -r boot <"${0%/bin/sysctl}/boot"
echo "{ sec = $boot, usec = 42 } Tue Nov 14 22:13:20 2023""#;

/// Moves to such a machine; the file returned holds the time of its boot.
fn leave_proc(bench: &mut Bench) -> std::path::PathBuf {
    let world = World::make(
        "no-proc",
        "mkdir $world/proc; mount --rbind /proc $world/proc; mount -t tmpfs none /proc",
    );
    world.program("ps", PS);
    world.program("sysctl", SYSCTL);
    let boot = world.dir().join("boot");
    fs::write(&boot, "1700000000\n").unwrap();
    bench.move_to(world);
    boot
}

fn a_session_without_proc_runs_and_is_followed(bench: &mut Bench) {
    leave_proc(bench);
    let go = bench.dir().join("go");
    let script = format!(
        "echo early; until [ -e {} ]; do sleep 0.05; done; echo late; exit 3",
        go.display()
    );
    let starter = bench.start_script(&script);
    let pid = bench.pid();
    let record = fs::read_to_string(bench.spool("pid")).unwrap();
    let since = "_Jan_1_00:00:";
    assert!(record.contains(since) && record.ends_with(" 1700000000\n"), "{record}");
    let mut idle = bench.follow(0, 0);
    idle.line("claimed");
    idle.close();
    eventually("a follower whose reader goes ends", || idle.has_ended());
    let mut follower = bench.follow(0, 0);
    follower.line("claimed");
    follower.write(b"follow\n");
    assert_eq!(follower.line("started"), format!("started {pid}"));
    follower.await_out("early\n");
    assert_eq!(bench.control(Program::Remove, bench.session()), ["fail running"]);
    fs::write(go, "").unwrap();
    for talk in [starter, follower] {
        let said = talk.hear_out();
        assert_eq!((said.record(), said.out().as_str()), ("code 3 run", "early\nlate\n"));
    }
}

fn a_tree_without_proc_ends(bench: &mut Bench) {
    leave_proc(bench);
    // The first is known by its group, the second by its mark.
    let talk = bench.start_script("env -i sleep 61 & (setsid sleep 62 &); wait");
    let sleepers = || {
        let pid = bench.pid();
        let mine = processes::belonging_to(bench.dir());
        let is_mine = |p: &processes::Process| {
            p.name == "sleep" && (p.parent == pid || mine.iter().any(|m| m.pid == p.pid))
        };
        processes::all().into_iter().filter(is_mine).map(|p| p.pid).collect::<Vec<_>>()
    };
    eventually("all run", || sleepers().len() == 2);
    let before = sleepers();
    assert_eq!(bench.stop(5), ["stopped"]);
    let left: Vec<_> = before.into_iter().filter(|pid| processes::is_alive(*pid)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(talk.finish().record(), "signal 15 run");
}

fn stranger() -> Child {
    Command::new("setsid").args(["sleep", "600"]).env_clear().spawn().unwrap()
}

/// Gives the session's process another id, and what else is told.
fn rewrite_pid(bench: &Bench, pid: &str, since: &str, boot: &str) {
    let record = fs::read_to_string(bench.spool("pid")).unwrap();
    let mut fields: Vec<&str> = record.split_whitespace().collect();
    for (at, new) in [pid, since, boot].into_iter().enumerate() {
        if !new.is_empty() {
            fields[at] = new;
        }
    }
    fs::write(bench.spool("pid"), format!("{}\n", fields.join(" "))).unwrap();
}

fn a_process_id_reused_without_proc_is_never_signalled(bench: &mut Bench) {
    leave_proc(bench);
    bench.start_script("exit 0").finish();
    let mut stranger = stranger();
    rewrite_pid(bench, &stranger.id().to_string(), "", "");
    fs::remove_file(bench.spool("exit")).unwrap();
    assert_eq!(bench.signal("KILL"), ["fail ended"]);
    assert_eq!(bench.stop(1), ["stopped"]);
    assert_eq!(bench.follow(0, 0).finish().record(), "lost killed");
    rewrite_pid(bench, "", "", "1600000000");
    assert_eq!(bench.stop(1), ["stopped"]);
    assert_eq!(bench.follow(0, 0).finish().record(), "lost rebooted");
    // What an earlier version wrote, which did not ask for the boot.
    rewrite_pid(bench, "", "", "-");
    assert_eq!(bench.follow(0, 0).finish().record(), "lost killed");
    assert!(processes::is_alive(stranger.id()));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// The time of the boot is the present time less the time since, so it moves
/// with the clock.
fn a_clock_that_is_set_without_proc_loses_no_session(bench: &mut Bench) {
    let boot = leave_proc(bench);
    let starter = bench.start_script("sleep 60");
    let pid = bench.pid();
    fs::write(boot, "1700003600\n").unwrap();
    processes::signal(processes::look_at(pid).unwrap().parent, Signal::KILL);
    let mut follower = bench.follow(0, 0);
    follower.line("claimed");
    for _ in 0..2 {
        assert_eq!(bench.control(Program::Remove, bench.session()), ["fail running"]);
    }
    assert!(!follower.has_ended());
    assert_eq!(bench.stop(5), ["stopped"]);
    assert!(!processes::is_alive(pid));
    for talk in [starter, follower] {
        assert!(talk.hear_out().record().starts_with("lost "));
    }
}
