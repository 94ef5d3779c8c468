//! A wrapper that is killed, at whatever instant, leaves a session that is lost
//! and says so, once nothing of it runs.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::bench::Bench;
use crate::processes;
use crate::wait::{eventually, holds_within};

under_every_shell! {
    a_start_that_is_killed_between_its_steps_is_lost_or_lives
    a_slow_start_is_not_taken_for_a_dead_one
}

/// Kills all of the start that is there at the time, and not the command, later
/// and later. A wrapper that was not there yet lives, and tells the end.
fn a_start_that_is_killed_between_its_steps_is_lost_or_lives(bench: &mut Bench) {
    for pause in [0, 1, 3, 9, 20] {
        let talk = bench.start(&bench.command(&["sleep", "600"]));
        if pause > 0 {
            eventually("the claim", || bench.spool("").exists());
        }
        std::thread::sleep(Duration::from_millis(pause));
        for process in processes::descendants(talk.id()) {
            if process.name != "sleep" {
                processes::signal(process.pid, Signal::KILL);
            }
        }
        processes::signal(talk.id(), Signal::KILL);
        drop(talk);
        if !bench.spool("").exists() {
            continue;
        }
        let follower = bench.follow(0, 0);
        follower.line("claimed");
        // The command may sign any time yet; what has signed is followed until it
        // is stopped.
        eventually("the end is told", || {
            let told = bench.stop(5);
            assert!([["stopped"], ["fail unsigned"]].iter().any(|word| told == *word), "{told:?}");
            follower.has_said("end ")
        });
        let said = follower.hear_out();
        assert!(["lost killed", "signal 15 run"].contains(&said.record()), "{said:?}");
        if bench.spool("pid").exists() {
            assert!(!processes::is_alive(bench.pid()));
        }
        bench.next_session();
    }
}

/// Its processes stand still where nothing is written yet but the claim.
fn a_slow_start_is_not_taken_for_a_dead_one(bench: &mut Bench) {
    let slow = bench.dir().join("slow");
    fs::create_dir(&slow).unwrap();
    let fake = bench.script(
        "mkfifo",
        "case $* in *alive*) until [ -e \"$BENCH/go\" ]; do sleep 0.1; done ;; esac\n\
         PATH=${PATH#*:} exec mkfifo \"$@\"",
    );
    fs::rename(fake, slow.join("mkfifo")).unwrap();
    let path = bench.environment["PATH"].to_str().unwrap().to_owned();
    bench.environment.insert("PATH".to_owned(), format!("{}:{path}", slow.display()).into());
    let starter = bench.start_script("exit 4");
    starter.line("claimed");
    let mut follower = bench.follow(0, 0);
    follower.line("claimed");
    // Longer than a start that is dead is waited for.
    assert!(!holds_within(Duration::from_secs(12), || follower.has_ended()));
    fs::write(bench.dir().join("go"), "").unwrap();
    for talk in [starter, follower] {
        assert_eq!(talk.hear_out().record(), "code 4 run");
    }
}
