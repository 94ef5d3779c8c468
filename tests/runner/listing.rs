//! What sessions there are, told to a control machine that lost them.

use std::fs;
use std::os::unix::fs::symlink;

use longhaul::domain::launch::{Launch, Parameters, Stdin};
use longhaul::runner::program::Program;
use rustix::process::Signal;

use crate::bench::{Bench, nonce};
use crate::processes;
use crate::wait::eventually;

under_every_shell! {
    every_session_is_listed_with_its_state_and_its_meta
    a_session_that_was_killed_or_is_of_another_boot_is_lost
    a_capped_session_is_listed_with_all_that_it_wrote
    an_account_without_spools_has_none
    what_is_no_session_is_not_listed
    a_long_list_comes_in_parts
}

fn list(bench: &Bench, skip: u64) -> Vec<String> {
    let root = bench.root.as_ref().map(|root| root.to_str().unwrap());
    bench.control(Program::List, Parameters::new(&nonce()).root(root).skip(skip))
}

fn every_session_is_listed_with_its_state_and_its_meta(bench: &mut Bench) {
    let meta = r#"{"a":"%5Cquoted%5C,$HOME,`id`,%s,-n'"}"#;
    let ended = Launch {
        stdin: Stdin::Data(b"12345".to_vec()),
        meta: meta.to_owned(),
        ..bench.command(&["sh", "-c", "cat; echo e >&2; exit 3"])
    };
    bench.start(&ended).finish();
    let kept = fs::read_to_string(bench.spool("meta")).unwrap();
    assert_eq!(kept, format!("{meta}\n"));
    let first = bench.id.clone();
    bench.next_session();
    let second = bench.id.clone();
    let running = bench.start_script("echo up; sleep 60");
    bench.pid();
    eventually("its output is there", || fs::metadata(bench.spool("out")).unwrap().len() == 3);
    let lines = list(bench, 0);
    assert_eq!(
        lines,
        [
            format!("spool {first} 5 2 5 open code 3 run"),
            format!("meta {meta}"),
            format!("spool {second} 3 0 0 open running"),
            "listed all".to_owned(),
        ]
    );
    let one = bench.control(Program::List, bench.session());
    assert_eq!(one, [format!("spool {second} 3 0 0 open running"), "listed all".to_owned()]);
    assert_eq!(bench.stop(5), ["stopped"]);
    running.finish();
}

fn a_session_that_was_killed_or_is_of_another_boot_is_lost(bench: &mut Bench) {
    let talk = bench.start(&bench.command(&["sleep", "60"]));
    let pid = bench.pid();
    for process in processes::belonging_to(bench.dir()) {
        processes::signal(process.pid, Signal::KILL);
    }
    eventually("nothing of it is left", || processes::belonging_to(bench.dir()).is_empty());
    talk.finish();
    // A wrapper that was quicker than its end.
    let _ = fs::remove_file(bench.spool("exit"));
    let state = |bench: &Bench| list(bench, 0)[0].splitn(7, ' ').last().unwrap().to_owned();
    assert_eq!(state(bench), "lost killed");
    // The same id and start time in another boot are another process.
    fs::write(bench.spool("pid"), format!("{pid} 1 another-boot\n")).unwrap();
    assert_eq!(state(bench), "lost rebooted");
    fs::remove_file(bench.spool("pid")).unwrap();
    assert_eq!(state(bench), "claimed");
}

fn a_capped_session_is_listed_with_all_that_it_wrote(bench: &mut Bench) {
    let script = "head -c 300000 /dev/zero; echo some >&2";
    let max_output = Some("64 KB".parse().unwrap());
    let capped = Launch { max_output, ..bench.command(&["sh", "-c", script]) };
    bench.start(&capped).finish();
    assert!(!bench.spool("out.d/000000000000000").exists(), "nothing was dropped");
    assert_eq!(
        list(bench, 0),
        [
            format!("spool {} 000000000300000 000000000000005 0 open code 0 run", bench.id),
            "listed all".to_owned(),
        ]
    );
}

fn an_account_without_spools_has_none(bench: &mut Bench) {
    assert_eq!(list(bench, 0), ["listed all"]);
    fs::create_dir(bench.root.as_ref().unwrap()).unwrap();
    assert_eq!(list(bench, 0), ["listed all"]);
}

fn what_is_no_session_is_not_listed(bench: &mut Bench) {
    bench.start_script("echo here").finish();
    let root = bench.root.clone().unwrap();
    // Names that are none, a file, a link, and nothing in it.
    for name in ["a b", "*", "short", "ABCDEFGHIJ", "00000000000", "0000 00000"] {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("out"), "x").unwrap();
    }
    fs::write(root.join("0000000001"), "").unwrap();
    symlink(bench.spool(""), root.join("0000000002")).unwrap();
    fs::create_dir(root.join("0000000003")).unwrap();
    // A meta that is no file, or too long to be one.
    fs::create_dir(root.join("0000000004")).unwrap();
    fs::write(root.join("0000000004/out"), "1234").unwrap();
    symlink("/etc/passwd", root.join("0000000004/meta")).unwrap();
    fs::create_dir(root.join("0000000005")).unwrap();
    fs::write(root.join("0000000005/meta"), "x".repeat(40_000)).unwrap();
    fs::create_dir(root.join("0000000006")).unwrap();
    fs::write(root.join("0000000006/out"), "").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("0000000006/meta"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let mut expected = vec![
        "spool 0000000004 4 0 0 open claimed".to_owned(),
        "spool 0000000005 0 0 0 open claimed".to_owned(),
        "spool 0000000006 0 0 0 open claimed".to_owned(),
        format!("spool {} 5 0 0 open code 0 run", bench.id),
        "listed all".to_owned(),
    ];
    let mut lines = list(bench, 0);
    expected.sort();
    lines.sort();
    assert_eq!(lines, expected);
}

fn a_long_list_comes_in_parts(bench: &mut Bench) {
    let root = bench.root.clone().unwrap();
    for n in 0..503_u64 {
        let spool = root.join(longhaul::domain::ids::SessionId::from_bits(n).as_str());
        fs::create_dir_all(&spool).unwrap();
        fs::write(spool.join("out"), "").unwrap();
        fs::write(spool.join("err"), "").unwrap();
        fs::write(spool.join("exit"), "code 0 run\n").unwrap();
    }
    let (first, rest) = (list(bench, 0), list(bench, 500));
    assert_eq!((first.len(), first.last().unwrap().as_str()), (501, "listed more"));
    assert_eq!((rest.len(), rest.last().unwrap().as_str()), (4, "listed all"));
    assert!(first.iter().chain(&rest).filter(|line| line.starts_with("spool ")).count() == 503);
}
