//! What a machine is, and what is on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use longhaul::domain::agent::Profile;
use longhaul::domain::agent::detect::{LoginSign, Presence, Search, VersionTold, parse, words};
use longhaul::domain::launch::Parameters;
use longhaul::domain::placement::Load;
use longhaul::runner::program::Program;

use crate::bench::{Bench, nonce};

under_every_shell! {
    the_login_shells_path_is_told
    a_login_shell_that_hangs_is_ended_with_all_it_started
    what_an_rc_file_leaves_running_holds_nothing_up
    agents_are_found_with_their_versions_and_logins
    a_machine_tells_how_busy_it_is
}

fn value(lines: &[String], key: &str) -> String {
    let found = lines.iter().find_map(|line| line.strip_prefix(&format!("{key} ")));
    found.unwrap_or_else(|| panic!("no {key} in {lines:?}")).to_owned()
}

fn probe(bench: &Bench) -> Vec<String> {
    bench.control(Program::Probe, Parameters::new(&nonce()))
}

fn a_machine_tells_how_busy_it_is(bench: &mut Bench) {
    let lines = bench.control(Program::Load, Parameters::new(&nonce()));
    let load = Load::parse(lines.iter().map(String::as_str)).expect("a load");
    assert!(load.cpus >= 1 && load.memory > load.available && load.available > 0, "{lines:?}");
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

fn agents_are_found_with_their_versions_and_logins(bench: &mut Bench) {
    bench.script("claude", "echo '2.1.0 (Claude Code)'");
    bench.script("codex", "echo codex-cli 0.50");
    let opencode = bench.script("opencode", "echo not reached");
    fs::set_permissions(&opencode, fs::Permissions::from_mode(0o600)).unwrap();
    let mine = bench.script("mine", "echo must not run >ran");
    for (file, text) in [
        (".claude/.credentials.json", "{\"claudeAiOauth\": {}}"),
        (".codex/auth.json", "{}"),
        ("elsewhere/auth.json", "{\"tokens\": {}}"),
    ] {
        let file = bench.home().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", bench.dir().display());
    let kinds = [Profile::Claude, Profile::Codex, Profile::OpenCode];
    let mut searches =
        kinds.map(|kind| Search::of(kind, kind.cli().spec().name.to_owned())).to_vec();
    searches.push(Search::of(Profile::Generic, "mine".to_owned()));
    searches.push(Search::of(Profile::Generic, "no such".to_owned()));
    let detect = |bench: &Bench, path: &str| {
        let applets = bench.environment["PATH"].to_str().unwrap();
        let parameters =
            Parameters::new(&nonce()).search(Some(&format!("{path}:{applets}")), &words(&searches));
        parse(&bench.control(Program::Detect, parameters)).unwrap()
    };
    let there = |file: &Path, line: Option<&str>| Presence::There {
        file: file.display().to_string(),
        told: line.map(|line| VersionTold { status: 0, line: line.to_owned() }),
    };
    let credentials = bench.home().join(".claude/.credentials.json").display().to_string();
    let found = detect(bench, &path);
    assert_eq!(found.len(), 5, "{found:?}");
    let claude = there(&bench.dir().join("claude"), Some("2.1.0 (Claude Code)"));
    assert_eq!(found[0].presence, claude);
    assert_eq!(found[0].login, Some(LoginSign::File(credentials)));
    assert_eq!(found[1].presence, there(&bench.dir().join("codex"), Some("codex-cli 0.50")));
    // `{}` is what is left after a logout.
    assert_eq!(found[1].login, None);
    assert_eq!(found[2].presence, Presence::Denied { file: opencode.display().to_string() });
    assert_eq!(found[3].presence, there(&mine, None));
    assert!(!bench.dir().join("ran").exists());
    assert_eq!((found[4].program.as_str(), &found[4].presence), ("no such", &Presence::Absent));
    // Where the folder is elsewhere, and where a variable stands for a login.
    let elsewhere = bench.home().join("elsewhere");
    bench.environment.insert("CODEX_HOME".to_owned(), elsewhere.clone().into_os_string());
    bench.environment.insert("ANTHROPIC_API_KEY".to_owned(), "secret".into());
    let found = detect(bench, &path);
    let file = elsewhere.join("auth.json").display().to_string();
    assert_eq!(found[1].login, Some(LoginSign::File(file)));
    let variable = Some(LoginSign::Variable("ANTHROPIC_API_KEY".to_owned()));
    assert_eq!([&found[0].login, &found[2].login], [&variable, &variable]);
}
