//! What a machine is, and what is on it.

use std::fs;

use longhaul::domain::launch::Parameters;
use longhaul::runner::program::Program;

use crate::bench::{Bench, nonce};

under_every_shell! {
    the_login_shells_path_is_told
    a_login_shell_that_hangs_is_ended_with_all_it_started
    what_an_rc_file_leaves_running_holds_nothing_up
    a_program_is_found_and_asked_for_its_version
    a_program_that_is_not_there_is_told
}

fn value(lines: &[String], key: &str) -> String {
    let found = lines.iter().find_map(|line| line.strip_prefix(&format!("{key} ")));
    found.unwrap_or_else(|| panic!("no {key} in {lines:?}")).to_owned()
}

fn probe(bench: &Bench) -> Vec<String> {
    bench.control(Program::Probe, Parameters::new(&nonce()))
}

fn the_login_shells_path_is_told(bench: &mut Bench) {
    let rc = "echo noise; echo noise >&2\nPATH=/from/the/rc:$PATH\n";
    fs::write(bench.home().join(".profile"), rc).unwrap();
    let lines = probe(bench);
    let path = value(&lines, "path");
    assert!(path.starts_with("/from/the/rc:"), "{lines:?}");
    assert_eq!(value(&lines, "path-from"), "shell");
    assert_eq!(value(&lines, "home"), bench.home().to_str().unwrap());
    assert_eq!(value(&lines, "system"), "Linux");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(value(&lines, "boot"), boot.trim());
}

fn a_login_shell_that_hangs_is_ended_with_all_it_started(bench: &mut Bench) {
    let shell = bench.script("hanging", "echo noise; sleep 60; sleep 60");
    bench.environment.insert("SHELL".to_owned(), shell.into_os_string());
    let lines = probe(bench);
    assert_eq!(value(&lines, "path-from"), "default");
    assert_eq!(value(&lines, "path"), bench.environment["PATH"].to_str().unwrap());
}

fn what_an_rc_file_leaves_running_holds_nothing_up(bench: &mut Bench) {
    let rc = "sleep 60 &\nPATH=/from/the/rc:$PATH\n";
    fs::write(bench.home().join(".profile"), rc).unwrap();
    assert_eq!(value(&probe(bench), "path-from"), "shell");
}

fn which(bench: &Bench, path: Option<&str>, argv: &[&str]) -> Vec<String> {
    let argv: Vec<String> = argv.iter().map(|&arg| arg.to_owned()).collect();
    bench.control(Program::Which, Parameters::new(&nonce()).search(path, &argv))
}

fn a_program_is_found_and_asked_for_its_version(bench: &mut Bench) {
    let tool = bench.script("tool", r#"printf '%s\n' "tool $1 1.2 * \n" more; sleep 60 & exit 3"#);
    let path = format!("{}:/usr/bin:/bin", bench.dir().display());
    let lines = which(bench, Some(&path), &["tool", "a b"]);
    assert_eq!(
        lines,
        [format!("found {}", tool.display()), r"version 3 tool a b 1.2 * \n".to_owned()]
    );
    bench.script("silent", "exit 0");
    assert_eq!(which(bench, Some(&path), &["silent"])[1], "version 0 ");
    bench.script("flood", "exec yes");
    let flood = which(bench, Some(&path), &["flood"]);
    assert!(flood[1].starts_with("version ") && flood[1].ends_with(" y"), "{flood:?}");
}

fn a_program_that_is_not_there_is_told(bench: &mut Bench) {
    assert_eq!(which(bench, None, &["no-such-program"]), ["fail missing no-such-program"]);
    assert_eq!(which(bench, None, &["say"]), ["fail missing say"]);
}
